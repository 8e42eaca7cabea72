//! Checks of real servers by the whole daemon: what a server does, what `lvx status` says of it,
//! and that clients are not sent to one that is down.

#[path = "checks/broken.rs"]
mod broken;
#[path = "checks/dns.rs"]
mod dns;
#[path = "checks/http.rs"]
mod http;
#[path = "checks/redis.rs"]
mod redis;
#[path = "checks/smtp.rs"]
mod smtp;
#[path = "checks/tls.rs"]
mod tls;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::harness::{runs, skip, usable};
use lb_tests::lab::Lab;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{VIP, client_addresses, server_address};
use lb_tests::wait::wait_for;
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
/// Time for a change to be seen.
const SOON: Duration = Duration::from_secs(20);
/// Of every check.
const TIMING: &str = "interval = \"200ms\", timeout = \"200ms\", rise = 1, fall = 2";
const SERVERS: u8 = 3;

/// Programs on the hosts of the real servers; they end with the test.
#[derive(Default)]
struct Programs(RefCell<Vec<(u8, Child)>>);

impl Programs {
    /// Starts one on the host of server 1 to 3.
    fn start(&self, lab: &Lab, server: u8, change: impl FnOnce(&mut Command)) -> Result<()> {
        let host = &lab.servers[usize::from(server) - 1];
        // The command line goes through nsenter, which becomes the program.
        let mut command = host.netns.command("env");
        change(&mut command);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).process_group(0).spawn();
        let child = child.with_context(|| format!("starting {command:?}"))?;
        self.0.borrow_mut().push((server, child));
        Ok(())
    }

    /// Kills those of a server.
    fn kill(&self, server: u8) {
        self.0.borrow_mut().retain_mut(|(of, child)| {
            if *of == server {
                end(child);
            }
            *of != server
        });
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for (_, child) in self.0.get_mut() {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// A service on a port of the VIP, with all three real servers.
fn service(name: &str, port: u16, protocol: &str, check: &str) -> String {
    let mut text = format!(
        "\n[[service]]\nname = \"{name}\"\naddress = \"{VIP}:{port}\"\nprotocol = \"{protocol}\"\n\
         scheduler = \"rr\"\ncheck = {{ {TIMING}, {check} }}\n"
    );
    for number in 1..=SERVERS {
        let address = server_address(number);
        let _ = write!(text, "[[service.real_server]]\naddress = \"{address}\"\n");
    }
    text
}

/// Runs `test` on a director with these services, with `prepare` before the daemon starts.
fn with_services(
    services: String,
    prepare: impl FnOnce(&Lab, &Programs) -> Result<()>,
    test: impl FnOnce(&Lab, &Programs) -> Result<()>,
) {
    let plan = Plan {
        // A test's life is a program's.
        services: services.leak(),
        ..Plan::equal(SERVERS)
    };
    let Some(tools) = usable(DEMO) else {
        return;
    };
    let mut lab = Lab::new(tools, SERVERS, SERVERS).expect("a lab");
    // Dropped before the lab: their hosts are still there.
    let programs = Programs::default();
    let run = || -> Result<()> {
        lab.set_plan(plan)?;
        prepare(&lab, &programs)?;
        lab.directors[0].start()?;
        lab.directors[0].wait_vrrp_state("MASTER")?;
        lab.wait_vip()?;
        test(&lab, &programs)
    };
    if let Err(error) = run() {
        panic!("{error:#}\n{}", lab.explain());
    }
}

/// Whether a program is there; if not, that is said.
fn has(program: &str) -> bool {
    let has = runs(program.as_ref());
    if !has {
        skip(&format!("{program} cannot be started: `cargo xtask setup`"));
    }
    has
}

/// Waits until `lvx status` says this of a service's real server; the words, or those behind a
/// bar, are part of its reason.
fn wait_state(lab: &Lab, service: &str, server: u8, state: &str, words: &str) -> Result<Value> {
    let what = format!("rs{server} of {service} to be {state:?} because {words:?}");
    wait_for(&what, SOON, || {
        let found = lab.directors[0].real_server(service, server_address(server))?;
        let reason = found["reason"].as_str().unwrap_or_default();
        ensure!(
            found["state"] == state && words.split(" | ").any(|words| reason.contains(words)),
            "it is {}: {reason:?}",
            found["state"]
        );
        Ok(Some(found))
    })
}

fn wait_up(lab: &Lab, service: &str, server: u8) -> Result<()> {
    wait_state(lab, service, server, "up", "").map(drop)
}

/// Does the same from each of many client addresses to a port of the VIP.
fn from_clients<T: Send + 'static>(
    lab: &Lab,
    port: u16,
    ask: impl Fn(Ipv4Addr, SocketAddrV4) -> Result<T> + Send + 'static,
) -> Result<Vec<T>> {
    lab.client.run(move || {
        let to = SocketAddrV4::new(VIP, port);
        let clients = client_addresses().into_iter().step_by(10);
        clients.map(|client| ask(client, to)).collect()
    })?
}
