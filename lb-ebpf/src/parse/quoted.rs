//! ICMP errors: they belong to the connection whose packet they quote.
//!
//! The quoted packet went from a real server, with the virtual address as its source, to the
//! client (RFC 792, RFC 4443 section 3).

use lb_common::reason::Reason;

use super::network::{Network, ipv4, ipv6};
use super::transport;

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// Of ICMP and of ICMPv6 errors alike.
const HEADER: usize = 8;

const UNREACHABLE: u8 = 3;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

/// Unreachable, packet too big, time exceeded, parameter problem.
const V6_ERRORS: core::ops::RangeInclusive<u8> = 1..=4;

/// The connection that is quoted.
pub(super) struct Quoted {
    pub(super) protocol: u8,
    pub(super) service_port: u16,
    pub(super) client: [u64; 2],
    pub(super) client_port: u16,
}

#[inline(always)]
pub(super) fn parse(outer: &Network<'_>) -> Result<Quoted, Reason> {
    let inner = outer.transport.after(HEADER);
    let header = || {
        let first = outer.transport.read::<u32>(0);
        first.map(u32::to_ne_bytes).ok_or(Reason::Malformed)
    };
    let network = match outer.protocol {
        ICMP => {
            let [kind, ..] = header()?;
            if !matches!(kind, UNREACHABLE | TIME_EXCEEDED | PARAMETER_PROBLEM) {
                return Err(Reason::OtherProtocol);
            }
            ipv4::fields(&inner)
        }
        ICMPV6 => {
            let [kind, ..] = header()?;
            if !V6_ERRORS.contains(&kind) {
                return Err(Reason::OtherProtocol);
            }
            ipv6::fields(&inner)
        }
        _ => return Err(Reason::OtherProtocol),
    };
    let network = network.ok_or(Reason::Malformed)?;
    if network.source != outer.destination {
        return Err(Reason::NoService);
    }
    if !transport::is_known(network.protocol) {
        return Err(if ipv6::is_extension(network.protocol) {
            Reason::ExtensionHeaders
        } else {
            Reason::NoService
        });
    }
    let (service_port, client_port) =
        transport::ports(&network.transport).ok_or(Reason::Malformed)?;
    Ok(Quoted {
        protocol: network.protocol,
        service_port,
        client: network.destination,
        client_port,
    })
}
