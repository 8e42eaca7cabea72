//! Checks through the virtual address: servers that answer on their own, and not to clients.

#[path = "via/datagrams.rs"]
mod datagrams;
#[path = "via/faults.rs"]
mod faults;
#[path = "via/filters.rs"]
mod filters;
#[path = "via/frames.rs"]
mod frames;
#[path = "via/ipv6.rs"]
mod ipv6;
#[path = "via/life.rs"]
mod life;
#[path = "via/polite.rs"]
mod polite;

use std::fs;
use std::net::Ipv4Addr;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::lab::topology::VIP;
use lb_tests::lab::{Director, Lab, RealServer};
use lb_tests::netns::{Netns, output_of};
use lb_tests::wait::wait_until;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const PATIENCE: Duration = Duration::from_secs(15);
const NOT_ON_LO: &str =
    "answers on its own address, but not for 10.77.0.100: is the VIP on its lo? (no answer from ";

/// Runs `ip` on a host.
fn ip(host: &Netns, arguments: &str) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(["-n", host.name()]);
    output_of(command.args(arguments.split(' '))).map(drop)
}

fn nft(host: &Netns, rules: &[&str]) -> Result<()> {
    for rule in rules {
        output_of(host.command("nft").arg(rule))?;
    }
    Ok(())
}

fn take_vip(server: &RealServer) -> Result<()> {
    ip(&server.netns, &format!("addr del {VIP}/32 dev lo"))
}

fn give_vip(server: &RealServer) -> Result<()> {
    ip(&server.netns, &format!("addr add {VIP}/32 dev lo"))
}

/// Why a director sees a server of a service down.
fn why(director: &Director, service: &str, server: Ipv4Addr) -> Result<String> {
    let server = director.real_server(service, server)?;
    ensure!(server["state"] == "down", "{server}");
    Ok(server["reason"].as_str().context("a reason")?.to_owned())
}

/// Waits until a director sees it down for a reason that begins like this.
fn wait_down(director: &Director, service: &str, server: Ipv4Addr, reason: &str) -> Result<()> {
    wait_until(&format!("{server} to be down: {reason}"), PATIENCE, || {
        let why = why(director, service, server)?;
        ensure!(why.starts_with(reason), "{why}");
        Ok(true)
    })
}

fn wait_up(director: &Director, service: &str, server: Ipv4Addr) -> Result<()> {
    wait_until(&format!("{server} to be up"), PATIENCE, || {
        let server = director.real_server(service, server)?;
        ensure!(server["state"] == "up", "{server}");
        Ok(true)
    })
}

/// Edits a director's configuration file and has its daemon read it.
fn reconfigure(director: &Director, edit: impl Fn(&str) -> String) -> Result<()> {
    let text = fs::read_to_string(director.config_file())?;
    director.write_config(&edit(&text))?;
    director.reload()?.map_err(anyhow::Error::msg)
}

/// The check of the service `web`.
fn with_web_check(text: &str, check: &str) -> String {
    let (head, rest) = text.split_once("check    = ").unwrap_or((text, ""));
    let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    format!("{head}check    = {check}\n{rest}")
}

/// A program of a real server that goes with it.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Either it is dead then, or it was before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An echo server on one address.
fn echo_server(host: &Netns, listen: &str) -> Result<Program> {
    let mut echo = host.command(DEMO);
    echo.args(["echo-server", "--name", "one", "--listen", listen]);
    Ok(Program(echo.spawn().context("starting an echo server")?))
}

/// Lets both daemons check everything anew, and waits until all is well.
fn check_again(lab: &Lab, interval: &str) -> Result<()> {
    for director in &lab.directors {
        reconfigure(director, |text| {
            text.replace(
                "interval = \"200ms\"",
                &format!("interval = \"{interval}\""),
            )
        })?;
    }
    lab.wait_ready()
}
