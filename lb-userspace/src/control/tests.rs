use std::net::Ipv4Addr;

use super::plane::{IpvsState, Override, XdpState};
use super::*;
use crate::dataplane::table::{Mac, Path};
use crate::netlink::hosts::Knowledge;
use crate::vrrp::State;

mod devices;
mod drain;
mod history;
mod orders;
mod planes;
mod policy;
mod reach;
mod seen;
mod serving;
mod taking_part;
mod through;
mod vlan;
mod wanted;
mod warming;

const VIP: InterfaceAddress = InterfaceAddress {
    address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)),
    prefix_len: 24,
};
const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 21));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 22));
const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
const SERVER_MAC: Mac = Mac([2, 0, 0, 0, 0, 21]);

const CONFIG: &str = r#"
[[vrrp]]
name = "VI"
interface = "eth0"
virtual_router_id = 51
addresses = ["192.0.2.10/24"]

[[service]]
name = "web"
address = "192.0.2.10:80"
check = { type = "tcp" }
[[service.real_server]]
address = "192.0.2.21"
"#;

const SECOND_SERVER: &str = "[[service.real_server]]\naddress = \"192.0.2.22\"\n";

fn config(text: &str) -> Config {
    config::parse(std::path::Path::new("test.toml"), text).unwrap()
}

pub(super) fn eth0() -> Link {
    Link {
        index: 3,
        name: "eth0".to_owned(),
        mac: Some(OUR_MAC),
        mtu: 1500,
        up: true,
        xdp: None,
        vlan: None,
        macvlan: None,
    }
}

struct Bench {
    control: Control,
    start: Instant,
}

impl Bench {
    fn new(text: &str) -> Self {
        let start = Instant::now();
        let mut control = Control::new(config(text), start);
        control.set_links(vec![eth0()]);
        Self { control, start }
    }

    fn verdict(&mut self, real_server: IpAddr, outcome: Result<(), &str>) {
        let service = "web".to_owned();
        let subject = Subject {
            service: service.into(),
            real_server,
        };
        self.control.verdict(Verdict {
            subject,
            outcome: outcome.map_err(str::to_owned),
            changed: true,
            weight: None,
            certificate: None,
            at: self.start,
        });
    }

    fn resolve(&mut self, host: IpAddr, mac: Mac) {
        self.control.route(host, Route::OnLink { ifindex: 3 });
        self.control.neighbour(&Neighbour {
            ifindex: 3,
            address: host,
            state: Resolution::Known(mac),
        });
    }

    fn neighbour(&mut self, state: Resolution) {
        self.control.neighbour(&Neighbour {
            ifindex: 3,
            address: SERVER,
            state,
        });
    }

    fn state(&mut self, state: State, after: Duration) {
        self.enter(state, vrrp::Cause::Started, after);
    }

    fn enter(&mut self, state: State, cause: vrrp::Cause, after: Duration) {
        let at = self.start + after;
        let event = vrrp::Event::State {
            instance: "VI".to_owned(),
            state,
            priority: 100,
            cause,
            at,
        };
        self.control.vrrp(&event, at);
    }

    fn leader(&mut self, after: Duration) {
        let at = self.start + after;
        let event = vrrp::Event::LeaderHeard {
            instance: "VI".to_owned(),
            source: Ipv4Addr::new(192, 0, 2, 2).into(),
            priority: 100,
            at,
        };
        self.control.vrrp(&event, at);
    }

    /// Whether the service is forwarded, and whether the address is held.
    fn serves(&self) -> (bool, bool) {
        let table = self.control.table();
        let active = table.services.values().all(|service| service.active);
        (active, self.control.addresses().contains(&(3, VIP)))
    }

    fn path(&self, host: IpAddr) -> Option<Path> {
        let table = self.control.table();
        let service = table.services.values().next().unwrap();
        service.real_servers.get(&host)?.path
    }

    fn server_state(&self) -> ServerState {
        let service = &self.control.config().services[0];
        self.control.server_state(service, &service.real_servers[0])
    }
}

fn link_path(mac: Mac) -> Option<Path> {
    Some(Path::Link {
        mac,
        source_mac: OUR_MAC,
        ifindex: 3,
        vlans: [0; 2],
    })
}
