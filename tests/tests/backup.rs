//! A director that is not MASTER leaves the VIP's packets to its kernel.

use std::net::SocketAddrV4;

use anyhow::{Result, ensure};
use lb_tests::client::{TIMEOUT, get};
use lb_tests::harness::with_lab;
use lb_tests::lab::WEB_PORT;
use lb_tests::lab::topology::{VIP, client_addresses};

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");

/// The kernel of the backup is made to route the VIP to `rs3`: clients that send to the backup
/// are all answered by `rs3` if its program passes, and by all servers if it forwards.
#[test]
fn a_backup_passes_requests_for_the_vip() {
    with_lab(DEMO, |lab| {
        lab.misdirect_clients(2)?;
        lab.route_vip_by_kernel(2, 3)?;
        let servers = lab.client.run(|| -> Result<Vec<String>> {
            client_addresses()
                .into_iter()
                .step_by(10)
                .map(|client| Ok(get(client, SocketAddrV4::new(VIP, WEB_PORT), TIMEOUT)?.server))
                .collect()
        })??;
        let wrong = servers.iter().filter(|server| *server != "rs3").count();
        ensure!(
            wrong == 0,
            "{wrong} of {} requests were forwarded",
            servers.len()
        );
        ensure!(
            lab.directors[1].vrrp_state()? == "BACKUP",
            "lb2 is not BACKUP"
        );
        Ok(())
    });
}
