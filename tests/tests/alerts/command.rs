//! Programs that get messages.

use std::fs;

use lb_tests::receivers::Authority;

use super::*;

fn target(script: &str, lines: &str) -> Result<String> {
    let user = own_user()?;
    Ok(format!(
        "[[notify]]\nname = \"page\"\ntype = \"command\"\ngroup = \"0s\"\nuser = \"{user}\"\n\
         command = [\"/bin/sh\", \"-c\", '''{script}''', \"sh\", \"$HOME; touch /\"]\n{lines}\n"
    ))
}

#[test]
fn a_program_gets_json_and_variables() -> Result<()> {
    let scratch = Authority::new()?;
    let dir = scratch.dir().display();
    let script = format!(
        "cat > {dir}/input; echo \"$1|$LVX_ROUTER_ID|$LVX_TARGET|$LVX_COUNT|$LVX_KIND|\
         $LVX_LEVEL|$LVX_SERVICE|$LVX_SERVER|$LVX_STATE|$LVX_TEXT|$LVX_ID\" > {dir}/new; \
         mv {dir}/new {dir}/variables"
    );
    let bench = Bench::new(&target(&script, "")?)?;
    bench.server(21, "down");
    let variables = scratch.dir().join("variables");
    wait_until("the program", PATIENCE, || Ok(variables.exists()))?;
    let input: Value = serde_json::from_slice(&fs::read(scratch.dir().join("input"))?)?;
    ensure!(input["events"][0]["server"] == "192.0.2.21", "{input:#}");
    let id = input["id"].as_str().context("an id")?;
    let expected = format!(
        "$HOME; touch /|lb1.example.org|page|1|server|info|web|192.0.2.21|down|real server \
         192.0.2.21 of web is down|{id}\n"
    );
    let variables = fs::read_to_string(variables)?;
    ensure!(variables == expected, "{variables}");
    bench.wait("page", "the count", |it| it.sent == 1)?;
    Ok(())
}

#[test]
fn a_program_that_fails_is_run_again_and_one_that_hangs_is_killed() -> Result<()> {
    let scratch = Authority::new()?;
    let dir = scratch.dir().display();
    // Large input that nobody reads is no reason to wait.
    let script = format!(
        "echo $LVX_ID >> {dir}/runs; case $(wc -l < {dir}/runs) in \
         1) echo no pager; exit 3;; 2) trap \"\" TERM; sleep 60;; esac"
    );
    let bench = Bench::new(&target(&script, "timeout = \"500ms\"\nevents = [\"all\"]")?)?;
    bench.order(&"x".repeat(300_000));
    let failed = bench.wait("page", "the first run", |it| it.last_error.is_some())?;
    let error = failed.last_error.context("an error")?;
    ensure!(error == "/bin/sh exited with 3: no pager", "{error}");
    let killed = |it: &Standing| {
        it.last_error
            .as_ref()
            .is_some_and(|e| e.contains("was killed"))
    };
    bench.wait("page", "the second run", killed)?;
    bench.wait("page", "the third run", |it| it.sent == 1)?;
    let runs = fs::read_to_string(scratch.dir().join("runs"))?;
    let runs: Vec<&str> = runs.lines().collect();
    ensure!(
        runs.len() == 3 && runs.iter().all(|id| *id == runs[0]),
        "{runs:?}"
    );
    Ok(())
}
