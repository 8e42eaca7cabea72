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
mod policy;
mod seen;
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

#[test]
fn a_server_is_in_the_table_once_it_is_healthy_and_its_mac_is_known() {
    let mut bench = Bench::new(CONFIG);
    assert_eq!(bench.server_state(), ServerState::Checking);
    bench.verdict(SERVER, Ok(()));
    assert_eq!(bench.server_state(), ServerState::Resolving);
    assert_eq!(bench.path(SERVER), None);
    bench.resolve(SERVER, SERVER_MAC);
    assert_eq!(bench.path(SERVER), link_path(SERVER_MAC));
    bench.verdict(SERVER, Err("refused"));
    assert_eq!(bench.path(SERVER), None);
    assert_eq!(bench.server_state().reason(), Some("refused".into()));
}

/// Until then the tables keep what they have of it: connections from before it was taken out.
#[test]
fn a_server_that_a_reload_brings_back_is_in_the_table_when_it_has_a_verdict() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    let without = CONFIG.replace(&SERVER.to_string(), "192.0.2.99");
    bench.control.configure(config(&without), bench.start);
    bench.control.configure(config(CONFIG), bench.start);
    assert_eq!(bench.server_state(), ServerState::Checking);
    let table = bench.control.table();
    let service = table.services.values().next().unwrap();
    assert!(!service.real_servers.contains_key(&SERVER));
    bench.verdict(SERVER, Err("refused"));
    assert_eq!(bench.path(SERVER), None);
    bench.verdict(SERVER, Ok(()));
    assert_eq!(bench.path(SERVER), link_path(SERVER_MAC));
}

#[test]
fn macs_are_followed_and_outlive_the_kernels_forgetting() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    let moved = Mac([2, 0, 0, 0, 0, 99]);
    bench.neighbour(Resolution::Known(moved));
    assert_eq!(bench.path(SERVER), link_path(moved));
    bench.neighbour(Resolution::Unknown);
    assert_eq!(bench.path(SERVER), link_path(moved));
    bench.neighbour(Resolution::Failed);
    assert_eq!(bench.path(SERVER), None);
    assert_eq!(bench.control.wanted_hosts()[&SERVER], Knowledge::Unknown);
}

#[test]
fn the_mac_of_a_server_that_fails_is_in_doubt() {
    let mut bench = Bench::new(CONFIG);
    let known = |bench: &Bench| bench.control.wanted_hosts()[&SERVER];
    assert_eq!(known(&bench), Knowledge::Unknown);
    bench.resolve(SERVER, SERVER_MAC);
    assert_eq!(known(&bench), Knowledge::Known);
    bench.verdict(SERVER, Err("no answer"));
    assert_eq!(known(&bench), Knowledge::Doubtful);
    bench.verdict(SERVER, Ok(()));
    assert_eq!(known(&bench), Knowledge::Known);
    bench.verdict(SERVER, Err("no answer"));
    bench.neighbour(Resolution::Fixed(SERVER_MAC));
    assert_eq!(known(&bench), Knowledge::Known);
}

#[test]
fn routes_that_direct_routing_cannot_use_are_explained() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    let gateway = Ipv4Addr::new(192, 0, 2, 1).into();
    let reason = "Network is unreachable".to_owned();
    for (route, words) in [
        (Route::Via { gateway }, "behind router 192.0.2.1"),
        (
            Route::None { reason },
            "no route to it: Network is unreachable",
        ),
    ] {
        bench.control.route(SERVER, route);
        let state = bench.server_state();
        assert!(state.reason().unwrap().contains(words), "{state:?}");
        assert_eq!(state.name(), "unreachable");
    }
    bench.control.route(SERVER, Route::Local);
    assert_eq!(bench.path(SERVER), Some(Path::Local));
}

#[test]
fn a_server_on_an_interface_without_the_program_names_the_way_out() {
    let mut bench = Bench::new(CONFIG);
    let eth1 = Link {
        index: 4,
        name: "eth1".to_owned(),
        ..eth0()
    };
    bench.control.set_links(vec![eth0(), eth1]);
    bench.verdict(SERVER, Ok(()));
    bench.control.route(SERVER, Route::OnLink { ifindex: 4 });
    let state = bench.server_state();
    assert!(
        state
            .reason()
            .unwrap()
            .contains("add eth1 to [global] interfaces"),
        "{state:?}"
    );
}

