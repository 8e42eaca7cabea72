//! Servers that do not answer their clients, seen by the packets that do not come.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lb_tests::client::{Load, Pace};
use lb_tests::harness::with_prepared_director;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{VIP, server_address};
use lb_tests::lab::{Director, Lab};
use lb_tests::netns::output_of;
use lb_tests::wait::{wait_for, wait_until};
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const VICTIM: u8 = 2;
const SOON: Duration = Duration::from_secs(10);
/// Ten times earlier than the next probe.
const EARLY: Duration = Duration::from_secs(3);
const TIMING: &str = r#"interval = "200ms", timeout = "200ms", rise = 2, fall = 2"#;
/// The check of a server that is probed seldom.
const SELDOM: &str = r#"interval = "30s", timeout = "200ms", rise = 1, fall = 1"#;

/// Every connection is sampled.
fn sampling(lab: &Lab, edit: impl Fn(String) -> String) -> Result<()> {
    let director = &lab.directors[0];
    let text = std::fs::read_to_string(director.config_file())?;
    let text = text.replacen("[global]", "[global]\npassive_sample = 1", 1);
    director.write_config(&edit(text))
}

fn unanswered(director: &Director, number: u8) -> Result<Value> {
    let mut server = director.real_server("web", server_address(number))?;
    Ok(server["unanswered"].take())
}

fn number(value: &Value, key: &str) -> Result<u64> {
    let found = value[key].as_u64();
    found.with_context(|| format!("no number {key} in {value}"))
}

fn state(director: &Director, service: &str) -> Result<String> {
    let server = director.real_server(service, server_address(VICTIM))?;
    let state = server["state"].as_str();
    Ok(state.context("a state")?.to_owned())
}

/// The checks go to the server's own address, and tell nothing.
#[test]
fn a_server_without_the_virtual_address_does_not_answer() {
    let own = |text: String| text.replace(TIMING, &format!("{TIMING}, via = \"server\""));
    let prepare = |lab: &Lab| sampling(lab, own);
    with_prepared_director(DEMO, &Plan::equal(3), prepare, |lab| {
        let director = &lab.directors[0];
        let load = Load::start(lab, Pace::STEADY);
        load.wait_answers(100)?;
        wait_until("samples of all servers", SOON, || {
            let all = [1, 2, 3].map(|server| unanswered(director, server));
            let sampled = |one: &Result<Value>| {
                let one = one.as_ref().ok()?;
                Some(number(one, "sampled").ok()? >= 3)
            };
            Ok(all.iter().all(|one| sampled(one) == Some(true)))
        })?;
        let before = unanswered(director, VICTIM)?;
        ensure!(number(&before, "unanswered")? == 0, "{before}");

        let victim = &lab.servers[usize::from(VICTIM) - 1];
        let mut ip = victim.netns.command("ip");
        output_of(ip.args(["addr", "del", &format!("{VIP}/32"), "dev", "lo"]))?;
        let seen = wait_for("unanswered SYNs", SOON, || {
            let seen = unanswered(director, VICTIM)?;
            Ok((number(&seen, "unanswered")? >= 3).then_some(seen))
        })?;
        let share = number(&seen, "share")?;
        ensure!((1..=100).contains(&share), "{seen}");
        for other in [1, 3] {
            let seen = unanswered(director, other)?;
            ensure!(number(&seen, "unanswered")? == 0, "rs{other}: {seen}");
        }
        ensure!(state(director, "web")? == "up", "a hint is no verdict");
        let text = director.ask(&["status"])?.stdout;
        let text = String::from_utf8(text)?;
        ensure!(
            text.matches("sampled SYNs of the last 10 s were not answered")
                .count()
                == 1,
            "{text}"
        );
        drop(load);
        wait_until("the hint to be forgotten", SOON + SOON, || {
            Ok(unanswered(director, VICTIM)?.is_null())
        })
    });
}

/// Both services are checked every 30 s; only one of the checks listens to clients.
#[test]
fn a_passive_check_probes_at_once_and_another_does_not() {
    let prepare = |lab: &Lab| {
        sampling(lab, |text| {
            let text = text.replacen(TIMING, &format!("{SELDOM}, passive = true"), 1);
            text.replacen(TIMING, SELDOM, 1)
        })
    };
    with_prepared_director(DEMO, &Plan::equal(3), prepare, |lab| {
        let director = &lab.directors[0];
        let load = Load::start(lab, Pace::STEADY);
        load.wait_answers(100)?;
        let victim = &lab.servers[usize::from(VICTIM) - 1];
        let rules = "add table inet silent\n\
                     add chain inet silent input { type filter hook input priority 0; }\n\
                     add rule inet silent input tcp flags & (syn | ack) == syn drop\n";
        let file = lab.dir().join("silent.nft");
        std::fs::write(&file, rules).context("the rules of nft")?;
        let start = Instant::now();
        output_of(victim.netns.command("nft").arg("-f").arg(&file))?;
        wait_until("the silent server to be down", SOON, || {
            Ok(state(director, "web")? == "down")
        })?;
        let after = start.elapsed();
        ensure!(after < EARLY, "it was down after {after:?}");
        ensure!(state(director, "echo")? == "up", "its check has no reason");
        let log = std::fs::read_to_string(director.log_file())?;
        let told = log
            .lines()
            .find(|line| line.contains("is down") && line.contains("(probed early: "));
        let told = told.context("no word of why it was probed")?;
        ensure!(
            told.contains("sampled SYNs of the last 10 s were not answered"),
            "{told}"
        );
        eprintln!("down after {after:?}");
        Ok(())
    });
}
