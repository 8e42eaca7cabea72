//! Datagrams that are larger than the MTU: the client's kernel sends each in three pieces, of
//! which only the first one has ports.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::client::TIMEOUT;
use lb_tests::harness::{has_ipvs, with_planned_lab};
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{VIP, client_addresses};
use lb_tests::lab::{Director, Lab};
use lb_tests::netns::join;
use lb_tests::wait::wait_for;

use super::{DEMO, SOON, plan, reconfigure};

const PORT: u16 = 5300;
const OTHER_PORT: u16 = 5301;
const LARGE: usize = 4000;
/// In an MTU of 1500.
const PIECES: u64 = 3;
const SMALL: usize = 100;

/// A datagram that shows if its pieces were put together wrongly.
fn datagram(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n / 8) as u8).collect()
}

/// UDP servers on the real servers, which answer with their name. Dropping it ends them.
struct Servers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<Result<()>>>>,
}

impl Servers {
    fn start(lab: &Lab) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |server: &lb_tests::lab::RealServer| {
            let (name, stop) = (server.name(), Arc::clone(&stop));
            server.netns.spawn(move || answer(&name, &stop))
        };
        let threads = lab.servers.iter().map(start).collect();
        Self { stop, threads }
    }

    /// # Errors
    /// One of them could not go on.
    fn finish(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).try_for_each(|thread| join(thread)?)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn answer(name: &str, stop: &AtomicBool) -> Result<()> {
    let socket = UdpSocket::bind((VIP, PORT)).context("a UDP server")?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut buffer = [0; 2 * LARGE];
    while !stop.load(Ordering::Relaxed) {
        match socket.recv_from(&mut buffer) {
            Ok((length, client)) => {
                let whole = buffer[..length] == datagram(length);
                let said = if whole { name } else { "damaged" };
                socket.send_to(said.as_bytes(), client)?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("a UDP server"),
        }
    }
    Ok(())
}

/// One datagram from `client`, and who answers; `None` if nobody does.
fn ask(client: Ipv4Addr, length: usize) -> Result<Option<String>> {
    let socket = UdpSocket::bind((client, 0))?;
    socket.connect((VIP, PORT))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.send(&datagram(length))?;
    let mut name = [0; 16];
    match socket.recv(&mut name) {
        Ok(length) => Ok(Some(String::from_utf8_lossy(&name[..length]).into_owned())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Lets some clients send one datagram each, once the service is there; who answers whom.
fn survey(lab: &Lab, length: usize) -> Result<BTreeMap<Ipv4Addr, String>> {
    lab.client.run(move || {
        let clients = client_addresses().into_iter().step_by(25);
        let asked = clients.map(|client| {
            let name = ask(client, length)?.with_context(|| format!("{client}: no answer"))?;
            Ok((client, name))
        });
        asked.collect()
    })?
}

/// Waits until a datagram of this length gets through.
fn wait_answer(lab: &Lab, length: usize) -> Result<()> {
    let wait = move || wait_for("an answer", SOON, || ask(client_addresses()[0], length)).map(drop);
    lab.client.run(wait)?
}

/// Adds UDP services on `ports` to the configuration.
fn add_services(lab: &Lab, ports: &[u16]) -> Result<()> {
    reconfigure(lab, |config| {
        let mut text = config.to_owned();
        for port in ports {
            text += &format!(
                "\n[[service]]\nname = \"udp{port}\"\naddress = \"{VIP}:{port}\"\n\
                 protocol = \"udp\"\n"
            );
            for server in &lab.servers {
                let address = server.address();
                text += &format!("\n[[service.real_server]]\naddress = \"{address}\"\n");
            }
        }
        text
    })
}

/// What `lvx where` says of the same clients.
fn told(lab: &Lab, survey: &BTreeMap<Ipv4Addr, String>) -> Result<BTreeMap<Ipv4Addr, String>> {
    let service = format!("udp{PORT}");
    let tell = |&client| {
        let server = lab.directors[0].where_is(&service, client)?;
        let name = server.and_then(|server| lab.server_name(server));
        Ok((client, name.context("a server")?))
    };
    survey.keys().map(tell).collect()
}

/// Packets that the program sent to the service's servers, and fragments that it passed.
fn counted(director: &Director) -> Result<(u64, u64)> {
    let status = director.status()?;
    let services = status["services"].as_array().context("services")?;
    let name = format!("udp{PORT}");
    let ours = services.iter().find(|service| service["name"] == *name);
    let passed = status["dataplane"]["passed"].as_array().context("passed")?;
    let fragments = passed.iter().find(|count| count["name"] == "fragment");
    let sent = ours.and_then(|ours| ours["packets"].as_u64());
    let passed = fragments.and_then(|count| count["packets"].as_u64());
    Ok((sent.context("packets")?, passed.unwrap_or_default()))
}

#[test]
fn all_pieces_of_a_datagram_go_to_its_clients_server() {
    with_planned_lab(DEMO, &Plan::equal(3), |lab| {
        let servers = Servers::start(lab);
        add_services(lab, &[PORT])?;
        wait_answer(lab, LARGE)?;
        let before = counted(&lab.directors[0])?;
        let large = survey(lab, LARGE)?;
        let after = counted(&lab.directors[0])?;
        let pieces = PIECES * large.len() as u64;
        ensure!(
            after == (before.0 + pieces, before.1),
            "{before:?} {after:?}"
        );
        ensure!(large == told(lab, &large)?, "{large:?}");
        ensure!(survey(lab, SMALL)? == large, "{large:?}");
        servers.finish()
    });
}

#[test]
fn pieces_that_could_be_of_two_services_go_to_the_same_server_by_ipvs() {
    if !has_ipvs() {
        return;
    }
    with_planned_lab(DEMO, &plan(["auto", "auto"]), |lab| {
        let servers = Servers::start(lab);
        add_services(lab, &[PORT, OTHER_PORT])?;
        wait_answer(lab, LARGE)?;
        let (_, before) = counted(&lab.directors[0])?;
        let large = survey(lab, LARGE)?;
        let (_, after) = counted(&lab.directors[0])?;
        let pieces = PIECES * large.len() as u64;
        ensure!(after == before + pieces, "{before} {after}");
        ensure!(large == told(lab, &large)?, "{large:?}");
        ensure!(survey(lab, SMALL)? == large, "{large:?}");
        let status = lab.directors[0].status()?;
        ensure!(status["dataplane"]["mode"] == "xdp-native", "{status}");
        servers.finish()
    });
}
