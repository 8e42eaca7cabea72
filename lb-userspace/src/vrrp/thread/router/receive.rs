//! What a router makes of a message that came in.

use tracing::warn;

use super::{Hands, Router};
use crate::vrrp::packet::{self, DecodeError, Expected, Header, Received};

/// A TTL that no router has counted down.
const UNROUTED: u8 = 255;

impl Router {
    /// A message for this virtual router that came in on its interface.
    pub(in crate::vrrp::thread) fn receive(
        &mut self,
        header: &Header,
        message: &[u8],
        hands: &mut Hands<'_>,
    ) {
        // Our own, thrown back by a bridge.
        if self
            .seat
            .as_ref()
            .is_ok_and(|seat| seat.source() == header.source)
        {
            return;
        }
        let config = &self.config;
        let unicast = config.unicast.as_ref();
        let expected = Expected {
            version: config.version,
            virtual_router_id: config.virtual_router_id,
            interval: config.advert_interval,
            auth: config.auth,
            peers: unicast.map(|unicast| &unicast.peers[..]),
            ttl: unicast.map_or(UNROUTED..=UNROUTED, |unicast| unicast.accepted_ttl.clone()),
        };
        match packet::parse(header, message, &expected) {
            Ok(received) => self.accept(header, &received, hands),
            Err(error) => self.refuse(header, &error, hands),
        }
    }

    fn accept(&mut self, header: &Header, received: &Received, hands: &mut Hands<'_>) {
        self.counters.count_received(received.checksum);
        let advertisement = &received.advertisement;
        if advertisement.priority == 0 {
            self.counters.received_priority_zero.add();
        }
        for warning in received.warnings(self.config.advert_interval, &self.addresses) {
            self.counters.count_warning(&warning);
            if let Some(suppressed) = self.warning_log.allow(hands.now) {
                let (instance, source) = (&self.config.name, header.source);
                warn!(%instance, %source, %warning, suppressed, "odd advertisement");
            }
        }
        let effects = self
            .machine
            .receive(advertisement, header.source, hands.now);
        self.carry_out(effects, hands);
    }

    fn refuse(&mut self, header: &Header, error: &DecodeError, hands: &Hands<'_>) {
        self.counters.count_error(error);
        if let Some(suppressed) = self.decode_log.allow(hands.now) {
            let (instance, source) = (&self.config.name, header.source);
            warn!(%instance, %source, %error, suppressed, "advertisement dropped");
        }
    }
}
