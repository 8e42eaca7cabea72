//! Snippets of `[[service]]` with an IPv6 address.

use super::values::read;
use super::{INSTANCE, INSTANCE_V6, Row, SERVICE_V6, overlay};

pub(super) const ROWS: &[Row] = &[
    (
        r#"[[service.real_server]]
address = "192.0.2.21"
[[service.real_server]]
address = "2001:db8::10"
[[service.real_server]]
address = "[2001:db8::21]:81"
[[service.real_server]]
address = "fe80::21"
[[service.real_server]]
address = "2001:db8::22"
[[service.real_server]]
address = "[2001:DB8:0::22]:80""#,
        "10:11 real server 192.0.2.21 is IPv4, but the service's address is IPv6 | direct routing cannot translate between address families
12:11 real server 2001:db8::10 is the service's own address | write the address that the server has besides the virtual one
14:11 port 81 is not the service's port 80 | direct routing cannot translate ports: run the server on the service's port
16:11 `address` is a link-local address, which no router forwards: fe80::21 | use a global address, or a unique local one of fd00::/8
20:11 real server 2001:db8::22 is twice in this service | the other one is in line 18",
    ),
    (
        r#"persistence = { timeout = "1h", granularity = 129 }"#,
        "9:47 `granularity` must be from 1 to 128, not 129",
    ),
    (
        r#"vrrp = "VI_2""#,
        r#"9:8 no VRRP instance is named "VI_2" | did you mean "VI_1"?"#,
    ),
    (
        r#"[[service]]
name = "again"
address = "[2001:0db8::0:10]:80""#,
        "11:11 two services have address [2001:db8::10]:80 and the same protocol | the other one is in line 8",
    ),
];

#[test]
fn services_of_both_families() {
    let v4 = INSTANCE.replace("VI_1", "VI_4");
    let v6 = overlay(
        SERVICE_V6,
        "persistence = { timeout = \"1h\" }\n\
         [[service.real_server]]\naddress = \"2001:db8::21\"\n\
         [[service.real_server]]\naddress = \"[2001:db8::22]:80\"",
    );
    let config = read(&format!("{v4}{INSTANCE_V6}{v6}"));
    let service = &config.services[0];
    assert_eq!(service.vrrp, "VI_1", "by its address");
    assert_eq!(service.address.to_string(), "[2001:db8::10]:80");
    let shown: Vec<_> = service
        .real_servers
        .iter()
        .map(|s| s.address.to_string())
        .collect();
    assert_eq!(shown, ["2001:db8::21", "2001:db8::22"]);
    assert_eq!(service.persistence.map(|p| p.granularity), Some(128));

    let network = SERVICE_V6.to_owned() + "persistence = { timeout = \"1h\", granularity = 64 }\n";
    let config = read(&format!("{INSTANCE_V6}{network}"));
    let granularity = config.services[0].persistence.map(|p| p.granularity);
    assert_eq!(granularity, Some(64));
}
