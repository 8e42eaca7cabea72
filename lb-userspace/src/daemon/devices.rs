//! The devices with virtual MACs: made, kept as they shall be, removed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::control::Control;
use crate::control::devices::Step;
use crate::netlink::macvlan;

use super::settle::RETRY;
use super::{Daemon, DaemonError};

mod parents;

pub(super) use parents::Parents;

/// A device that is configured no more stays for as long: its instance gives up through it.
const LINGER: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Devices {
    /// Those that are as they shall be, with the index of the interface below.
    standing: BTreeMap<String, u32>,
    /// Whether IPv6 is on, of those that were switched.
    ipv6: BTreeMap<String, bool>,
    /// When those that are not wanted go.
    leaving: BTreeMap<String, Instant>,
    /// What did not work, by device, so that it is said once.
    failures: BTreeMap<String, String>,
    retry: Option<Instant>,
    pub(super) parents: Parents,
}

impl Devices {
    pub(super) fn new(directory: &Path) -> Self {
        Self {
            standing: BTreeMap::new(),
            ipv6: BTreeMap::new(),
            leaving: BTreeMap::new(),
            failures: BTreeMap::new(),
            retry: None,
            parents: Parents::load(directory),
        }
    }
}

/// Whether the interface is a device with a virtual MAC of ours.
pub(super) fn is_virtual(control: &Control, ifindex: u32) -> bool {
    let mut links = control.links().values();
    let link = links.find(|link| link.index == ifindex);
    link.is_some_and(|link| link.macvlan.is_some_and(|macvlan| macvlan.ours))
}

/// A device whose name somebody else's has.
pub(super) fn refusal(control: &Control) -> Result<(), DaemonError> {
    let steps = control.device_steps().into_iter();
    let mut reasons = steps.filter_map(|step| match step {
        Step::Refuse { reason, .. } => Some(reason),
        Step::Make(_) | Step::Finish(_) | Step::Remove { .. } => None,
    });
    reasons
        .next()
        .map_or(Ok(()), |reason| Err(DaemonError::Device(reason)))
}

impl Daemon {
    /// Brings the devices to what they shall be.
    pub(super) async fn follow_devices(&mut self) {
        let now = Instant::now();
        let steps = self.control.device_steps();
        if steps.is_empty() {
            self.devices_stand();
            return;
        }
        if let Some(at) = self.devices.retry.filter(|at| *at > now) {
            self.retry(at);
            return;
        }
        self.devices.retry = None;
        let mut changed = false;
        for step in steps {
            match self.carry_out(step, now).await {
                Ok(done) => changed |= done,
                Err((name, error)) => self.device_failed(name, error, now),
            }
        }
        if changed {
            self.refresh_links().await;
            // What the kernel did to their addresses.
            self.guard.look = true;
        }
        self.devices_stand();
    }

    /// Whether anything was changed.
    async fn carry_out(&mut self, step: Step, now: Instant) -> Result<bool, (String, String)> {
        match step {
            Step::Make(device) | Step::Finish(device) if self.is_repair(&device) => {
                if self.must_wait(now) {
                    return Ok(false);
                }
                let name = device.name.clone();
                let there = self.control.links().contains_key(&name);
                self.devices.ipv6.remove(&name);
                let (made, what) = if there {
                    let made = self.netlink.finish_device(&device).await;
                    (made, "was changed: set up again")
                } else {
                    let made = self.netlink.make_device(&device).await;
                    (made, "was removed: made again")
                };
                made.map_err(|error| (name.clone(), error.to_string()))?;
                self.devices.failures.remove(&name);
                self.repaired(&format!("device {name} {what}"));
                Ok(true)
            }
            Step::Make(device) => {
                let (name, mac) = (device.name.clone(), device.mac);
                self.devices.ipv6.remove(&name);
                let made = self.netlink.make_device(&device).await;
                made.map_err(|error| (name.clone(), error.to_string()))?;
                self.devices.failures.remove(&name);
                tracing::info!(%name, %mac, interface = %device.parent_name, "virtual MAC device made");
                Ok(true)
            }
            Step::Finish(device) => {
                let name = device.name.clone();
                self.devices.ipv6.remove(&name);
                let finished = self.netlink.finish_device(&device).await;
                finished.map_err(|error| (name, error.to_string()))?;
                Ok(true)
            }
            Step::Remove { name } => {
                let wanted = self.control.devices().contains_key(name.as_str());
                let at = *self
                    .devices
                    .leaving
                    .entry(name.clone())
                    .or_insert(now + LINGER);
                if !wanted && at > now {
                    self.retry(at);
                    return Ok(false);
                }
                let removed = self.netlink.remove_device(&name).await;
                removed.map_err(|error| (name.clone(), error.to_string()))?;
                self.devices.leaving.remove(&name);
                tracing::info!(%name, "virtual MAC device removed");
                Ok(true)
            }
            Step::Refuse { device, reason } => Err((device.name, reason)),
        }
    }

