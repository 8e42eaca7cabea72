//! What follows from verdicts: fallback, quorum, slow start, servers that fail and keep their
//! connections, checks that run for the MASTER alone.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::echo::{Held, greetings};
use lb_tests::harness::{has_ipvs, with_planned_lab, with_prepared_director};
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{client_addresses, director_address, server_address};
use lb_tests::lab::{Director, ECHO_PORT, Lab};
use lb_tests::netns::{Netns, output_of};
use lb_tests::wait::{wait_for, wait_until};
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const SOON: Duration = Duration::from_secs(15);

/// Adds lines to the service `echo`.
fn extend(director: &Director, lines: &str) -> Result<()> {
    let text = fs::read_to_string(director.config_file()).context("the configuration")?;
    let name = "name     = \"echo\"";
    ensure!(text.contains(name), "no service echo: {text}");
    director.write_config(&text.replacen(name, &format!("{name}\n{lines}"), 1))
}

/// Names of the servers that new connections go to.
fn spread(lab: &Lab) -> Result<Vec<String>> {
    let clients: Vec<_> = client_addresses().into_iter().step_by(5).collect();
    let survey = greetings(lab, &clients)?;
    Ok(survey.spread().into_keys().map(str::to_owned).collect())
}

fn wait_spread(lab: &Lab, wanted: &[&str]) -> Result<()> {
    let mut last = Vec::new();
    wait_until("new connections to go elsewhere", SOON, || {
        // Those to a server that has just died fail.
        last = spread(lab)?;
        Ok(last == wanted)
    })
    .with_context(|| format!("{last:?}"))
}

fn state(lab: &Lab, server: u8) -> Result<(String, u64)> {
    let server = lab.directors[0].real_server("echo", server_address(server))?;
    let state = server["state"].as_str().context("a state")?.to_owned();
    let weight = server["effective_weight"].as_u64().context("a weight")?;
    Ok((state, weight))
}

/// Weights of a server that comes up, until it is up.
fn growth(lab: &Lab, server: u8) -> Result<Vec<u64>> {
    let mut weights = Vec::new();
    wait_until("the server to be up", SOON, || {
        let (state, weight) = state(lab, server)?;
        if state == "slow-start" && weights.last() != Some(&weight) {
            weights.push(weight);
        }
        Ok(state == "up")
    })?;
    Ok(weights)
}

#[test]
fn the_fallback_takes_over_and_gives_back_and_scripts_are_told_of_the_quorum() {
    all_servers_fail_and_come_back(&Plan::equal(3));
}

#[test]
fn through_ipvs_the_fallback_takes_over_and_weights_grow_too() {
    if has_ipvs() {
        all_servers_fail_and_come_back(&Plan {
            dataplanes: ["ipvs"; 2],
            ..Plan::equal(3)
        });
    }
}

