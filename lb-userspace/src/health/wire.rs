//! What is read from servers, each reader by itself: any bytes in, what it makes of them out.
//! `cargo xtask fuzz` sends them what no server would.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rustls::pki_types::CertificateDer;

use crate::config::{BodyWanted, Dns, Role};

use super::dns::answer::{self, Judged};
use super::grpc::message;
use super::http::body::Seen;
use super::ping::echo::Echo;
use super::redis::resp::Value;
use super::redis::{replication, resp};
use super::smtp::reply;
use super::tls;

/// Length of the first whole SMTP reply.
#[must_use]
pub fn smtp(bytes: &[u8]) -> Option<usize> {
    let (reply, length) = reply::parse(bytes).ok()??;
    // What is looked for in one.
    let _ = (reply.text(), reply.offers("STARTTLS"));
    Some(length)
}

/// Length of the first whole value of Redis.
#[must_use]
pub fn redis(bytes: &[u8]) -> Option<usize> {
    let (value, length) = resp::parse(bytes).ok()??;
    let _ = replication::judge_role(&value, Role::Master);
    let _ = replication::judge_lag(&value, Duration::from_secs(10));
    // INFO is text of a server's own.
    let _ = replication::judge_lag(&Value::Bulk(bytes.to_vec()), Duration::from_secs(10));
    Some(length)
}

/// Whether a DNS message is the wanted answer to a question with this id.
#[must_use]
pub fn dns(bytes: &[u8], wanted: &Dns, id: u16) -> bool {
    matches!(answer::judge(bytes, wanted, id), Judged::Done(Ok(())))
}

/// Length of the first whole DNS message of a TCP connection, with its length before it.
#[must_use]
pub fn dns_frame(bytes: &[u8]) -> Option<usize> {
    let Ok(framed) = answer::framed(bytes);
    framed.map(|(_, length)| length)
}

/// Whether a frame of gRPC says that the service is well.
#[must_use]
pub fn grpc(frame: &[u8]) -> bool {
    message::read(frame) == Ok(message::Health::Well)
}

/// Whether a packet is the answer to an ICMP echo with this token.
#[must_use]
pub fn echo(packet: &[u8], token: u64, ipv6: bool, behind_ip_header: bool) -> bool {
    let echo = Echo { ipv6, id: 0, token };
    echo.is_answered_by(packet, behind_ip_header)
}

/// Whether a body that comes in `parts` is as wanted.
#[must_use]
pub fn body<'a>(parts: impl Iterator<Item = &'a [u8]>, wanted: &BodyWanted) -> bool {
    let mut seen = Seen::new(Some(wanted));
    for part in parts {
        if !seen.take(&Bytes::copy_from_slice(part)) {
            break;
        }
    }
    seen.judge(Some(wanted)).is_none()
}

/// When a certificate (DER) expires.
#[must_use]
pub fn expires(certificate: &[u8]) -> Option<SystemTime> {
    tls::expires(&CertificateDer::from(certificate))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::config::Pattern;

    use super::*;

    proptest! {
        /// What was read needs nothing that stands behind it.
        #[test]
        fn lengths_are_of_what_was_read(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            for read in [smtp, redis, dns_frame] {
                if let Some(length) = read(&bytes) {
                    prop_assert!(length <= bytes.len());
                    prop_assert_eq!(read(&bytes[..length]), Some(length));
                }
            }
        }

        /// However a body is cut into parts.
        #[test]
        fn a_body_is_the_sum_of_its_parts(
            bytes in prop::collection::vec(b'a'..b'd', 0..60),
            cut in 1_usize..20,
        ) {
            let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
            let digest = digest.as_ref().try_into().unwrap();
            for wanted in [
                BodyWanted::Contains("abc".to_owned()),
                BodyWanted::Matches(Pattern::new("a+b$").unwrap()),
                BodyWanted::Sha256(digest),
            ] {
                let parts = body(bytes.chunks(cut), &wanted);
                prop_assert_eq!(parts, body([bytes.as_slice()].into_iter(), &wanted));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (grpc(&bytes), expires(&bytes));
            for (ipv6, header) in [(false, false), (false, true), (true, false)] {
                prop_assert!(!echo(&bytes[..bytes.len().min(8)], 7, ipv6, header));
                let _ = echo(&bytes, 7, ipv6, header);
            }
        }
    }
}
