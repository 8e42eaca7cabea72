use proptest::prelude::*;

use super::*;

mod ipv6;
mod unicast;

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10));
const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 100));
const GROUP: IpAddr = IpAddr::V4(GROUP_V4);
const HEADER: Header = Header {
    source: SOURCE,
    destination: GROUP,
    ttl: 255,
};

const HEADER_V6: Header = Header {
    source: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
    destination: IpAddr::V6(GROUP_V6),
    ttl: 255,
};

/// The golden vectors of REFERENCE.md section 1.
const A1: &str = "2133640100015032c63364640000000000000000";
const A2: &str = "213364010101eccfc63364643131313100000000";
const A3: &str = "3133640100643fcfc6336464";
const A4: &str = "3133640100643502c6336464";

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn pass() -> Auth {
    Auth::Pass(*b"1111\0\0\0\0")
}

fn expected(version: Version, auth: Auth) -> Expected<'static> {
    Expected {
        version,
        virtual_router_id: NonZeroU8::new(51).unwrap(),
        interval: Duration::from_secs(1),
        auth,
        peers: None,
        ttl: 255..=255,
    }
}

fn v3() -> Expected<'static> {
    expected(Version::V3, Auth::None)
}

fn advertisement(version: Version, auth: Auth) -> Advertisement {
    Advertisement {
        version,
        virtual_router_id: NonZeroU8::new(51).unwrap(),
        priority: 100,
        interval: Duration::from_secs(1),
        addresses: vec![VIP],
        auth,
    }
}

/// Overwrites bytes and makes the checksum right again, so that only the change can be at fault.
fn altered(vector: &str, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut message = hex(vector);
    for &(at, value) in changes {
        message[at] = value;
    }
    resummed(message)
}

fn resummed(mut message: Vec<u8>) -> Vec<u8> {
    message[6..8].fill(0);
    let sum = checksum::plain(&message);
    message[6..8].copy_from_slice(&sum.to_be_bytes());
    message
}

/// An IPv4 datagram with `options` bytes of options around `message`.
fn datagram(message: &[u8], options: usize) -> Vec<u8> {
    let header_len = 20 + options;
    let total = u16::try_from(header_len + message.len()).unwrap();
    let mut bytes = vec![0xa5; header_len];
    bytes[0] = 0x40 | (header_len / 4) as u8;
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes[8] = 255;
    bytes[9] = PROTOCOL;
    bytes[12..16].copy_from_slice(&[198, 51, 100, 10]);
    bytes[16..20].copy_from_slice(&GROUP_V4.octets());
    bytes.extend(message);
    bytes
}

#[test]
fn golden_vectors_decode_and_encode() {
    let (rfc5798, rfc9568) = (ChecksumForm::Rfc5798, ChecksumForm::Rfc9568);
    let rows = [
        (A1, Version::V2, Auth::None, rfc9568, None),
        (A2, Version::V2, pass(), rfc5798, None),
        (A3, Version::V3, Auth::None, rfc9568, Some(rfc9568)),
        (A4, Version::V3, Auth::None, rfc5798, Some(rfc5798)),
    ];
    for (vector, version, auth, form, reported) in rows {
        let message = hex(vector);
        let received = parse(&HEADER, &message, &expected(version, auth)).unwrap();
        assert_eq!(received.advertisement, advertisement(version, auth));
        assert_eq!(received.checksum, reported, "{vector}");
        let emitted = emit(&received.advertisement, form, SOURCE, GROUP);
        assert_eq!(emitted, message, "{vector}");
    }
}