fn all_servers_fail_and_come_back(plan: &Plan) {
    let prepare = |lab: &Lab| {
        let dir = lab.dir().display();
        let script = format!("echo $1 $2 $3 $4 $LVX_SERVICE $LVX_STATE >> {dir}/told");
        let command =
            format!("{{ command = [\"/bin/sh\", \"-c\", \"{script}\", \"sh\"], user = \"root\" }}");
        let fallback = server_address(4);
        let lines = format!(
            "fallback = \"{fallback}\"\nslow_start = \"3s\"\nmin_healthy = 2\nquorum_up = \
             {command}\nquorum_down = {command}"
        );
        extend(&lab.directors[0], &lines)
    };
    with_prepared_director(DEMO, plan, prepare, |lab| {
        let file = lab.dir().join("told");
        let told = |what: &str, count: usize| {
            wait_for(what, SOON, || {
                let text = fs::read_to_string(&file)?;
                Ok((text.lines().count() == count).then_some(text))
            })
        };
        let text = told("the first quorum", 1)?;
        ensure!(
            text.starts_with("echo up ") && text.ends_with(" 2 echo up\n"),
            "{text}"
        );
        // The daemon has just started: nobody's weight grows.
        ensure!(
            state(lab, 1)? == ("up".to_owned(), 1),
            "{:?}",
            state(lab, 1)?
        );
        ensure!(spread(lab)? == ["rs1", "rs2", "rs3"], "{:?}", spread(lab)?);
        let service = lab.directors[0].service("echo")?;
        ensure!(service["fallback"]["used"] == false, "{service}");
        ensure!(
            service["quorum"]["needed"] == 2 && service["healthy"] == 3,
            "{service}"
        );

        for server in &mut lab.servers[..3] {
            server.kill();
        }
        wait_spread(lab, &["rs4"])?;
        let service = lab.directors[0].service("echo")?;
        ensure!(service["fallback"]["used"] == true, "{service}");
        ensure!(
            service["quorum"]["state"] == "down" && service["healthy"] == 0,
            "{service}"
        );
        let text = told("the loss of the quorum", 2)?;
        ensure!(
            text.contains("\necho down ") && text.ends_with(" 2 echo down\n"),
            "{text}"
        );
        let people = lab.directors[0].ask(&["status"])?;
        let people = String::from_utf8(people.stdout)?;
        ensure!(
            people.contains("QUORUM LOST: 0 of 3 are healthy, 2 are needed"),
            "{people}"
        );
        ensure!(people.contains("up, IN USE"), "{people}");

        let clients: Vec<_> = client_addresses().into_iter().step_by(30).collect();
        // IPVS drops what it had with a server that gets no clients any more.
        let keeps = plan.dataplanes != ["ipvs"; 2];
        let held = keeps.then(|| Held::open(lab, &clients)).transpose()?;
        if let Some(held) = &held {
            let survey = held.survey()?;
            ensure!(survey.spread().len() == 1, "{}", survey.spread_text());
        }
        lab.start_server(1)?;
        wait_spread(lab, &["rs1"])?;
        if let Some(held) = &held {
            held.wait_exchanges(3)?;
        }
        growth(lab, 1)?;
        lab.start_server(2)?;
        let weights = growth(lab, 2)?;
        ensure!(weights.len() >= 3 && weights.is_sorted(), "{weights:?}");
        ensure!(weights.iter().all(|weight| *weight < 10), "{weights:?}");
        ensure!(
            state(lab, 2)? == ("up".to_owned(), 1),
            "{:?}",
            state(lab, 2)?
        );
        let service = lab.directors[0].service("echo")?;
        ensure!(service["weight_factor"] == 1, "{service}");
        wait_spread(lab, &["rs1", "rs2"])?;
        if let Some(held) = held {
            let lives = held.finish()?;
            ensure!(
                lives.len() == clients.len(),
                "connections to the fallback were lost"
            );
        }
        let text = told("the quorum again", 3)?;
        ensure!(text.ends_with("\necho up 2 2 echo up\n"), "{text}");
        let kinds = kinds(&lab.directors[0])?;
        let quorum = kinds.iter().filter(|kind| *kind == "quorum").count();
        let fallback = kinds.iter().filter(|kind| *kind == "fallback").count();
        ensure!((quorum, fallback) == (3, 2), "{kinds:?}");
        Ok(())
    });
}

/// Kinds of the events about the service `echo`.
fn kinds(director: &Director) -> Result<Vec<String>> {
    let output = director.ask(&["events", "--json"])?;
    ensure!(output.status.success(), "lvx events: {output:?}");
    let lines = String::from_utf8(output.stdout)?;
    let mut kinds = Vec::new();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).context("an event")?;
        if event["service"] == "echo" {
            kinds.push(event["kind"].as_str().context("a kind")?.to_owned());
        }
    }
    Ok(kinds)
}

fn nft(host: &Netns, script: &str) -> Result<String> {
    output_of(host.command("nft").arg(script))
}

/// Probes of a director to the echo server of a host are dropped, and nothing else.
fn drop_probes(host: &Netns) -> Result<()> {
    let director = director_address(1);
    let script = format!(
        "table ip probes {{ chain input {{ type filter hook input priority 0; ip saddr {director} \
         tcp dport {ECHO_PORT} drop; }}; }}"
    );
    nft(host, &script).map(drop)
}

#[test]
fn a_server_that_fails_keeps_its_connections_where_that_is_wanted() {
    let prepare = |lab: &Lab| extend(&lab.directors[0], "on_failure = \"quiesce\"");
    with_prepared_director(DEMO, &Plan::equal(3), prepare, |lab| {
        let clients: Vec<_> = client_addresses().into_iter().step_by(10).collect();
        let mut others = Held::open(lab, &clients)?;
        let its_own = others.split_off("rs2");
        ensure!(its_own.count() > 0, "nobody is on rs2");
        drop_probes(&lab.servers[1].netns)?;
        wait_spread(lab, &["rs1", "rs3"])?;
        ensure!(
            state(lab, 2)? == ("quiesced".to_owned(), 0),
            "{:?}",
            state(lab, 2)?
        );
        let server = lab.directors[0].real_server("echo", server_address(2))?;
        ensure!(server["reason"].is_string(), "{server}");
        its_own.wait_exchanges(10)?;
        others.wait_exchanges(1)?;
        nft(&lab.servers[1].netns, "delete table ip probes")?;
        wait_spread(lab, &["rs1", "rs2", "rs3"])?;
        let count = its_own.count() + others.count();
        let lives = its_own.finish()?.len() + others.finish()?.len();
        ensure!(lives == count, "{lives} of {count}");
        Ok(())
    });
}