#[test]
fn only_a_master_serves_and_a_defeated_one_fades() {
    let ms = Duration::from_millis;
    let mut bench = Bench::new(CONFIG);
    assert_eq!(bench.serves(), (false, false));
    bench.state(State::Backup, ms(0));
    assert_eq!(bench.serves(), (false, false));
    bench.state(State::Master, ms(10));
    assert_eq!(bench.serves(), (true, true));
    assert_eq!(bench.control.take_announcements(), ["VI"]);
    assert!(bench.control.take_announcements().is_empty());
    bench.state(State::Backup, ms(20));
    assert_eq!(bench.serves(), (true, false));
    let until = bench.start + ms(20) + instance::FADE;
    bench.control.expire(until - ms(1));
    assert_eq!(bench.serves(), (true, false));
    bench.control.expire(until);
    assert_eq!(bench.serves(), (false, false));
}

#[test]
fn a_master_that_loses_its_interface_stops_serving() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, Duration::ZERO);
    bench.state(State::Initialize, Duration::ZERO);
    assert_eq!(bench.serves(), (false, false));
}

#[test]
fn what_a_crashed_daemon_left_is_served_until_someone_leads() {
    let ms = Duration::from_millis;
    let mut bench = Bench::new(CONFIG);
    bench.control.inherit(&[(3, VIP)]);
    assert_eq!(bench.serves(), (true, true));
    bench.state(State::Backup, ms(0));
    assert_eq!(bench.serves(), (true, true));
    let mut preempting = bench.control.clone();
    bench.leader(ms(100));
    assert_eq!(bench.serves(), (true, false));
    bench.control.expire(bench.start + ms(100) + instance::FADE);
    assert_eq!(bench.serves(), (false, false));

    let event = vrrp::Event::State {
        instance: "VI".to_owned(),
        state: State::Master,
        priority: 100,
        cause: vrrp::Cause::Started,
        at: bench.start,
    };
    preempting.vrrp(&event, bench.start);
    assert_eq!(preempting.instance("VI").unwrap().serving, Serving::Master);
}

#[test]
fn addresses_of_others_are_not_inherited() {
    let mut bench = Bench::new(CONFIG);
    bench.control.inherit(&[(4, VIP)]);
    assert_eq!(bench.serves(), (false, false));
}

#[test]
fn a_stop_hands_over_before_it_ends() {
    let ms = Duration::from_millis;
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, ms(0));
    bench.enter(State::Initialize, vrrp::Cause::Shutdown, ms(1));
    assert_eq!(bench.serves(), (true, true));
    assert!(!bench.control.has_handed_over());
    bench.leader(ms(60));
    assert_eq!(bench.serves(), (true, false));
    assert!(!bench.control.has_handed_over());
    bench.control.expire(bench.start + ms(60) + instance::FADE);
    assert!(bench.control.has_handed_over());
}

#[test]
fn a_backup_has_nothing_to_hand_over() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Backup, Duration::ZERO);
    bench.enter(State::Initialize, vrrp::Cause::Shutdown, Duration::ZERO);
    assert!(bench.control.has_handed_over());
}

#[test]
fn one_that_resigns_serves_until_another_leads() {
    let ms = Duration::from_millis;
    let group = vrrp::Cause::Group {
        group: "G".to_owned(),
        member: "VI_2".to_owned(),
    };
    for cause in [vrrp::Cause::Resigned, group] {
        let mut bench = Bench::new(CONFIG);
        bench.state(State::Master, ms(0));
        bench.enter(State::Backup, cause.clone(), ms(1));
        assert_eq!(bench.serves(), (true, true), "{cause}");
        // Nobody took over.
        let mut alone = Bench {
            control: bench.control.clone(),
            start: bench.start,
        };
        alone.state(State::Master, ms(400));
        assert_eq!(alone.serves(), (true, true));
        assert!(!alone.control.instance("VI").unwrap().resigned);
        bench.leader(ms(60));
        assert_eq!(bench.serves(), (true, false));
        bench.control.expire(bench.start + ms(60) + instance::FADE);
        assert_eq!(bench.serves(), (false, false));
    }
}

