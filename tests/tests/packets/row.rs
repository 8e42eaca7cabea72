//! A row of the packet table.

use std::net::IpAddr;

use lb_common::layout::Counter;
use lb_common::reason::Reason;

use super::edits::tags;
use super::frames::{ETHERNET, OUR_MAC};
use super::world::{OTHER_NIC_MAC, SERVER_MAC};

/// What becomes of a frame.
#[derive(Clone, Copy)]
pub(crate) enum Expect {
    /// Sent back out of the NIC it came from.
    Transmit,
    /// Sent out of another NIC.
    Redirect,
    /// Left to the kernel, unchanged.
    Pass(Reason),
}

pub(crate) struct Row {
    pub(crate) words: String,
    pub(crate) frame: Vec<u8>,
    pub(crate) expect: Expect,
    /// The frame afterwards.
    pub(crate) out: Vec<u8>,
    /// What the real servers' counters grow by.
    pub(crate) counted: Counter,
}

fn forwarded(words: impl Into<String>, frame: Vec<u8>, expect: Expect) -> Row {
    let source = if matches!(expect, Expect::Redirect) {
        OTHER_NIC_MAC
    } else {
        OUR_MAC
    };
    let mut out = frame.clone();
    out[..6].copy_from_slice(&SERVER_MAC.0);
    out[6..12].copy_from_slice(&source.0);
    let header = ETHERNET + 4 * tags(&frame).len();
    let counted = Counter {
        packets: 1,
        bytes: (frame.len() - header) as u64,
        connections: 0,
    };
    Row {
        words: words.into(),
        frame,
        expect,
        out,
        counted,
    }
}

/// Sent to the real server out of the same NIC; it opens no connection.
pub(crate) fn sent(words: impl Into<String>, frame: Vec<u8>) -> Row {
    forwarded(words, frame, Expect::Transmit)
}

/// Sent to the real server out of the other NIC.
pub(crate) fn redirected(words: impl Into<String>, frame: Vec<u8>) -> Row {
    forwarded(words, frame, Expect::Redirect)
}

pub(crate) fn passed(words: impl Into<String>, frame: Vec<u8>, reason: Reason) -> Row {
    Row {
        words: words.into(),
        out: frame.clone(),
        frame,
        expect: Expect::Pass(reason),
        counted: Counter::default(),
    }
}

impl Row {
    /// It counts as a new connection.
    pub(crate) fn opening(mut self) -> Self {
        self.counted.connections = 1;
        self
    }

    /// Whether the address is in the frame.
    pub(crate) fn names(&self, address: IpAddr) -> bool {
        let bytes = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        self.frame
            .windows(bytes.len())
            .any(|window| window == bytes)
    }

    /// The IP packet is shorter than what is behind Ethernet.
    pub(crate) fn of_bytes(mut self, bytes: u64) -> Self {
        self.counted.bytes = bytes;
        self
    }

    /// It leaves in these VLANs, the outer one first.
    pub(crate) fn into_vlans(mut self, vlans: &[u16]) -> Self {
        let places = tags(&self.frame);
        assert_eq!(places.len(), vlans.len(), "{}", self.words);
        for (at, vlan) in places.into_iter().zip(vlans) {
            let [high, low] = vlan.to_be_bytes();
            self.out[at] = self.out[at] & 0xf0 | high;
            self.out[at + 1] = low;
        }
        self
    }
}
