//! Other hosts that claim a router's addresses.

use super::{Hands, Router};
use crate::dataplane::table::Mac;
use crate::vrrp::duplicates::Gone;
use crate::vrrp::frame::Claim;
use crate::vrrp::{Event, State};

impl Router {
    /// Somebody on the link says that he has one of the addresses.
    pub(in crate::vrrp::thread) fn claimed(&mut self, claim: Claim, hands: &mut Hands<'_>) {
        let ours = self.seat.as_ref().is_ok_and(|seat| seat.is_own(claim.mac));
        if ours || self.machine.state() != State::Master {
            return;
        }
        let heard = self.duplicates.heard(claim, hands.now);
        if heard.begins {
            self.counters.duplicates.add();
            (hands.emit)(Event::Duplicate {
                instance: self.config.name.clone(),
                address: claim.address,
                mac: Mac(claim.mac),
                at: hands.now,
            });
        }
        // Before that the addresses may not be on the interface yet.
        if heard.defend && self.announcing {
            self.announce_all(hands);
        }
    }

    /// Asks for duplicates when it is time, and forgets those that fell silent.
    pub(super) fn search_duplicates(&mut self, hands: &mut Hands<'_>) {
        let gone = self.duplicates.expire(hands.now);
        self.report_gone(gone, hands);
        if !self.duplicates.ask(self.config.garp.refresh, hands.now) {
            return;
        }
        let (Ok(seat), Some(link)) = (&self.seat, hands.link) else {
            return;
        };
        let asked = self.addresses.iter().map(|one| seat.ask(link, *one));
        if let Err(error) = asked.fold(Ok(()), Result::and) {
            self.send_failed(&error, hands.now);
        }
    }

    pub(super) fn end_duplicates(&mut self, hands: &mut Hands<'_>) {
        let gone = self.duplicates.stop(hands.now);
        self.report_gone(gone, hands);
    }

    fn report_gone(&self, gone: Vec<Gone>, hands: &mut Hands<'_>) {
        for Gone { claim, lasted } in gone {
            (hands.emit)(Event::DuplicateGone {
                instance: self.config.name.clone(),
                address: claim.address,
                mac: Mac(claim.mac),
                lasted,
                at: hands.now,
            });
        }
    }
}
