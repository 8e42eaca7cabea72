//! TCP (RFC 9293), UDP (RFC 768) and SCTP (RFC 9260): ports, and what a packet says about its
//! connection.

use lb_common::reason::Reason;
use lb_common::rule::Segment;

use crate::frame::Frame;

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
const SCTP: u8 = 132;

/// Two bytes: the header's length, and the flags.
pub(super) const TCP_LENGTH_FLAGS: usize = 12;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

const SCTP_HEADER: usize = 12;
const INIT: u8 = 1;
const ABORT: u8 = 6;
const SHUTDOWN: u8 = 7;
const SHUTDOWN_COMPLETE: u8 = 14;

#[inline(always)]
pub(super) const fn is_known(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | SCTP)
}

/// Source and destination port.
#[inline(always)]
pub(super) fn ports(payload: &Frame<'_>) -> Option<(u16, u16)> {
    ports_at(payload, 0)
}

/// The same of a payload at `offset`.
#[inline(always)]
pub(super) fn ports_at(frame: &Frame<'_>, offset: usize) -> Option<(u16, u16)> {
    let both = u32::from_be(frame.read(offset)?);
    Some(((both >> 16) as u16, both as u16))
}

/// What the TCP header at `offset` says.
#[inline(always)]
pub(super) fn tcp_segment(frame: &Frame<'_>, offset: usize) -> Option<Segment> {
    let flags = tcp_flags(frame, offset)?;
    Some(if flags & (FIN | RST) != 0 {
        Segment::Close
    } else if opens(flags) {
        Segment::Open
    } else {
        Segment::Data
    })
}

#[inline(always)]
fn tcp_flags(frame: &Frame<'_>, offset: usize) -> Option<u8> {
    let [_, flags] = frame.read::<u16>(offset + TCP_LENGTH_FLAGS)?.to_ne_bytes();
    Some(flags)
}

/// A SYN alone; with data, ECN flags or others it is one, too.
#[inline(always)]
const fn opens(flags: u8) -> bool {
    flags & (SYN | ACK | FIN | RST) == SYN
}

#[inline(always)]
pub(super) fn segment(payload: &Frame<'_>, protocol: u8) -> Result<Segment, Reason> {
    match protocol {
        TCP => tcp_segment(payload, 0).ok_or(Reason::Malformed),
        SCTP => {
            // The whole common header has to be there, a chunk need not be.
            let _checksum: u32 = payload.read(SCTP_HEADER - 4).ok_or(Reason::Malformed)?;
            let chunk = payload.read::<u32>(SCTP_HEADER).map(u32::to_ne_bytes);
            Ok(match chunk {
                Some([INIT, ..]) => Segment::Open,
                Some([ABORT | SHUTDOWN | SHUTDOWN_COMPLETE, ..]) => Segment::Close,
                Some(_) | None => Segment::Data,
            })
        }
        _ => Ok(Segment::Datagram),
    }
}
