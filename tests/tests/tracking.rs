//! What is tracked moves the VIP, and so does the operator.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::client::{Load, Pace};
use lb_tests::harness::{with_lab, with_one_director};
use lb_tests::lab::plan::Plan;
use lb_tests::lab::{Director, Lab, WEB_PORT};
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const PATIENCE: Duration = Duration::from_secs(15);
/// Answers that a load must have had before something is done, and after.
const SOME: u64 = 100;

/// Gives the VRRP instance of a director these lines, and lets its daemon follow.
fn reconfigure(director: &Director, lines: &str) -> Result<()> {
    let text = fs::read_to_string(director.config_file()).context("the configuration")?;
    let text = text.replacen("[[service]]", &format!("{lines}\n\n[[service]]"), 1);
    director.write_config(&text)?;
    let reloaded = director.reload()?;
    ensure!(reloaded.is_ok(), "{reloaded:?}");
    Ok(())
}

fn ip(director: &Director, arguments: &str) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(["-n", director.netns.name()]);
    output_of(command.args(arguments.split(' '))).map(|_| ())
}

/// `lb1` loses the VIP by `break_it`, which is a fault or costs it 100 of its priority, and gets
/// it back by `mend_it`.
fn moves(
    lab: &Lab,
    what: &str,
    state: &str,
    break_it: impl FnOnce() -> Result<()>,
    mend_it: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let [first, second] = &lab.directors;
    break_it()?;
    second.wait_vrrp_state("MASTER").context(what.to_owned())?;
    first.wait_vrrp_state(state).context(what.to_owned())?;
    wait_until("the VIP to be on lb2 alone", PATIENCE, || {
        Ok(!first.has_vip()? && second.has_vip()?)
    })?;
    lab.wait_vip()?;
    mend_it()?;
    first.wait_vrrp_state("MASTER").context(what.to_owned())?;
    second.wait_vrrp_state("BACKUP").context(what.to_owned())?;
    lab.wait_vip()
}

/// The words for what `lb1` tracks, with its state.
fn reason(director: &Director) -> Result<String> {
    let status = director.status()?;
    let reason = status["vrrp"][0]["reason"].as_str();
    Ok(reason.context("a reason")?.to_owned())
}

#[test]
fn what_is_tracked_moves_the_vip() {
    with_lab(DEMO, |lab| {
        let first = &lab.directors[0];
        let dir = lab.dir().to_owned();
        let (number, sick) = (dir.join("number"), dir.join("sick"));
        ip(first, "link add uplink type veth peer name far")?;
        ip(first, "link set uplink up")?;
        ip(first, "link set far up")?;
        ip(first, "route add 10.99.0.0/16 dev uplink")?;
        let tracked = format!(
            "track = [{{ interface = \"uplink\" }}, {{ file = \"{}\", weight = -100 }}, \
             {{ route = \"10.99.0.0/16\" }}, {{ service = \"web\", min_healthy = 1 }}, \
             {{ script = [\"/bin/sh\", \"-c\", \"test ! -e {sick} || {{ echo ill; exit 3; }}\"], \
             user = \"root\", interval = \"100ms\" }}]",
            number.display(),
            sick = sick.display()
        );
        reconfigure(first, &tracked)?;
        // A reload that adds tracking moves nothing.
        lab.wait_ready()?;

        moves(
            lab,
            "an interface without carrier",
            "FAULT",
            || {
                ip(first, "link set far down")?;
                wait_until("the reason", PATIENCE, || {
                    Ok(reason(first)?.contains("interface uplink is down"))
                })
            },
            || ip(first, "link set far up"),
        )?;
        moves(
            lab,
            "a file's number",
            "BACKUP",
            || fs::write(&number, "1").context("writing"),
            || fs::remove_file(&number).context("removing"),
        )?;
        moves(
            lab,
            "a script",
            "FAULT",
            || {
                fs::write(&sick, "")?;
                wait_until("the reason", PATIENCE, || {
                    Ok(reason(first)?.ends_with("exited with 3: ill"))
                })
            },
            || fs::remove_file(&sick).context("removing"),
        )?;
        moves(
            lab,
            "a route",
            "FAULT",
            || ip(first, "route del 10.99.0.0/16"),
            || ip(first, "route add 10.99.0.0/16 dev uplink"),
        )?;
        let nft = |text: &str| {
            let mut command = first.netns.command("nft");
            output_of(command.arg(text)).map(|_| ())
        };
        moves(
            lab,
            "servers that lb1 alone cannot reach",
            "FAULT",
            || {
                nft("add table inet cut")?;
                nft("add chain inet cut out { type filter hook output priority 0; }")?;
                nft(&format!("add rule inet cut out tcp dport {WEB_PORT} drop"))
            },
            || nft("delete table inet cut"),
        )
    });
}

fn words(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_director_that_resigns_names_its_successor_and_can_claim_again() {
    with_lab(DEMO, |lab| {
        let [first, second] = &lab.directors;
        wait_until("lb2 to have heard lb1", PATIENCE, || {
            Ok(!second.status()?["vrrp"][0]["leader"].is_null())
        })?;
        let nothing = second.ask(&["vrrp", "resign", "VI_1"])?;
        ensure!(nothing.status.code() == Some(1), "{}", words(&nothing));
        ensure!(
            words(&nothing).contains("10.77.0.1 leads"),
            "{}",
            words(&nothing)
        );
        let load = Load::start(lab, Pace::STEADY);
        load.wait_answers(SOME)?;
        let resigned = first.ask(&["vrrp", "resign", "VI_1"])?;
        ensure!(resigned.status.success(), "{}", words(&resigned));
        ensure!(
            words(&resigned).contains("10.77.0.2 leads VI_1 with priority 150"),
            "{}",
            words(&resigned)
        );
        second.wait_vrrp_state("MASTER")?;
        wait_until("the VIP to leave", PATIENCE, || Ok(!first.has_vip()?))?;
        load.wait_answers(3 * SOME)?;
        // With the higher priority it follows all the same, until it claims.
        first.wait_vrrp_state("BACKUP")?;
        let claimed = first.ask(&["vrrp", "claim", "VI_1"])?;
        ensure!(claimed.status.success(), "{}", words(&claimed));
        lab.wait_ready()?;
        load.wait_answers(SOME)?;
        load.finish()?.none_failed()?;
        Ok(())
    });
}

#[test]
fn a_director_without_a_backup_serves_on_when_it_resigns() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let first = &lab.directors[0];
        let load = Load::start(lab, Pace::STEADY);
        load.wait_answers(SOME)?;
        let resigned = first.ask(&["vrrp", "resign", "VI_1"])?;
        ensure!(resigned.status.code() == Some(1), "{}", words(&resigned));
        ensure!(
            words(&resigned).contains("nobody took over: VI_1 is MASTER here again"),
            "{}",
            words(&resigned)
        );
        ensure!(
            first.vrrp_state()? == "MASTER" && first.has_vip()?,
            "not serving"
        );
        load.wait_answers(SOME)?;
        load.finish()?.none_failed()?;
        let log = fs::read_to_string(Path::new(&first.log_file()))?;
        ensure!(!log.contains("virtual address removed"), "{log}");
        let unknown = first.ask(&["vrrp", "resign", "VI_9"])?;
        ensure!(unknown.status.code() == Some(1), "{}", words(&unknown));
        ensure!(
            words(&unknown).contains("there are: VI_1"),
            "{}",
            words(&unknown)
        );
        Ok(())
    });
}
