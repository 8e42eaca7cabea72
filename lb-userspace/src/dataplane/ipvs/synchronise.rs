//! Connection sync daemons: starting, watching and stopping them.

use super::codec;
use super::sync::{SyncDaemon, SyncRole};
use super::{Ipvs, IpvsError};

impl Ipvs {
    /// Starts a sync daemon; one of ours that runs otherwise is replaced. The interface has to be
    /// up, with an IPv4 address.
    ///
    /// # Errors
    /// The kernel's; a daemon of this role that is not ours runs already.
    pub async fn start_sync(
        &mut self,
        role: SyncRole,
        interface: &str,
        id: u8,
    ) -> Result<(), IpvsError> {
        let interface = interface.to_owned();
        let daemon = SyncDaemon {
            role,
            interface,
            id,
        };
        let running = self.sync_state().await?;
        if let Some(running) = running.into_iter().find(|running| running.role == role) {
            let ours = self.record.contents().sync.contains(&running);
            if running == daemon && ours {
                return Ok(());
            }
            if !ours {
                return Err(IpvsError::SyncDaemonInTheWay { daemon, running });
            }
            self.stop_sync(role).await?;
        }
        self.record_change(|record| {
            record.sync.retain(|known| known.role != role);
            record.sync.insert(daemon.clone());
        })?;
        let started = self.start(&daemon).await;
        if started.is_err() {
            self.record_change(|record| record.sync.retain(|known| known.role != role))?;
        }
        started
    }

    /// Stops our sync daemon of this role; none is no error.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn stop_sync(&mut self, role: SyncRole) -> Result<(), IpvsError> {
        let mut ours = self.record.contents().sync.iter();
        let Some(daemon) = ours.rfind(|daemon| daemon.role == role).cloned() else {
            return Ok(());
        };
        self.stop(daemon).await?;
        self.record_change(|record| record.sync.retain(|known| known.role != role))
    }

    /// The sync daemons that run, ours or not.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn sync_state(&self) -> Result<Vec<SyncDaemon>, IpvsError> {
        let ask = |error| IpvsError::query("sync daemons", error);
        let messages = self.client.list(codec::get_daemons()).await.map_err(ask)?;
        let daemons = messages.iter().map(codec::read_daemon);
        daemons
            .collect::<Result<_, _>>()
            .map_err(|error| ask(error.into()))
    }

    /// Starts again those of ours that someone stopped; says which.
    pub(super) async fn audit_sync(&self) -> Result<Vec<String>, IpvsError> {
        let ours = &self.record.contents().sync;
        if ours.is_empty() {
            return Ok(Vec::new());
        }
        let running = self.sync_state().await?;
        let mut repaired = Vec::new();
        for daemon in ours.iter().filter(|daemon| !running.contains(daemon)) {
            self.start(daemon).await?;
            repaired.push(format!("{daemon}: started again"));
        }
        Ok(repaired)
    }

    pub(super) async fn stop_all_sync(&self) -> Result<(), IpvsError> {
        for daemon in self.record.contents().sync.clone() {
            self.stop(daemon).await?;
        }
        Ok(())
    }

    async fn start(&self, daemon: &SyncDaemon) -> Result<(), IpvsError> {
        let result = self
            .request(codec::new_daemon(daemon), "sync daemons")
            .await?;
        result.map_err(|error| IpvsError::SyncDaemon {
            daemon: daemon.clone(),
            what: "starting it",
            error,
        })
    }

    /// Stops it if it runs.
    async fn stop(&self, daemon: SyncDaemon) -> Result<(), IpvsError> {
        if !self.sync_state().await?.contains(&daemon) {
            return Ok(());
        }
        // Stopping a daemon that has not run yet counts as interrupted, which the kernel does not
        // answer; it is gone then all the same. The second request has an answer.
        let requests = [codec::remove_daemon(daemon.role), codec::get_info()];
        let ask = |error| IpvsError::query("sync daemons", error);
        let results = self.client.execute(&requests).await.map_err(ask)?;
        match results.into_iter().next() {
            Some(Err(error)) if error.errno != libc::EINTR => Err(IpvsError::SyncDaemon {
                daemon,
                what: "stopping it",
                error,
            }),
            Some(_) | None => Ok(()),
        }
    }
}
