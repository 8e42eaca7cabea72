//! Whose services are whose: others', ours after a crash, and those that become ours.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use lb_tests::sandbox::command;
use lb_userspace::dataplane::ipvs::{Outcome, Table};

use crate::load::Load;
use crate::place::{Place, in_place};
use crate::tables::{key, pair, server, service, table};
use crate::wire::Wire;

const FOREIGN: [&str; 2] = [
    "-A -t 203.0.113.1:443 -s wlc",
    "-a -t 203.0.113.1:443 -r 10.9.0.77:443 -m -w 5",
];

fn add_foreign() -> Result<()> {
    for line in FOREIGN {
        command("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
    }
    Ok(())
}

fn has_foreign(place: &Place) -> Result<bool> {
    let services = place.services()?;
    Ok(FOREIGN
        .iter()
        .all(|&line| services.iter().any(|found| found == line)))
}

#[test]
fn services_of_others_are_left_alone() {
    in_place(async |place| {
        add_foreign()?;
        let mut ipvs = place.ipvs().await?;
        ipvs.apply(&table([(key(false), service("mh", &pair(false)))]))
            .await?;
        ensure!(ipvs.audit().await?.is_empty());
        ensure!(ipvs.counters().await?.len() == 1);
        ipvs.apply(&Table::default()).await?;
        ensure!(has_foreign(&place)?);
        ipvs.remove().await?;
        ensure!(
            place.services()? == FOREIGN.map(str::to_owned),
            "{:?}",
            place.services()?
        );
        Ok(())
    });
}

#[test]
fn a_service_that_we_want_is_taken_over() {
    in_place(async |place| {
        // Another order, another method, a weight that was set to 0.
        for line in [
            "-A -t 192.0.2.10:80 -s mh -b flag-1",
            "-a -t 192.0.2.10:80 -r 10.9.0.2:80 -m -w 4",
            "-a -t 192.0.2.10:80 -r 10.9.0.1:80 -g -w 4",
            "-e -t 192.0.2.10:80 -r 10.9.0.1:80 -g -w 0",
        ] {
            command("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
        }
        let [low, high] = [1, 2].map(|n| server(false, n));
        let servers = BTreeMap::from([(low, 0), (high, 3)]);
        let mut ipvs = place.ipvs().await?;
        ipvs.apply(&table([(key(false), service("mh", &servers))]))
            .await?;
        ensure!(ipvs.audit().await?.is_empty());
        ensure!(
            place.order()? == [(high, 3), (low, 0)],
            "{:?}",
            place.order()?
        );
        // The kernel forgot the weight before the 0: everything goes to the other one.
        let wire = Wire::open()?;
        let chosen = Load::syn(false, 100, 1024).send(&place, &wire).await?;
        ensure!(chosen.values().all(|&server| server == high), "{chosen:?}");
        ipvs.remove().await?;
        ensure!(place.services()?.is_empty());
        Ok(())
    });
}

#[test]
fn after_a_crash_our_services_are_known() {
    in_place(async |place| {
        add_foreign()?;
        let mut ipvs = place.ipvs().await?;
        let old = table([
            (key(false), service("mh", &pair(false))),
            (key(true), service("mh", &pair(true))),
        ]);
        ipvs.apply(&old).await?;
        drop(ipvs);
        // The next daemon touches nothing until it knows what it wants.
        let mut ipvs = place.ipvs().await?;
        ensure!(ipvs.audit().await?.is_empty());
        let new = table([(key(true), service("mh", &pair(true)))]);
        let outcome = ipvs.apply(&new).await?;
        ensure!(
            matches!(outcome, Outcome::Written { operations: 1, .. }),
            "{outcome:?}"
        );
        ensure!(place.services()?.len() == 5 && has_foreign(&place)?);
        drop(ipvs);
        place.ipvs().await?.remove().await?;
        ensure!(place.services()?.len() == 2 && has_foreign(&place)?);
        ensure!(!place.record().exists());
        ensure!(place.sysctl("sloppy_tcp")? == "0");
        Ok(())
    });
}
