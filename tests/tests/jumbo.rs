//! Frames that do not fit into a page.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::client::{TIMEOUT, connect};
use lb_tests::harness::with_prepared_director;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{VIP, client_addresses};
use lb_tests::lab::{Lab, WEB_PORT};
use lb_tests::netns::join;
use lb_tests::wait::wait_until;
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const MTU: u16 = 9000;
const DATAGRAM_PORT: u16 = 7002;
/// No NIC would put it into one frame with an MTU of 1500, and nobody here fragments.
const DATAGRAM: usize = 8000;
const HEADERS: u64 = 20 + 8;
/// Bytes of a request's body: nginx takes a megabyte.
const BODY: usize = 900_000;
const DATAGRAMS: &str = r#"
[[service]]
name     = "datagrams"
address  = "10.77.0.100:7002"
protocol = "udp"

[[service.real_server]]
address = "10.77.0.11"

[[service.real_server]]
address = "10.77.0.12"

[[service.real_server]]
address = "10.77.0.13"
"#;

fn plan() -> Plan {
    Plan {
        services: DATAGRAMS,
        ..Plan::equal(3)
    }
}

fn clients() -> Vec<Ipv4Addr> {
    client_addresses().into_iter().step_by(25).collect()
}

fn number(value: &Value, key: &str) -> Result<u64> {
    let found = value[key].as_u64();
    found.with_context(|| format!("no number {key} in {value}"))
}

/// Packets and bytes of a service.
fn counted(lab: &Lab, service: &str) -> Result<(u64, u64)> {
    let service = lab.directors[0].service(service)?;
    Ok((number(&service, "packets")?, number(&service, "bytes")?))
}

/// A large request to nginx from each client.
fn post(client: Ipv4Addr) -> Result<()> {
    let mut stream = connect(client, SocketAddrV4::new(VIP, WEB_PORT), TIMEOUT)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let head = format!("POST / HTTP/1.0\r\nContent-Length: {BODY}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&vec![b'x'; BODY])?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    Ok(())
}

/// Answers datagrams with themselves until it is told to stop.
fn echo(stop: &AtomicBool) -> Result<()> {
    let socket = UdpSocket::bind((VIP, DATAGRAM_PORT)).context("the server's socket")?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut buffer = [0; 1 << 14];
    while !stop.load(Ordering::Relaxed) {
        // Nothing came yet.
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            socket.send_to(&buffer[..length], from)?;
        }
    }
    Ok(())
}

/// A datagram and its echo; repeated for as long as the servers' sockets may not be there yet.
fn ask(client: Ipv4Addr) -> Result<()> {
    let socket = UdpSocket::bind((client, 0)).context("the client's socket")?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.connect((VIP, DATAGRAM_PORT))?;
    let sent: Vec<u8> = (0..DATAGRAM).map(|index| index as u8).collect();
    wait_until("a large datagram's echo", Duration::from_secs(5), || {
        socket.send(&sent)?;
        let mut answer = [0; 1 << 14];
        let length = socket.recv(&mut answer)?;
        ensure!(answer[..length] == sent, "{length} bytes came back");
        Ok(true)
    })
}

/// Lets each client send a datagram, while all servers answer.
fn datagrams(lab: &Lab) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let servers = lab.servers.iter().map(|server| {
        let stop = Arc::clone(&stop);
        server.netns.spawn(move || echo(&stop))
    });
    let servers: Vec<_> = servers.collect();
    let asked = lab.client.run(|| clients().into_iter().try_for_each(ask));
    stop.store(true, Ordering::Relaxed);
    for server in servers {
        join(server)??;
    }
    asked?
}

/// The daemon looks at its program twice a second, and then at its pins: when it has put one
/// right, it must have found nothing wrong with the program.
fn audited(lab: &Lab) -> Result<()> {
    let director = &lab.directors[0];
    fs::remove_file(director.bpffs().join("notes")).context("removing a pin")?;
    let repairs = || number(&director.status()?["dataplane"], "repairs");
    let soon = Duration::from_secs(5);
    wait_until("an audit", soon, || Ok(repairs()? > 0))?;
    let status = director.status()?;
    let events = status["dataplane"]["events"].to_string();
    ensure!(repairs()? == 1 && !events.contains("detached"), "{events}");
    Ok(())
}

/// The program's name and mode.
fn program(lab: &Lab) -> Result<(String, String)> {
    let status = lab.directors[0].status()?;
    let mode = status["dataplane"]["interfaces"][0]["mode"].as_str();
    let mode = mode.context("a mode")?.to_owned();
    Ok((lab.directors[0].xdp_program()?, mode))
}

#[test]
fn frames_of_9000_bytes_pass_the_director() {
    let prepare = |lab: &Lab| lab.set_mtu(MTU);
    with_prepared_director(DEMO, &plan(), prepare, |lab| {
        let expected = ("lvx_frags".to_owned(), "xdp-native".to_owned());
        ensure!(program(lab)? == expected, "{:?}", program(lab)?);

        let before = counted(lab, "web")?;
        lab.client
            .run(|| clients().into_iter().try_for_each(post))??;
        let after = counted(lab, "web")?;
        let (packets, bytes) = (after.0 - before.0, after.1 - before.1);
        let sent = (clients().len() * BODY) as u64;
        ensure!(bytes > sent, "{bytes} bytes were forwarded of {sent}");
        let average = bytes / packets;
        ensure!((6000..=MTU.into()).contains(&average), "{average} bytes");

        datagrams(lab)?;
        let (packets, bytes) = counted(lab, "datagrams")?;
        ensure!(packets >= clients().len() as u64, "{packets} packets");
        let each = DATAGRAM as u64 + HEADERS;
        ensure!(
            bytes == packets * each,
            "{bytes} bytes of {packets} packets"
        );

        audited(lab)?;
        ensure!(program(lab)? == expected, "{:?}", program(lab)?);
        Ok(())
    });
}

#[test]
fn an_mtu_of_1500_gets_the_program_for_frames_in_one_piece() {
    with_prepared_director(
        DEMO,
        &plan(),
        |_| Ok(()),
        |lab| {
            let expected = ("lvx".to_owned(), "xdp-native".to_owned());
            ensure!(program(lab)? == expected, "{:?}", program(lab)?);
            lab.client
                .run(|| clients().into_iter().try_for_each(post))??;
            audited(lab)
        },
    );
}
