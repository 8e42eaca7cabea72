use lb_common::reason::Reason;

use super::*;
use crate::dataplane::table::service_key;

const ANY: TraceWanted = TraceWanted {
    service: None,
    client: None,
    drops: false,
    rate: 100,
};

fn key(port: u16) -> ServiceKey {
    service_key(SocketAddr::from(([192, 0, 2, 10], port)), 6)
}

fn services() -> Vec<(Arc<str>, ServiceKey)> {
    [("web", 80), ("chat", 443), ("all", 0)]
        .map(|(name, port)| (name.into(), key(port)))
        .to_vec()
}

fn of_client(address: &str, prefix_len: u8) -> Result<Filter, String> {
    let address = address.parse().unwrap();
    let client = Some(Network {
        address,
        prefix_len,
    });
    filter(&TraceWanted { client, ..ANY }, &[])
}

/// As the program does it.
fn matches(filter: &Filter, client: &str) -> bool {
    let [high, low] = words(address_bytes(client.parse().unwrap()));
    let [a, b] = filter.client_mask;
    [high & a, low & b] == filter.client
}

#[test]
fn without_wishes_the_filter_lets_everything_through() {
    assert_eq!(filter(&ANY, &services()), Ok(Filter::default()));
}

#[test]
fn a_service_is_found_by_its_name_and_a_wrong_one_names_the_others() {
    let by_name = |name: &str| {
        let service = Some(name.to_owned());
        filter(&TraceWanted { service, ..ANY }, &services())
    };
    let found = by_name("chat").unwrap();
    assert_eq!(
        (found.flags, found.service),
        (Filter::SERVICE, key(443).into())
    );
    let error = by_name("cat").unwrap_err();
    assert!(error.contains("web, chat, all"), "{error}");
    let error = by_name("all").unwrap_err();
    assert!(error.contains("--client"), "{error}");
}

#[test]
fn clients_match_by_their_prefix() {
    let one = of_client("198.51.100.7", 32).unwrap();
    assert_eq!(one.flags, Filter::CLIENT);
    assert!(matches(&one, "198.51.100.7") && !matches(&one, "198.51.100.8"));
    // The host's part of the address does not count.
    let net = of_client("198.51.100.7", 24).unwrap();
    assert!(matches(&net, "198.51.100.200") && !matches(&net, "198.51.101.7"));
    let all = of_client("0.0.0.0", 0).unwrap();
    assert!(matches(&all, "203.0.113.1") && !matches(&all, "2001:db8::1"));
    let six = of_client("2001:db8::", 32).unwrap();
    assert!(matches(&six, "2001:db8:1::1") && !matches(&six, "2001:db9::1"));
    assert!(matches(&of_client("::", 0).unwrap(), "198.51.100.7"));
    assert!(of_client("198.51.100.7", 33).unwrap_err().contains("32"));
    assert!(of_client("2001:db8::", 129).unwrap_err().contains("128"));
}

#[test]
fn drops_are_a_flag_and_a_rate_of_nothing_is_refused() {
    let drops = TraceWanted { drops: true, ..ANY };
    assert_eq!(filter(&drops, &[]).unwrap().flags, Filter::PASSED);
    let nothing = TraceWanted { rate: 0, ..ANY };
    assert!(filter(&nothing, &[]).is_err());
}

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 21));

fn shown(event: &Event) -> TracedPacket {
    let names = Names {
        interfaces: [(2, "eth0")].into(),
        services: [
            (key(80), ("web", Scheduler::Mh)),
            (key(6379), ("redis", Scheduler::Wlc)),
        ]
        .into(),
        server: &|_, id| (id == 5).then_some(SERVER),
        boot: Duration::from_secs(1000),
    };
    names.packet(event)
}

fn event() -> Event {
    Event {
        time: 7,
        service: key(80).into(),
        client: words(address_bytes("198.51.100.7".parse().unwrap())),
        client_port: 40_000,
        segment: Segment::Open as u8,
        outcome: Outcome::TRANSMITTED,
        server: 5,
        slot: 17,
        slot_flags: Slot::SETTLING.into(),
        ifindex: 2,
        ip_length: 40,
    }
}

#[test]
fn a_forwarded_packet_is_shown_with_all_that_decided() {
    let expected = TracedPacket {
        at: 1_000_000_000_007,
        interface: "eth0".to_owned(),
        client: Some("198.51.100.7:40000".parse().unwrap()),
        destination: Some("192.0.2.10:80".parse().unwrap()),
        protocol: "tcp".to_owned(),
        fragment: false,
        service: Some("web".to_owned()),
        segment: "open".to_owned(),
        bytes: 40,
        verdict: "transmitted".to_owned(),
        reason: None,
        real_server: Some(SERVER),
        slot: Some(17),
        slot_state: Some("settling".to_owned()),
    };
    assert_eq!(shown(&event()), expected);
}

#[test]
fn a_passed_packet_has_a_reason_and_no_server() {
    let passed = shown(&Event {
        outcome: Outcome::passed(Reason::NoService),
        service: key(81).into(),
        server: 0,
        ..event()
    });
    assert_eq!(passed.verdict, "passed");
    assert_eq!(passed.reason.as_deref(), Some("no_service"));
    assert_eq!(
        (passed.real_server, passed.slot, passed.service),
        (None, None, None)
    );
    assert!(passed.destination.is_some());
}

#[test]
fn what_was_not_understood_has_no_addresses() {
    let event = Event {
        outcome: Outcome::passed(Reason::NotIp),
        ifindex: 9,
        ..Event::default()
    };
    let packet = shown(&event);
    assert_eq!((packet.client, packet.destination), (None, None));
    assert_eq!(packet.interface, "interface 9");
}

#[test]
fn a_flow_table_has_no_slots() {
    let packet = shown(&Event {
        service: key(6379).into(),
        ..event()
    });
    assert_eq!(packet.service.as_deref(), Some("redis"));
    assert_eq!((packet.real_server, packet.slot), (Some(SERVER), None));
}

#[test]
fn a_fragment_belongs_to_a_service_only_if_there_is_one() {
    let fragment = |protocol| Event {
        service: IndexKey::of_fragments(words(key(80).address), protocol),
        ..event()
    };
    // `web` and `redis` are both on TCP.
    assert_eq!(shown(&fragment(6)).service, None);
    assert!(shown(&fragment(6)).fragment);
}
