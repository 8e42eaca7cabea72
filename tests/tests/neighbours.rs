//! Real servers' MACs are followed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::client::survey;
use lb_tests::harness::with_lab;
use lb_tests::lab::WEB_PORT;
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const NEW_MAC: &str = "02:aa:00:00:00:77";
/// The kernel alone would go on with the old MAC for half a minute and more.
const LIMIT: Duration = Duration::from_secs(5);

/// A real server that comes back with another MAC, and says nothing of it, is found again.
#[test]
fn a_changed_mac_is_found_out_and_used() {
    with_lab(DEMO, |lab| {
        let server = &lab.servers[0];
        let address = server.address().to_string();
        let mut ip = server.netns.command("ip");
        output_of(ip.args(["link", "set", "dev", "eth0", "address", NEW_MAC]))?;
        for director in &lab.directors {
            let mac_in_use = || -> Result<bool> {
                let status = director.status()?;
                let servers = status["services"][0]["real_servers"].as_array();
                let servers = servers.context("real servers in the status")?;
                let ours = servers.iter().find(|one| one["address"] == *address);
                Ok(ours.is_some_and(|one| one["mac"] == NEW_MAC && one["state"] == "up"))
            };
            wait_until("the new MAC in the table", LIMIT, mac_in_use)?;
        }
        let after = survey(lab, WEB_PORT, 2)?;
        let used = after.spread().get("rs1").copied().unwrap_or(0);
        ensure!(used > 50, "only {used} clients on rs1");
        Ok(())
    });
}
