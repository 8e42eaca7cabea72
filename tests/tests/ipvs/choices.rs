//! Where the kernel sends clients, beside where we would, and tables to try that with.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{Result, ensure};

use crate::load::Load;
use crate::place::Place;
use crate::tables::server;
use crate::wire::Wire;

/// A repeatable row of numbers (xorshift).
pub(crate) struct Numbers(pub(crate) u32);

impl Numbers {
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % end
    }
}

/// Sends a load and compares every server that the kernel chose with `ours`; how many there were.
pub(crate) async fn compare(
    place: &Place,
    wire: &Wire,
    load: Load,
    ours: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Result<usize> {
    let chosen = load.send(place, wire).await?;
    for (&client, &kernel) in &chosen {
        let ours = ours(client);
        ensure!(
            Some(kernel) == ours,
            "{client} is at {kernel} in the kernel, {ours:?} with us, of {:?}",
            place.order()?
        );
    }
    ensure!(
        chosen.len() == load.clients as usize,
        "{} connections",
        chosen.len()
    );
    Ok(chosen.len())
}

/// `count` servers of unequal weights.
pub(crate) fn unequal(v6: bool, count: u16, numbers: &mut Numbers) -> BTreeMap<IpAddr, u16> {
    (1..=count)
        .map(|n| (server(v6, n * 3), 1 + numbers.below(100) as u16))
        .collect()
}

/// One server comes, goes, changes its weight or is drained.
pub(crate) fn change(v6: bool, servers: &mut BTreeMap<IpAddr, u16>, numbers: &mut Numbers) {
    let n = numbers.below(servers.len() as u32) as usize;
    let some = servers.keys().copied().nth(n);
    match (numbers.below(4), some) {
        (0, Some(some)) if servers.len() > 2 => {
            servers.remove(&some);
        }
        (1, Some(some)) => {
            servers.insert(some, 0);
        }
        (2, Some(some)) => {
            servers.insert(some, 1 + numbers.below(1000) as u16);
        }
        _ => {
            let some = server(v6, 1 + numbers.below(200) as u16);
            servers.insert(some, 1 + numbers.below(20) as u16);
        }
    }
    // With no weight at all nobody would get anything.
    if servers.values().all(|&weight| weight == 0) {
        servers.insert(server(v6, 1), 1);
    }
}
