//! Each client goes where the tables that the daemon filled say, with every kind of packet.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result, ensure};
use lb_common::hash::address_word;
use lb_common::maglev::{TableSize, slot};
use lb_common::sh;
use lb_tests::sandbox::{Sandbox, in_sandbox};
use lb_tests::test_run::{XDP_TX, test_run};
use lb_userspace::dataplane::maglev::{Member, client_slot, fill};
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Method, Path, Persistence, RealServer, Service, address_bytes,
    service_key,
};
use lb_userspace::dataplane::xdp::Xdp;

use super::edits::{edited, fragment};
use super::frames::{Family, OUR_MAC, TCP, ack, syn, tcp_between};
use super::icmp;
use super::world::{INGRESS, SINGLE};

const PORT: u16 = 80;
const SERVERS: u8 = 20;
const CLIENTS: u32 = 1500;
/// For each way to choose that is not the usual one.
const SPECIAL_CLIENTS: u32 = 300;
/// Lengths of prefixes that make addresses one client.
const V4_NETWORK: u8 = 18;
const V6_NETWORK: u8 = 56;

fn size() -> TableSize {
    TableSize::new(251).expect("a size of ip_vs_mh")
}

/// Server number `n` has weight `n`, and a MAC that ends in it.
fn server(family: Family, number: u8) -> (IpAddr, RealServer) {
    let path = Path::Link {
        mac: Mac([2, 0, 0, 1, 0, number]),
        source_mac: OUR_MAC,
        ifindex: INGRESS,
        vlans: [0; 2],
    };
    let server = RealServer {
        weight: u16::from(number),
        path: Some(path),
    };
    (family.vip(100 + number), server)
}

fn members(family: Family) -> Vec<Member> {
    let member = |number| Member {
        address: family.vip(100 + number),
        port: PORT,
        weight: u16::from(number),
    };
    (1..=SERVERS).map(member).collect()
}

fn table(family: Family, change: impl Fn(&mut Service)) -> ForwardingTable {
    let servers = (1..=SERVERS).map(|number| server(family, number));
    let mut service = Service::mh(true, servers.collect());
    change(&mut service);
    let key = service_key((family.vip(SINGLE), PORT).into(), TCP);
    ForwardingTable {
        services: [(key, service)].into(),
        interfaces: [(INGRESS, OUR_MAC)].into(),
    }
}

/// Addresses from all over the family.
fn client(family: Family, number: u32) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(0xc633_0000 + number * 7919).into(),
        Family::V6 => {
            let spread = u128::from(number) * 0x9e37_79b9_7f4a_7c15;
            Ipv6Addr::from(0x2001_0db8_0001_0000_u128 << 64 | spread).into()
        }
    }
}

/// The server to which a frame is sent.
fn sent_to(xdp: &mut Xdp, frame: &[u8]) -> Result<u8> {
    let (action, out) = test_run(xdp.program()?, frame)?;
    ensure!(action == XDP_TX, "action {action}");
    ensure!(
        out[..5] == [2, 0, 0, 1, 0],
        "the frame is for {:02x?}",
        &out[..6]
    );
    Ok(out[5])
}

/// One frame of each kind that a client, or a router about it, may send.
fn kinds(family: Family, client: IpAddr) -> [(&'static str, Vec<u8>); 5] {
    let vip = (family.vip(SINGLE), PORT);
    let data = tcp_between(client, vip, 64, ack);
    let quoted = edited(icmp::answer(family, (SINGLE, PORT), TCP), |quoted| {
        let end = family.header();
        let address = match client {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        quoted[end - address.len()..end].copy_from_slice(&address);
    });
    [
        ("a SYN", tcp_between(client, vip, 0, syn)),
        ("the first fragment", fragment(&data, 0, true)),
        ("a later fragment", fragment(&data, 9, false)),
        ("data", data),
        ("an error", icmp::error(SINGLE, family, &quoted)),
    ]
}

/// The server that ip_vs_mh chooses.
fn by_maglev(family: Family, word: u32) -> u8 {
    let table = fill(&members(family), size());
    let member = table[slot(word, size().slots()) as usize];
    member.expect("each slot has a server") as u8 + 1
}

/// The server that ip_vs_sh chooses: it gives out its buckets in turns, to each server as many as
/// its weight says, in descending order of address.
fn by_sh(word: u32) -> u8 {
    let turns = (1..=SERVERS).rev();
    let turns: Vec<u8> = turns
        .flat_map(|number| std::iter::repeat_n(number, usize::from(number)))
        .collect();
    turns[sh::slot(word) as usize % turns.len()]
}

/// A client's address of which the last bits do not count.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) & !0 << (32 - V4_NETWORK)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !0 << (128 - V6_NETWORK)).into(),
    }
}