#[test]
fn a_fault_takes_the_addresses_away() {
    let ms = Duration::from_millis;
    let tracked = || vrrp::Cause::Tracked("process nginx does not run".to_owned());
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, ms(0));
    bench.enter(State::Fault, tracked(), ms(1));
    assert_eq!(bench.serves(), (true, false), "stray packets");
    bench.control.expire(bench.start + ms(1) + instance::FADE);
    assert_eq!(bench.serves(), (false, false));
    let instance = bench.control.instance("VI").unwrap();
    assert_eq!(instance.cause, "process nginx does not run");
    assert_eq!(instance.since, bench.start + ms(1));
    // What an earlier daemon left ends, too, but not for an interface that comes up late.
    for (cause, serves) in [
        (tracked(), (true, false)),
        (vrrp::Cause::InterfaceLost, (true, true)),
    ] {
        let mut bench = Bench::new(CONFIG);
        bench.control.inherit(&[(3, VIP)]);
        bench.enter(State::Fault, cause, ms(1));
        assert_eq!(bench.serves(), serves);
    }
}

#[test]
fn who_leads_and_who_disturbs_is_known() {
    let ms = Duration::from_millis;
    let source = IpAddr::from([192, 0, 2, 3]);
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Backup, ms(0));
    bench.leader(ms(10));
    let known = |bench: &Bench| bench.control.instance("VI").unwrap().clone();
    let leader = known(&bench).leader.map(|leader| leader.source);
    assert_eq!(leader, Some(IpAddr::from([192, 0, 2, 2])));
    bench.state(State::Master, ms(20));
    assert_eq!(known(&bench).leader, None);
    let instance = || "VI".to_owned();
    let at = bench.start + ms(30);
    let (mac, address) = (SERVER_MAC, VIP.address);
    for event in [
        vrrp::Event::Rival {
            instance: instance(),
            own: SERVER,
            source,
            priority: 90,
            at,
        },
        vrrp::Event::Duplicate {
            instance: instance(),
            address,
            mac,
            at,
        },
    ] {
        bench.control.vrrp(&event, at);
    }
    let rival = Rival {
        priority: 90,
        since: at,
    };
    assert_eq!(known(&bench).rivals, BTreeMap::from([(source, rival)]));
    let duplicates = BTreeMap::from([((address, mac), at)]);
    assert_eq!(known(&bench).duplicates, duplicates);
    let lasted = ms(5);
    for event in [
        vrrp::Event::RivalGone {
            instance: instance(),
            source,
            lasted,
            at,
        },
        vrrp::Event::DuplicateGone {
            instance: instance(),
            address,
            mac,
            lasted,
            at,
        },
    ] {
        bench.control.vrrp(&event, at);
    }
    assert!(known(&bench).rivals.is_empty() && known(&bench).duplicates.is_empty());
    let priority = 200;
    let cause = vrrp::Cause::HigherPriority { source, priority };
    bench.enter(State::Backup, cause, ms(40));
    assert_eq!(known(&bench).leader, Some(Leader { source, priority }));
}

#[test]
fn an_instance_takes_part_when_its_servers_are_known() {
    let mut bench = Bench::new(CONFIG);
    let now = bench.start;
    assert!(bench.control.take_ready(now).is_empty());
    bench.verdict(SERVER, Ok(()));
    assert!(bench.control.take_ready(now).is_empty());
    bench.resolve(SERVER, SERVER_MAC);
    assert_eq!(bench.control.take_ready(now), ["VI"]);
    assert!(bench.control.take_ready(now).is_empty());
}

#[test]
fn a_server_that_stays_unknown_delays_an_instance_only_so_long() {
    let mut bench = Bench::new(CONFIG);
    let limit = bench.start + READY_LIMIT;
    assert_eq!(bench.control.next_timeout(bench.start), Some(limit));
    assert_eq!(bench.control.next_timeout(limit), None);
    assert_eq!(bench.control.take_ready(limit), ["VI"]);
    assert_eq!(bench.control.next_timeout(bench.start), None);
}

