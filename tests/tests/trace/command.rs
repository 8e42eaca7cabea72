//! `lvx trace`.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use lb_tests::client::{TIMEOUT, get};
use lb_tests::harness::with_lab;
use lb_tests::lab::topology::{self, client_addresses};
use lb_tests::lab::{Director, Lab, WEB_PORT};
use lb_tests::wait::wait_until;
use lb_userspace::api::client;
use lb_userspace::api::shape::{Answer, Request, TraceWanted};
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const SOON: Duration = Duration::from_secs(15);

/// `lvx trace` while the client `from` makes requests.
fn trace_requests(lab: &Lab, from: Ipv4Addr, arguments: &[&str]) -> Result<Output> {
    let director = &lab.directors[0];
    std::thread::scope(|scope| {
        let trace = scope.spawn(|| director.ask(arguments));
        let web = SocketAddrV4::new(topology::VIP, WEB_PORT);
        wait_until("the trace to end", SOON, || {
            lab.client
                .run(move || get(from, web, TIMEOUT).map(drop))??;
            Ok(trace.is_finished())
        })?;
        trace
            .join()
            .map_err(|_| anyhow!("the trace's thread panicked"))?
    })
}

fn has_said(director: &Director, text: &str) -> Result<bool> {
    Ok(std::fs::read_to_string(director.log_file())?.contains(text))
}

#[test]
fn the_command_shows_requests_live_one_at_a_time_and_ends_when_nobody_reads() {
    with_lab(DEMO, |lab| {
        let director = &lab.directors[0];
        let from = client_addresses()[3];
        let server = director.where_is("web", from)?.context("a server")?;
        let client = from.to_string();
        let wanted = [
            "trace",
            "--service",
            "web",
            "--client",
            &client,
            "--count",
            "4",
        ];
        let output = trace_requests(lab, from, &[&wanted[..], &["--json"]].concat())?;
        ensure!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout)?;
        let lines: Vec<Value> = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        ensure!(lines.len() == 4, "{text}");
        for line in &lines {
            ensure!(line["real_server"] == server.to_string(), "{line}");
            ensure!(
                line["verdict"] == "transmitted" && line["service"] == "web",
                "{line}"
            );
            let shown = line["client"].as_str().context("a client")?;
            ensure!(shown.starts_with(&format!("{from}:")), "{line}");
        }
        let output = trace_requests(lab, from, &wanted)?;
        let text = String::from_utf8(output.stdout)?;
        let expected = format!(" -> web open -> {server} (slot ");
        ensure!(
            output.status.success() && text.contains(&expected),
            "{text}"
        );

        let nothing = director.ask(&["trace", "--service", "nothing"])?;
        let error = String::from_utf8_lossy(&nothing.stderr).into_owned();
        ensure!(nothing.status.code() == Some(1), "{nothing:?}");
        ensure!(error.contains("there is no service nothing"), "{error}");

        // As by a reader that is killed.
        let request = Request::TraceStart(TraceWanted {
            service: None,
            client: None,
            drops: true,
            rate: 10,
        });
        let answer = client::ask(&director.socket(), &request)?;
        let Answer::TraceStarted(trace) = answer else {
            bail!("{answer:?}");
        };
        let second = director.ask(&["trace"])?;
        let error = String::from_utf8_lossy(&second.stderr).into_owned();
        ensure!(second.status.code() == Some(1), "{second:?}");
        ensure!(error.contains("another `lvx trace` is running"), "{error}");
        wait_until("the trace to be given up", SOON, || {
            has_said(director, "nobody reads the trace")
        })?;
        let answer = client::ask(&director.socket(), &Request::TraceRead { trace })?;
        ensure!(matches!(answer, Answer::Error(_)), "{answer:?}");
        lab.wait_vip()
    });
}
