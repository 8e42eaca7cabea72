//! What is measured: packets, services, programs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lb_common::feed::Feed;
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Path, RealServer, Service, service_key,
};

pub(super) const XDP_PASS: u32 = 2;
pub(super) const XDP_TX: u32 = 3;

const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const VIP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10);
/// The address of the packets that are not for a service.
const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 99);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const CLIENT6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
const FIRST_PORT: u16 = 1000;
const SERVERS: u8 = 10;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ACK: u8 = 0x10;
const SYN: u8 = 0x02;

/// What the packets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    V4,
    V4Udp,
    V6,
}

/// What a data plane holds: cases that agree share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Contents {
    pub(super) kind: Kind,
    pub(super) services: u16,
    /// Every slot has just moved from one server to another.
    pub(super) unstable: bool,
    /// The program samples connections, as it does by default.
    pub(super) samples: bool,
}

const PLAIN: Contents = Contents {
    kind: Kind::V4,
    services: 1,
    unstable: false,
    samples: true,
};

pub(super) struct Case {
    pub(super) name: &'static str,
    /// A power of two.
    pub(super) flows: u32,
    pub(super) contents: Contents,
    /// Issue 4's, in nanoseconds or otherwise.
    pub(super) goal: &'static str,
    destination: IpAddr,
    /// TCP flags.
    flags: u8,
    /// What the program does with every packet.
    pub(super) action: u32,
}

const fn case(name: &'static str, kind: Kind, flows: u32, goal: &'static str) -> Case {
    let destination = match kind {
        Kind::V4 | Kind::V4Udp => IpAddr::V4(VIP),
        Kind::V6 => IpAddr::V6(VIP6),
    };
    Case {
        name,
        flows,
        contents: Contents { kind, ..PLAIN },
        goal,
        destination,
        flags: ACK,
        action: XDP_TX,
    }
}

const fn established(flows: u32, services: u16) -> Case {
    let mut case = case("ipv4-tcp-established", Kind::V4, flows, "22");
    case.contents.services = services;
    case
}

impl Case {
    pub(super) const ALL: [Self; 10] = [
        Self {
            destination: IpAddr::V4(NOBODY),
            action: XDP_PASS,
            ..case("not-for-us", Kind::V4, 1 << 16, "8")
        },
        established(1, 1),
        established(1 << 16, 1),
        Self {
            contents: Contents {
                samples: false,
                ..PLAIN
            },
            ..case("the same, passive_sample off", Kind::V4, 1 << 16, "–")
        },
        established(1 << 20, 1),
        established(1 << 16, 1000),
        Self {
            flags: SYN,
            ..case("ipv4-tcp-syn", Kind::V4, 1 << 20, "22")
        },
        case("ipv4-udp", Kind::V4Udp, 1 << 16, "–"),
        case("ipv6-tcp-established", Kind::V6, 1 << 16, "1.4 × IPv4"),
        Self {
            contents: Contents {
                unstable: true,
                ..PLAIN
            },
            ..case("unstable", Kind::V4, 1 << 16, "100")
        },
    ];
    /// The packets of the single stages.
    pub(super) const STAGE: Self = case("stage", Kind::V4, 1 << 16, "–");

    pub(super) fn feed(&self) -> Feed {
        let client = match self.contents.kind {
            Kind::V4 | Kind::V4Udp => CLIENT.to_bits(),
            Kind::V6 => CLIENT6.to_bits() as u32,
        };
        Feed::new(self.flows, client, &self.headers())
    }

    /// Headers of the case's packets, to the last of its services.
    pub(super) fn headers(&self) -> Vec<u8> {
        let port = FIRST_PORT + self.contents.services - 1;
        let mut bytes = Vec::from(OUR_MAC.0);
        bytes.extend([2, 0, 0, 0, 0, 1]);
        let protocol = self.contents.kind.protocol();
        match self.destination {
            IpAddr::V4(destination) => {
                bytes.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, protocol, 0, 0]);
                bytes.extend(CLIENT.octets());
                bytes.extend(destination.octets());
            }
            IpAddr::V6(destination) => {
                bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, protocol, 64]);
                bytes.extend(CLIENT6.octets());
                bytes.extend(destination.octets());
            }
        }
        bytes.extend(40_000u16.to_be_bytes());
        bytes.extend(port.to_be_bytes());
        bytes.extend(match self.contents.kind {
            Kind::V4 | Kind::V6 => [0, 0, 0, 0, 0, 0, 0, 0, 0x50, self.flags, 0, 0, 0, 0, 0, 0],
            Kind::V4Udp => [0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        });
        bytes
    }
}

impl Kind {
    const fn protocol(self) -> u8 {
        match self {
            Self::V4 | Self::V6 => TCP,
            Self::V4Udp => UDP,
        }
    }

    /// Program of lb-ebpf's `feeder.rs` that makes such packets.
    pub(super) const fn feeder(self) -> &'static str {
        match self {
            Self::V4 | Self::V4Udp => "feeder",
            Self::V6 => "feeder_v6",
        }
    }

    const fn vip(self) -> IpAddr {
        match self {
            Self::V4 | Self::V4Udp => IpAddr::V4(VIP),
            Self::V6 => IpAddr::V6(VIP6),
        }
    }
}

impl Contents {
    /// The tables that are applied, one after the other: services on ports in a row, with ten
    /// servers each. Where slots shall have moved, one half of the servers takes over from the
    /// other, which keeps its connections.
    pub(super) fn tables(&self) -> Vec<ForwardingTable> {
        if self.unstable {
            let half = SERVERS / 2;
            return vec![
                self.table(|server| u16::from(server <= half)),
                self.table(|server| u16::from(server > half)),
            ];
        }
        vec![self.table(|_| 1)]
    }

    fn table(&self, weight: impl Fn(u8) -> u16) -> ForwardingTable {
        let server = |last: u8| {
            let path = Path::Link {
                mac: Mac([2, 0, 0, 0, 1, last]),
                source_mac: OUR_MAC,
                // Test runs come in through the loopback device.
                ifindex: 1,
                vlans: [0; 2],
            };
            let address = match self.kind {
                Kind::V4 | Kind::V4Udp => Ipv4Addr::new(192, 0, 2, 100 + last).into(),
                Kind::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, last.into()).into(),
            };
            let (weight, path) = (weight(last), Some(path));
            (address, RealServer { weight, path })
        };
        let service = Service::mh(true, (1..=SERVERS).map(server).collect());
        let key = |port| service_key((self.kind.vip(), port).into(), self.kind.protocol());
        let ports = FIRST_PORT..FIRST_PORT + self.services;
        ForwardingTable {
            services: ports.map(|port| (key(port), service.clone())).collect(),
            interfaces: [(1, OUR_MAC)].into(),
        }
    }
}
