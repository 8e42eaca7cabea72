//! What happens, in random order.

use proptest::prelude::*;
use proptest::sample::select;

use super::world::{CLIENTS, Connection, PORTS, SERVERS, SERVICES};

/// What a packet says. To a UDP service they are all datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packet {
    Syn,
    Data,
    Fin,
    Rst,
}

/// What becomes of a real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
    Fail,
    Recover,
    /// 0 = it drains.
    Weigh(u16),
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Packets(Vec<(Connection, Packet)>),
    Change {
        service: u8,
        server: u8,
        change: Change,
    },
    /// Seconds go by, with sweeps at their end.
    Pass {
        seconds: u64,
        sweeps: u8,
    },
}

fn packet() -> impl Strategy<Value = Packet> {
    prop_oneof![
        3 => Just(Packet::Syn),
        8 => Just(Packet::Data),
        1 => Just(Packet::Fin),
        1 => Just(Packet::Rst),
    ]
}

fn connection(services: &[u8]) -> impl Strategy<Value = Connection> + use<> {
    let services = select(services.to_vec());
    (services, 0..CLIENTS, 0..PORTS).prop_map(|(service, client, port)| Connection {
        service,
        client,
        port,
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Add),
        2 => Just(Change::Remove),
        1 => Just(Change::Fail),
        2 => Just(Change::Recover),
        2 => (1u16..4).prop_map(Change::Weigh),
        2 => Just(Change::Weigh(0)),
    ]
}

/// Around the timeouts, and between them.
const SECONDS: [u64; 16] = [
    1, 1, 2, 10, 30, 59, 60, 61, 119, 121, 280, 301, 599, 601, 899, 1200,
];

fn op(services: &[u8]) -> impl Strategy<Value = Op> + use<> {
    let packets = prop::collection::vec((connection(services), packet()), 1..12);
    let some = services.to_vec();
    prop_oneof![
        6 => packets.prop_map(Op::Packets),
        4 => (select(some), 0..SERVERS, change()).prop_map(|(service, server, change)| {
            Op::Change { service, server, change }
        }),
        2 => (select(&SECONDS[..]), 1u8..4).prop_map(|(seconds, sweeps)| {
            Op::Pass { seconds, sweeps }
        }),
    ]
}

/// What happens to one or two of the services: with few, much happens to each.
pub(crate) fn story(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let all: Vec<u8> = (0..SERVICES.len() as u8).collect();
    let few = prop::sample::subsequence(all, 1..=2);
    few.prop_flat_map(move |services| prop::collection::vec(op(&services), 1..=length))
}
