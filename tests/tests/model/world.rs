//! What both the program and the model are told: services, servers, what becomes of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lb_common::layout::ServiceKey;
use lb_common::rule::Timeouts;
use lb_tests::segment::{Flow, OUR_MAC, TCP, UDP};
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Method, Path, Persistence, RealServer, Service, service_key,
};

/// Real servers of each service, with numbers from 0.
pub(crate) const SERVERS: u8 = 5;
pub(crate) const CLIENTS: u8 = 6;
pub(crate) const PORTS: u8 = 2;
/// Seconds in which a client gets its server back.
pub(crate) const PERSISTENCE: u32 = 600;

const HASHED: Method = Method::Mh { port: false };

/// A service, by what is special about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) method: Method,
    pub(crate) protocol: u8,
    pub(crate) v6: bool,
    pub(crate) persistent: bool,
}

const fn tcp(method: Method, v6: bool) -> Kind {
    Kind {
        method,
        protocol: TCP,
        v6,
        persistent: false,
    }
}

/// By number.
pub(crate) const SERVICES: [Kind; 10] = [
    tcp(HASHED, false),
    tcp(HASHED, true),
    tcp(Method::Mh { port: true }, false),
    tcp(Method::Sh { port: false }, false),
    Kind {
        persistent: true,
        ..tcp(HASHED, false)
    },
    Kind {
        persistent: true,
        ..tcp(HASHED, true)
    },
    Kind {
        protocol: UDP,
        ..tcp(HASHED, false)
    },
    Kind {
        protocol: UDP,
        ..tcp(HASHED, true)
    },
    tcp(Method::Rr, false),
    tcp(Method::Wlc, true),
];

impl Kind {
    pub(crate) const fn timeouts(self) -> Timeouts {
        if self.protocol == UDP {
            Timeouts::UDP
        } else {
            Timeouts::TCP
        }
    }

    /// Its clients are whole networks: two of them share one.
    pub(crate) const fn prefix_len(self) -> u8 {
        if self.v6 { 127 } else { 31 }
    }

    fn service(self, servers: &[Server]) -> Service {
        let timeouts = self.timeouts();
        let real_servers = (0..).zip(servers).filter(|(_, server)| server.configured);
        let number = SERVICES.iter().position(|kind| *kind == self);
        let number = number.expect("the kinds are the services") as u8;
        Service {
            active: true,
            method: self.method,
            persistence: self.persistent.then(|| Persistence {
                timeout: PERSISTENCE,
                prefix_len: self.prefix_len(),
            }),
            affinity: self.protocol == UDP,
            timeouts,
            settling: timeouts.established,
            virtual_router: None,
            real_servers: real_servers
                .map(|(index, server)| (address(self.v6, index), server.desired(number, index)))
                .collect(),
        }
    }
}

/// A real server as the configuration and its checks have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) configured: bool,
    pub(crate) healthy: bool,
    /// 0 = it drains.
    pub(crate) weight: u16,
}

impl Server {
    const START: Self = Self {
        configured: true,
        healthy: true,
        weight: 1,
    };

    /// It takes new connections.
    pub(crate) const fn is_open(self) -> bool {
        self.configured && self.healthy && self.weight > 0
    }

    fn desired(self, service: u8, index: u8) -> RealServer {
        let path = Path::Link {
            mac: mac(service, index),
            source_mac: OUR_MAC,
            // Test runs come in through the loopback device.
            ifindex: 1,
            vlans: [0; 2],
        };
        RealServer {
            weight: self.weight,
            path: self.healthy.then_some(path),
        }
    }
}

fn mac(service: u8, server: u8) -> Mac {
    Mac([2, 0, 0, 1, service, server])
}

/// The number of the service's server that has this MAC.
pub(crate) fn server_of(service: u8, found: Mac) -> Option<u8> {
    (0..SERVERS).find(|server| mac(service, *server) == found)
}

fn address(v6: bool, last: u8) -> IpAddr {
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, last.into()).into()
    } else {
        Ipv4Addr::new(192, 0, 2, 100 + last).into()
    }
}

fn vip(service: u8) -> SocketAddr {
    let ip: IpAddr = if SERVICES[service as usize].v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, service.into()).into()
    } else {
        Ipv4Addr::new(192, 0, 2, service).into()
    };
    (ip, 80).into()
}

pub(crate) fn key(service: u8) -> ServiceKey {
    service_key(vip(service), SERVICES[service as usize].protocol)
}

/// A client's connection, by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Connection {
    pub(crate) service: u8,
    pub(crate) client: u8,
    pub(crate) port: u8,
}

impl Connection {
    pub(crate) fn kind(self) -> Kind {
        SERVICES[self.service as usize]
    }

    pub(crate) fn flow(self) -> Flow {
        let client: IpAddr = if self.kind().v6 {
            Ipv6Addr::new(0x2001, 0xdb8, 7, 0, 0, 0, 0, self.client.into()).into()
        } else {
            Ipv4Addr::new(198, 51, 100, self.client).into()
        };
        Flow {
            client: (client, 40_000 + u16::from(self.port)).into(),
            service: vip(self.service),
        }
    }
}

/// All services' servers.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) servers: Vec<[Server; SERVERS as usize]>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            servers: vec![[Server::START; SERVERS as usize]; SERVICES.len()],
        }
    }

    pub(crate) fn server(&mut self, service: u8, server: u8) -> &mut Server {
        &mut self.servers[service as usize][server as usize]
    }

    /// The services of the kinds that `wanted` says.
    pub(crate) fn table(&self, wanted: impl Fn(Kind) -> bool) -> ForwardingTable {
        let services = (0u8..).zip(SERVICES).zip(&self.servers);
        ForwardingTable {
            services: services
                .filter(|((_, kind), _)| wanted(*kind))
                .map(|((number, kind), servers)| (key(number), kind.service(servers)))
                .collect(),
            interfaces: [(1, OUR_MAC)].into(),
        }
    }
}
