//! What runs in a machine: test binaries of lb-tests, `lvx`, and the lab's own programs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::kernel::Kernel;
use crate::{
    sh,
    workspace::{Profile, Workspace},
};

/// A test binary by its name, and what it gets as arguments.
type Selection = (&'static str, &'static [&'static str]);

/// Of the table swaps those that finish: thousands of grace periods take minutes in emulation,
/// and a limit in milliseconds says nothing there.
const SWAPS: &[&str] = &[
    "--skip=every_packet_sees",
    "--skip=a_reload_of_many",
    "--skip=with_a_thousand_servers",
];
const FEWER_SWAPS: &[&str] = &["a_table_that_fills_the_maps"];
/// Whether programs can have names, aya finds out with a tracepoint, which User-mode Linux has not.
const ATTACHES: &[&str] = &["--skip=a_foreign_program"];
/// What needs the kernel more than the program: each load takes seconds of verification there.
const FEWER_ATTACHES: &[&str] = &["a_new_daemon", "a_nic_carries", "a_foreign_program_is"];
/// Of the comparisons of thousands of choices those that are the shortest.
const FEWER_IPVS: &[&str] = &["--skip=20_changes", "--skip=as_we_do_for_ipv4"];
/// The program's log wants memory accesses that User-mode Linux's verifier takes for misaligned.
const TRACES: &[&str] = &["--skip=in_the_log", "--skip=what_is_off"];
/// Other kernels' verifiers take the tracing program.
const FEWER_TRACES: &[&str] = &["packets_appear"];
/// Both planes at once: the kernel's IPVS beside the program.
const FEWER_PLANES: &[&str] = &["pieces_that_could_be_of_two_services"];

/// What follows from checks, where IPVS serves.
const POLICIES: &[&str] = &["through_ipvs"];

/// Checks through the virtual address, by filters where there is no tcx.
const FEWER_VIAS: &[&str] = &["a_server_without_the_vip_is_down_on_master", "filters_do"];

/// What runs when nobody names a test: what needs IP_VS, and what shows that another kernel's
/// verifier takes the program and that it does the same there.
const fn by_default(kernel: Kernel) -> &'static [Selection] {
    match kernel {
        Kernel::Uml => &[
            ("packets", &[]),
            ("swap", SWAPS),
            ("attach", ATTACHES),
            ("ipvs", &[]),
            ("planes", &[]),
            ("trace", TRACES),
            ("policy", POLICIES),
        ],
        // Here each of hundreds of grace periods takes a tenth of a second, and so does each
        // program that a lab starts.
        Kernel::V6_1 | Kernel::V6_12 => &[
            ("packets", &[]),
            ("swap", FEWER_SWAPS),
            ("attach", FEWER_ATTACHES),
            ("ipvs", FEWER_IPVS),
            ("planes", FEWER_PLANES),
            ("trace", FEWER_TRACES),
            ("via", FEWER_VIAS),
        ],
    }
}

/// The calls of what runs when nobody names a test.
pub(super) fn default_calls(kernel: Kernel, tests: &[Test]) -> Result<Vec<Call<'_>>> {
    let call = |(name, arguments): &Selection| {
        Ok(Call {
            test: find(tests, name)?,
            arguments: arguments.to_vec(),
        })
    };
    by_default(kernel).iter().map(call).collect()
}

/// A test binary.
pub(super) struct Test {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// Builds the tests of lb-tests, like `cargo xtask test` does, and says where they are.
pub(super) fn tests(workspace: &Workspace) -> Result<Vec<Test>> {
    let mut command = workspace.cargo("test");
    command
        .env("LVX_BPF_OBJECT", workspace.bpf_object("lvx-xdp"))
        .args(["--workspace", "--bins", "--tests", "--no-run"])
        .args(["--message-format", "json-render-diagnostics"]);
    let messages = sh::output(&mut command)?;
    let manifest = workspace.root.join("tests/Cargo.toml");
    Ok(messages
        .lines()
        .filter_map(|line| test(line, &manifest))
        .collect())
}

/// The test binary that a message of cargo is about, if it is about one of this package.
fn test(message: &str, manifest: &Path) -> Option<Test> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = &message["target"];
    let kinds = target["kind"].as_array()?;
    if message["manifest_path"].as_str().map(Path::new) != Some(manifest)
        || !kinds.iter().any(|kind| kind == "test")
    {
        return None;
    }
    Some(Test {
        name: target["name"].as_str()?.to_owned(),
        path: message["executable"].as_str()?.into(),
    })
}