#[test]
fn each_check_has_its_cause() {
    use DecodeError as E;
    let v2 = expected(Version::V2, Auth::None);
    let v2_pass = expected(Version::V2, pass());
    let length = |expected, actual| E::Length { expected, actual };
    let mismatch = E::IntervalMismatch {
        interval: Duration::from_secs(2),
        expected: Duration::from_secs(1),
    };
    let mut trailer = hex(A3);
    trailer.extend([0; 8]);
    let (v2, v2_pass) = (|| v2.clone(), || v2_pass.clone());
    let rows = [
        (hex(A3), v2(), E::Version(3)),
        (hex(A1), v3(), E::Version(2)),
        (altered(A3, &[(0, 0x32)]), v3(), E::Type(2)),
        (resummed(trailer), v3(), length(12, 20)),
        // A count of 0 that fits the length, and one that does not.
        (altered(A3, &[(3, 0)])[..8].to_vec(), v3(), E::Checksum),
        (
            resummed(altered(A3, &[(3, 0)])[..8].to_vec()),
            v3(),
            E::AddressCount,
        ),
        (altered(A3, &[(3, 0)]), v3(), length(8, 12)),
        // As many addresses as the count can say, in IPv6's size.
        (
            resummed([&hex("313364ff00640000")[..], &[0x20; 255 * 16]].concat()),
            v3(),
            length(1028, 4088),
        ),
        (altered(A3, &[(3, 255)]), v3(), length(1028, 12)),
        (altered(A3, &[(4, 0), (5, 0)]), v3(), E::IntervalZero),
        // Only reserved bits set: still 0.
        (altered(A3, &[(4, 0xf0), (5, 0)]), v3(), E::IntervalZero),
        (altered(A3, &[(1, 52)]), v3(), E::VirtualRouterId(52)),
        (altered(A3, &[(1, 0)]), v3(), E::VirtualRouterId(0)),
        (hex("3133640100643fcec6336464"), v3(), E::Checksum),
        (altered(A1, &[(5, 0)]), v2(), E::IntervalZero),
        (altered(A1, &[(5, 2)]), v2(), mismatch),
        (hex(A2), v2(), E::AuthType(1)),
        (hex(A1), v2_pass(), E::AuthType(0)),
        (altered(A2, &[(4, 2)]), v2_pass(), E::AuthType(2)),
        (altered(A2, &[(12, b'2')]), v2_pass(), E::AuthData),
    ];
    for (message, expected, error) in rows {
        assert_eq!(
            parse(&HEADER, &message, &expected),
            Err(error),
            "{message:02x?}"
        );
    }
    let far = Header { ttl: 64, ..HEADER };
    assert_eq!(
        parse(&far, &hex(A3), &v3()),
        Err(E::Ttl {
            ttl: 64,
            least: 255,
            most: 255
        })
    );
    let unicast = Header {
        destination: VIP,
        ..HEADER
    };
    assert_eq!(parse(&unicast, &hex(A3), &v3()), Err(E::Destination(VIP)));
}

#[test]
fn checks_run_in_the_order_of_the_rfc() {
    // Everything is wrong; mending one thing at a time shows the next cause.
    let mut header = Header { ttl: 1, ..HEADER };
    let mut message = hex("2299640000000000c6336464");
    let mut causes = Vec::new();
    let mends: [(usize, u8); 2] = [(0, 0x32), (0, 0x31)];
    let mut cause = |header: &Header, message: &[u8]| {
        causes.push(parse(header, message, &v3()).unwrap_err().name());
    };
    cause(&header, &message);
    header.ttl = 255;
    for (at, value) in mends {
        cause(&header, &message);
        message[at] = value;
    }
    cause(&header, &message);
    message.truncate(8);
    cause(&header, &message);
    message = resummed(message);
    cause(&header, &message);
    message[1] = 51;
    message = resummed(message);
    cause(&header, &message);
    message[3] = 1;
    message.extend([198, 51, 100, 100]);
    message = resummed(message);
    cause(&header, &message);
    let order = [
        "ttl",
        "version",
        "type",
        "length",
        "checksum",
        "virtual_router_id",
        "address_count",
        "interval_zero",
    ];
    assert_eq!(causes, order);
}

#[test]
fn truncation_at_every_length_is_a_length_error() {
    for (vector, expected) in [(A3, v3()), (A2, expected(Version::V2, pass()))] {
        let message = hex(vector);
        for len in 0..message.len() {
            let error = parse(&HEADER, &message[..len], &expected).unwrap_err();
            assert_eq!(error.name(), "length", "{len} bytes of {vector}");
        }
    }
}

