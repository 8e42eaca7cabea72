use std::path::Path;
use std::time::Instant;

use super::*;
use crate::netlink::Route;

/// A service with these lines and two servers, which are this host: both up.
fn control(lines: &str) -> Control {
    let text = format!(
        "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
         addresses = [\"192.0.2.10\"]\n[[service]]\nname = \"web\"\n\
         address = \"192.0.2.10:80\"\n{lines}\n\
         [[service.real_server]]\naddress = \"192.0.2.21\"\n\
         [[service.real_server]]\naddress = \"192.0.2.22\"\n"
    );
    let config = config::parse(Path::new("test.toml"), &text).unwrap();
    let mut control = Control::new(config, Instant::now());
    for server in ["192.0.2.21", "192.0.2.22"] {
        control.route(server.parse().unwrap(), Route::Local);
    }
    control
}

fn client(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

fn server(control: &Control, client: IpAddr, port: Option<u16>) -> Option<IpAddr> {
    let service = &control.config().services[0];
    let (found, server, _) = computed(control, service, client, port).unwrap();
    assert_eq!(found.current, server);
    server
}

#[test]
fn a_drained_server_is_nobodys() {
    for lines in ["", "scheduler = \"sh\""] {
        drain_all(control(lines));
    }
}

fn drain_all(mut control: Control) {
    let servers = |control: &Control| {
        let clients = (1..=100).map(client);
        let servers = clients.filter_map(|client| server(control, client, None));
        servers.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(servers(&control), 2);
    let now = Instant::now();
    let drained = "192.0.2.21".parse().unwrap();
    control.drain("web", drained, None, now).unwrap();
    assert_eq!(servers(&control), 1);
    let other = "192.0.2.22".parse().unwrap();
    control.drain("web", other, None, now).unwrap();
    assert_eq!(servers(&control), 0);
}

#[test]
fn the_port_counts_if_it_is_hashed() {
    let slots = |control: &Control| {
        let service = &control.config().services[0];
        let ports = (1..=100).map(|port| computed(control, service, client(1), Some(port)));
        let slots = ports.map(|found| found.unwrap().0.slot);
        slots.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(slots(&control("")), 1);
    assert!(slots(&control("scheduler_flags = [\"port\"]")) > 50);
    let sh = "scheduler = \"sh\"";
    assert_eq!(slots(&control(sh)), 1);
    assert!(slots(&control(&format!("{sh}\nscheduler_flags = [\"port\"]"))) > 50);
}

#[test]
fn what_needs_a_port_says_so() {
    let ask = |lines: &str, port| {
        let control = control(lines);
        check_client(&control.config().services[0], client(7), port)
    };
    for lines in ["scheduler_flags = [\"port\"]", "scheduler = \"rr\""] {
        let error = ask(lines, None).unwrap_err();
        assert!(
            error.ends_with("`lvx where web 198.51.100.7:40000`"),
            "{error}"
        );
        assert_eq!(ask(lines, Some(1)), Ok(()));
    }
    let by_client = "scheduler = \"rr\"\nprotocol = \"udp\"\naffinity = \"client\"";
    for lines in ["", "scheduler = \"sh\"", by_client] {
        assert_eq!(ask(lines, None), Ok(()), "{lines}");
    }
    let control = control("");
    let v6 = "2001:db8::1".parse().unwrap();
    assert!(check_client(&control.config().services[0], v6, None).is_err());
}

#[test]
fn what_cannot_be_computed_is_refused() {
    for scheduler in ["rr", "wrr", "lc", "wlc"] {
        let control = control(&format!("scheduler = {scheduler:?}"));
        let service = &control.config().services[0];
        let error = computed(&control, service, client(7), Some(1)).unwrap_err();
        assert!(
            error.contains(&format!("scheduled by {scheduler}")),
            "{error}"
        );
    }
}

/// With the addresses that `maglev` and `sh` are known to agree with the kernel on.
#[test]
fn ipv6_clients() {
    let text = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
                addresses = [\"2001:db8::10\"]\n[[service]]\nname = \"web\"\n\
                address = \"[2001:db8::10]:80\"\n\
                [[service.real_server]]\naddress = \"2001:db8::21\"\n\
                [[service.real_server]]\naddress = \"2001:db8::22\"\n";
    let config = config::parse(Path::new("test.toml"), text).unwrap();
    let mut control = Control::new(config, Instant::now());
    for server in ["2001:db8::21", "2001:db8::22"] {
        control.route(server.parse().unwrap(), Route::Local);
    }
    let service = &control.config().services[0];
    let clients = (1..=100u16).map(|n| IpAddr::from([0x2001, 0xdb8, n, 0, 0, 0, 0, 7]));
    let mut servers = std::collections::BTreeSet::new();
    for client in clients {
        check_client(service, client, None).unwrap();
        let (found, chosen, _) = computed(&control, service, client, None).unwrap();
        // Folded: the same words in another order are the same client.
        let IpAddr::V6(v6) = client else {
            unreachable!("they are made so");
        };
        let [a, b, c, d, e, f, g, h] = v6.segments();
        let turned = IpAddr::from([e, f, g, h, a, b, c, d]);
        let (same, _, _) = computed(&control, service, turned, None).unwrap();
        assert_eq!(found.slot, same.slot);
        servers.insert(chosen.unwrap());
    }
    assert_eq!(servers.len(), 2);
    assert!(check_client(service, client(1), None).is_err());
}
