//! Schedulers other than `mh`: one that both planes do alike, and one that XDP leaves to IPVS.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddrV4, TcpStream};

use anyhow::{Context, Result, ensure};
use lb_tests::client::{TIMEOUT, connect, survey};
use lb_tests::harness::{has_ipvs, with_planned_lab};
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{VIP, client_addresses};
use lb_tests::lab::{ECHO_PORT, Lab, WEB_PORT};

use super::{DEMO, SOON, plan, plane, reconfigure, switch, undisturbed};

#[test]
fn sh_sends_each_client_to_the_same_server_on_both_planes() {
    if !has_ipvs() {
        return;
    }
    let plan = Plan {
        servers: vec![(1, 1), (2, 2), (3, 4)],
        echo_scheduler: "sh",
        ..plan(["auto", "auto"])
    };
    with_planned_lab(DEMO, &plan, |lab| {
        let by_mh = survey(lab, WEB_PORT, 1)?;
        reconfigure(lab, |text| text.replace("\"mh\"", "\"sh\""))?;
        let director = &lab.directors[0];
        ensure!(plane(director, "web")? == ("xdp".to_owned(), String::new()));
        let on_xdp = survey(lab, WEB_PORT, 1)?;
        ensure!(!by_mh.moved(&on_xdp).is_empty(), "sh is mh");
        for server in &lab.servers {
            let client = on_xdp.client_of(&server.name()).context("no client")?;
            let told = director.where_is("web", client)?;
            ensure!(told == Some(server.address()), "{client}: {told:?}");
        }
        undisturbed(lab, |lab| {
            for (plane, mode) in [("ipvs", "ipvs"), ("xdp", "xdp"), ("auto", "xdp")] {
                switch(lab, plane, mode)?;
                let now = survey(lab, WEB_PORT, 1)?;
                let moved = on_xdp.moved(&now);
                ensure!(moved.is_empty(), "{plane}: {} moved", moved.len());
            }
            eprintln!("{}", on_xdp.spread_text());
            Ok(())
        })
    });
}

/// `lc` among more servers than the program looks at, of which only the lab's three exist.
fn crowded(config: &str) -> String {
    // The service `echo` is the last one. Without a check nobody asks those that are not there.
    let echo = config.rfind("[[service]]").unwrap_or_default();
    let (others, echo) = config.split_at(echo);
    let (head, check) = echo.split_once("check ").unwrap_or((echo, ""));
    let (_, servers) = check.split_once('\n').unwrap_or_default();
    let mut text = format!("{others}{head}{servers}");
    for n in 1..=254 {
        let _ = write!(
            text,
            "\n[[service.real_server]]\naddress = \"198.51.100.{n}\"\n"
        );
    }
    text
}

/// The names of the servers, each of which is asked by a client of its own that then stays.
fn one_after_the_other(lab: &Lab, count: usize) -> Result<Vec<String>> {
    lab.client.run(move || {
        let mut held: Vec<(TcpStream, String)> = Vec::new();
        for client in client_addresses().into_iter().take(count) {
            let stream = connect(client, SocketAddrV4::new(VIP, ECHO_PORT), TIMEOUT)?;
            stream.set_read_timeout(Some(SOON))?;
            let mut name = String::new();
            BufReader::new(&stream).read_line(&mut name)?;
            held.push((stream, name.trim_end().to_owned()));
        }
        Ok(held.into_iter().map(|(_, name)| name).collect())
    })?
}

#[test]
fn a_service_that_xdp_cannot_do_is_served_by_ipvs_beside_the_others() {
    if !has_ipvs() {
        return;
    }
    let plan = Plan {
        echo_scheduler: "lc",
        ..plan(["auto", "auto"])
    };
    with_planned_lab(DEMO, &plan, |lab| {
        let director = &lab.directors[0];
        let xdp = ("xdp".to_owned(), String::new());
        ensure!(
            plane(director, "echo")? == xdp,
            "three servers are not many"
        );
        reconfigure(lab, crowded)?;
        let (echo, why) = plane(director, "echo")?;
        let limit = "scheduler lc chooses among 256 real servers at most";
        ensure!(echo == "ipvs" && why.contains(limit), "{echo}: {why}");
        ensure!(plane(director, "web")? == xdp);
        // Least connections spread what a hash would not: two for each.
        let mut servers = one_after_the_other(lab, 6)?;
        servers.sort();
        ensure!(
            servers == ["rs1", "rs1", "rs2", "rs2", "rs3", "rs3"],
            "{servers:?}"
        );
        Ok(())
    });
}
