//! How long the virtual address does not answer when its master goes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::adverts::Adverts;
use super::lines::{Lines, Round};
use super::probe::Probe;
use super::responder::Responder;
use super::{Daemon, Implementation};
use crate::vrrp_lab::process::scheduling;
use crate::vrrp_lab::{PATIENCE, Settings, VrrpLab, wait_roles};
use crate::wait::{check_interrupted, wait_for, wait_until};

/// Priorities of host 0, the master, and host 1.
const PRIORITIES: [u8; 2] = [200, 150];
/// Answers before and after a failover that show that nothing else happens.
const CALM: Duration = Duration::from_millis(30);

/// How a master goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Its daemon gets SIGKILL, and its host answers no more.
    Kill,
    /// Its cable is cut.
    Link,
    /// Its daemon gets SIGTERM.
    Stop,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Kill, Self::Link, Self::Stop];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kill => "kill",
            Self::Link => "link",
            Self::Stop => "stop",
        })
    }
}

/// Two routers of one implementation, with a client that can ask them.
pub struct Failover {
    implementation: Implementation,
    settings: Settings,
    responders: [Responder; 2],
    adverts: Adverts,
    /// Killed before the lab goes.
    daemons: [Option<Daemon>; 2],
    lab: VrrpLab,
}

impl Failover {
    /// Host 0 is master afterwards.
    ///
    /// # Errors
    /// The lab or the daemons do not come up.
    pub fn new(
        lvx: &std::path::Path,
        implementation: Implementation,
        advert: Duration,
    ) -> Result<Self> {
        let settings = Settings::v3().interval(advert);
        let lab = VrrpLab::new(lvx)?;
        let responder = |host: u8| Responder::start(&lab.hosts[usize::from(host)].netns, host);
        let mut rig = Self {
            implementation,
            responders: [responder(0)?, responder(1)?],
            adverts: Adverts::listen(&lab.client.netns, v4(lab.client.address(false))?)?,
            daemons: [None, None],
            settings,
            lab,
        };
        rig.start(0)?;
        rig.start(1)?;
        rig.settle()?;
        Ok(rig)
    }

    /// How the scheduler treats the thread that speaks VRRP.
    pub fn scheduling(&mut self) -> String {
        let daemon = self.daemons[0].as_mut();
        let thread = daemon.and_then(Daemon::protocol_thread);
        thread.map_or_else(|| "unknown".to_owned(), scheduling)
    }

    /// One failover at `phase` of the interval after an advertisement; then all is as before.
    ///
    /// # Errors
    /// Something does not come about in time.
    pub fn round(&mut self, kind: Kind, phase: f64) -> Result<Round> {
        check_interrupted()?;
        let vip = v4(self.settings.vip())?;
        let probe = Probe::start(&self.lab.client.netns, vip)?;
        self.answered_by(&probe, 0)?;
        self.wait_phase(phase)?;
        let start = Instant::now();
        self.break_master(kind)?;
        let limit = 5 * self.settings.interval + Duration::from_secs(5);
        let taken_over = wait_for("the backup to answer", limit, || {
            Ok(probe.first_of(1, start))
        })?;
        // If it does not last, that is part of the gap.
        wait_until("the backup to go on answering", limit, || {
            Ok(probe
                .last_of(1)
                .is_some_and(|last| last >= taken_over + CALM))
        })?;
        let gap = probe.longest_gap(start)?;
        drop(probe);
        self.restore(kind)?;
        Ok(Round {
            implementation: self.implementation,
            kind,
            advert: self.settings.interval,
            phase,
            gap,
        })
    }

    fn start(&mut self, host: usize) -> Result<()> {
        let settings = self.settings.priority(PRIORITIES[host]);
        let daemon = self.implementation.start(&self.lab, host, &settings)?;
        self.daemons[host] = Some(daemon);
        Ok(())
    }

    /// Waits until host 0 is master, and the client knows.
    fn settle(&self) -> Result<()> {
        let [Some(first), Some(second)] = &self.daemons else {
            bail!("both daemons must run");
        };
        wait_roles(first.router(), second.router(), &self.settings)?;
        let vip = v4(self.settings.vip())?;
        let probe = Probe::start(&self.lab.client.netns, vip)?;
        self.answered_by(&probe, 0)
    }

    /// Waits until for some time all answers came from `host`.
    fn answered_by(&self, probe: &Probe, host: u8) -> Result<()> {
        wait_until("calm answers of the master", PATIENCE, || {
            let other = probe.last_of(1 - host);
            let Some(last) = probe.last_of(host) else {
                return Ok(false);
            };
            let since = other.or_else(|| probe.first_of(host, last - PATIENCE));
            Ok(since.is_some_and(|since| last >= since + CALM))
        })
    }

    /// Waits for an advertisement of the master, and a part of the interval more: both
    /// implementations are hit at the same places between two advertisements.
    fn wait_phase(&self, phase: f64) -> Result<()> {
        let master = v4(self.lab.hosts[0].address(false))?;
        self.adverts.forget()?;
        loop {
            let heard = self.adverts.next()?;
            if heard.source == master && heard.priority > 0 {
                break;
            }
        }
        std::thread::sleep(self.settings.interval.mul_f64(phase));
        Ok(())
    }

    fn break_master(&mut self, kind: Kind) -> Result<()> {
        let daemon = self.daemons[0].as_mut().context("the master must run")?;
        match kind {
            Kind::Kill => {
                self.responders[0].set_alive(false);
                daemon.process().kill();
            }
            Kind::Link => self.lab.set_link(0, false)?,
            Kind::Stop => daemon.process().terminate()?,
        }
        Ok(())
    }

    fn restore(&mut self, kind: Kind) -> Result<()> {
        match kind {
            Kind::Kill => {
                // As a host that boots: without the address, which a dead daemon leaves.
                for (address, length) in self.settings.addresses() {
                    self.lab.hosts[0].drop_address(address, length)?;
                }
                self.responders[0].set_alive(true);
                self.daemons[0] = None;
                self.start(0)?;
            }
            Kind::Link => self.lab.set_link(0, true)?,
            Kind::Stop => {
                let daemon = self.daemons[0].as_mut().context("the master must run")?;
                let status = daemon.process().wait_end(PATIENCE)?;
                ensure!(status.success(), "the daemon ended with {status}");
                self.daemons[0] = None;
                self.start(0)?;
            }
        }
        self.settle()
    }
}

/// Runs `runs` rounds of each kind, the implementations taking turns; rounds that `lines` has
/// already are not run again.
///
/// # Errors
/// A round failed.
pub fn compare(
    rigs: &mut [Failover],
    kinds: &[Kind],
    runs: usize,
    lines: &mut Lines,
) -> Result<()> {
    for kind in kinds {
        for run in 0..runs {
            // Spread evenly, so that medians do not depend on luck.
            let phase = (run as f64 + 0.5) / runs as f64;
            for rig in &mut *rigs {
                let advert = rig.settings.interval;
                let implementation = rig.implementation;
                if lines.count(implementation, *kind, advert) > run {
                    continue;
                }
                let round = rig
                    .round(*kind, phase)
                    .with_context(|| format!("{implementation}, {kind}, {advert:?}"))?;
                eprintln!(
                    "{advert:>6.0?} {kind} {:>2}/{runs} {implementation:<10} {:>8.1} ms",
                    run + 1,
                    round.gap.as_secs_f64() * 1e3
                );
                lines.add(round)?;
            }
        }
    }
    Ok(())
}

fn v4(address: IpAddr) -> Result<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Ok(address),
        IpAddr::V6(_) => bail!("failover is measured over IPv4"),
    }
}
