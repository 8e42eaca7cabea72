//! Readers of addresses: of virtual routers, services and real servers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::InterfaceAddress;
use super::block::Value;
use super::reader::string;
use super::report::Report;

/// `192.0.2.10/24`; without a length it is the longest, `/32`, or of IPv6 `/128`.
pub(super) fn interface_address(
    report: &mut Report<'_>,
    value: Value<'_>,
) -> Option<InterfaceAddress> {
    let text = string(report, value)?;
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) => (ip, Some(prefix)),
        None => (text, None),
    };
    let address = parse_ip(report, value, ip)?;
    let prefix_len = match prefix {
        None => longest_prefix(address),
        Some(digits) => prefix_length(report, value, address, digits, 1)?,
    };
    Some(InterfaceAddress {
        address,
        prefix_len,
    })
}

/// An address that one host on the network can have.
pub(super) fn host_address(report: &mut Report<'_>, value: Value<'_>) -> Option<IpAddr> {
    let text = string(report, value)?;
    parse_ip(report, value, text)
}

pub(super) const fn longest_prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

pub(super) fn prefix_length(
    report: &mut Report<'_>,
    value: Value<'_>,
    address: IpAddr,
    digits: &str,
    min: u8,
) -> Option<u8> {
    let longest = longest_prefix(address);
    let length = decimal(digits)
        .and_then(|n| u8::try_from(n).ok())
        .filter(|n| (min..=longest).contains(n));
    if length.is_none() {
        let subject = value.subject();
        let text = format!("{address}/{digits}");
        let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
        report
            .error(
                &value.span(),
                format!("{subject} has an impossible prefix length: {text:?}"),
            )
            .hint(format!(
                "an {family} prefix length is from {min} to {longest}"
            ));
    }
    length
}

/// `192.0.2.10:80` or `[2001:db8::10]:80`; port 0 for all ports.
pub(super) fn service_address(report: &mut Report<'_>, value: Value<'_>) -> Option<SocketAddr> {
    let text = string(report, value)?;
    let (ip, port) = split_port(text);
    let ip = parse_ip(report, value, ip)?;
    let Some(port) = port else {
        let (subject, example) = (value.subject(), SocketAddr::new(ip, 80));
        report
            .error(&value.span(), format!("{subject} has no port: {text:?}"))
            .hint(format!("add the port, like \"{example}\""));
        return None;
    };
    beyond_link(report, value, ip)?;
    let port = port_number(report, value, port, 0)?;
    Some(SocketAddr::new(ip, port))
}

/// `192.0.2.21` or, with the service's port, `192.0.2.21:80`; IPv6 with a port in brackets.
pub(super) fn server_address(
    report: &mut Report<'_>,
    value: Value<'_>,
) -> Option<(IpAddr, Option<u16>)> {
    let text = string(report, value)?;
    let (ip, port) = split_port(text);
    let ip = parse_ip(report, value, ip)?;
    beyond_link(report, value, ip)?;
    let port = match port {
        Some(port) => Some(port_number(report, value, port, 1)?),
        None => None,
    };
    Some((ip, port))
}

/// Refuses an IPv6 address that means another host on each link.
fn beyond_link(report: &mut Report<'_>, value: Value<'_>, ip: IpAddr) -> Option<()> {
    match ip {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            let subject = value.subject();
            report
                .error(
                    &value.span(),
                    format!("{subject} is a link-local address, which no router forwards: {ip}"),
                )
                .hint("use a global address, or a unique local one of fd00::/8");
            None
        }
        IpAddr::V4(_) | IpAddr::V6(_) => Some(()),
    }
}

/// An address that one host on the network can have.
fn parse_ip(report: &mut Report<'_>, value: Value<'_>, text: &str) -> Option<IpAddr> {
    let subject = value.subject();
    let Ok(ip) = text.parse::<IpAddr>() else {
        let message = format!("{subject} is not an IP address: {text:?}");
        let problem = report.error(&value.span(), message);
        if text.contains(|c: char| c.is_alphabetic()) && !text.contains(':') {
            problem.hint("lvx does not resolve host names: write the address itself");
        } else if text.contains('/') {
            problem.hint("leave the prefix length out");
        } else if text.contains('%') {
            problem.hint("leave the zone out: it is the instance's interface");
        }
        return None;
    };
    if let Some(v4) = mapped(ip) {
        report
            .error(
                &value.span(),
                format!("{subject} is an IPv4 address in the form of IPv6: {text:?}"),
            )
            .hint(format!("write \"{v4}\""));
        return None;
    }
    let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    let fault = if ip.is_unspecified() {
        "the unspecified address"
    } else if ip.is_loopback() {
        "a loopback address"
    } else if ip.is_multicast() || broadcast {
        "a multicast or broadcast address"
    } else {
        return Some(ip);
    };
    report.error(
        &value.span(),
        format!("{subject} is {fault}, which no host on the network has: {text:?}"),
    );
    None
}

fn mapped(ip: IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(_) => None,
        IpAddr::V6(ip) => ip.to_ipv4_mapped(),
    }
}

fn port_number(report: &mut Report<'_>, value: Value<'_>, text: &str, min: u16) -> Option<u16> {
    let port = decimal(text)
        .and_then(|n| u16::try_from(n).ok())
        .filter(|port| *port >= min);
    if port.is_none() {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} has an impossible port: {text:?}"),
            )
            .hint(match min {
                0 => "a port is a number from 1 to 65535, or 0 for all ports",
                _ => "a port is a number from 1 to 65535",
            });
    }
    port
}

/// Host and port, with the brackets of an IPv6 host taken off.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        Some(_) | None => (text, None),
    }
}

/// Digits alone: no sign, which Rust's own parser would take.
fn decimal(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
