//! Switches and timeouts that lvx sets, and sets back.

use super::codec::{self, Timeouts};
use super::{Ipvs, IpvsError, sysctl};

impl Ipvs {
    /// Idle times after which the kernel forgets connections.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn timeouts(&self) -> Result<Timeouts, IpvsError> {
        let ask = |error| IpvsError::query("timeouts", error);
        let message = self.client.get(codec::get_timeouts()).await.map_err(ask)?;
        codec::read_timeouts(&message).map_err(|error| ask(error.into()))
    }

    /// Sets them, for all services of this network namespace; a 0 leaves one as it is. What they
    /// were before the first call comes back with [`Ipvs::remove`].
    ///
    /// # Errors
    /// The kernel's.
    pub async fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), IpvsError> {
        let before = self.timeouts().await?;
        self.record_change(|record| {
            record.timeouts.get_or_insert(before);
        })?;
        let request = codec::set_timeouts(timeouts);
        let result = self.request(request, "timeouts").await?;
        result.map_err(IpvsError::Timeouts)
    }

    pub(super) async fn restore_timeouts(&self) -> Result<(), IpvsError> {
        let Some(before) = self.record.contents().timeouts else {
            return Ok(());
        };
        let request = codec::set_timeouts(before);
        let result = self.request(request, "timeouts").await?;
        result.map_err(IpvsError::Timeouts)
    }

    /// Sets the switches that lvx needs, and records what they were; says which ones someone else
    /// had set back.
    pub(super) fn set_switches(&mut self) -> Result<Vec<String>, IpvsError> {
        let mut repaired = Vec::new();
        for (name, value) in sysctl::NEEDED {
            let failed = |error| IpvsError::sysctl(name, error);
            let Some(now) = sysctl::read(name).map_err(failed)? else {
                continue;
            };
            if now == value {
                continue;
            }
            if self.record.contents().sysctls.contains_key(name) {
                repaired.push(format!("switch {name}: set from {now} to {value}"));
            } else {
                self.record_change(|record| {
                    record.sysctls.insert(name.to_owned(), now);
                })?;
            }
            sysctl::write(name, value).map_err(failed)?;
        }
        Ok(repaired)
    }

    /// Sets them back, except those that someone else has set since.
    pub(super) fn restore_switches(&self) -> Result<(), IpvsError> {
        for (name, before) in &self.record.contents().sysctls {
            let failed = |error| IpvsError::sysctl(name, error);
            let ours = sysctl::NEEDED.iter().find(|(needed, _)| needed == name);
            let now = sysctl::read(name).map_err(failed)?;
            if now.as_deref() == ours.map(|&(_, value)| value) {
                sysctl::write(name, before).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Whether a packet for a destination that is gone ends its connection. While destinations are
    /// taken out and added again it must not.
    pub(super) fn expire_connections(&self, expire: bool) -> Result<(), IpvsError> {
        let failed = |error| IpvsError::sysctl(sysctl::EXPIRE, error);
        if sysctl::read(sysctl::EXPIRE).map_err(failed)?.is_none() {
            return Ok(());
        }
        sysctl::write(sysctl::EXPIRE, if expire { "1" } else { "0" }).map_err(failed)
    }
}
