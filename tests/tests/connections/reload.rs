//! Reloads while connections talk.

use std::collections::BTreeSet;

use anyhow::ensure;
use lb_tests::client::{Load, Pace};
use lb_tests::echo::Held;
use lb_tests::harness::with_one_director;

use super::{DEMO, all_alive, hold, newcomers, plan, reload, wait_greeted, where_agrees};

/// Real servers and their weights, one after the other.
const CHANGES: [&[(u8, u16)]; 6] = [
    &[(1, 1), (3, 1)],
    &[(1, 1), (3, 1), (4, 1)],
    &[(1, 1), (2, 3), (4, 1)],
    &[(2, 1), (3, 2), (4, 5)],
    &[(1, 2), (2, 1)],
    &[(1, 1), (2, 1), (3, 1)],
];

#[test]
fn no_connection_breaks_when_healthy_servers_leave_come_and_change_their_weights() {
    with_one_director(DEMO, &plan(""), |lab| {
        let held = hold(lab)?;
        let load = Load::start(lab, Pace::STEADY);
        let mut later = Vec::new();
        for (servers, clients) in CHANGES.iter().zip(newcomers().chunks(10)) {
            reload(lab, servers)?;
            let names: BTreeSet<String> = servers.iter().map(|(n, _)| format!("rs{n}")).collect();
            let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            wait_greeted(lab, &newcomers(), |seen| {
                seen.spread().into_keys().collect::<BTreeSet<_>>() == names
            })?;
            later.push(Held::open(lab, clients)?);
            held.wait_exchanges(2)?;
        }
        where_agrees(lab, &held)?;
        let mut states = BTreeSet::new();
        for held in later {
            states.extend(where_agrees(lab, &held)?);
            all_alive(held)?;
        }
        ensure!(states.contains("exceptional"), "{states:?}");
        all_alive(held)?;
        eprintln!("{}", load.finish()?.none_failed()?);
        Ok(())
    });
}