#[test]
fn a_reload_keeps_what_is_known_of_what_stays() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    bench.state(State::Master, Duration::ZERO);
    let more = format!("{CONFIG}{SECOND_SERVER}");
    bench.control.configure(config(&more), bench.start);
    assert_eq!(bench.serves(), (true, true));
    assert_eq!(bench.path(SERVER), link_path(SERVER_MAC));
    assert_eq!(bench.path(OTHER), None);
    // What is said of a server that is configured away is not kept for its return.
    bench.verdict(OTHER, Ok(()));
    bench.control.configure(config(CONFIG), bench.start);
    bench.verdict(OTHER, Ok(()));
    bench.control.configure(config(&more), bench.start);
    bench.resolve(OTHER, SERVER_MAC);
    assert_eq!(bench.path(OTHER), None);
}

#[test]
fn a_master_takes_over_the_addresses_of_a_reload_and_announces_them() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, Duration::ZERO);
    bench.control.take_announcements();
    bench.control.configure(config(CONFIG), bench.start);
    assert!(bench.control.take_announcements().is_empty());
    let moved = CONFIG.replace("192.0.2.10", "192.0.2.11");
    bench.control.configure(config(&moved), bench.start);
    let addresses: Vec<_> = bench.control.addresses().into_iter().collect();
    assert_eq!(addresses.len(), 1);
    assert_eq!(addresses[0].1.address, Ipv4Addr::new(192, 0, 2, 11));
    assert_eq!(bench.control.take_announcements(), ["VI"]);
}

fn ready(bench: &mut Bench) {
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
}

#[test]
fn ipvs_holds_what_is_served_and_nothing_else() {
    let mut bench = Bench::new(CONFIG);
    ready(&mut bench);
    bench.control.planes_mut().xdp = XdpState::Attached;
    bench.state(State::Master, Duration::ZERO);
    assert!(bench.control.ipvs_table().services.is_empty());
    bench.control.planes_mut().ipvs = IpvsState::Ready;
    let table = bench.control.ipvs_table();
    let service = table.services.values().next().unwrap();
    assert_eq!(service.scheduler, "mh");
    assert_eq!(service.destinations[&SERVER].weight, 1);
    bench.verdict(SERVER, Err("refused"));
    let table = bench.control.ipvs_table();
    assert!(
        table
            .services
            .values()
            .all(|service| service.destinations.is_empty())
    );
    bench.state(State::Backup, Duration::ZERO);
    bench.control.expire(bench.start + instance::FADE);
    assert!(bench.control.ipvs_table().services.is_empty());
}

#[test]
fn a_service_on_ipvs_is_passed_by_the_program() {
    let mut bench = Bench::new(CONFIG);
    ready(&mut bench);
    bench.state(State::Master, Duration::ZERO);
    bench.control.planes_mut().xdp = XdpState::Attached;
    bench.control.planes_mut().ipvs = IpvsState::Ready;
    assert_eq!(bench.serves(), (true, true));
    bench.control.planes_mut().by_hand = Some(Override::Ipvs);
    assert_eq!(bench.serves(), (false, true));
    assert_eq!(bench.control.ipvs_table().services.len(), 1);
}

#[test]
fn without_any_plane_mastership_is_refused_until_there_is_one() {
    let mut bench = Bench::new(CONFIG);
    ready(&mut bench);
    let now = bench.start;
    let reason = "no driver".to_owned();
    bench.control.planes_mut().xdp = XdpState::Missing { reason };
    assert!(bench.control.waits_for_plane(now));
    assert!(bench.control.take_ready(now).is_empty());
    bench.control.planes_mut().ipvs = IpvsState::Ready;
    assert_eq!(bench.control.take_ready(now), ["VI"]);
    assert!(bench.control.take_unfit().is_empty());
    let reason = "unloaded".to_owned();
    bench.control.planes_mut().ipvs = IpvsState::Missing { reason };
    assert_eq!(bench.control.take_unfit(), ["VI"]);
    assert!(bench.control.take_unfit().is_empty());
    bench.control.planes_mut().xdp = XdpState::Attached;
    assert_eq!(bench.control.take_ready(now), ["VI"]);
}

#[test]
fn an_instance_without_services_needs_no_plane() {
    let only_vrrp = CONFIG.split("[[service]]").next().unwrap();
    let mut bench = Bench::new(only_vrrp);
    let reason = "no driver".to_owned();
    bench.control.planes_mut().xdp = XdpState::Missing { reason };
    assert_eq!(bench.control.take_ready(bench.start), ["VI"]);
}
