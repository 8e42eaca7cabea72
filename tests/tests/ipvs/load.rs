//! Many clients.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::Result;

use crate::place::{Place, wait};
use crate::wire::{Segment, Wire};

/// The n-th client of a family.
pub(crate) fn client(v6: bool, n: u32) -> IpAddr {
    if v6 {
        let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        let [high, low] = [[a, b], [c, d]].map(u16::from_be_bytes);
        [0x2001, 0xdb8, 0xc, high, low, 0, 0, n as u16].into()
    } else {
        let [_, _, high, low] = n.to_be_bytes();
        [198, 18, high, low].into()
    }
}

/// What clients send: the first so many of them, each from this port.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) v6: bool,
    pub(crate) clients: u32,
    pub(crate) port: u16,
    pub(crate) segment: Segment,
}

impl Load {
    pub(crate) fn syn(v6: bool, clients: u32, port: u16) -> Self {
        let segment = Segment::Syn;
        Self {
            v6,
            clients,
            port,
            segment,
        }
    }

    /// Sends it, and again what got lost, until the kernel has a connection for each; where they
    /// went.
    pub(crate) async fn send(self, place: &Place, wire: &Wire) -> Result<BTreeMap<IpAddr, IpAddr>> {
        let mut chosen = BTreeMap::new();
        wait("all connections", async || {
            for n in 0..self.clients {
                let client = client(self.v6, n);
                if !chosen.contains_key(&client) {
                    wire.send(client, self.port, self.segment)?;
                }
            }
            let found = place.connections()?.into_iter();
            let ours = found.filter(|found| {
                // Connections of an earlier service may be there still.
                found.client_port == self.port && found.client.is_ipv6() == self.v6
            });
            chosen = ours
                .map(|found| (found.client, found.destination))
                .collect();
            Ok((chosen.len() >= self.clients as usize).then_some(()))
        })
        .await?;
        Ok(chosen)
    }
}
