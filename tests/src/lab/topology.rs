//! The lab's hosts, their addresses and their links.
//!
//! One layer-2 segment 10.77.0.0/24 with the VIP, and 10.78.0.0/16 behind the client as if the
//! client were a router: a neighbour entry per client address would fill the kernel's neighbour
//! table, which all namespaces of a machine share.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::lab::device::fill_in_checksums;
use crate::netns::{Netns, output_of};

/// The virtual service address.
pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);
/// The interface of every host but the switch, whose ports have the hosts' names.
pub const INTERFACE: &str = "eth0";
/// Client addresses in [`client_addresses`].
pub const CLIENTS: u16 = 300;

const CLIENT_ROUTER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 200);

/// Address of director 1 or 2.
#[must_use]
pub const fn director_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, number)
}

/// Address of real server 1 to 80.
#[must_use]
pub const fn server_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, 10 + number)
}

/// All addresses of the client namespace that requests come from.
#[must_use]
pub fn client_addresses() -> Vec<Ipv4Addr> {
    let base = u32::from(Ipv4Addr::new(10, 78, 0, 0));
    (1..=u32::from(CLIENTS))
        .map(|number| Ipv4Addr::from(base + number))
        .collect()
}

/// What a host is, and what therefore is special about its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Director(u8),
    RealServer(u8),
}

impl Role {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Client => "client".to_owned(),
            Self::Director(number) => format!("lb{number}"),
            Self::RealServer(number) => format!("rs{number}"),
        }
    }

    pub(crate) fn address(self) -> Ipv4Addr {
        match self {
            Self::Client => CLIENT_ROUTER,
            Self::Director(number) => director_address(number),
            Self::RealServer(number) => server_address(number),
        }
    }

    /// Names below /proc/sys/net/ipv4 with their values; `all` is the larger of it and the
    /// interface's own.
    fn sysctls(self) -> &'static [(&'static str, &'static str)] {
        const COMMON: &[(&str, &str)] = &[("all/rp_filter", "0"), ("default/rp_filter", "0")];
        // The VIP must be neither answered for nor used as a sender in ARP, as in every LVS DR
        // set-up; the client must not announce its many addresses either.
        const QUIET: &[(&str, &str)] = &[
            ("all/rp_filter", "0"),
            ("default/rp_filter", "0"),
            ("all/arp_ignore", "1"),
            ("all/arp_announce", "2"),
        ];
        match self {
            Self::Director(_) => COMMON,
            Self::Client | Self::RealServer(_) => QUIET,
        }
    }

    fn ip_commands(self) -> String {
        let mut batch = format!(
            "link set lo up\nlink set {INTERFACE} up\naddr add {}/24 dev {INTERFACE}\n",
            self.address()
        );
        let route_to_clients = format!("route add 10.78.0.0/16 via {CLIENT_ROUTER}\n");
        match self {
            Self::Client => {
                for address in client_addresses() {
                    let _ = writeln!(batch, "addr add {address}/32 dev lo");
                }
            }
            Self::Director(_) => batch += &route_to_clients,
            Self::RealServer(_) => {
                let _ = writeln!(batch, "addr add {VIP}/32 dev lo");
                batch += &route_to_clients;
            }
        }
        batch
    }
}

/// Makes the switch: a namespace with nothing but a bridge.
pub(crate) fn make_switch(switch: &Netns) -> Result<()> {
    add_namespace(switch)?;
    ip_batch(
        switch,
        "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n\
         link set br0 up\n",
    )
}

/// Makes a host and plugs it into the switch. `stub` is a pinned XDP program for its port.
pub(crate) fn make_host(
    role: Role,
    host: &Netns,
    switch: &Netns,
    stub: Option<&std::path::Path>,
) -> Result<()> {
    add_namespace(host)?;
    let port = role.name();
    let mut plug = format!(
        "link add {port} type veth peer name {INTERFACE} netns {}\n\
         link set {port} master br0 up\n",
        host.name()
    );
    if let Some(stub) = stub {
        let _ = writeln!(plug, "link set {port} xdpdrv pinned {}", stub.display());
    }
    ip_batch(switch, &plug)?;
    host.run(move || set_sysctls(role.sysctls()))??;
    ip_batch(host, &role.ip_commands())?;
    fill_in_checksums(host, INTERFACE)
}

fn add_namespace(namespace: &Netns) -> Result<()> {
    output_of(Command::new("ip").args(["netns", "add", namespace.name()]))?;
    namespace.run(|| {
        for which in ["all", "default"] {
            // A kernel without IPv6 has no such file, and needs none.
            let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
        }
    })
}

fn set_sysctls(values: &[(&str, &str)]) -> Result<()> {
    for (name, value) in values {
        let path = format!("/proc/sys/net/ipv4/conf/{name}");
        std::fs::write(&path, value).with_context(|| format!("writing {value} to {path}"))?;
    }
    Ok(())
}

/// Runs lines of `ip -batch` in a namespace.
///
/// # Errors
/// One of them failed; the ones before it have been done.
pub(crate) fn ip_batch(namespace: &Netns, lines: &str) -> Result<()> {
    let mut child = Command::new("ip")
        .args(["-n", namespace.name(), "-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting ip")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(lines.as_bytes()).context("writing to ip")?;
    }
    let output = child.wait_with_output().context("waiting for ip")?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!(
            "ip -batch in {}: {}\n{lines}",
            namespace.name(),
            errors.trim()
        );
    }
    Ok(())
}
