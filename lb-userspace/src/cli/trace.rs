//! `lvx trace`: decisions about packets, live.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::api::shape::{Answer, Network, Request, TraceWanted, Traced, TracedPacket};

use super::end::{End, ask, exit, misunderstood, unwritable};
use super::time;

/// Between two looks for packets.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Args)]
pub(super) struct Wanted {
    /// Only packets to this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only packets from this client or network
    #[arg(long, value_name = "ADDRESS[/LEN]", value_parser = network)]
    client: Option<Network>,
    /// Only packets that are left to the kernel
    #[arg(long)]
    drops: bool,
    /// End after so many packets
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Packets per second at most
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Print each packet as a line of JSON, in the documented shape
    #[arg(long)]
    json: bool,
}

fn network(text: &str) -> Result<Network, String> {
    let wrong = || "expected an address such as 198.51.100.7, or 198.51.100.0/24".to_owned();
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let prefix_len = match length {
        None => whole,
        Some(digits) => digits.parse().map_err(|_| wrong())?,
    };
    if prefix_len > whole {
        return Err(format!("a prefix length is {whole} at most"));
    }
    Ok(Network {
        address,
        prefix_len,
    })
}

pub(super) fn run(socket: &Path, wanted: Wanted) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(follow(socket, wanted)),
        Err(error) => Err(End::Failed(format!("cannot start: {error}"))),
    };
    exit(socket, ended)
}

