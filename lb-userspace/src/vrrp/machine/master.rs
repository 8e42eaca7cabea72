//! What a director in MASTER sends, and whom it hears.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::rivals::Rivals;
use super::{Cause, Effect, RESIGN, Settings, down_time, skew_time};
use crate::vrrp::packet::Advertisement;

/// Answers to losing advertisements are at least a tenth of an interval apart, and this is enough
/// of a pause for any interval.
///
/// One answer reaches every loser, and a loser that missed it is answered again at its own next
/// advertisement. So a flood of forged ones makes us send at most 100 (with intervals below
/// 100 ms ten per interval) a second more than we would anyway, however fast it is.
const ANSWER_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, Clone)]
pub(super) struct Master {
    /// The RFC's Adver_Timer.
    next_advertisement: Instant,
    last_sent: Instant,
    last_answer: Option<Instant>,
    last_lower: Option<Instant>,
    /// It overslept and would not preempt, see [`Self::doubt`].
    doubting: bool,
    rivals: Rivals,
}

impl Master {
    /// A new master, and its first advertisement.
    pub(super) fn new(settings: &Settings, now: Instant) -> (Self, Effect) {
        let mut master = Self {
            next_advertisement: now,
            last_sent: now,
            last_answer: None,
            last_lower: None,
            doubting: false,
            rivals: Rivals::default(),
        };
        let advertisement = master.advertise(settings, now);
        (master, advertisement)
    }

    pub(super) fn next_timeout(&self) -> Instant {
        let rivals = self.rivals.next_timeout();
        rivals.map_or(self.next_advertisement, |rivals| {
            rivals.min(self.next_advertisement)
        })
    }

    pub(super) fn tick(&mut self, settings: &Settings, now: Instant) -> Vec<Effect> {
        let mut effects = self.rivals.expire(now);
        if now < self.next_advertisement {
            return effects;
        }
        if let Some(overslept) = self.doubt(settings, now) {
            effects.push(overslept);
            return effects;
        }
        self.doubting = false;
        // Before the news: it is what others wait for.
        effects.insert(0, self.advertise(settings, now));
        effects
    }

    /// Returns what there is to do, and why another director leads from now on, if one does.
    pub(super) fn receive(
        &mut self,
        advertisement: &Advertisement,
        source: IpAddr,
        settings: &Settings,
        now: Instant,
    ) -> (Vec<Effect>, Option<Cause>) {
        let mut effects = Vec::new();
        effects.extend(self.doubt(settings, now));
        let (priority, own) = (advertisement.priority, settings.priority.get());
        if priority == RESIGN {
            if self.may_answer(settings, now) {
                effects.push(self.advertise(settings, now));
            }
            effects.extend(self.rivals.end(source, now));
            return (effects, None);
        }
        let news = self.rivals.hear(advertisement, source, now);
        let lost = if priority > own {
            Some(Cause::HigherPriority { source, priority })
        } else if priority == own && source > settings.address {
            Some(Cause::HigherAddress { source, priority })
        } else if self.doubting {
            Some(Cause::TakenOver { source, priority })
        } else {
            None
        };
        if lost.is_none() && self.may_answer(settings, now) {
            // RFC 9568 section 6.4.3: assert ourselves at once, the timer runs on.
            self.last_sent = now;
            effects.push(Effect::SendAdvertisement { priority: own });
        }
        effects.extend(news);
        let pause = settings.interval;
        if lost.is_none() && self.last_lower.is_none_or(|last| now >= last + pause) {
            self.last_lower = Some(now);
            effects.push(Effect::LowerPriorityHeard);
        }
        (effects, lost)
    }

    /// Tells the backups that the settings changed.
    pub(super) fn advertise_again(&mut self, settings: &Settings, now: Instant) -> Vec<Effect> {
        if self.doubting {
            return Vec::new();
        }
        vec![self.advertise(settings, now)]
    }

    /// The farewell, unless another leads already, as far as we know.
    pub(super) fn give_up(&self) -> Option<Effect> {
        (!self.doubting).then_some(Effect::SendAdvertisement { priority: RESIGN })
    }

    pub(super) fn end_rivals(self, now: Instant) -> Vec<Effect> {
        self.rivals.end_all(now)
    }

    fn advertise(&mut self, settings: &Settings, now: Instant) -> Effect {
        self.last_sent = now;
        self.next_advertisement = now + settings.interval;
        Effect::SendAdvertisement {
            priority: settings.priority.get(),
        }
    }

    fn may_answer(&mut self, settings: &Settings, now: Instant) -> bool {
        let pause = ANSWER_PAUSE.min(settings.interval / 10);
        let may = !self.doubting && self.last_answer.is_none_or(|last| now >= last + pause);
        if may {
            self.last_answer = Some(now);
        }
        may
    }

    /// Whether we were silent for so long that the backups have another master by now.
    ///
    /// A director that preempts takes its place back at once. One that does not listens first,
    /// for as long as that master can take to advertise, and follows it whatever its priority.
    /// If there is none it goes on; that it oversleeps twice makes no difference then.
    fn doubt(&mut self, settings: &Settings, now: Instant) -> Option<Effect> {
        let (version, priority) = (settings.version, settings.priority.get());
        let interval = settings.interval;
        let silence = now.saturating_duration_since(self.last_sent);
        if self.doubting
            || settings.always_preempts()
            || silence <= down_time(version, priority, interval)
        {
            return None;
        }
        let by = now.saturating_duration_since(self.next_advertisement);
        self.doubting = true;
        self.next_advertisement = now + interval + skew_time(version, priority, interval);
        Some(Effect::Overslept { by })
    }
}