    fn device_failed(&mut self, name: String, error: String, now: Instant) {
        self.devices.retry = Some(now + RETRY);
        self.retry(now + RETRY);
        if self.devices.failures.get(&name) != Some(&error) {
            tracing::error!(%name, %error, "virtual MAC device");
            self.devices.failures.insert(name, error);
        }
    }

    /// It stood, on the interface that is still there.
    fn is_repair(&self, device: &macvlan::Device) -> bool {
        self.devices.standing.get(&device.name) == Some(&device.parent)
    }

    fn devices_stand(&mut self) {
        let wanted = self.control.devices();
        let there = |name: &&str| self.control.links().contains_key(*name);
        let standing = wanted.iter().filter(|(name, _)| there(name));
        let standing: BTreeMap<String, u32> = standing
            .map(|(name, device)| ((*name).to_owned(), device.parent))
            .collect();
        let gone = |name: &String| wanted.contains_key(name.as_str());
        self.devices.leaving.retain(|name, _| !gone(name));
        // One that waits for its repair is still to be repaired.
        let waiting = self.devices.standing.iter().filter(|(name, parent)| {
            let device = wanted.get(name.as_str());
            device.is_some_and(|device| device.parent == **parent)
        });
        let waiting: Vec<_> = waiting
            .map(|(name, parent)| (name.clone(), *parent))
            .collect();
        self.devices.standing = standing;
        self.devices.standing.extend(waiting);
        let parents = wanted.values().map(|device| device.parent_name.clone());
        self.devices.parents.hold(parents.collect());
    }

    /// Lets IPv6 of the devices follow their addresses: on before they come, off (which removes
    /// them) when they go.
    pub(super) fn switch_ipv6(&mut self, on: bool) {
        for (name, wanted) in self.control.ipv6_devices() {
            let there = self.control.links().contains_key(name);
            if wanted != on || !there || self.devices.ipv6.get(name) == Some(&on) {
                continue;
            }
            match macvlan::set_ipv6(name, on) {
                Ok(()) => {
                    self.devices.ipv6.insert(name.to_owned(), on);
                }
                Err(error) => tracing::error!(%name, %error, "virtual MAC device: IPv6"),
            }
        }
    }

    /// Puts the interfaces' switches right that others set back.
    pub(super) fn audit_parents(&mut self) {
        for what in self.devices.parents.audit() {
            self.repaired(&what);
        }
    }

    /// Removes all devices, and sets back what their interfaces had.
    pub(super) async fn remove_devices(&mut self) {
        self.refresh_links().await;
        let links = self.control.links().values();
        let ours = links.filter(|link| link.macvlan.is_some_and(|macvlan| macvlan.ours));
        let ours: Vec<String> = ours.map(|link| link.name.clone()).collect();
        for name in ours {
            if let Err(error) = self.netlink.remove_device(&name).await {
                tracing::error!(%name, %error, "cannot remove a virtual MAC device");
            }
        }
        self.devices.parents.release();
    }
}
