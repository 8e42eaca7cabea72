//! Takes in what happened.

use std::time::Instant;

use crate::netlink::{hosts, monitor};

use super::event::Event;
use super::{Daemon, log};

impl Daemon {
    pub(super) async fn handle(&mut self, event: Event) {
        self.unrest.stir();
        match event {
            Event::Verdict(verdict) => {
                self.control.verdict(verdict.clone());
                self.verdicts.push(verdict);
            }
            Event::Route(hosts::Found { host, route }) => {
                tracing::debug!(%host, ?route, "route of a real server");
                self.control.route(host, route);
            }
            Event::Change(change) => self.change(change).await,
            Event::Vrrp(event) => {
                self.journal.tell(log::protocol(&event, &self.control));
                self.control.vrrp(&event, Instant::now());
                self.notify.enter(&event);
            }
            Event::Tracked(report) => self.tracked(report),
            Event::Query(query) => {
                let answer = self.answer(query.request, query.uid).await;
                // The client may have gone.
                let _ = query.reply.send(answer);
            }
            Event::Stop => self.stop(),
        }
    }

    async fn change(&mut self, change: monitor::Change) {
        match &change {
            monitor::Change::Neighbour(neighbour) => {
                self.control.neighbour(neighbour);
                return;
            }
            monitor::Change::Links => self.audit().await,
            monitor::Change::Address { what, gone } => {
                self.address_changed(*what, *gone);
                return;
            }
            monitor::Change::Filter => {
                self.accept.look = true;
                return;
            }
            monitor::Change::Resync => {
                self.guard.look = true;
                self.refresh_links().await;
            }
        }
        if change == monitor::Change::Resync {
            match self.netlink.neighbours().await {
                Ok(all) => all.iter().for_each(|one| self.control.neighbour(one)),
                Err(error) => tracing::warn!(%error, "cannot list the neighbours"),
            }
        }
    }
}
