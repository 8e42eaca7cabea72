//! `accept = false`: the table of nftables that keeps packets from virtual addresses.

use std::time::{Duration, Instant};

use crate::netlink::{Closed, closed};

use super::Daemon;
use super::settle::RETRY;

/// Between two looks at the table: others may change theirs a lot.
const REST: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Accept {
    /// What the table was written for; `None`: it is to be written.
    written: Option<Closed>,
    /// It was written, or found to be unnecessary, by this daemon.
    known: bool,
    /// What the kernel made of it.
    listing: Option<String>,
    /// The packet filter changed.
    pub(super) look: bool,
    looked: Option<Instant>,
    retry: Option<Instant>,
    /// Why the addresses are open though they should not be.
    pub(super) error: Option<String>,
}

impl Daemon {
    /// Closes the addresses that shall be, and opens the others.
    pub(super) async fn follow_accept(&mut self) {
        let now = Instant::now();
        if self.accept.look {
            self.look_at_filter(now).await;
        }
        let closed = self.control.closed();
        if self.accept.written.as_ref() == Some(&closed) {
            return;
        }
        if let Some(at) = self.accept.retry.filter(|at| *at > now) {
            self.retry(at);
            return;
        }
        // Who closes nothing needs no nft: an earlier daemon's table is the only reason to call it.
        if !self.accept.known
            && closed.addresses.is_empty()
            && !matches!(closed::read().await, Ok(Some(_)))
        {
            self.accept.known = true;
            self.accept.written = Some(closed);
            return;
        }
        self.accept.known = true;
        let written = async {
            closed::write(&closed).await?;
            closed::read().await
        };
        match written.await {
            Ok(listing) => {
                self.accept.error = None;
                self.accept.retry = None;
                self.accept.listing = listing;
                self.accept.written = Some(closed);
            }
            Err(error) => {
                let text = format!("accept = false is not in force: {error}");
                if self.accept.error.as_ref() != Some(&text) {
                    tracing::error!("{text}");
                }
                self.accept.error = Some(text);
                self.accept.retry = Some(now + RETRY);
                self.retry(now + RETRY);
            }
        }
    }

    /// Finds out whether the table is still what it was; if not, it is to be written again.
    async fn look_at_filter(&mut self, now: Instant) {
        let closes = |closed: &Closed| !closed.addresses.is_empty();
        if !self.accept.written.as_ref().is_some_and(closes) {
            self.accept.look = false;
            return;
        }
        let next = self.accept.looked.map(|at| at + REST);
        if let Some(at) = next.filter(|at| *at > now) {
            self.retry(at);
            return;
        }
        if self.must_wait(now) {
            return;
        }
        self.accept.look = false;
        self.accept.looked = Some(now);
        match closed::read().await {
            Ok(found) if found == self.accept.listing => {}
            Ok(found) => {
                let what = if found.is_some() {
                    "changed"
                } else {
                    "removed"
                };
                self.accept.written = None;
                self.accept.listing = None;
                self.repaired(&format!(
                    "table inet lvx of nftables was {what}: written again"
                ));
            }
            Err(error) => tracing::warn!(%error, "cannot look at table inet lvx"),
        }
    }

    pub(super) async fn remove_filter(&self) {
        let empty = |closed: &Closed| closed.addresses.is_empty();
        if !self.accept.known || self.accept.written.as_ref().is_some_and(empty) {
            return;
        }
        if let Err(error) = closed::write(&Closed::default()).await {
            tracing::error!(%error, "cannot remove table inet lvx");
        }
    }
}
