//! Who is told of changes: scripts, the named pipe, `lvx events`; and what `lvx vrrp status` says.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::harness::with_prepared_director;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::{Director, Lab};
use lb_tests::wait::{wait_for, wait_until};
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const PATIENCE: Duration = Duration::from_secs(10);

/// Adds lines to the only VRRP instance of `lb1`, and to `[global]`.
fn extend(director: &Director, vrrp: &str, global: &str) -> Result<()> {
    let text = fs::read_to_string(director.config_file()).context("the configuration")?;
    let text = text.replacen("[[service]]", &format!("{vrrp}\n\n[[service]]"), 1);
    let text = text.replacen("[global]", &format!("[global]\n{global}"), 1);
    director.write_config(&text)
}

/// A notify script that writes its words into `told` of the lab's directory.
fn prepare_notify(lab: &Lab) -> Result<()> {
    let dir = lab.dir().display();
    let script = format!(
        "echo $1 $2 $3 $4 after $LVX_PREVIOUS_STATE by $LVX_ROUTER_ID, $LVX_CAUSE >> {dir}/told"
    );
    let notify = format!(
        "notify = {{ command = [\"/bin/sh\", \"-c\", \"{script}\", \"sh\"], user = \"root\" }}"
    );
    let fifo = format!("notify_fifo = \"{dir}/fifo\"");
    extend(&lab.directors[0], &notify, &fifo)
}

fn pipe(path: &Path) -> Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK);
    options.open(path).context("opening the named pipe")
}

#[test]
fn a_script_and_a_pipe_are_told_in_order() {
    let prepare = |lab: &Lab| {
        prepare_notify(lab)?;
        // The reader is there before the daemon is.
        let made = std::process::Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(lab.dir().join("fifo"))
            .status();
        ensure!(made.context("mkfifo")?.success(), "mkfifo");
        Ok(())
    };
    let mut fifo = None;
    let opened = &mut fifo;
    let prepare = |lab: &Lab| {
        prepare(lab)?;
        *opened = Some(pipe(&lab.dir().join("fifo"))?);
        Ok(())
    };
    with_prepared_director(DEMO, &Plan::equal(3), prepare, |lab| {
        let told = lab.dir().join("told");
        let lines = |count: usize| {
            wait_for(&format!("{count} lines"), PATIENCE, || {
                let text = fs::read_to_string(&told)?;
                Ok((text.lines().count() == count).then_some(text))
            })
        };
        lines(2)?;
        lab.directors[0].terminate()?;
        lab.directors[0].wait_stopped()?;
        let text = lines(3)?;
        let expected = "INSTANCE VI_1 BACKUP 200 after INIT by lb1, started, listening for a \
                        master\nINSTANCE VI_1 MASTER 200 after BACKUP by lb1, no master was \
                        heard\nINSTANCE VI_1 INIT 200 after MASTER by lb1, stopped\n";
        ensure!(text == expected, "{text}");
        Ok(())
    });
    let Some(mut fifo) = fifo else {
        return; // Skipped.
    };
    let mut text = String::new();
    fifo.read_to_string(&mut text).unwrap();
    assert_eq!(
        text,
        "INSTANCE \"VI_1\" BACKUP 200\nINSTANCE \"VI_1\" MASTER 200\nINSTANCE \"VI_1\" INIT 200\n"
    );
}

#[test]
fn a_pipe_that_nobody_reads_costs_lines_and_nothing_else() {
    with_prepared_director(DEMO, &Plan::equal(3), prepare_notify, |lab| {
        let director = &lab.directors[0];
        let status = director.status()?;
        let notify = &status["notify"];
        ensure!(
            notify["lines"] == 0 && notify["lines_lost"] == 2,
            "{notify}"
        );
        let lost = events(director)?;
        let lost = lost.iter().filter(|it| it["kind"] == "notify");
        let lost: Vec<&str> = lost.filter_map(|it| it["text"].as_str()).collect();
        let [text] = lost[..] else {
            anyhow::bail!("said once: {lost:?}");
        };
        ensure!(text.contains("nobody reads"), "{text}");
        Ok(())
    });
}

fn events(director: &Director) -> Result<Vec<Value>> {
    let output = director.ask(&["events", "--json"])?;
    ensure!(output.status.success(), "lvx events: {output:?}");
    let lines = String::from_utf8(output.stdout)?;
    lines
        .lines()
        .map(|line| serde_json::from_str(line).context("an event"))
        .collect()
}

struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        // It ends with the daemon at the latest.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn events_are_remembered_and_followed() {
    let no_preparation = |_: &Lab| Ok(());
    with_prepared_director(DEMO, &Plan::equal(3), no_preparation, |lab| {
        let director = &lab.directors[0];
        let before = events(director)?;
        let numbers: Vec<u64> = before
            .iter()
            .filter_map(|it| it["sequence"].as_u64())
            .collect();
        let expected: Vec<u64> = (1..=u64::try_from(before.len())?).collect();
        ensure!(numbers == expected, "{numbers:?}");
        let states: Vec<&Value> = before
            .iter()
            .filter(|it| it["kind"] == "state" && it["instance"] == "VI_1")
            .map(|it| &it["fields"]["state"])
            .collect();
        ensure!(states == ["BACKUP", "MASTER"], "{states:?}");
        // Verdicts: that a MAC became known may be an event, too.
        let up = before.iter().filter(|it| it["kind"] == "server");
        let up = up.filter(|it| it["fields"]["decided"].is_string());
        ensure!(up.count() == 6, "three servers of two services: {before:?}");

        let mut command = std::process::Command::new(std::env::var_os("LVX_BIN").context("lvx")?);
        command.args(["events", "--follow", "--json", "-n", "0", "--socket"]);
        command.arg(director.socket()).stdout(Stdio::piped());
        let mut follower = Follower(command.spawn()?);
        let output = follower.0.stdout.take().context("its output")?;
        let log = fs::read_to_string(director.log_file())?;
        ensure!(log.contains("VI_1 is MASTER: no master was heard"), "{log}");
        // It may begin to follow after the first reload, but sees one of those that come later.
        let (lines, received) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let line = BufReader::new(output).lines().next();
            // The test has ended already if nobody wants it.
            let _ = lines.send(line);
        });
        let line = wait_for("an event", PATIENCE, || {
            ensure!(director.reload()?.is_ok(), "the reload was refused");
            Ok(received.try_recv().ok().flatten())
        })??;
        let event: Value = serde_json::from_str(&line)?;
        ensure!(event["kind"] == "reload", "{event}");
        ensure!(
            event["sequence"].as_u64() > numbers.last().copied(),
            "{event}"
        );

        let latest = director.ask(&["events", "-n", "1"])?;
        let latest = String::from_utf8(latest.stdout)?;
        ensure!(
            latest.lines().count() == 1 && latest.contains("configuration reloaded"),
            "{latest}"
        );
        Ok(())
    });
}

#[test]
fn tracking_is_shown_thing_by_thing() {
    let prepare = |lab: &Lab| {
        let dir = lab.dir().display();
        let track = format!(
            "track = [{{ file = \"{dir}/number\", weight = -10 }}, {{ interface = \"eth0\" }}, \
             {{ service = \"web\", min_healthy = 3, weight = 7 }}, \
             {{ script = [\"/bin/sh\", \"-c\", \"echo ill; exit 3\"], user = \"root\", \
             interval = \"100ms\", weight = -20 }}]"
        );
        extend(&lab.directors[0], &track, "")
    };
    with_prepared_director(DEMO, &Plan::equal(3), prepare, |lab| {
        let director = &lab.directors[0];
        let texts = [
            "file DIR/number has 2 in it",
            "interface eth0 is well",
            "service web is well",
            "script /bin/sh -c echo ill; exit 3 exited with 3: ill",
        ];
        let dir = lab.dir().display().to_string();
        let texts = texts.map(|text| text.replace("DIR", &dir));
        fs::write(lab.dir().join("number"), "2")?;
        wait_until("the file's number to count", PATIENCE, || {
            let shown = director.ask(&["vrrp", "status", "VI_1", "--json"])?;
            let shown: Value = serde_json::from_slice(&shown.stdout)?;
            let vrrp = &shown[0];
            let tracking = vrrp["tracking"].as_array().context("tracking")?;
            let seen: Vec<&str> = tracking
                .iter()
                .filter_map(|it| it["text"].as_str())
                .collect();
            ensure!(seen == texts, "{seen:?}");
            let adjustments: Vec<i64> = tracking
                .iter()
                .filter_map(|it| it["adjustment"].as_i64())
                .collect();
            ensure!(adjustments == [-20, 0, 7, -20], "{adjustments:?}");
            ensure!(vrrp["effective_priority"] == 167, "{vrrp}");
            ensure!(
                vrrp["priority"] == 200 && vrrp["leader"].is_null(),
                "{vrrp}"
            );
            Ok(true)
        })?;
        let people = director.ask(&["vrrp", "status"])?;
        let people = String::from_utf8(people.stdout)?;
        ensure!(
            people.contains("priority 167 (200 -33 by tracking)")
                && people.contains("this director leads"),
            "{people}"
        );
        let unknown = director.ask(&["vrrp", "status", "VI_9"])?;
        ensure!(unknown.status.code() == Some(1), "{unknown:?}");
        let text = String::from_utf8(unknown.stderr)?;
        ensure!(text.contains("there are: VI_1"), "{text}");
        Ok(())
    });
}
