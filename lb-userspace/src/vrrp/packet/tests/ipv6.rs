//! Version 3 over IPv6, and what is only warned about.

use super::*;

/// VRID 51, priority 100, 100 cs, fe80::64, from fe80::1 to ff02::12; its checksum was made by
/// another program than this one.
const B1: &str = "3133640100646d63fe800000000000000000000000000064";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Overwrites bytes and makes the checksum right again.
fn altered(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut message = hex(B1);
    for &(at, value) in changes {
        message[at] = value;
    }
    resummed_v6(message)
}

fn resummed_v6(mut message: Vec<u8>) -> Vec<u8> {
    message[6..8].fill(0);
    let sum = checksum::with_pseudo_header(HEADER_V6.source, HEADER_V6.destination, &message);
    message[6..8].copy_from_slice(&sum.to_be_bytes());
    message
}

#[test]
fn golden_vector_decodes_and_encodes() {
    let received = parse(&HEADER_V6, &hex(B1), &v3()).unwrap();
    let advertisement = Advertisement {
        addresses: vec![ip("fe80::64")],
        ..advertisement(Version::V3, Auth::None)
    };
    assert_eq!(received.advertisement, advertisement);
    assert_eq!(received.checksum, None, "there is one form only");
    // The knob is IPv4's.
    for form in [ChecksumForm::Rfc5798, ChecksumForm::Rfc9568] {
        let (source, destination) = (HEADER_V6.source, HEADER_V6.destination);
        assert_eq!(emit(&advertisement, form, source, destination), hex(B1));
    }
}

#[test]
fn each_check_has_its_cause() {
    use DecodeError as E;
    let length = |expected, actual| E::Length { expected, actual };
    let mut over_message_alone = hex(B1);
    over_message_alone = resummed(over_message_alone);
    let v2 = expected(Version::V2, Auth::None);
    let rows = [
        (over_message_alone, v3(), E::Checksum),
        (hex(B1)[..12].to_vec(), v3(), length(24, 12)),
        (altered(&[(3, 0)]), v3(), length(8, 24)),
        (
            resummed_v6(altered(&[(3, 0)])[..8].to_vec()),
            v3(),
            E::AddressCount,
        ),
        (altered(&[(3, 255)]), v3(), length(4088, 24)),
        (altered(&[(4, 0), (5, 0)]), v3(), E::IntervalZero),
        (altered(&[(1, 52)]), v3(), E::VirtualRouterId(52)),
        (altered(&[(0, 0x32)]), v3(), E::Type(2)),
        (altered(&[(0, 0x21)]), v3(), E::Version(2)),
        // There is no version 2 over IPv6, even if somebody expected it.
        (altered(&[(0, 0x21)]), v2, E::Version(2)),
    ];
    for (message, expected, error) in rows {
        let result = parse(&HEADER_V6, &message, &expected);
        assert_eq!(result, Err(error), "{message:02x?}");
    }
    let far = Header {
        ttl: 254,
        ..HEADER_V6
    };
    assert_eq!(parse(&far, &hex(B1), &v3()).unwrap_err().name(), "ttl");
    let elsewhere = Header {
        destination: ip("ff02::1"),
        ..HEADER_V6
    };
    let error = E::Destination(ip("ff02::1"));
    assert_eq!(parse(&elsewhere, &hex(B1), &v3()), Err(error));
}

#[test]
fn as_many_addresses_as_the_count_can_say() {
    let advertisement = Advertisement {
        addresses: (0..255_u16)
            .map(|n| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n).into())
            .collect(),
        ..advertisement(Version::V3, Auth::None)
    };
    let (source, destination) = (HEADER_V6.source, HEADER_V6.destination);
    let message = emit(&advertisement, ChecksumForm::Rfc5798, source, destination);
    assert_eq!(message.len(), 8 + 255 * 16);
    let received = parse(&HEADER_V6, &message, &v3()).unwrap();
    assert_eq!(received.advertisement, advertisement);
}

#[test]
fn truncation_at_every_length_is_a_length_error() {
    let message = hex(B1);
    for len in 0..message.len() {
        let error = parse(&HEADER_V6, &message[..len], &v3()).unwrap_err();
        assert_eq!(error.name(), "length", "{len} bytes");
    }
}

#[test]
fn addresses_of_the_other_family_are_left_out() {
    let mixed = Advertisement {
        addresses: vec![VIP, ip("fe80::64")],
        ..advertisement(Version::V3, Auth::None)
    };
    let form = ChecksumForm::Rfc9568;
    assert_eq!(emit(&mixed, form, SOURCE, GROUP), hex(A3));
    let (source, destination) = (HEADER_V6.source, HEADER_V6.destination);
    assert_eq!(emit(&mixed, form, source, destination), hex(B1));
}

#[test]
fn oddities_are_warned_about() {
    let second = Duration::from_secs(1);
    let received = parse(&HEADER_V6, &hex(B1), &v3()).unwrap();
    let names = |received: &Received, interval, ours: &[&str]| -> Vec<_> {
        let ours: Vec<_> = ours.iter().map(|one| ip(one)).collect();
        let warnings = received.warnings(interval, &ours);
        warnings.iter().map(Warning::name).collect()
    };
    let ours = ["fe80::64"];
    assert_eq!(names(&received, second, &ours), [] as [&str; 0]);
    assert_eq!(names(&received, 2 * second, &ours), ["interval_mismatch"]);
    assert_eq!(
        names(&received, second, &["fe80::65"]),
        ["address_mismatch"]
    );
    let twice = ["fe80::64", "fe80::65"];
    assert_eq!(names(&received, second, &twice), ["address_mismatch"]);
    let global = altered(&[(8, 0x20), (9, 0x01)]);
    let received = parse(&HEADER_V6, &global, &v3()).unwrap();
    assert_eq!(
        names(&received, second, &["2001::64"]),
        ["first_not_link_local"]
    );
    // The order is everybody's own.
    let v4 = parse(&HEADER, &hex(A3), &v3()).unwrap();
    let mut two = v4.clone();
    two.advertisement.addresses = vec![ip("192.0.2.1"), ip("192.0.2.2")];
    assert_eq!(
        names(&two, second, &["192.0.2.2", "192.0.2.1"]),
        [] as [&str; 0]
    );
    assert_eq!(
        names(&two, second, &["192.0.2.2", "192.0.2.2"]),
        ["address_mismatch"]
    );
}
