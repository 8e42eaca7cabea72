//! Readers of addresses: of virtual routers, services and real servers.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use super::block::Value;
use super::reader::string;
use super::report::Report;
use super::{InterfaceAddress, unimplemented};

/// `192.0.2.10/24` or `192.0.2.10`, which is `/32`.
pub(super) fn interface_address(
    report: &mut Report<'_>,
    value: Value<'_>,
) -> Option<InterfaceAddress> {
    let text = string(report, value)?;
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) => (ip, Some(prefix)),
        None => (text, None),
    };
    let address = virtual_ip(report, value, ip)?;
    let prefix_len = match prefix {
        None => Some(32),
        Some(digits) => decimal(digits).filter(|n| (1..=32).contains(n)),
    };
    let Some(prefix_len) = prefix_len.and_then(|n| u8::try_from(n).ok()) else {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} has an impossible prefix length: {text:?}"),
            )
            .hint("an IPv4 prefix length is from 1 to 32");
        return None;
    };
    Some(InterfaceAddress {
        address: address.into(),
        prefix_len,
    })
}

/// `192.0.2.10:80`, or `192.0.2.10:0` for all ports.
pub(super) fn service_address(report: &mut Report<'_>, value: Value<'_>) -> Option<SocketAddrV4> {
    let text = string(report, value)?;
    let (ip, port) = split_port(text);
    let ip = virtual_ip(report, value, ip)?;
    let Some(port) = port else {
        let subject = value.subject();
        report
            .error(&value.span(), format!("{subject} has no port: {text:?}"))
            .hint(format!("add the port, like \"{ip}:80\""));
        return None;
    };
    let port = port_number(report, value, port, 0)?;
    Some(SocketAddrV4::new(ip, port))
}

/// `192.0.2.21` or, with the service's port, `192.0.2.21:80`.
pub(super) fn server_address(
    report: &mut Report<'_>,
    value: Value<'_>,
) -> Option<(IpAddr, Option<u16>)> {
    let text = string(report, value)?;
    let (ip, port) = split_port(text);
    let ip = parse_ip(report, value, ip)?;
    let port = match port {
        Some(port) => Some(port_number(report, value, port, 1)?),
        None => None,
    };
    Some((ip, port))
}

fn virtual_ip(report: &mut Report<'_>, value: Value<'_>, text: &str) -> Option<Ipv4Addr> {
    match parse_ip(report, value, text)? {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => {
            report
                .error(&value.span(), unimplemented::message(unimplemented::IPV6))
                .hint("use an IPv4 address");
            None
        }
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
        }
        return None;
    };
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
