//! `accept = false`: the services and nothing else.

use std::io::{ErrorKind, Read};
use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::harness::{with_one_director, with_planned_lab};
use lb_tests::lab::topology::{VIP, client_addresses};
use lb_tests::lab::{Director, Lab};
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;
use socket2::{Domain, Protocol, Socket, Type};

use super::{DEMO, PATIENCE, plan, repairs};

/// Whether the VIP answers an echo request of the client.
fn answers_ping(lab: &Lab, limit: Duration) -> Result<bool> {
    lab.client.run(move || -> Result<bool> {
        let mut socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        socket.bind(&SocketAddrV4::new(client_addresses()[0], 0).into())?;
        socket.connect(&SocketAddrV4::new(VIP, 0).into())?;
        socket.set_read_timeout(Some(limit))?;
        // Echo request, with its checksum.
        socket.send(&[8, 0, 0xf7, 0xfd, 0, 1, 0, 1])?;
        let mut answer = [0; 128];
        match socket.read(&mut answer) {
            // Behind the IP header: echo reply.
            Ok(length) => Ok(length > 20 && answer[20] == 0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    })?
}

/// The table of nftables on a director's host.
fn table(director: &Director) -> Result<Option<String>> {
    let mut command = director.netns.command("nft");
    let tables = output_of(command.args(["list", "tables"]))?;
    if !tables.contains("table inet lvx") {
        return Ok(None);
    }
    let mut command = director.netns.command("nft");
    output_of(command.args(["list", "table", "inet", "lvx"])).map(Some)
}

#[test]
fn an_address_that_accepts_answers() {
    with_one_director(DEMO, &plan("accept = true"), |lab| {
        wait_until("an answer", PATIENCE, || {
            answers_ping(lab, Duration::from_secs(1))
        })?;
        ensure!(table(&lab.directors[0])?.is_none(), "there is a table");
        Ok(())
    });
}

#[test]
fn an_address_that_does_not_accept_has_its_services_and_no_more() {
    with_planned_lab(DEMO, &plan("accept = false"), |lab| {
        let there = |director: &Director| Ok(table(director)?.is_some());
        wait_until("the table", PATIENCE, || there(&lab.directors[0]))?;
        ensure!(
            !answers_ping(lab, Duration::from_millis(300))?,
            "it answers"
        );
        lab.wait_vip()?;
        ensure!(!there(&lab.directors[1])?, "the backup has a table");

        // Others remove or change it.
        for (change, rest) in [
            ("delete table inet lvx", ""),
            ("flush chain inet lvx input", ""),
            ("add rule inet lvx input counter accept", "lvx"),
        ] {
            let before = repairs(&lab.directors[0])?;
            let mut command = lab.directors[0].netns.command("nft");
            output_of(command.args(change.split(' ')))?;
            let what = format!("a repair of {change} {rest}");
            wait_until(&what, PATIENCE, || {
                Ok(repairs(&lab.directors[0])? == before + 1)
            })?;
            let now = table(&lab.directors[0])?.context("no table")?;
            ensure!(now.contains(&format!("{VIP} counter")), "{now}");
            ensure!(now.matches("accept").count() == 4, "{now}");
            ensure!(
                !answers_ping(lab, Duration::from_millis(300))?,
                "it answers"
            );
        }

        // It goes with the addresses.
        lab.directors[0].terminate()?;
        ensure!(lab.directors[0].wait_stopped()?.success(), "lb1 failed");
        ensure!(!there(&lab.directors[0])?, "lb1 left its table");
        wait_until("the table of lb2", PATIENCE, || there(&lab.directors[1]))?;
        ensure!(
            !answers_ping(lab, Duration::from_millis(300))?,
            "lb2 answers"
        );
        lab.wait_vip()
    });
}

/// What cannot be had is told, and does not keep the director from serving.
#[test]
fn without_nft_the_status_says_so() {
    let Some(programs) = lb_tests::harness::usable(DEMO) else {
        return;
    };
    let test = || -> Result<()> {
        let mut lab = Lab::new(programs, 3, 3)?;
        lab.set_plan(plan("accept = false"))?;
        lab.directors[0].start_with(&[("PATH", "/nonexistent")])?;
        lab.wait_one_ready()?;
        wait_until("a word in the status", PATIENCE, || {
            let status = lab.directors[0].status()?;
            let reason = status["vrrp"][0]["reason"].as_str().unwrap_or_default();
            Ok(reason.contains("accept = false is not in force") && reason.contains("nftables"))
        })
    };
    if let Err(error) = test() {
        panic!("{error:#}");
    }
}