#[test]
fn ip_options_and_padding_are_skipped() {
    let message = hex(A4);
    for options in [0, 4, 40] {
        for padding in [0, 14, 60] {
            let mut bytes = datagram(&message, options);
            bytes.extend(vec![0xa5; padding]);
            assert_eq!(split_ipv4(&bytes), Ok((HEADER, &message[..])));
        }
    }
}

#[test]
fn broken_ip_headers_are_refused() {
    let good = datagram(&hex(A3), 0);
    for len in 0..good.len() {
        assert_eq!(
            split_ipv4(&good[..len]),
            Err(DecodeError::IpHeader),
            "{len}"
        );
    }
    // Version 6, IHL 4, IHL beyond the total length, total length below the header, protocol UDP.
    for (at, value) in [(0, 0x65), (0, 0x44), (0, 0x4f), (3, 19), (9, 17)] {
        let mut bytes = good.clone();
        bytes[at] = value;
        assert_eq!(
            split_ipv4(&bytes),
            Err(DecodeError::IpHeader),
            "{at}: {value}"
        );
    }
}

fn any_advertisement() -> impl Strategy<Value = Advertisement> {
    let v4 = || any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from(bits)));
    let v6 = any::<u128>().prop_map(|bits| IpAddr::from(Ipv6Addr::from(bits)));
    let v4 = || proptest::collection::vec(v4(), 1..=255);
    let v6 = proptest::collection::vec(v6, 1..=255);
    let password = any::<Option<[u8; 8]>>();
    let v2 = (password, 1..=255_u64, v4()).prop_map(|(password, seconds, addresses)| {
        let auth = password.map_or(Auth::None, Auth::Pass);
        (Version::V2, auth, Duration::from_secs(seconds), addresses)
    });
    let v3 = (1..=4095_u64, prop_oneof![v4(), v6]).prop_map(|(cs, addresses)| {
        (
            Version::V3,
            Auth::None,
            Duration::from_millis(cs * 10),
            addresses,
        )
    });
    (prop_oneof![v2, v3], 1..=255_u8, any::<u8>()).prop_map(
        |((version, auth, interval, addresses), id, priority)| Advertisement {
            version,
            virtual_router_id: NonZeroU8::new(id).unwrap(),
            priority,
            interval,
            addresses,
            auth,
        },
    )
}

proptest! {
    #[test]
    fn what_is_emitted_parses_to_the_same(sent in any_advertisement(), pseudo: bool) {
        let form = if pseudo { ChecksumForm::Rfc5798 } else { ChecksumForm::Rfc9568 };
        let expected = Expected {
            version: sent.version,
            virtual_router_id: sent.virtual_router_id,
            interval: sent.interval,
            auth: sent.auth,
            peers: None,
            ttl: 255..=255,
        };
        let ipv6 = sent.addresses[0].is_ipv6();
        let header = if ipv6 { HEADER_V6 } else { HEADER };
        let message = emit(&sent, form, header.source, header.destination);
        let bytes = datagram(&message, 4);
        let message = if ipv6 { &message[..] } else { split_ipv4(&bytes).unwrap().1 };
        let received = parse(&header, message, &expected).unwrap();
        prop_assert_eq!(received.checksum.is_some(), sent.version == Version::V3 && !ipv6);
        let warnings = received.warnings(sent.interval, &sent.addresses);
        prop_assert!(warnings.iter().all(|one| one.name() == "first_not_link_local"));
        prop_assert_eq!(received.advertisement, sent);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        let _ = split_ipv4(&bytes);
        let _ = peek_virtual_router_id(&bytes);
        for expected in [v3(), expected(Version::V2, pass())] {
            for header in [HEADER, HEADER_V6] {
                if let Err(error) = parse(&header, &bytes, &expected) {
                    prop_assert!(DecodeError::NAMES.contains(&error.name()));
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_never_accepted_as_another_message(at in 0_usize..12 * 8) {
        let mut message = hex(A4);
        message[at / 8] ^= 1 << (at % 8);
        prop_assert!(parse(&HEADER, &message, &v3()).is_err());
    }
}
