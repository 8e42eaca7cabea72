//! The lab's hosts and its service, for both planes.

use std::net::Ipv4Addr;

use lb_common::feed::V4_HEADERS;
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Path, RealServer, Service, service_key,
};

pub(crate) const DIRECTOR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
pub(crate) const EGRESS_MAC: Mac = Mac([2, 0, 0, 0, 0, 3]);
const SERVER_MAC: Mac = Mac([2, 0, 0, 0, 0, 5]);
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
pub(crate) const PORT: u16 = 80;
const SERVERS: u8 = 10;

/// Makes the two pairs. The server's MAC is nobody's: a frame for it ends where it arrives.
pub(crate) const LINKS: &str = "\
    ip link add c0 type veth peer name d0 && ip link add d1 type veth peer name s0 &&
    ip link set d0 address 02:00:00:00:00:02 && ip link set d1 address 02:00:00:00:00:03 &&
    for link in c0 d0 d1 s0; do ip link set $link up || exit; done
    ip addr add 10.0.0.1/16 dev d0 && ip addr add 192.0.2.1/24 dev d1 &&
    ip addr add 192.0.2.10/32 dev lo";

/// Ethernet, IPv4 and TCP of a packet to the service. Instead of the checksum it has the sum of
/// the header without the client's address.
pub(crate) fn template(flags: u8) -> [u8; V4_HEADERS] {
    let mut bytes = [0; V4_HEADERS];
    bytes[0..6].copy_from_slice(&DIRECTOR_MAC.0);
    bytes[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    bytes[12..16].copy_from_slice(&[8, 0, 0x45, 0]);
    bytes[16..18].copy_from_slice(&40u16.to_be_bytes());
    bytes[22..24].copy_from_slice(&[64, 6]);
    bytes[30..34].copy_from_slice(&VIP.octets());
    bytes[34..36].copy_from_slice(&40_000u16.to_be_bytes());
    bytes[36..38].copy_from_slice(&PORT.to_be_bytes());
    bytes[46] = 0x50;
    bytes[47] = flags;
    let words = bytes[14..34].chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    bytes[24..26].copy_from_slice(&(folded as u16).to_be_bytes());
    bytes
}

fn server(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 20 + number)
}

/// The service with its real servers behind `d1`, all of them one MAC.
pub(crate) fn ipvs_commands() -> String {
    let mut script = format!("ipvsadm -A -t {VIP}:{PORT} -s mh || exit\n");
    for number in 1..=SERVERS {
        let server = server(number);
        script.push_str(&format!(
            "ipvsadm -a -t {VIP}:{PORT} -r {server} -g &&\n\
             ip neigh add {server} lladdr 02:00:00:00:00:05 dev d1 nud permanent || exit\n"
        ));
    }
    script
}

/// The same for our program, with the NIC that leads to the servers.
pub(crate) fn table(ingress: u32, (egress, source_mac): (u32, Mac)) -> ForwardingTable {
    let path = Path::Link {
        mac: SERVER_MAC,
        source_mac,
        ifindex: egress,
        vlans: [0; 2],
    };
    let entry = |number| {
        let path = Some(path);
        (server(number).into(), RealServer { weight: 1, path })
    };
    let service = Service::mh(true, (1..=SERVERS).map(entry).collect());
    ForwardingTable {
        services: [(service_key((VIP, PORT).into(), 6), service)].into(),
        interfaces: [(ingress, DIRECTOR_MAC), (egress, source_mac)].into(),
    }
}