/// Runs SYNs of many clients, each from a port of its own.
fn expect_servers(
    sandbox: &Sandbox,
    change: impl Fn(Family, &mut Service),
    expected: impl Fn(Family, IpAddr, u16) -> u8,
) -> Result<()> {
    let directory = sandbox.bpffs.join("lvx");
    let mut xdp = Xdp::load(sandbox.object, &directory, size())?;
    for family in Family::BOTH {
        xdp.apply(&table(family, |service| change(family, service)))?;
        for number in 0..SPECIAL_CLIENTS {
            let client = client(family, number);
            let port = 1024 + (number * 31) as u16;
            let frame = tcp_between(client, (family.vip(SINGLE), PORT), 0, syn);
            let frame = edited(frame, |f| {
                let at = family.transport();
                f[at..at + 2].copy_from_slice(&port.to_be_bytes());
            });
            let server = sent_to(&mut xdp, &frame)?;
            let expected = expected(family, client, port);
            ensure!(
                server == expected,
                "{client} port {port}: {server}, not {expected}"
            );
        }
    }
    Ok(())
}

#[test]
fn mh_port_spreads_by_address_and_port() {
    in_sandbox(|sandbox| {
        let method = |_, service: &mut Service| service.method = Method::Mh { port: true };
        expect_servers(sandbox, method, |family, client, port| {
            by_maglev(family, address_word(address_bytes(client), port))
        })
    });
}

#[test]
fn sh_spreads_as_ip_vs_sh_does() {
    in_sandbox(|sandbox| {
        let method = |_, service: &mut Service| service.method = Method::Sh { port: false };
        expect_servers(sandbox, method, |_, client, _| {
            by_sh(address_word(address_bytes(client), 0))
        })
    });
}

#[test]
fn sh_port_spreads_by_address_and_port() {
    in_sandbox(|sandbox| {
        let method = |_, service: &mut Service| service.method = Method::Sh { port: true };
        expect_servers(sandbox, method, |_, client, port| {
            by_sh(address_word(address_bytes(client), port))
        })
    });
}

#[test]
fn with_a_granularity_clients_of_one_network_share_a_server() {
    in_sandbox(|sandbox| {
        let persistence = |family, service: &mut Service| {
            let prefix_len = match family {
                Family::V4 => V4_NETWORK,
                Family::V6 => V6_NETWORK,
            };
            let timeout = 3600;
            service.persistence = Some(Persistence {
                timeout,
                prefix_len,
            });
        };
        expect_servers(sandbox, persistence, |family, client, _| {
            let network = address_bytes(network(client));
            by_maglev(family, address_word(network, 0))
        })
    });
}

/// Each client goes where the table that the daemon filled says.
#[test]
fn the_program_and_the_control_plane_agree_for_every_client() {
    in_sandbox(|sandbox| {
        let directory = sandbox.bpffs.join("lvx");
        let mut xdp = Xdp::load(sandbox.object, &directory, size())?;
        for family in Family::BOTH {
            xdp.apply(&table(family, |_| ()))?;
            let expected = fill(&members(family), size());
            for number in 0..CLIENTS {
                let client = client(family, number);
                let slot = client_slot(client, size());
                let member = expected[slot as usize].context("a server")?;
                let frame = tcp_between(client, (family.vip(SINGLE), PORT), 0, syn);
                let server = sent_to(&mut xdp, &frame)?;
                ensure!(usize::from(server) == member + 1, "{client}: {server}");
            }
        }
        Ok(())
    });
}

#[test]
fn all_that_belongs_to_a_client_goes_to_one_server() {
    in_sandbox(|sandbox| {
        let directory = sandbox.bpffs.join("lvx");
        let mut xdp = Xdp::load(sandbox.object, &directory, size())?;
        for family in Family::BOTH {
            xdp.apply(&table(family, |_| ()))?;
            let mut servers = BTreeSet::new();
            for number in 0..100 {
                let client = client(family, number);
                let [(_, first), others @ ..] = kinds(family, client);
                let server = sent_to(&mut xdp, &first)?;
                servers.insert(server);
                for (words, frame) in others {
                    let other = sent_to(&mut xdp, &frame).context(words)?;
                    ensure!(server == other, "{client}: {words} goes to {other}");
                }
            }
            ensure!(servers.len() > 10, "only {servers:?} are used");
        }
        Ok(())
    });
}
