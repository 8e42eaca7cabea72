//! The kernel's `mh` gives every client the server that `dataplane::maglev` names.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::OnceLock;

use anyhow::ensure;
use lb_common::hash::{KEY_SLOT, address_word, hsiphash};
use lb_common::maglev::TableSize;
use lb_userspace::dataplane::ipvs::{Ipvs, Outcome, ServiceFlags};
use lb_userspace::dataplane::maglev::{Member, client_slot, fill};
use lb_userspace::dataplane::table::address_bytes;

use crate::choices::{Numbers, change, compare, unequal};
use crate::load::{Load, client};
use crate::place::in_place;
use crate::tables::{key, server, service, table};
use crate::wire::{PORT, Segment, Wire};

const CLIENTS: u32 = 5000;

/// The table's size, by what the kernel says of itself or else the usual one.
fn size() -> TableSize {
    static SIZE: OnceLock<TableSize> = OnceLock::new();
    *SIZE.get_or_init(|| Ipvs::mh_table_size().unwrap_or_default())
}

/// The server that our table for `servers` has in the slot of a client.
fn mh(
    servers: &BTreeMap<IpAddr, u16>,
    slot: impl Fn(IpAddr) -> u32,
) -> impl Fn(IpAddr) -> Option<IpAddr> {
    let member = |(&address, &weight)| Member {
        address,
        port: PORT,
        weight,
    };
    let members: Vec<Member> = servers.iter().map(member).collect();
    let slots = fill(&members, size());
    move |client| slots[slot(client) as usize].map(|member| members[member].address)
}

fn by_address(servers: &BTreeMap<IpAddr, u16>) -> impl Fn(IpAddr) -> Option<IpAddr> {
    mh(servers, |client| client_slot(client, size()))
}

fn fixed_tables(v6: bool) {
    in_place(async move |place| {
        let wire = Wire::open()?;
        let mut numbers = Numbers(7);
        let mut ipvs = place.ipvs().await?;
        let mut compared = 0;
        for count in [2, 3, 10, 50] {
            let servers = unequal(v6, count, &mut numbers);
            ipvs.apply(&table([(key(v6), service("mh", &servers))]))
                .await?;
            let load = Load::syn(v6, CLIENTS, 1024 + count);
            compared += compare(&place, &wire, load, by_address(&servers)).await?;
        }
        eprintln!("{compared} clients compared");
        Ok(())
    });
}

#[test]
fn kernel_chooses_as_we_do_for_ipv4() {
    fixed_tables(false);
}

#[test]
fn kernel_chooses_as_we_do_for_ipv6() {
    fixed_tables(true);
}

/// A few clients after each change, all of them after the last one.
fn changing_table(v6: bool) {
    const CHANGES: u16 = 20;
    in_place(async move |place| {
        let wire = Wire::open()?;
        let mut numbers = Numbers(if v6 { 42 } else { 4242 });
        let mut servers = unequal(v6, 5, &mut numbers);
        let mut ipvs = place.ipvs().await?;
        let mut compared = 0;
        for round in 0..=CHANGES {
            let outcome = ipvs
                .apply(&table([(key(v6), service("mh", &servers))]))
                .await?;
            let descending: Vec<(IpAddr, u32)> = servers
                .iter()
                .rev()
                .map(|(&address, &weight)| (address, weight.into()))
                .collect();
            ensure!(
                place.order()? == descending,
                "{outcome:?}: {:?}",
                place.order()?
            );
            let clients = if round == CHANGES { CLIENTS } else { 400 };
            let load = Load::syn(v6, clients, 2000 + round);
            compared += compare(&place, &wire, load, by_address(&servers)).await?;
            change(v6, &mut servers, &mut numbers);
        }
        eprintln!("{compared} clients compared");
        Ok(())
    });
}

#[test]
fn kernel_chooses_as_we_do_after_each_of_20_changes_for_ipv4() {
    changing_table(false);
}

#[test]
fn kernel_chooses_as_we_do_after_each_of_20_changes_for_ipv6() {
    changing_table(true);
}

#[test]
fn with_mh_port_the_clients_port_is_hashed_too() {
    in_place(async |place| {
        let wire = Wire::open()?;
        let servers = unequal(false, 5, &mut Numbers(11));
        let mut with_port = service("mh", &servers);
        with_port.flags = ServiceFlags {
            port: true,
            ..ServiceFlags::default()
        };
        let mut ipvs = place.ipvs().await?;
        ipvs.apply(&table([(key(false), with_port)])).await?;
        for port in [1500, 40_000] {
            let slot = |client| {
                hsiphash(address_word(address_bytes(client), port), KEY_SLOT) % size().slots()
            };
            compare(
                &place,
                &wire,
                Load::syn(false, 500, port),
                mh(&servers, slot),
            )
            .await?;
        }
        Ok(())
    });
}

#[test]
fn connections_stay_when_a_server_comes_in_between() {
    in_place(async |place| {
        let wire = Wire::open()?;
        let [low, high, between] = [1, 9, 5].map(|n| server(false, n));
        let mut servers = BTreeMap::from([(low, 1), (high, 1)]);
        let mut ipvs = place.ipvs().await?;
        ipvs.apply(&table([(key(false), service("mh", &servers))]))
            .await?;
        compare(
            &place,
            &wire,
            Load::syn(false, 100, 1024),
            by_address(&servers),
        )
        .await?;
        let before = place.connections()?;
        servers.insert(between, 1);
        let outcome = ipvs
            .apply(&table([(key(false), service("mh", &servers))]))
            .await?;
        // The higher one is taken out, the new one added, the higher one added again.
        ensure!(
            matches!(outcome, Outcome::Written { operations: 3, .. }),
            "{outcome:?}"
        );
        ensure!(
            place.sysctl("expire_nodest_conn")? == "1",
            "left switched off"
        );
        for n in 0..100 {
            wire.send(client(false, n), 1024, Segment::Ack)?;
        }
        let after = place.connections()?;
        ensure!(before == after, "connections moved");
        compare(
            &place,
            &wire,
            Load::syn(false, 100, 1025),
            by_address(&servers),
        )
        .await?;
        Ok(())
    });
}

#[test]
fn connections_from_elsewhere_are_taken_on_in_the_middle() {
    in_place(async |place| {
        let wire = Wire::open()?;
        let servers = unequal(false, 3, &mut Numbers(3));
        let mut ipvs = place.ipvs().await?;
        ipvs.apply(&table([(key(false), service("mh", &servers))]))
            .await?;
        let middle = Load {
            segment: Segment::Ack,
            ..Load::syn(false, 100, 1024)
        };
        compare(&place, &wire, middle, by_address(&servers)).await?;
        Ok(())
    });
}