/// That of `tests` which is called `name`.
pub(super) fn find<'a>(tests: &'a [Test], name: &str) -> Result<&'a Test> {
    let found = tests.iter().find(|test| test.name == name);
    found.with_context(|| {
        let known: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
        format!("lb-tests has no test {name}; it has {}", known.join(", "))
    })
}

/// A test binary and what it is called with.
pub(super) struct Call<'a> {
    pub(super) test: &'a Test,
    pub(super) arguments: Vec<&'a str>,
}

/// A script that makes all `calls` in `directory` and fails if one of them does.
pub(super) fn script(directory: &Path, calls: &[Call<'_>]) -> String {
    let mut script = format!("cd {}\nfailed=\n", sh::quote(directory.as_os_str()));
    for call in calls {
        let name = &call.test.name;
        let mut words = sh::quote(call.test.path.as_os_str());
        for argument in &call.arguments {
            words.push(' ');
            words.push_str(&sh::quote(argument.as_ref()));
        }
        script.push_str(&format!(
            "echo '--- {name}'\nSECONDS=0\n{words} || failed=\"$failed {name}\"\n\
             echo \"--- {name}: $SECONDS s\"\n"
        ));
    }
    script.push_str("test -z \"$failed\" || { echo \"failed:$failed\"; exit 1; }\n");
    script
}

/// Programs beside the tests that the lab starts, as far as they are built.
pub(super) fn companions(workspace: &Workspace, profile: Profile) -> Result<Vec<PathBuf>> {
    let programs = ["lvx", "lvx-demo"].map(|name| workspace.binary(profile, name));
    if !programs[0].is_file() {
        bail!("no {}", programs[0].display());
    }
    Ok(programs.into_iter().filter(|path| path.is_file()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_binaries_are_found_in_the_words_of_cargo() {
        let manifest = Path::new("/w/tests/Cargo.toml");
        let line = r#"{"reason":"compiler-artifact","manifest_path":"/w/tests/Cargo.toml",
            "target":{"kind":["test"],"name":"ipvs"},"executable":"/w/target/debug/deps/ipvs-1"}"#;
        let found = test(line, manifest).expect("a test");
        assert_eq!(found.name, "ipvs");
        assert_eq!(found.path, Path::new("/w/target/debug/deps/ipvs-1"));
        let other = line.replace("/w/tests", "/w/lb-common");
        assert!(test(&other, manifest).is_none());
        assert!(test("   Compiling x", manifest).is_none());
        assert!(find(&[found], "swap").is_err());
    }

    #[test]
    fn a_script_runs_all_tests_and_fails_with_one_of_them() {
        let program = |name: &str| Test {
            name: name.to_owned(),
            path: Path::new("/bin").join(name),
        };
        let (good, bad) = (program("true"), program("false"));
        let run = |tests: &[&Test]| {
            let call = |test| Call {
                test,
                arguments: vec!["it's"],
            };
            let calls: Vec<Call<'_>> = tests.iter().copied().map(call).collect();
            let script = script(Path::new("/tmp"), &calls);
            let output = std::process::Command::new("bash")
                .args(["-c", &script])
                .output();
            let output = output.expect("bash is there");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.code(), said)
        };
        let (code, said) = run(&[&bad, &good]);
        assert_eq!(code, Some(1));
        assert!(said.contains("--- true: 0 s"), "{said}");
        assert!(said.contains("failed: false"), "{said}");
        assert_eq!(run(&[&good]).0, Some(0));
    }
}
