use lb_common::layout::{ServiceKey, v4_mapped, words};

use super::*;

const IP: usize = ETHERNET;
const TCP_FLAGS: usize = 13;
const SYN_ONLY: u8 = 0x02;
const SYN_ACK: u8 = 0x12;

fn frame(protocol: u8, options: usize, flags: u8) -> Vec<u8> {
    let mut bytes = vec![0xa5; IP];
    bytes[ETHERTYPE..IP].copy_from_slice(&IPV4.to_be_bytes());
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
    let frame = unsafe { Frame::new(start, start + bytes.len()) };
    let packet = any(&frame, bytes.len());
    // What is plain is read alike by both.
    if let Some(plain) = plain(&frame, bytes.len()) {
        assert_eq!(Ok(plain), packet);
    }
    packet
}

#[test]
fn reads_addresses_ports_and_flags() {
    let packet = run(&frame(TCP, 0, SYN_ONLY)).unwrap();
    assert_eq!(packet.service, key(80, TCP));
    assert_eq!(packet.client, words(v4_mapped([198, 51, 100, 7])));
    assert_eq!(packet.ip_length(), 40);
    assert!(packet.opens());
    assert!(!run(&frame(TCP, 0, SYN_ACK)).unwrap().opens());
    assert!(!run(&frame(UDP, 0, SYN_ONLY)).unwrap().opens());
}

#[test]
fn skips_ip_options() {
    for options in 0..=10 {
        let packet = run(&frame(TCP, options, SYN_ONLY)).unwrap();
        assert_eq!((packet.service, packet.opens()), (key(80, TCP), true));
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
    for length in IP..whole.len() {
        assert_eq!(
            run(&whole[..length]),
            Err(Reason::Malformed),
            "{length} bytes"
        );
    }
    let mut short = whole.clone();
    short[IP + 2..IP + 4].copy_from_slice(&34u16.to_be_bytes());
    let needed = IP + 20 + TCP_FLAGS + 1;
    for length in needed..whole.len() {
        assert!(run(&short[..length]).is_ok(), "{length} bytes");
    }
}

#[test]
fn fragments_are_known_by_address_and_protocol() {
    for (high, low) in [(0x20, 0), (0, 1), (0x1f, 0xff), (0x20, 7)] {
        let mut fragment = frame(UDP, 0, 0);
        fragment[IP + 6..IP + 8].copy_from_slice(&[high, low]);
        let packet = run(&fragment).unwrap();
        assert!(packet.is_fragment());
        let address = words(v4_mapped([192, 0, 2, 10]));
        assert_eq!(packet.service, IndexKey::of_fragments(address, UDP));
    }
}

/// Extension headers of one block each.
fn ipv6(extensions: &[u8], protocol: u8) -> Vec<u8> {
    let mut bytes = vec![0xa5; ETHERTYPE];
    bytes.extend(IPV6.to_be_bytes());
    let mut header = [0u8; 40];
    header[0] = 0x60;
    let payload = extensions.len() * 8 + 20;
    header[4..6].copy_from_slice(&(payload as u16).to_be_bytes());
    header[6] = extensions.first().copied().unwrap_or(protocol);
    header[8..24].fill(0x11);
    header[24..40].fill(0x22);
    bytes.extend(header);
    for index in 0..extensions.len() {
        let next = extensions.get(index + 1).copied().unwrap_or(protocol);
        // AH counts in another unit; no fragment.
        let length = 0;
        bytes.extend([next, length, 0, 0, 0, 0, 0, 0]);
    }
    let mut tcp = [0u8; 20];
    tcp[0..4].copy_from_slice(&[0x30, 0x39, 0, 80]);
    tcp[13] = SYN_ONLY;
    bytes.extend(tcp);
    bytes
}

#[test]
fn walks_extension_headers_up_to_a_limit() {
    for count in 0..=6 {
        let packet = run(&ipv6(&vec![60; count], TCP)).unwrap();
        assert_eq!(packet.client, words([0x11; 16]));
        let service = IndexKey::new(words([0x22; 16]), 80, TCP);
        assert_eq!(packet.service, service, "{count} headers");
        assert_eq!(packet.ip_length() as usize, 60 + count * 8);
    }
    assert_eq!(run(&ipv6(&[60; 7], TCP)), Err(Reason::ExtensionHeaders));
    // An atomic fragment is none (RFC 6946).
    assert!(!run(&ipv6(&[44], TCP)).unwrap().is_fragment());
    assert_eq!(run(&ipv6(&[], 59)), Err(Reason::OtherProtocol));
}

#[test]
fn up_to_two_tags_are_skipped() {
    let plain = frame(TCP, 0, SYN_ONLY);
    let tag = |bytes: &[u8], ethertype: u16| {
        let mut tagged = bytes.to_vec();
        let [a, b] = ethertype.to_be_bytes();
        tagged.splice(12..12, [a, b, 0x60, 5]);
        tagged
    };
    let one = tag(&plain, 0x8100);
    let two = tag(&one, 0x88a8);
    for (bytes, tags) in [(&plain, 0), (&one, 1), (&two, 2)] {
        let packet = run(bytes).unwrap();
        assert_eq!((packet.service, packet.tags()), (key(80, TCP), tags));
    }
    assert_eq!(run(&tag(&two, 0x88a8)), Err(Reason::NotIp));
}

proptest::proptest! {
    /// Reads beyond the end would be found by the assertions of the standard library, a wrong
    /// length by the arithmetic checks of a debug build.
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        start in 0..8usize,
    ) {
        let starts: [&[u8]; 8] = [
            &[], &[8, 0, 0x45], &[0x86, 0xdd, 0x60], &[0x81, 0, 0, 1, 8, 0, 0x46],
            &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 0x86, 0xdd, 0x60], &[8, 0, 0x4f], &[0x81, 0], &[0],
        ];
        let mut frame = vec![0; ETHERTYPE];
        frame.extend(starts[start]);
        frame.extend(&bytes);
        let _ = run(&frame);
        let _ = run(&bytes);
    }
}
