//! The checksum of version 3 over IPv4 that covers the message alone.
//!
//! Later versions of keepalived (`v3_checksum_as_v2`) and FRR speak it; Debian 12 has 2.2.7
//! and 8.4. So keepalived's host translates: what leaves it gets the other checksum, and what
//! comes in the one that it wants. Each is exchanged only if it was right before.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use anyhow::{Result, bail};
use lb_tests::netns::output_of;
use lb_tests::vrrp_lab::{
    Checksum, Host, Keepalived, Role, Router, Settings, VRID, VrrpLab, wait_role, with_vrrp_lab,
};

use crate::roles::{Other, both_ways, stays_backup};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const VRRP: u8 = 112;

/// RFC 1071, written out once more: nothing of lvx judges itself here.
fn internet_checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2);
    let words = words.map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

/// The checksums of an advertisement: over the message alone, and with the pseudo-header.
fn both_forms(source: Ipv4Addr, settings: &Settings, priority: u8) -> Result<(u16, u16)> {
    let IpAddr::V4(vip) = settings.vip() else {
        bail!("IPv6 has one form only");
    };
    let centiseconds = (settings.interval.as_millis() / 10) as u16;
    let mut message = vec![0x31, VRID, priority, 1];
    message.extend(centiseconds.to_be_bytes());
    message.extend([0, 0]);
    message.extend(vip.octets());
    let mut with_header = [source.octets(), GROUP.octets()].concat();
    with_header.extend([0, VRRP, 0, message.len() as u8]);
    with_header.extend(&message);
    Ok((internet_checksum(&message), internet_checksum(&with_header)))
}

/// Lets `host` and the network see the form that each of them wants.
fn translate(host: &Host, settings: &Settings, theirs: u8, ours: u8) -> Result<()> {
    let mut rules = String::new();
    for priority in [theirs, 0] {
        let (message, with_header) = both_forms(Ipv4Addr::new(10, 99, 0, 2), settings, priority)?;
        rules += &format!(
            "add rule ip t out ip protocol {VRRP} @th,48,16 {with_header} @th,48,16 set {message}\n"
        );
    }
    for priority in [ours, 0] {
        let (message, with_header) = both_forms(Ipv4Addr::new(10, 99, 0, 1), settings, priority)?;
        rules += &format!(
            "add rule ip t in ip protocol {VRRP} @th,48,16 {message} @th,48,16 set {with_header}\n"
        );
    }
    let table = format!(
        "table ip t\ndelete table ip t\nadd table ip t\n\
         add chain ip t out {{ type filter hook postrouting priority 0; }}\n\
         add chain ip t in {{ type filter hook prerouting priority -400; }}\n{rules}"
    );
    let file = host.dir().join("translate.nft");
    std::fs::write(&file, table)?;
    let mut nft: Command = host.netns.command("nft");
    output_of(nft.arg("-f").arg(&file)).map(drop)
}

/// keepalived behind a translation for an lvx of priority 200.
fn translated(lab: &VrrpLab, host: usize, settings: &Settings) -> Result<Keepalived> {
    translate(&lab.hosts[host], settings, settings.priority, 200)?;
    lab.keepalived(host, settings)
}

#[test]
fn over_the_message_alone() {
    with_vrrp_lab(&["keepalived", "nft"], |lab| {
        let ours = Settings {
            checksum: Checksum::Message,
            ..Settings::v3()
        };
        let keepalived = Other {
            start: translated,
            stop: Keepalived::stop,
            heard_resignation: Some("received priority 0"),
        };
        both_ways(lab, &ours, &Settings::v3(), &keepalived)
    });
}

/// A backup of lvx accepts either form, whatever it sends itself.
#[test]
fn either_is_accepted() {
    with_vrrp_lab(&["keepalived", "nft"], |lab| {
        let them = translated(lab, 1, &Settings::v3())?;
        wait_role(&them, Role::Master)?;
        let us = lab.ours(0, &Settings::v3().priority(100))?;
        stays_backup(&us, &them, &Settings::v3())?;
        us.stop()?;
        output_of(
            them.host()
                .netns
                .command("nft")
                .args(["delete", "table", "ip", "t"]),
        )?;
        let other = Settings {
            checksum: Checksum::Message,
            ..Settings::v3().priority(100)
        };
        let us = lab.ours(0, &other)?;
        stays_backup(&us, &them, &other)
    });
}