async fn follow(socket: &Path, wanted: Wanted) -> Result<(), End> {
    let signals = signal(SignalKind::interrupt()).and_then(|interrupt| {
        let terminate = signal(SignalKind::terminate())?;
        Ok((interrupt, terminate))
    });
    let (mut interrupt, mut terminate) =
        signals.map_err(|error| End::Failed(format!("signals: {error}")))?;
    let Wanted {
        service,
        client,
        drops,
        count,
        rate,
        json,
    } = wanted;
    let wanted = TraceWanted {
        service,
        client,
        drops,
        rate,
    };
    let Answer::TraceStarted(trace) = ask(socket, &Request::TraceStart(wanted))? else {
        return Err(misunderstood());
    };
    let mut left = count.unwrap_or(u64::MAX);
    let mut told = (0, 0);
    let ended = loop {
        let traced = match ask(socket, &Request::TraceRead { trace }) {
            Ok(Answer::Traced(traced)) => traced,
            Ok(_) => break Err(misunderstood()),
            Err(end) => break Err(end),
        };
        if let Err(end) = show(&traced, json, &mut left) {
            break Err(end);
        }
        told = (traced.over_rate, traced.lost);
        if left == 0 {
            break Ok(());
        }
        tokio::select! {
            _ = interrupt.recv() => break Ok(()),
            _ = terminate.recv() => break Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
    };
    // The daemon ends what nobody reads, too.
    let _ = ask(socket, &Request::TraceStop { trace });
    if let Some(text) = missed(told.0, told.1, rate) {
        // Nothing is left to be done if stderr is closed.
        let _ = writeln!(io::stderr(), "{text}");
    }
    ended
}

fn show(traced: &Traced, json: bool, left: &mut u64) -> Result<(), End> {
    let mut out = io::stdout().lock();
    for packet in &traced.packets {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let text = if json {
            serde_json::to_string(packet).map_err(|error| End::Failed(error.to_string()))?
        } else {
            format!("{} {}", time::of_day(packet.at), line(packet))
        };
        writeln!(out, "{text}").map_err(unwritable)?;
    }
    out.flush().map_err(unwritable)
}

/// A packet without its time.
fn line(packet: &TracedPacket) -> String {
    let end = |address: SocketAddr| {
        if packet.fragment {
            address.ip().to_string()
        } else {
            address.to_string()
        }
    };
    let client = packet.client.map_or_else(|| "unknown".to_owned(), end);
    let service = match (&packet.service, packet.destination) {
        (Some(name), _) => name.clone(),
        (None, Some(address)) => format!("{}/{}", end(address), packet.protocol),
        (None, None) => "unknown".to_owned(),
    };
    let mut words = vec![
        packet.interface.clone(),
        client,
        "->".to_owned(),
        service,
        packet.segment.clone(),
    ];
    if packet.fragment {
        words.push("fragment".to_owned());
    }
    if packet.real_server.is_some() || packet.reason.is_none() {
        let server = packet.real_server;
        words.push("->".to_owned());
        words.push(server.map_or_else(|| "a server that is gone".to_owned(), |ip| ip.to_string()));
    }
    if packet.verdict == "redirected" {
        words.push("by another interface".to_owned());
    }
    if let Some(reason) = &packet.reason {
        words.push(format!("passed: {reason}"));
    }
    if let (Some(slot), Some(state)) = (packet.slot, &packet.slot_state) {
        words.push(format!("(slot {slot} {state})"));
    }
    words.join(" ")
}

/// What was not shown, if anything.
fn missed(over_rate: u64, lost: u64, rate: u32) -> Option<String> {
    let mut parts = Vec::new();
    if over_rate > 0 {
        parts.push(format!(
            "{over_rate} more than --rate {rate} per second allows"
        ));
    }
    if lost > 0 {
        parts.push(format!("{lost} lost"));
    }
    (!parts.is_empty()).then(|| format!("packets not shown: {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> TracedPacket {
        TracedPacket {
            at: 1_700_000_000_123_456_789,
            interface: "eth0".to_owned(),
            client: Some("198.51.100.7:40000".parse().unwrap()),
            destination: Some("192.0.2.10:80".parse().unwrap()),
            protocol: "tcp".to_owned(),
            fragment: false,
            service: Some("web".to_owned()),
            segment: "open".to_owned(),
            bytes: 40,
            verdict: "transmitted".to_owned(),
            reason: None,
            real_server: Some("192.0.2.21".parse().unwrap()),
            slot: Some(17),
            slot_state: Some("stable".to_owned()),
        }
    }

    #[test]
    fn lines_say_where_packets_come_from_and_go() {
        let redirected = TracedPacket {
            verdict: "redirected".to_owned(),
            slot: None,
            slot_state: None,
            ..packet()
        };
        let passed = TracedPacket {
            service: None,
            verdict: "passed".to_owned(),
            reason: Some("no_service".to_owned()),
            real_server: None,
            slot: None,
            slot_state: None,
            ..packet()
        };
        let unknown = TracedPacket {
            client: None,
            destination: None,
            reason: Some("not_ip".to_owned()),
            ..passed.clone()
        };
        let fragment = TracedPacket {
            fragment: true,
            reason: Some("fragment".to_owned()),
            ..passed.clone()
        };
        let local = TracedPacket {
            verdict: "passed".to_owned(),
            reason: Some("local".to_owned()),
            ..packet()
        };
        for (packet, expected) in [
            (
                packet(),
                "eth0 198.51.100.7:40000 -> web open -> 192.0.2.21 (slot 17 stable)",
            ),
            (
                redirected,
                "eth0 198.51.100.7:40000 -> web open -> 192.0.2.21 by another interface",
            ),
            (
                passed,
                "eth0 198.51.100.7:40000 -> 192.0.2.10:80/tcp open passed: no_service",
            ),
            (unknown, "eth0 unknown -> unknown open passed: not_ip"),
            (
                fragment,
                "eth0 198.51.100.7 -> 192.0.2.10/tcp open fragment passed: fragment",
            ),
            (
                local,
                "eth0 198.51.100.7:40000 -> web open -> 192.0.2.21 passed: local (slot 17 stable)",
            ),
        ] {
            assert_eq!(line(&packet), expected);
        }
    }

    #[test]
    fn networks_have_a_length_or_are_one_address() {
        for (text, address, prefix_len) in [
            ("198.51.100.7", "198.51.100.7", 32),
            ("198.51.100.0/24", "198.51.100.0", 24),
            ("2001:db8::1", "2001:db8::1", 128),
            ("2001:db8::/32", "2001:db8::", 32),
            ("0.0.0.0/0", "0.0.0.0", 0),
        ] {
            let address = address.parse().unwrap();
            let expected = Network {
                address,
                prefix_len,
            };
            assert_eq!(network(text), Ok(expected));
        }
        for text in [
            "web",
            "198.51.100.7/33",
            "198.51.100.7/",
            "::/129",
            "1.2.3.4:80",
        ] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        assert_eq!(missed(0, 0, 100), None);
        assert_eq!(
            missed(7, 2, 100).as_deref(),
            Some("packets not shown: 7 more than --rate 100 per second allows, 2 lost")
        );
    }
}
