//! Addresses that take packets to their services only, by a table of nftables.
//!
//! XDP takes services' packets before it, IPVS steals them on the way to it; what the kernel
//! itself serves (a real server on this host) is let through by name.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Behind IPVS's hooks for local packets (98 and 99 in net/netfilter/ipvs/ip_vs_core.c).
const PRIORITY: u32 = 150;
const TABLE: &str = "inet lvx";

/// What is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closed {
    pub addresses: BTreeSet<IpAddr>,
    /// With the number of the IP protocol; port 0 = all ports that have no service of their own.
    pub services: BTreeSet<(SocketAddr, u8)>,
}

/// Removes the table, whether it is there or not.
fn removal() -> String {
    format!("table {TABLE} {{ }}\ndelete table {TABLE}\n")
}

/// What `nft` is told: one transaction, which replaces the table as a whole. PURE.
#[must_use]
pub fn script(closed: &Closed) -> String {
    let mut script = removal();
    if closed.addresses.is_empty() {
        return script;
    }
    let mut rules = String::new();
    // What an address needs to be one at all.
    rules.push_str(
        "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept\n",
    );
    for (address, protocol) in &closed.services {
        let family = family(address.ip());
        let (ip, port) = (address.ip(), address.port());
        let port = match port {
            0 => String::new(),
            port => format!(" th dport {port}"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            rules,
            "\t\t{family} daddr {ip} meta l4proto {protocol}{port} accept"
        );
    }
    for address in &closed.addresses {
        let family = family(*address);
        let _ = writeln!(rules, "\t\t{family} daddr {address} counter drop");
    }
    let _ = writeln!(
        script,
        "table {TABLE} {{\n\tchain input {{\n\t\ttype filter hook input priority {PRIORITY}; \
         policy accept;\n{rules}\t}}\n}}"
    );
    script
}

const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "ip",
        IpAddr::V6(_) => "ip6",
    }
}

/// Brings nftables to `closed`.
///
/// # Errors
/// There is no `nft`, or it refuses, with its words.
pub async fn write(closed: &Closed) -> io::Result<()> {
    let mut command = Command::new("nft");
    command.args(["-f", "-"]).stdin(Stdio::piped());
    let output = run(&mut command, &script(closed)).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(refusal(&output))
}

/// The table as it is, without its counters; `None`: there is none.
///
/// # Errors
/// There is no `nft`, or it refuses, with its words.
pub async fn read() -> io::Result<Option<String>> {
    let mut command = Command::new("nft");
    command.args(["--stateless", "list", "table", "inet", "lvx"]);
    let output = run(&mut command, "").await?;
    if output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()));
    }
    let error = refusal(&output);
    if error.to_string().contains("No such file or directory") {
        return Ok(None);
    }
    Err(error)
}

async fn run(command: &mut Command, input: &str) -> io::Result<Output> {
    let command = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("LC_ALL", "C")
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            let text = "there is no nft on this host: install nftables, or set accept = true";
            return io::Error::new(error.kind(), text);
        }
        error
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await?;
    }
    child.wait_with_output().await
}

fn refusal(output: &Output) -> io::Error {
    let words = String::from_utf8_lossy(&output.stderr);
    let words = words.lines().next().unwrap_or("no reason given");
    io::Error::other(format!("nft: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_closed_is_no_table() {
        let script = script(&Closed::default());
        assert_eq!(script, "table inet lvx { }\ndelete table inet lvx\n");
    }

    #[test]
    fn services_pass_and_the_rest_of_their_address_does_not() {
        let closed = Closed {
            addresses: ["192.0.2.10", "2001:db8::10"]
                .map(|one| one.parse().unwrap())
                .into(),
            services: [
                ("192.0.2.10:80".parse().unwrap(), 6),
                ("[2001:db8::10]:0".parse().unwrap(), 17),
            ]
            .into(),
        };
        let script = script(&closed);
        let place = |line: &str| {
            let place = script.lines().position(|one| one.trim() == line);
            place.unwrap_or_else(|| panic!("{line} is not in\n{script}"))
        };
        assert!(
            place("ip daddr 192.0.2.10 meta l4proto 6 th dport 80 accept")
                < place("ip daddr 192.0.2.10 counter drop")
        );
        assert!(
            place("ip6 daddr 2001:db8::10 meta l4proto 17 accept")
                < place("ip6 daddr 2001:db8::10 counter drop")
        );
        let discovery =
            "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } accept";
        assert!(place(discovery) < place("ip6 daddr 2001:db8::10 counter drop"));
    }
}
