//! The daemon: a failover and a dead server, and mail that nobody takes.

use std::fs;

use lb_tests::harness::{with_lab, with_one_director};
use lb_tests::lab::Director;
use lb_tests::lab::plan::{ADVERT_INTERVAL, Plan};

use super::*;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");

/// Gives a director more blocks, and lets its daemon follow.
fn extend(director: &Director, blocks: &str) -> Result<()> {
    let text = fs::read_to_string(director.config_file()).context("the configuration")?;
    director.write_config(&format!("{text}\n{blocks}"))?;
    let reloaded = director.reload()?;
    ensure!(reloaded.is_ok(), "{reloaded:?}");
    Ok(())
}

fn shown(output: &std::process::Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

fn about(message: &Value, text: &str) -> bool {
    message.to_string().contains(text)
}

#[test]
fn a_dead_server_and_a_failover_are_told_by_all_means() {
    let Some(python) = python() else {
        return;
    };
    with_lab(DEMO, |lab| {
        let told = lab.dir().join("told");
        let second = &lab.directors[1];
        let start = |kind| {
            let mut command = second.netns.command(python);
            Receiver::start(&mut command, kind, &json!({ "secret": "a key" }))
        };
        let (mail, web) = (start(Kind::Mail)?, start(Kind::Web)?);
        extend(
            second,
            &format!(
                r#"
[[notify]]
name   = "mail"
type   = "mail"
to     = "ops@example.org"
server = "127.0.0.1:{}"
tls    = "none"
group  = "100ms"
[[notify]]
name   = "web"
type   = "webhook"
url    = "http://127.0.0.1:{}/lvx"
secret = "a key"
group  = "0s"
rate   = "off"
[[notify]]
name    = "page"
type    = "command"
command = ["/bin/sh", "-c", "echo \"$LVX_TEXT\" >> {}"]
user    = "root"
group   = "0s"
rate    = "off"
"#,
                mail.port,
                web.port,
                told.display()
            ),
        )?;
        let tested = second.ask(&["notify", "test"])?;
        ensure!(tested.status.success(), "{}", shown(&tested));
        let lines = String::from_utf8(tested.stdout)?;
        ensure!(
            lines == "mail (mail): ok\nweb (webhook): ok\npage (command): ok\n",
            "{lines}"
        );
        let test = web.next()?;
        ensure!(
            about(&test, "this is a test of web") && test["signed"] == true,
            "{test:#}"
        );
        mail.next()?;

        let victim = lab.servers[2].address();
        lab.servers[2].kill();
        let down = format!("real server {victim} of web is down");
        let is_down = |message: &Value| about(message, &down);
        web.next_until(is_down).context("the webhook")?;
        mail.next_until(is_down).context("the mail")?;
        let wait_told = |text: &str| {
            wait_until(
                &format!("the command to be told {text:?}"),
                PATIENCE,
                || Ok(fs::read_to_string(&told)?.contains(text)),
            )
        };
        wait_told(&down)?;

        lab.directors[0].kill()?;
        let is_master = |message: &Value| about(message, "VI_1 is MASTER: ");
        let requests = web.next_until(is_master).context("the webhook")?;
        let event = &requests.last().context("a request")?["body"]["events"][0];
        ensure!(
            event["kind"] == "state"
                && event["instance"] == "VI_1"
                && event["from"] == "BACKUP"
                && event["to"] == "MASTER",
            "{event:#}"
        );
        mail.next_until(is_master).context("the mail")?;
        wait_told("VI_1 is MASTER: ")?;

        let status = lab.directors[1].status()?;
        let targets = status["notify"]["targets"].as_array().context("targets")?;
        let names: Vec<&Value> = targets.iter().map(|target| &target["name"]).collect();
        ensure!(names == ["mail", "web", "page"], "{targets:?}");
        for target in targets {
            let sent = target["sent"].as_u64();
            ensure!(
                sent >= Some(2) && target["failed"] == 0 && target["last_error"].is_null(),
                "{target:#}"
            );
        }
        // The last words leave in time.
        lab.directors[1].terminate()?;
        lab.directors[1].wait_stopped()?;
        let stopped = |message: &Value| about(message, "lvx stopped");
        web.next_until(stopped).context("the webhook")?;
        mail.next_until(stopped).context("the mail")?;
        wait_told("lvx stopped")
    });
}

/// A server that nobody finds, and one that is silent.
#[test]
fn mail_that_nobody_takes_does_not_disturb_the_protocol() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let director = &lab.directors[0];
        let silent = director
            .netns
            .run(|| std::net::TcpListener::bind("127.0.0.1:0"))??;
        let mut blocks = String::new();
        for (name, server) in [
            ("gone", "10.77.0.250:25".to_owned()),
            ("silent", silent.local_addr()?.to_string()),
        ] {
            blocks += &format!(
                "[[notify]]\nname = \"{name}\"\ntype = \"mail\"\nto = \"ops@example.org\"\n\
                 server = \"{server}\"\ntls = \"none\"\ntimeout = \"1s\"\ngroup = \"0s\"\n\
                 rate = \"off\"\nevents = [\"all\"]\n"
            );
        }
        extend(director, &blocks)?;
        let before = director.status()?;
        // Each reload is an event; some of them are one message.
        let status = wait_for("both to be full", Duration::from_secs(60), || {
            for _ in 0..10 {
                let reloaded = director.reload()?;
                ensure!(reloaded.is_ok(), "{reloaded:?}");
            }
            let status = director.status()?;
            let targets = &status["notify"]["targets"];
            let full = |target: &Value| {
                target["queued"].as_u64() >= Some(100)
                    && target["dropped"].as_u64() >= Some(10)
                    && target["last_error"].is_string()
            };
            ensure!(full(&targets[0]) && full(&targets[1]), "{targets:#}");
            Ok(Some(status))
        })?;
        let vrrp = &status["vrrp"][0];
        ensure!(
            vrrp["state"] == "MASTER" && vrrp["since"] == before["vrrp"][0]["since"],
            "{vrrp:#}"
        );
        let late = status["protocol"]["worst_lateness"]
            .as_u64()
            .context("lateness")?;
        eprintln!("latest timer of the protocol: {late} µs late");
        ensure!(
            Duration::from_micros(late) < ADVERT_INTERVAL,
            "{late} µs late"
        );

        // One line for each change, not one for each try.
        let output = director.ask(&["events", "--json"])?;
        let events = String::from_utf8(output.stdout)?;
        let failures = events
            .lines()
            .filter(|line| line.contains("cannot be told"));
        ensure!(failures.count() == 2, "{events}");
        let people = String::from_utf8(director.ask(&["status"])?.stdout)?;
        ensure!(
            people.contains("notify gone IS NOT TOLD: 100 messages wait"),
            "{people}"
        );

        let tested = director.ask(&["notify", "test", "silent", "--json"])?;
        ensure!(tested.status.code() == Some(1), "{}", shown(&tested));
        let outcomes: Value = serde_json::from_slice(&tested.stdout)?;
        let expected = format!("mail server {}: no success within 1s", silent.local_addr()?);
        ensure!(
            outcomes[0]["ok"] == false && outcomes[0]["error"] == expected,
            "{outcomes:#}"
        );
        let unknown = director.ask(&["notify", "test", "nobody"])?;
        ensure!(
            unknown.status.code() == Some(1) && shown(&unknown).contains("there are: gone, silent"),
            "{}",
            shown(&unknown)
        );
        let start = Instant::now();
        lab.directors[0].terminate()?;
        lab.directors[0].wait_stopped()?;
        let after = start.elapsed();
        ensure!(after < Duration::from_secs(8), "the end took {after:?}");
        let log = fs::read_to_string(lab.directors[0].log_file())?;
        ensure!(log.contains("gone is not told of "), "{log}");
        Ok(())
    });
}
