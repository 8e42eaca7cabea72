//! lvx as a router: the real daemon, with a virtual router and no services.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::settings::VRID;
use super::{Checksum, Host, Process, Role, Router, Settings};
use crate::lab::topology::INTERFACE;
use crate::wait::wait_until;

/// Time in which the daemon must start or stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// See the module's description. Dropping it kills the daemon.
#[derive(Debug)]
pub struct Ours {
    host: Host,
    lvx: PathBuf,
    socket: PathBuf,
    process: Process,
}

impl Ours {
    pub(super) fn start(
        lvx: &Path,
        host: &Host,
        bpffs: &Path,
        settings: &Settings,
    ) -> Result<Self> {
        let instance = instance("VI_1", VRID, host, settings, &settings.addresses());
        Self::with_instances(lvx, host, bpffs, &instance)
    }

    /// `instances`: the `[[vrrp]]` blocks.
    pub(crate) fn with_instances(
        lvx: &Path,
        host: &Host,
        bpffs: &Path,
        instances: &str,
    ) -> Result<Self> {
        let runtime = host.dir.join("run");
        let file = host.dir.join("lvx.toml");
        let text = format!(
            "[global]\nrouter_id = \"{}\"\ndataplane = \"xdp\"\nruntime_dir = \"{}\"\n\
             state_dir = \"{}\"\nbpffs = \"{}\"\n{instances}",
            host.name(),
            runtime.display(),
            host.dir.join("state").display(),
            bpffs.display(),
        );
        std::fs::write(&file, text).context("writing a configuration")?;
        let mut command = host.netns.command(lvx);
        command.args(["run", "-c"]).arg(&file);
        let mut ours = Self {
            host: host.clone(),
            lvx: lvx.to_owned(),
            socket: runtime.join("lvx.sock"),
            process: Process::start(&mut command, &host.dir.join("lvx.log"))?,
        };
        let answers = wait_until("lvx to answer", PATIENCE, || {
            if let Ok(status) = ours.process.wait_end(Duration::ZERO) {
                bail!("lvx ended: {status}");
            }
            ours.status().map(|_| true)
        });
        answers.map_err(|error| anyhow!("{error:#}\n{}", ours.process.log()))?;
        Ok(ours)
    }

    #[must_use]
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its virtual router in `lvx status --json`.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub fn status(&self) -> Result<Value> {
        Ok(self.whole_status()?["vrrp"][0].clone())
    }

    /// All of `lvx status --json`.
    ///
    /// # Errors
    /// The daemon does not answer.
    pub(crate) fn whole_status(&self) -> Result<Value> {
        let mut command = Command::new(&self.lvx);
        command
            .args(["status", "--json", "--socket"])
            .arg(&self.socket);
        let output = command.output().context("starting lvx")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("lvx status: {errors}");
        }
        serde_json::from_slice(&output.stdout).context("JSON of lvx")
    }

    /// Why it is in its state.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn reason(&self) -> Result<String> {
        let status = self.status()?;
        Ok(status["reason"].as_str().context("reason")?.to_owned())
    }

    /// # Errors
    /// As [`Self::status`].
    pub fn adverts_sent(&self) -> Result<u64> {
        self.status()?["adverts_sent"]
            .as_u64()
            .context("adverts_sent")
    }

    /// # Errors
    /// As [`Self::status`].
    pub fn adverts_received(&self) -> Result<u64> {
        let status = self.status()?;
        status["adverts_received"]
            .as_u64()
            .context("adverts_received")
    }

    /// How many advertisements were dropped for the cause `name`.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn errors(&self, name: &str) -> Result<u64> {
        let status = self.status()?;
        let errors = status["errors"].as_array().context("errors")?;
        let count = errors.iter().find(|it| it["name"] == name);
        Ok(count.and_then(|it| it["packets"].as_u64()).unwrap_or(0))
    }

    /// Everything that it wrote.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// SIGTERM, and waits until it has ended.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(mut self) -> Result<()> {
        self.process.stop(PATIENCE).map(drop)
    }
}

impl Router for Ours {
    fn name(&self) -> &'static str {
        "lvx"
    }

    fn host(&self) -> &Host {
        &self.host
    }

    fn role(&self) -> Result<Role> {
        let status = self.status()?;
        Ok(match status["state"].as_str() {
            Some("MASTER") => Role::Master,
            Some("BACKUP") => Role::Backup,
            Some("INIT" | "FAULT") => Role::Out,
            _ => bail!("no state of lvx in {status}"),
        })
    }

    fn log(&self) -> String {
        self.process.log()
    }
}

/// A `[[vrrp]]` block.
pub(crate) fn instance(
    name: &str,
    vrid: u8,
    host: &Host,
    settings: &Settings,
    addresses: &[(IpAddr, u8)],
) -> String {
    let addresses: Vec<String> = addresses
        .iter()
        .map(|(address, length)| format!("\"{address}/{length}\""))
        .collect();
    let mut text = format!(
        "\n[[vrrp]]\nname = \"{name}\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = {vrid}\n\
         version = {}\npriority = {}\nadvert_interval = \"{}ms\"\naddresses = [{}]\n\
         garp = {{ count = 5, interval = \"10ms\", refresh = \"off\" }}\n",
        settings.version,
        settings.priority,
        settings.interval.as_millis(),
        addresses.join(", "),
    );
    if !settings.preempt {
        text += "preempt = false\n";
    }
    if settings.checksum == Checksum::Message {
        text += "checksum = \"rfc9568\"\n";
    }
    if let Some(password) = settings.password {
        let _ = writeln!(
            text,
            "auth = {{ type = \"pass\", password = \"{password}\" }}"
        );
    }
    if settings.unicast {
        let _ = writeln!(
            text,
            "unicast = {{ source = \"{}\", peers = [\"{}\"] }}",
            host.address(settings.ipv6),
            host.peer(settings.ipv6)
        );
    }
    text
}
