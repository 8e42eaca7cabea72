//! keepalived as a router.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::settings::VRID;
use super::{Host, Process, Role, Router, Settings};
use crate::lab::topology::INTERFACE;
use crate::wait::wait_until;

/// Time in which it must start or stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// See the module's description. Dropping it kills it.
#[derive(Debug)]
pub struct Keepalived {
    host: Host,
    process: Process,
}

impl Keepalived {
    pub(super) fn start(host: &Host, settings: &Settings) -> Result<Self> {
        let instance = instance("VI_1", VRID, host, settings, &settings.addresses());
        Self::with_instances(host, settings, &instance)
    }

    /// `instances`: the `vrrp_instance` blocks.
    pub(crate) fn with_instances(
        host: &Host,
        settings: &Settings,
        instances: &str,
    ) -> Result<Self> {
        let file = host.dir.join("keepalived.conf");
        // Real-time priority and locked memory as lvx has by default. With its own limit of 10 ms
        // without a pause keepalived is killed by the kernel when it has many addresses to add.
        let mut text = format!(
            "global_defs {{\n  router_id {}\n  vrrp_version {}\n  vrrp_rt_priority 50\n  \
             vrrp_rlimit_rttime 10000000\n  vrrp_no_swap\n  vrrp_garp_master_delay 0\n}}\n",
            host.name(),
            settings.version
        );
        text += instances;
        std::fs::write(&file, text).context("writing a configuration")?;
        let pid_files = ["keepalived.pid", "vrrp.pid"].map(|name| host.dir.join(name));
        for file in &pid_files {
            // One of a killed keepalived, whose id init may not have collected yet.
            let _ = std::fs::remove_file(file);
        }
        let [pid, vrrp_pid] = pid_files;
        let mut command = host.netns.command("keepalived");
        command
            .args(["--vrrp", "--dont-fork", "--log-console", "--log-detail"])
            .arg("--use-file")
            .arg(&file)
            .arg("--pid")
            .arg(pid)
            .arg("--vrrp_pid")
            .arg(vrrp_pid);
        let mut keepalived = Self {
            host: host.clone(),
            process: Process::start(&mut command, &host.dir.join("keepalived.log"))?,
        };
        let started = wait_until("keepalived to start", PATIENCE, || {
            if let Ok(status) = keepalived.process.wait_end(Duration::ZERO) {
                bail!("keepalived ended: {status}");
            }
            Ok(keepalived.output().contains("Startup complete"))
        });
        started.map_err(|error| anyhow!("{error:#}\n{}", keepalived.process.log()))?;
        Ok(keepalived)
    }

    #[must_use]
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
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

impl Router for Keepalived {
    fn name(&self) -> &'static str {
        "keepalived"
    }

    fn host(&self) -> &Host {
        &self.host
    }

    /// From its log: its dumps have a file name that all of a machine share.
    fn role(&self) -> Result<Role> {
        let text = self.output();
        let mut entered = text
            .lines()
            .rev()
            .filter_map(|line| line.split_once(" Entering "));
        Ok(match entered.next().map(|(_, state)| state) {
            Some(state) if state.starts_with("MASTER") => Role::Master,
            Some(state) if state.starts_with("BACKUP") => Role::Backup,
            Some(_) | None => Role::Out,
        })
    }

    fn log(&self) -> String {
        self.process.log()
    }
}

/// A `vrrp_instance` block.
pub(crate) fn instance(
    name: &str,
    vrid: u8,
    host: &Host,
    settings: &Settings,
    addresses: &[(IpAddr, u8)],
) -> String {
    let mut text = format!(
        "vrrp_instance {name} {{\n  interface {INTERFACE}\n  state BACKUP\n  \
         virtual_router_id {vrid}\n  priority {}\n  advert_int {}\n  virtual_ipaddress {{\n",
        settings.priority,
        settings.interval.as_secs_f64(),
    );
    for (address, length) in addresses {
        let _ = writeln!(text, "    {address}/{length}");
    }
    text += "  }\n";
    if !settings.preempt {
        text += "  nopreempt\n";
    }
    if let Some(password) = settings.password {
        let _ = writeln!(
            text,
            "  authentication {{\n    auth_type PASS\n    auth_pass {password}\n  }}"
        );
    }
    if settings.unicast {
        let (own, peer) = (host.address(settings.ipv6), host.peer(settings.ipv6));
        let _ = writeln!(
            text,
            "  unicast_src_ip {own}\n  unicast_peer {{\n    {peer}\n  }}"
        );
        if settings.ipv6 {
            // Over IPv4 that is its default, over IPv6 it is 64.
            text += "  unicast_ttl 255\n";
        }
    }
    text + "}\n"
}
