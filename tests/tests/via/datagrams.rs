//! UDP, where a program answers from which address it likes.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use lb_tests::harness::with_one_director;
use lb_tests::lab::RealServer;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::VIP;

use super::{DEMO, give_vip, reconfigure, take_vip, wait_down, wait_up};

const PORT: u16 = 7053;
const SERVICE: &str = r#"
[[service]]
name = "udp"
address = "10.77.0.100:7053"
protocol = "udp"
check = { type = "udp", send = "ping", expect = { contains = "pong" }, interval = "200ms", timeout = "200ms" }
[[service.real_server]]
address = "10.77.0.11"
"#;

const SILENT: &str = "answers on its own address, but not for 10.77.0.100: is the VIP on its lo, \
                      and does the program answer from there? (no answer from 10.77.0.100:7053";

/// Answers datagrams on some addresses of a server, from the address that each socket has.
struct Answers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Answers {
    fn start(server: &RealServer, addresses: &[Ipv4Addr]) -> Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        let mut threads = Vec::new();
        for address in addresses.iter().copied() {
            let address = SocketAddrV4::new(address, PORT);
            let socket = server.netns.run(move || UdpSocket::bind(address))?;
            let socket = socket.with_context(|| format!("binding to {address}"))?;
            let stop = Arc::clone(&stop);
            threads.push(std::thread::spawn(move || answer(&socket, &stop)));
        }
        Ok(Self { stop, threads })
    }

    fn end(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().ok().context("a thread panicked")??;
        }
        Ok(())
    }
}

fn answer(socket: &UdpSocket, stop: &AtomicBool) -> Result<()> {
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut question = [0; 16];
    while !stop.load(Ordering::Relaxed) {
        if let Ok((_, from)) = socket.recv_from(&mut question) {
            socket.send_to(b"pong", from)?;
        }
    }
    Ok(())
}

#[test]
fn datagrams_are_asked_through_the_vip() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let (director, server) = (&lab.directors[0], &lab.servers[0]);
        let answers = Answers::start(server, &[server.address(), VIP])?;
        reconfigure(director, |text| format!("{text}{SERVICE}"))?;
        wait_up(director, "udp", server.address())?;
        take_vip(server)?;
        wait_down(director, "udp", server.address(), SILENT)?;
        give_vip(server)?;
        wait_up(director, "udp", server.address())?;
        answers.end()
    });
}

/// With one socket for all addresses, the kernel answers from the server's own: what clients do not
/// take for an answer is none for a check.
#[test]
fn an_answer_from_the_wrong_address_is_none() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let (director, server) = (&lab.directors[0], &lab.servers[0]);
        let answers = Answers::start(server, &[Ipv4Addr::UNSPECIFIED])?;
        reconfigure(director, |text| format!("{text}{SERVICE}"))?;
        wait_down(director, "udp", server.address(), SILENT)?;
        answers.end()?;
        let answers = Answers::start(server, &[server.address(), VIP])?;
        wait_up(director, "udp", server.address())?;
        answers.end()
    });
}
