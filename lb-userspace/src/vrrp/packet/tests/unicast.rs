//! Peers instead of a group.

use super::*;

const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 20));

#[test]
fn a_peer_is_let_in_by_its_source_and_ttl() {
    let peers = [SOURCE];
    let expected = Expected {
        peers: Some(&peers),
        ttl: 60..=64,
        ..v3()
    };
    // The checksum of RFC 5798 covers the real destination.
    let form = ChecksumForm::Rfc5798;
    let sent = advertisement(Version::V3, Auth::None);
    let message = emit(&sent, form, SOURCE, OWN);
    let header = Header {
        source: SOURCE,
        destination: OWN,
        ttl: 62,
    };
    let received = parse(&header, &message, &expected).unwrap();
    assert_eq!(
        (received.checksum, received.advertisement),
        (Some(form), sent)
    );
    let stranger = Header {
        source: VIP,
        ..header
    };
    let error = DecodeError::NotAPeer(VIP);
    assert_eq!(parse(&stranger, &message, &expected), Err(error));
    assert_eq!(error.to_string(), "198.51.100.100 is none of the `peers`");
    for ttl in [0, 59, 65, 255] {
        let far = Header { ttl, ..header };
        let (least, most) = (60, 64);
        let error = DecodeError::Ttl { ttl, least, most };
        assert_eq!(parse(&far, &message, &expected), Err(error));
    }
}

#[test]
fn ttl_goes_before_the_source_and_that_before_the_message() {
    let peers = [SOURCE];
    let expected = Expected {
        peers: Some(&peers),
        ..v3()
    };
    let mut header = Header {
        source: VIP,
        destination: OWN,
        ttl: 1,
    };
    let cause = |header: &Header| parse(header, &[], &expected).unwrap_err().name();
    assert_eq!(cause(&header), "ttl");
    header.ttl = 255;
    assert_eq!(cause(&header), "not_a_peer");
    header.source = SOURCE;
    assert_eq!(cause(&header), "length");
}
