use lb_common::layout::{ServiceKey, v4_mapped, words};

use super::*;

const SYN_ONLY: u8 = 0x02;
const SYN_ACK: u8 = 0x12;

fn frame(protocol: u8, options: usize, flags: u8) -> Vec<u8> {
    let mut bytes = vec![0xa5; IP];
    bytes[ETHERTYPE..IP].copy_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
    let header = 20 + options * 4;
    let mut ip = vec![1; header];
    ip[0] = 0x40 | (header / 4) as u8;
    ip[2..4].copy_from_slice(&(header as u16 + 20).to_be_bytes());
    ip[6..8].copy_from_slice(&[0x40, 0]);
    ip[9] = protocol;
    ip[12..16].copy_from_slice(&[198, 51, 100, 7]);
    ip[16..20].copy_from_slice(&[192, 0, 2, 10]);
    bytes.extend(ip);
    let mut tcp = [0u8; 20];
    tcp[0..4].copy_from_slice(&[0x30, 0x39, 0, 80]);
    tcp[13] = flags;
    bytes.extend(tcp);
    bytes
}

fn key(port: u16, protocol: u8) -> IndexKey {
    let address = v4_mapped([192, 0, 2, 10]);
    let reserved = 0;
    IndexKey::from(ServiceKey {
        address,
        port,
        protocol,
        reserved,
    })
}

fn run(bytes: &[u8]) -> Result<Packet, Reason> {
    let start = bytes.as_ptr() as usize;
    // SAFETY: the slice outlives the frame, and parsing only reads.
    parse(&unsafe { Frame::new(start, start + bytes.len()) })
}

#[test]
fn reads_addresses_ports_and_flags() {
    let packet = run(&frame(TCP, 0, SYN_ONLY)).unwrap();
    assert_eq!(packet.service, key(80, TCP));
    assert_eq!(packet.client, words(v4_mapped([198, 51, 100, 7])));
    assert_eq!(packet.ip_length, 40);
    assert!(packet.opens);
    assert!(!run(&frame(TCP, 0, SYN_ACK)).unwrap().opens);
    assert!(!run(&frame(UDP, 0, SYN_ONLY)).unwrap().opens);
}

#[test]
fn skips_ip_options() {
    for options in 0..=10 {
        let packet = run(&frame(TCP, options, SYN_ONLY)).unwrap();
        assert_eq!((packet.service, packet.opens), (key(80, TCP), true));
    }
}

#[test]
fn what_is_not_tcp_or_udp_over_ipv4_is_the_kernels() {
    let mut arp = frame(TCP, 0, 0);
    arp[13] = 6;
    assert_eq!(run(&arp), Err(Reason::NotIp));
    assert_eq!(run(&[]), Err(Reason::NotIp));
    assert_eq!(run(&frame(1, 0, 0)), Err(Reason::OtherProtocol));
}

#[test]
fn wrong_lengths_are_malformed() {
    let mut version = frame(TCP, 0, 0);
    version[IP] = 0x65;
    assert_eq!(run(&version), Err(Reason::Malformed));
    let mut short_header = frame(TCP, 0, 0);
    short_header[IP] = 0x44;
    assert_eq!(run(&short_header), Err(Reason::Malformed));
    let whole = frame(TCP, 0, 0);
    let needed = IP + 20 + TCP_FLAGS + 1;
    for length in IP..whole.len() {
        let expected = (length < needed).then_some(Reason::Malformed);
        assert_eq!(run(&whole[..length]).err(), expected, "{length} bytes");
    }
}

#[test]
fn fragments_are_the_kernels() {
    for (high, low) in [(0x20, 0), (0, 1), (0x1f, 0xff), (0x20, 7)] {
        let mut fragment = frame(UDP, 0, 0);
        fragment[IP + 6..IP + 8].copy_from_slice(&[high, low]);
        assert_eq!(run(&fragment), Err(Reason::Fragment));
    }
}
