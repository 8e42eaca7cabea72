//! FRR's vrrpd as a router. It wants a macvlan device with the virtual MAC and the virtual
//! address, and zebra to take that up and down.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use super::settings::VRID;
use super::{Host, Process, Role, Router, Settings};
use crate::lab::topology::{INTERFACE, ip_batch};
use crate::netns::output_of;
use crate::wait::wait_until;

/// Time in which it must start or stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where Debian has the daemons.
pub const FRR_DIRECTORY: &str = "/usr/lib/frr";
const DEVICE: &str = "vrrp";

/// See the module's description. Dropping it kills it.
#[derive(Debug)]
pub struct Frr {
    host: Host,
    ipv6: bool,
    directory: PathBuf,
    vrrpd: Process,
    _zebra: Process,
}

impl Frr {
    pub(super) fn start(host: &Host, settings: &Settings) -> Result<Self> {
        make_device(host, settings)?;
        // The daemons drop root's rights, and make sockets there.
        let directory = host.dir.join("frr");
        fs::create_dir_all(&directory).context("making a directory")?;
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777))
            .context("opening the directory")?;
        let zebra = daemon(host, &directory, "zebra", "")?;
        let socket = directory.join("zebra.sock");
        wait_until("zebra to listen", PATIENCE, || Ok(socket.exists()))
            .map_err(|error| anyhow!("{error:#}\n{}", zebra.log()))?;
        let vrrpd = daemon(host, &directory, "vrrpd", &configuration(settings))?;
        let frr = Self {
            host: host.clone(),
            ipv6: settings.ipv6,
            directory,
            vrrpd,
            _zebra: zebra,
        };
        wait_until("vrrpd to answer", PATIENCE, || frr.status().map(|_| true))
            .map_err(|error| anyhow!("{error:#}\n{}", frr.log()))?;
        Ok(frr)
    }

    /// Its virtual router in `show vrrp json`.
    ///
    /// # Errors
    /// It does not answer.
    pub fn status(&self) -> Result<Value> {
        let mut vtysh = Command::new("vtysh");
        vtysh.arg("--vty_socket").arg(&self.directory).args([
            "-d",
            "vrrpd",
            "-c",
            "show vrrp json",
        ]);
        let text = output_of(&mut vtysh)?;
        let status: Value = serde_json::from_str(&text).context("JSON of vrrpd")?;
        let family = if self.ipv6 { "v6" } else { "v4" };
        Ok(status[0][family].clone())
    }

    /// SIGTERM to vrrpd, and waits until it has ended.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(mut self) -> Result<()> {
        self.vrrpd.stop(PATIENCE)?;
        ip_batch(&self.host.netns, &format!("link del {DEVICE}\n"))
    }
}

impl Router for Frr {
    fn name(&self) -> &'static str {
        "FRR"
    }

    fn host(&self) -> &Host {
        &self.host
    }

    fn role(&self) -> Result<Role> {
        let status = self.status()?;
        Ok(match status["status"].as_str() {
            Some("Master") => Role::Master,
            Some("Backup") => Role::Backup,
            _ => Role::Out,
        })
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.directory.join("vrrpd.log"));
        let lines = log.unwrap_or_default();
        // It says this of every address and family that it has not.
        let lines: Vec<&str> = lines
            .lines()
            .filter(|it| !it.contains("Refusing"))
            .collect();
        format!("{}\n{}", lines.join("\n"), self.vrrpd.log())
    }
}

fn make_device(host: &Host, settings: &Settings) -> Result<()> {
    let family = if settings.ipv6 { 2 } else { 1 };
    // iproute2 asks for an address mode while it makes a device only with a kernel that lacks it.
    let mut batch = format!(
        "link add {DEVICE} link {INTERFACE} type macvlan mode bridge\n\
         link set dev {DEVICE} address 00:00:5e:00:{family:02x}:{VRID:02x}\n\
         link set dev {DEVICE} addrgenmode none\n"
    );
    for (address, length) in settings.addresses() {
        let nodad = if settings.ipv6 { " nodad" } else { "" };
        let _ = writeln!(batch, "addr add {address}/{length} dev {DEVICE}{nodad}");
    }
    batch += &format!("link set {DEVICE} up\n");
    ip_batch(&host.netns, &batch)
}

fn daemon(
    host: &Host,
    directory: &std::path::Path,
    name: &str,
    configuration: &str,
) -> Result<Process> {
    let file = |end: &str| directory.join(format!("{name}.{end}"));
    fs::write(file("conf"), configuration).context("writing a configuration")?;
    let mut command = host.netns.command(format!("{FRR_DIRECTORY}/{name}"));
    command
        .args(["--user", "frr", "--group", "frr", "--vty_port", "0"])
        .arg("--vty_socket")
        .arg(directory)
        .arg("--socket")
        .arg(directory.join("zebra.sock"))
        .arg("--pid_file")
        .arg(file("pid"))
        .arg("--config_file")
        .arg(file("conf"))
        .arg("--log")
        .arg(format!("file:{}", file("log").display()));
    Process::start(&mut command, &file("out"))
}

fn configuration(settings: &Settings) -> String {
    let mut text = format!(
        "interface {INTERFACE}\n vrrp {VRID} version {}\n vrrp {VRID} priority {}\n \
         vrrp {VRID} advertisement-interval {}\n",
        settings.version,
        settings.priority,
        settings.interval.as_millis()
    );
    if !settings.preempt {
        let _ = writeln!(text, " no vrrp {VRID} preempt");
    }
    let family = if settings.ipv6 { "ipv6" } else { "ip" };
    for (address, _) in settings.addresses() {
        let _ = writeln!(text, " vrrp {VRID} {family} {address}");
    }
    text
}
