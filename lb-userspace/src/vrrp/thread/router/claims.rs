//! Other hosts that claim the instance's addresses.

use super::*;

impl Router {
    /// What a host on the interface says of an address.
    pub(in crate::vrrp::thread) fn hear_claim(
        &mut self,
        claim: Claim,
        now: Instant,
        emit: &mut Emit,
    ) {
        let own = self
            .voice
            .as_ref()
            .is_ok_and(|voice| voice.is_own(claim.mac));
        if own || !self.is_master() || !self.addresses().any(|one| one == claim.address) {
            return;
        }
        let heard = self.duplicates.heard(claim, now);
        if heard.begins {
            emit(Event::Duplicate {
                instance: self.config.name.clone(),
                address: claim.address,
                mac: Mac(claim.mac),
                at: now,
            });
        }
        if heard.defend {
            self.announcements.lower_priority_heard(now);
        }
    }

    pub(super) fn duplicate_timers(&mut self, now: Instant, emit: &mut Emit) {
        let gone = self.duplicates.expire(now);
        self.duplicates_gone(gone, now, emit);
        if self.duplicates.ask(self.config.garp.refresh, now) {
            self.each_address(now, Voice::ask);
        }
    }

    pub(super) fn duplicates_gone(&mut self, gone: Vec<Gone>, now: Instant, emit: &mut Emit) {
        for Gone { claim, lasted } in gone {
            emit(Event::DuplicateGone {
                instance: self.config.name.clone(),
                address: claim.address,
                mac: Mac(claim.mac),
                lasted,
                at: now,
            });
        }
    }
}