#[test]
fn checks_take_no_more_servers_out_than_allowed() {
    let lines = "max_down_at_once = 1\npanic_threshold = \"30%\"";
    let prepare = |lab: &Lab| extend(&lab.directors[0], lines);
    with_prepared_director(DEMO, &Plan::equal(3), prepare, |lab| {
        let states = |wanted: [&str; 3]| {
            wait_until(&format!("{wanted:?}"), SOON, || {
                let states = (1..=3).map(|server| Ok(state(lab, server)?.0));
                let mut states = states.collect::<Result<Vec<_>>>()?;
                states.sort();
                Ok(states == wanted)
            })
        };
        drop_probes(&lab.servers[0].netns)?;
        states(["down", "up", "up"])?;
        drop_probes(&lab.servers[1].netns)?;
        states(["down", "kept", "up"])?;
        let server = lab.directors[0].real_server("echo", server_address(2))?;
        let reason = server["reason"].as_str().context("a reason")?;
        ensure!(reason.ends_with("kept by max_down_at_once = 1"), "{reason}");
        // It does answer clients.
        wait_spread(lab, &["rs2", "rs3"])?;
        drop_probes(&lab.servers[2].netns)?;
        states(["kept", "kept", "kept"])?;
        wait_spread(lab, &["rs1", "rs2", "rs3"])?;
        let service = lab.directors[0].service("echo")?;
        ensure!(
            service["panic"] == true && service["healthy"] == 0,
            "{service}"
        );
        for server in &lab.servers[..3] {
            nft(&server.netns, "delete table ip probes")?;
        }
        states(["up", "up", "up"])?;
        let kinds = kinds(&lab.directors[0])?;
        ensure!(
            kinds.iter().filter(|kind| *kind == "panic").count() == 2,
            "{kinds:?}"
        );
        Ok(())
    });
}

/// Counts the connections that each director opens to the echo server of a host.
fn count_probes(host: &Netns) -> Result<()> {
    let [first, second] = [1, 2].map(director_address);
    let rule = |director, name| {
        format!("ip saddr {director} tcp dport {ECHO_PORT} tcp flags syn counter name {name};")
    };
    let (first, second) = (rule(first, "lb1"), rule(second, "lb2"));
    let script = format!(
        "table ip count {{ counter lb1 {{}}; counter lb2 {{}}; chain input {{ type filter hook \
         input priority 0; {first} {second} }}; }}"
    );
    nft(host, &script).map(drop)
}

/// Connections of lb1 and lb2.
fn probes(host: &Netns) -> Result<[u64; 2]> {
    let mut counts = [0; 2];
    for (count, name) in counts.iter_mut().zip(["lb1", "lb2"]) {
        let text = nft(host, &format!("list counter ip count {name}"))?;
        let mut words = text
            .split_whitespace()
            .skip_while(|word| *word != "packets");
        *count = words.nth(1).context("a count")?.parse()?;
    }
    Ok(counts)
}

#[test]
fn a_check_may_run_for_the_master_alone() {
    with_planned_lab(DEMO, &Plan::equal(3), |lab| {
        for director in &lab.directors {
            let text = fs::read_to_string(director.config_file())?;
            let text = text.replace("fall = 2 }", "fall = 2, when = \"master\" }");
            director.write_config(&text)?;
            ensure!(director.reload()?.is_ok(), "the reload was refused");
        }
        let host = lab.servers[1].netns.clone();
        // A probe may have been under way.
        count_probes(&host)?;
        wait_until("probes of the MASTER", SOON, || Ok(probes(&host)?[0] >= 5))?;
        let before = probes(&host)?;
        wait_until("more of them", SOON, || {
            Ok(probes(&host)?[0] >= before[0] + 15)
        })?;
        let after = probes(&host)?;
        ensure!(after[1] == before[1], "{before:?}, {after:?}");
        let backup = &lab.directors[1];
        let known = || backup.real_server("echo", server_address(2));
        ensure!(known()?["state"] == "up", "{}", known()?);

        lab.servers[1].kill();
        wait_until("the MASTER to notice", SOON, || {
            Ok(state(lab, 2)?.0 == "down")
        })?;
        let known = lab.directors[1].real_server("echo", server_address(2))?;
        ensure!(known["state"] == "up", "nobody asked: {known}");
        lab.directors[0].kill()?;
        wait_until("the new MASTER to notice", SOON, || {
            let known = lab.directors[1].real_server("echo", server_address(2))?;
            Ok(known["state"] == "down")
        })?;
        ensure!(
            lab.directors[1].vrrp_state()? == "MASTER",
            "lb2 is not MASTER"
        );
        wait_spread(lab, &["rs1", "rs3"])?;
        ensure!(probes(&host)?[1] > after[1], "{:?}", probes(&host)?);
        Ok(())
    });
}
