//! What lvx puts on a host beside its program: addresses, devices with virtual MACs, a table of
//! nftables; and what becomes of it when others take it away, and at the end.

#[path = "devices/accept.rs"]
mod accept;
#[path = "devices/cleanup.rs"]
mod cleanup;
#[path = "devices/guard.rs"]
mod guard;
#[path = "devices/quiet.rs"]
mod quiet;
#[path = "devices/stop.rs"]
mod stop;
#[path = "devices/virtual_mac.rs"]
mod virtual_mac;

use std::time::Duration;

use anyhow::{Context, Result};
use lb_tests::lab::Director;
use lb_tests::lab::plan::Plan;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
/// For what may take a while.
const PATIENCE: Duration = Duration::from_secs(10);
/// In which a repair must be made.
const REPAIR: Duration = Duration::from_millis(200);

fn plan(vrrp_lines: &'static str) -> Plan {
    Plan {
        vrrp_lines,
        ..Plan::equal(3)
    }
}

fn repairs(director: &Director) -> Result<u64> {
    let status = director.status()?;
    let repairs = status["dataplane"]["repairs"].as_u64();
    repairs.with_context(|| format!("no repairs in {status}"))
}
