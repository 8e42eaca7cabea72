//! Networks: an address with a prefix length and no host's bits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::{longest_prefix, prefix_length};
use super::block::Value;
use super::reader::string;
use super::report::Report;

/// `198.51.100.0/24`: the length must be there.
pub(super) fn network(report: &mut Report<'_>, value: Value<'_>) -> Option<(IpAddr, u8)> {
    let text = string(report, value)?;
    let subject = value.subject();
    let (ip, digits) = text.split_once('/').unwrap_or((text, ""));
    let Ok(address) = ip.parse::<IpAddr>() else {
        report
            .error(
                &value.span(),
                format!("{subject} is not a network: {text:?}"),
            )
            .hint(
                r#"write one like "198.51.100.0/24"; the default route is "0.0.0.0/0" or "::/0""#,
            );
        return None;
    };
    if digits.is_empty() {
        let longest = longest_prefix(address);
        report
            .error(
                &value.span(),
                format!("{subject} has no prefix length: {text:?}"),
            )
            .hint(format!("add it; that of one host is /{longest}"));
        return None;
    }
    let prefix_len = prefix_length(report, value, address, digits, 0)?;
    let network = masked(address, prefix_len);
    if network != address {
        report
            .error(
                &value.span(),
                format!("{subject} is a host's address, not a network's: {text:?}"),
            )
            .hint(format!("did you mean \"{network}/{prefix_len}\"?"));
        return None;
    }
    Some((network, prefix_len))
}

/// The first address of the network that `address` is in.
fn masked(address: IpAddr, prefix_len: u8) -> IpAddr {
    let host_bits = u32::from(longest_prefix(address) - prefix_len);
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv4Addr::from(u32::from(ip) & mask).into()
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv6Addr::from(u128::from(ip) & mask).into()
        }
    }
}
