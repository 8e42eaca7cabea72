//! The kernel's `sh` gives every client the server that is in our table's slot for it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use anyhow::{Context, Result};
use lb_common::hash::address_word;
use lb_common::maglev::TableSize;
use lb_common::sh::slot;
use lb_userspace::dataplane::ipvs::{self, ServiceFlags};
use lb_userspace::dataplane::plan::Applied;
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Method, Path, RealServer, Service, address_bytes, service_key,
};

use crate::choices::{Numbers, change, compare, unequal};
use crate::load::Load;
use crate::place::{VIP, in_place};
use crate::tables::{key, service, table};
use crate::wire::{PORT, Wire};

/// Some six for each bucket of the kernel's table.
const CLIENTS: u32 = 1500;

/// The table that the program would get: the server of each slot.
fn slots(servers: &BTreeMap<IpAddr, u16>, port: bool) -> Result<Vec<Option<IpAddr>>> {
    let path = Some(Path::Link {
        mac: Mac([2, 0, 0, 0, 0, 1]),
        source_mac: Mac([2, 0, 0, 0, 0, 2]),
        ifindex: 1,
        vlans: [0; 2],
    });
    let real = |(&address, &weight)| (address, RealServer { weight, path });
    let service = Service {
        method: Method::Sh { port },
        ..Service::mh(true, servers.iter().map(real).collect())
    };
    let desired = ForwardingTable {
        services: [(service_key((VIP, PORT).into(), 6), service)].into(),
        ..ForwardingTable::default()
    };
    let (changes, _) = Applied::default().plan(&desired, TableSize::DEFAULT, 0)?;
    let entries: BTreeMap<u32, IpAddr> = changes
        .real_servers
        .iter()
        .map(|(entry, server)| (*entry, Ipv6Addr::from(server.address).to_canonical()))
        .collect();
    let (_, slots) = changes.tables.into_iter().next().context("a table")?;
    Ok(slots
        .into_iter()
        .map(|slot| entries.get(&slot.current()).copied())
        .collect())
}

/// The server of a client that comes from `port`; 0 where ports do not count.
fn ours(
    servers: &BTreeMap<IpAddr, u16>,
    port: u16,
) -> Result<impl Fn(IpAddr) -> Option<IpAddr> + use<>> {
    let slots = slots(servers, port != 0)?;
    Ok(move |client| slots[slot(address_word(address_bytes(client), port)) as usize])
}

/// As `control` puts it into IPVS: the kernel gives a server without weight a bucket, and nobody
/// to the clients in it.
fn kernels(servers: &BTreeMap<IpAddr, u16>, port: bool) -> ipvs::Service {
    let mut usable = servers.clone();
    usable.retain(|_, weight| *weight > 0);
    let flags = ServiceFlags {
        port,
        ..ServiceFlags::default()
    };
    ipvs::Service {
        flags,
        ..service("sh", &usable)
    }
}

fn fixed_tables(v6: bool) {
    in_place(async move |place| {
        let wire = Wire::open()?;
        let mut numbers = Numbers(23);
        let mut ipvs = place.ipvs().await?;
        let mut compared = 0;
        for count in [2, 3, 10, 50] {
            let servers = unequal(v6, count, &mut numbers);
            ipvs.apply(&table([(key(v6), kernels(&servers, false))]))
                .await?;
            let load = Load::syn(v6, CLIENTS, 1024 + count);
            compared += compare(&place, &wire, load, ours(&servers, 0)?).await?;
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

fn changing_table(v6: bool) {
    const CHANGES: u16 = 20;
    in_place(async move |place| {
        let wire = Wire::open()?;
        let mut numbers = Numbers(if v6 { 5 } else { 55 });
        let mut servers = unequal(v6, 5, &mut numbers);
        let mut ipvs = place.ipvs().await?;
        let mut compared = 0;
        for round in 0..=CHANGES {
            ipvs.apply(&table([(key(v6), kernels(&servers, false))]))
                .await?;
            let clients = if round == CHANGES { CLIENTS } else { 200 };
            let load = Load::syn(v6, clients, 2000 + round);
            compared += compare(&place, &wire, load, ours(&servers, 0)?).await?;
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

/// The port is added to the address before the hash, not to the bucket behind it: 1 more moves
/// clients by many buckets, and the highest ports carry into the address.
#[test]
fn with_sh_port_the_clients_port_is_hashed_too() {
    in_place(async |place| {
        let wire = Wire::open()?;
        let mut ipvs = place.ipvs().await?;
        for v6 in [false, true] {
            let servers = unequal(v6, 10, &mut Numbers(11));
            ipvs.apply(&table([(key(v6), kernels(&servers, true))]))
                .await?;
            for port in [1, 2, 1500, 40_000, u16::MAX] {
                let ours = ours(&servers, port)?;
                compare(&place, &wire, Load::syn(v6, 300, port), ours).await?;
            }
        }
        Ok(())
    });
}
