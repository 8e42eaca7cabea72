//! What the operator ordered by hand for real servers. It stands until it is taken back, whatever
//! checks say and however often the daemon is started. PURE.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config;
use crate::health::Subject;

use super::{Control, ServerState, subjects};

mod error;
mod standing;

pub use error::OrderError;
pub(super) use standing::Orders;
pub use standing::{Hold, Order};

impl Control {
    /// A real server gets no packets at all from now on: its connections break.
    ///
    /// # Errors
    /// There is no such real server.
    pub fn disable(
        &mut self,
        service: &str,
        server: IpAddr,
        reason: Option<String>,
        now: Instant,
    ) -> Result<(), OrderError> {
        self.hold_server(service, server, Hold::Disabled { reason }, now)
    }

    /// A real server gets no more clients from now on, and no packets after `deadline`, by default
    /// the service's. A drain under way gets the new deadline. Returns when that is.
    ///
    /// # Errors
    /// There is no such real server.
    pub fn drain(
        &mut self,
        service: &str,
        server: IpAddr,
        deadline: Option<Duration>,
        now: Instant,
    ) -> Result<Option<Instant>, OrderError> {
        let (known, _) = self.find_server(service, server)?;
        let deadline = deadline.or(known.drain_deadline);
        let deadline = deadline.and_then(|time| now.checked_add(time));
        self.hold_server(service, server, Hold::Drained { deadline }, now)?;
        Ok(deadline)
    }

    fn hold_server(
        &mut self,
        service: &str,
        server: IpAddr,
        hold: Hold,
        now: Instant,
    ) -> Result<(), OrderError> {
        let (service, _) = self.find_server(service, server)?;
        let subject = subject(service, server);
        self.order_changed(subject, now, |order| order.hold = Some(hold));
        Ok(())
    }

    /// Ends what [`Self::disable`] or [`Self::drain`] did; returns what that was.
    ///
    /// # Errors
    /// There is no such real server, or nothing of it to end.
    pub fn enable(
        &mut self,
        service: &str,
        server: IpAddr,
        now: Instant,
    ) -> Result<Hold, OrderError> {
        self.end_hold(service, server, now, false)
    }

    /// A real server gets clients again.
    ///
    /// # Errors
    /// There is no such real server, or it was not drained by [`Self::drain`].
    pub fn undrain(
        &mut self,
        service: &str,
        server: IpAddr,
        now: Instant,
    ) -> Result<(), OrderError> {
        self.end_hold(service, server, now, true).map(drop)
    }

    fn end_hold(
        &mut self,
        service: &str,
        server: IpAddr,
        now: Instant,
        drains_only: bool,
    ) -> Result<Hold, OrderError> {
        let (service, configured) = self.find_server(service, server)?;
        let (subject, weight) = (subject(service, server), configured.weight);
        match self.orders.hold(&subject) {
            Some(Hold::Disabled { .. }) if drains_only => Err(OrderError::is_disabled(&subject)),
            Some(hold) => {
                let hold = hold.clone();
                self.order_changed(subject, now, |order| order.hold = None);
                Ok(hold)
            }
            None => {
                let weight = (weight, self.orders.weight(&subject));
                Err(OrderError::nothing_to_end(&subject, weight, drains_only))
            }
        }
    }

    /// A real server has this weight from now on, whatever the configuration and its check say; 0:
    /// it gets no more clients.
    ///
    /// # Errors
    /// There is no such real server.
    pub fn set_weight(
        &mut self,
        service: &str,
        server: IpAddr,
        weight: u16,
        now: Instant,
    ) -> Result<(), OrderError> {
        let (service, _) = self.find_server(service, server)?;
        let subject = subject(service, server);
        self.order_changed(subject, now, |order| order.weight = Some(weight));
        Ok(())
    }

    /// Ends what [`Self::set_weight`] did; returns the weight that was set.
    ///
    /// # Errors
    /// There is no such real server, or no weight was set.
    pub fn clear_weight(
        &mut self,
        service: &str,
        server: IpAddr,
        now: Instant,
    ) -> Result<u16, OrderError> {
        let (service, configured) = self.find_server(service, server)?;
        let subject = subject(service, server);
        let Some(weight) = self.orders.weight(&subject) else {
            let configured = configured.weight;
            return Err(OrderError::no_weight_set(&subject, configured));
        };
        self.order_changed(subject, now, |order| order.weight = None);
        Ok(weight)
    }

    fn order_changed(&mut self, subject: Subject, now: Instant, change: impl FnOnce(&mut Order)) {
        self.orders.change(subject, change);
        self.drains.expire(&self.orders, now);
        self.history.touch();
    }

    /// All that stand.
    #[must_use]
    pub const fn orders(&self) -> &BTreeMap<Subject, Order> {
        &self.orders.standing
    }

    /// Those that ended because the configuration lost their servers, since the last call.
    pub fn take_dropped_orders(&mut self) -> Vec<(Subject, Order)> {
        std::mem::take(&mut self.orders.dropped)
    }

    /// Takes over the orders of an earlier daemon, as far as the configuration has their servers.
    pub fn restore_orders(
        &mut self,
        orders: impl IntoIterator<Item = (Subject, Order)>,
        now: Instant,
    ) {
        self.orders.standing.extend(orders);
        let known = self.config.services.iter().flat_map(subjects).collect();
        self.orders.configure(&known);
        self.drains.expire(&self.orders, now);
        self.history.touch();
    }

    /// The state of a real server, if it is configured.
    #[must_use]
    pub fn state(&self, subject: &Subject) -> Option<ServerState> {
        let found = self.find_server(&subject.service, subject.real_server);
        let (service, server) = found.ok()?;
        Some(self.server_state(service, server))
    }

    pub(super) fn is_disabled(&self, service: &config::Service, server: IpAddr) -> bool {
        let hold = self.orders.hold(&subject(service, server));
        matches!(hold, Some(Hold::Disabled { .. }))
    }

    /// The state of a server that gets no packets by order, whatever its check says.
    pub(super) fn disabled(
        &self,
        service: &config::Service,
        server: &config::RealServer,
        subject: &Subject,
    ) -> Option<ServerState> {
        let Some(Hold::Disabled { reason }) = self.orders.hold(subject) else {
            return None;
        };
        let check = match (service.check_of(server), self.verdicts.get(subject)) {
            (None, _) => String::new(),
            (Some(_), None) => "; its check has not ended yet".to_owned(),
            (Some(_), Some(Ok(()))) => "; its check succeeds".to_owned(),
            (Some(_), Some(Err(why))) => format!("; its check fails: {why}"),
        };
        let reason = format!("{}{check}", by_hand(reason.as_deref()));
        Some(ServerState::Disabled { reason })
    }

    /// Why a server has the weight 0.
    #[must_use]
    pub fn why_weightless(&self, subject: &Subject) -> &'static str {
        match self.orders.get(subject) {
            Some(Order {
                hold: Some(Hold::Drained { .. }),
                ..
            }) => "it is drained by hand",
            Some(Order {
                weight: Some(_), ..
            }) => "its weight is 0 by hand",
            Some(_) | None if self.drains.has(subject) => "its weight is 0 in the configuration",
            Some(_) | None => "its check makes its weight 0",
        }
    }
}

/// Why a server is disabled.
pub(super) fn by_hand(reason: Option<&str>) -> String {
    reason.map_or_else(
        || "by hand".to_owned(),
        |reason| format!("by hand: {reason}"),
    )
}

pub(super) fn subject(service: &config::Service, real_server: IpAddr) -> Subject {
    let service = service.name.clone();
    Subject {
        service,
        real_server,
    }
}
