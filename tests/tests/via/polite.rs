//! Probes leave nothing behind on a server.

use anyhow::{Context, Result, ensure};
use lb_tests::harness::with_one_director;
use lb_tests::lab::RealServer;
use lb_tests::lab::plan::Plan;
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;

use super::{DEMO, PATIENCE, nft, reconfigure};

/// Packets that one of the server's counters has seen.
fn counted(server: &RealServer, counter: &str) -> Result<u64> {
    let mut nft = server.netns.command("nft");
    let text = output_of(nft.args(["list", "counter", "ip", "look", counter]))?;
    let mut words = text.split_whitespace();
    words.find(|word| *word == "packets");
    let packets = words.next().context("a number of packets")?;
    packets.parse().context("a number")
}

/// Connections through the virtual address end as others do: no reset, no end that waits for its
/// answer, no packet of theirs that goes to the server's own address.
#[test]
fn servers_see_whole_connections() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let (director, server) = (&lab.directors[0], &lab.servers[0]);
        reconfigure(director, |text| {
            // A probe that has no time left is no polite one.
            let patient = text.replace("timeout = \"200ms\"", "timeout = \"1s\", via = \"vip\"");
            patient.replace("interval = \"200ms\"", "interval = \"1s\"")
        })?;
        lab.wait_one_ready()?;
        nft(
            &server.netns,
            &[
                "add table ip look",
                "add counter ip look opened",
                "add counter ip look resets",
                "add counter ip look strays",
                "add chain ip look in { type filter hook input priority 0; }",
                "add chain ip look out { type filter hook output priority 0; }",
                "add rule ip look in ip daddr 10.77.0.100 tcp flags & (syn|ack) == syn counter \
                 name opened",
                "add rule ip look in tcp flags & rst == rst counter name resets",
                "add rule ip look out tcp flags & rst == rst counter name resets",
                "add rule ip look in ip daddr 10.77.0.11 ip protocol tcp counter name strays",
            ],
        )?;
        wait_until("some probes", PATIENCE, || {
            Ok(counted(server, "opened")? > 10)
        })?;
        ensure!(counted(server, "resets")? == 0, "resets");
        ensure!(counted(server, "strays")? == 0, "strays");
        wait_until("no connection that is half closed", PATIENCE, || {
            let mut ss = server.netns.command("ss");
            let left = output_of(ss.args(["-Htan", "state", "last-ack"]))?;
            ensure!(left.trim().is_empty(), "{left}");
            Ok(true)
        })
    });
}
