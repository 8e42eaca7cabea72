//! One network with two VRRP routers and a client, for lvx beside other implementations.
//!
//! Unlike [`crate::lab`] there are no real servers, IPv6 is on, several labs run side by side, and
//! either router may be lvx, keepalived or FRR. Dropping a lab removes all of it.

mod capture;
mod frr;
mod host;
pub(crate) mod keepalived;
pub(crate) mod ours;
pub(crate) mod process;
mod settings;

pub use capture::{Capture, Decoded};
pub use frr::{FRR_DIRECTORY, Frr};
pub use host::Host;
pub use keepalived::Keepalived;
pub use ours::Ours;
pub use process::Process;
pub use settings::{Checksum, Settings, VRID};

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::harness::skip;
use crate::lab::remains::Remains;
use crate::lab::sweep;
use crate::lab::topology::ip_batch;
use crate::netns::{Netns, is_root, output_of};
use crate::wait::{catch_signals, wait_until};

/// Time in which routers must find their roles: enough for two of the slowest elections here on
/// a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// What a router says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Master,
    Backup,
    /// Takes no part.
    Out,
}

/// A running VRRP implementation with one virtual router.
pub trait Router {
    /// For messages.
    fn name(&self) -> &'static str;

    fn host(&self) -> &Host;

    /// Its own view, from itself.
    ///
    /// # Errors
    /// It does not answer.
    fn role(&self) -> Result<Role>;

    /// The end of its log, for messages.
    fn log(&self) -> String;
}

/// See the module's description.
#[derive(Debug)]
pub struct VrrpLab {
    /// 10.99.0.1 and 10.99.0.2.
    pub hosts: [Host; 2],
    /// 10.99.0.200.
    pub client: Host,
    switch: Netns,
    lvx: PathBuf,
    remains: Remains,
}

impl VrrpLab {
    /// # Errors
    /// Not root, or something is missing.
    pub fn new(lvx: &Path) -> Result<Self> {
        catch_signals()?;
        sweep(false)?;
        let remains = Remains::create()?;
        let netns = |host: &str| Netns::new(format!("{}-{host}", remains.name));
        let switch = netns("switch");
        output_of(std::process::Command::new("ip").args(["netns", "add", switch.name()]))?;
        ip_batch(
            &switch,
            "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n\
             link set br0 up\n",
        )?;
        let host = |number: u8, name: &'static str| {
            let host = Host::new(netns(name), number, name, &remains.dir)?;
            host.plug_into(&switch)?;
            Ok::<_, anyhow::Error>(host)
        };
        Ok(Self {
            hosts: [host(1, "r1")?, host(2, "r2")?],
            client: host(200, "client")?,
            switch,
            lvx: lvx.to_owned(),
            remains,
        })
    }

    /// Starts lvx on host 0 or 1 and waits until it answers.
    ///
    /// # Errors
    /// It does not.
    pub fn ours(&self, host: usize, settings: &Settings) -> Result<Ours> {
        let bpffs = self.remains.bpffs().join(self.hosts[host].name());
        Ours::start(&self.lvx, &self.hosts[host], &bpffs, settings)
    }

    /// The same with these `[[vrrp]]` blocks.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn ours_with(&self, host: usize, instances: &str) -> Result<Ours> {
        let bpffs = self.remains.bpffs().join(self.hosts[host].name());
        Ours::with_instances(&self.lvx, &self.hosts[host], &bpffs, instances)
    }

    /// Starts keepalived on host 0 or 1.
    ///
    /// # Errors
    /// It cannot be started, or refuses the configuration.
    pub fn keepalived(&self, host: usize, settings: &Settings) -> Result<Keepalived> {
        Keepalived::start(&self.hosts[host], settings)
    }

    /// Starts FRR's zebra and vrrpd on host 0 or 1.
    ///
    /// # Errors
    /// They cannot be started.
    pub fn frr(&self, host: usize, settings: &Settings) -> Result<Frr> {
        Frr::start(&self.hosts[host], settings)
    }

    /// Cuts or plugs in the cable of host 0 or 1.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn set_link(&self, host: usize, up: bool) -> Result<()> {
        let state = if up { "up" } else { "down" };
        let port = self.hosts[host].name();
        ip_batch(&self.switch, &format!("link set {port} {state}\n"))
    }

    /// Whether the routers can reach each other. The client can reach both either way, and no
    /// interface goes down.
    ///
    /// # Errors
    /// `bridge` failed.
    pub fn set_partition(&self, apart: bool) -> Result<()> {
        let isolated = if apart { "on" } else { "off" };
        for host in &self.hosts {
            let set = ["link", "set", "dev", host.name(), "isolated", isolated];
            output_of(self.switch.command("bridge").args(set))?;
        }
        Ok(())
    }

    /// The directory of everything the lab has in files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.remains.dir
    }
}

/// Waits until each router says of itself what it should, and the virtual address is on the
/// master's host alone.
///
/// # Errors
/// That does not come about in time; with what both say.
pub fn wait_roles(master: &dyn Router, backup: &dyn Router, settings: &Settings) -> Result<()> {
    let vip = settings.vip();
    let found = || -> Result<()> {
        let (first, second) = (master.role()?, backup.role()?);
        let holds = (master.host().holds(vip)?, backup.host().holds(vip)?);
        ensure!(
            (first, second, holds) == (Role::Master, Role::Backup, (true, false)),
            "{} is {first:?}, {} is {second:?}, who has {vip}: {holds:?}",
            master.name(),
            backup.name()
        );
        Ok(())
    };
    let what = format!(
        "{} to be master and {} backup",
        master.name(),
        backup.name()
    );
    wait_until(&what, PATIENCE, || found().map(|()| true))
        .map_err(|error| anyhow!("{error:#}\n{}", Logs(&[master, backup])))
}

/// Waits until `router` is `role`, whatever the others say.
///
/// # Errors
/// It is not in time; with its log.
pub fn wait_role(router: &dyn Router, role: Role) -> Result<()> {
    let what = format!("{} to be {role:?}", router.name());
    wait_until(&what, PATIENCE, || Ok(router.role()? == role))
        .map_err(|error| anyhow!("{error:#}\n{}", Logs(&[router])))
}

struct Logs<'a>(&'a [&'a dyn Router]);

impl fmt::Display for Logs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for router in self.0 {
            writeln!(f, "--- {}\n{}", router.name(), router.log())?;
        }
        Ok(())
    }
}

/// Runs `test` in a lab of its own.
///
/// Without root, `LVX_BIN` or one of `tools` it prints why it is skipped; with `CI=true` that is a
/// panic.
///
/// # Panics
/// As described, or the test failed.
pub fn with_vrrp_lab(tools: &[&str], test: impl FnOnce(&VrrpLab) -> Result<()>) {
    if !is_root() {
        return skip("network namespaces need root");
    }
    let Some(lvx) = std::env::var_os("LVX_BIN") else {
        return skip("LVX_BIN is not set; `cargo xtask test` sets it");
    };
    if let Some(missing) = tools.iter().find(|tool| !can_start(tool)) {
        return skip(&format!("{missing} cannot be started"));
    }
    let lab = VrrpLab::new(Path::new(&lvx)).context("making the lab");
    if let Err(error) = lab.and_then(|lab| test(&lab)) {
        panic!("{error:#}");
    }
}

fn can_start(tool: &str) -> bool {
    let command = std::process::Command::new(tool).arg("--version").output();
    command.is_ok()
}
