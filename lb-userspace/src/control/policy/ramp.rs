//! The weight of a server that came up grows in steps. PURE.

use std::time::Duration;

use lb_common::sh;

use crate::config::Scheduler;

/// A tenth of the weight at first, all of it in the end.
const STEPS: u8 = 10;

/// Steps that are over `elapsed` after the beginning: 1 to [`STEPS`] less one; `None`: all.
pub(super) fn step(elapsed: Duration, slow_start: Duration) -> Option<u8> {
    (1..STEPS).find(|step| elapsed < end(*step, slow_start))
}

/// When a step ends, from the beginning.
pub(super) fn end(step: u8, slow_start: Duration) -> Duration {
    slow_start * u32::from(step) / u32::from(STEPS - 1)
}

/// By what all weights of a service are multiplied while one of them grows: as many whole numbers
/// as there are steps.
pub(in crate::control) fn factor(
    weights: impl Iterator<Item = u16> + Clone,
    scheduler: Scheduler,
) -> u16 {
    let largest = weights.clone().max().unwrap_or(0).max(1);
    let factor = (u16::MAX / largest).min(STEPS.into());
    match scheduler {
        Scheduler::Mh | Scheduler::Rr | Scheduler::Wrr | Scheduler::Lc | Scheduler::Wlc => factor,
        Scheduler::Sh => {
            // It gives each server as many of its slots in a row: beyond their number the last
            // servers would have none.
            let sum: u32 = weights.map(u32::from).sum();
            let room = sh::SLOTS / sum.max(1);
            u16::try_from(room).unwrap_or(factor).clamp(1, factor)
        }
    }
}

/// The weight that counts at a step: whoever has a weight keeps some.
pub(in crate::control) fn weigh(weight: u16, step: Option<u8>, factor: u16) -> u16 {
    let whole = u32::from(weight) * u32::from(factor);
    let part = match step {
        None => whole,
        Some(step) => (whole * u32::from(step) / u32::from(STEPS)).max(u32::from(weight.min(1))),
    };
    u16::try_from(part).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLOW: Duration = Duration::from_secs(9);

    #[test]
    fn steps_are_of_the_same_length() {
        let at = |milliseconds| step(Duration::from_millis(milliseconds), SLOW);
        assert_eq!(
            [0, 999, 1000, 7999, 8000, 8999, 9000, 99_000].map(at),
            [
                Some(1),
                Some(1),
                Some(2),
                Some(8),
                Some(9),
                Some(9),
                None,
                None
            ]
        );
        assert_eq!(end(9, SLOW), SLOW);
    }

    #[test]
    fn weights_are_made_large_enough_for_the_steps() {
        use Scheduler::{Mh, Sh};
        for (weights, scheduler, expected) in [
            (&[1, 1][..], Mh, 10),
            (&[6553], Mh, 10),
            (&[6554], Mh, 9),
            (&[65_535], Mh, 1),
            (&[0], Mh, 10),
            (&[], Mh, 10),
            (&[1, 1], Sh, 10),
            (&[10, 20], Sh, 8),
            (&[200, 200], Sh, 1),
        ] {
            let weights = weights.iter().copied();
            assert_eq!(factor(weights.clone(), scheduler), expected, "{weights:?}");
        }
        for (weight, step, factor, expected) in [
            (1, Some(4), 10, 4),
            (1, None, 10, 10),
            (3, None, 1, 3),
            (1, Some(1), 1, 1),
            (0, Some(1), 10, 0),
            (65_535, Some(5), 1, 32_767),
            (65_535, None, 1, 65_535),
        ] {
            assert_eq!(weigh(weight, step, factor), expected, "{weight} {step:?}");
        }
    }

    proptest! {
        #[test]
        fn a_weight_grows(weight in 1u16.., others in prop::collection::vec(0u16.., 0..9)) {
            let all = others.into_iter().chain([weight]);
            let factor = factor(all, Scheduler::Mh);
            let weights: Vec<u16> = (1..STEPS).map(|step| weigh(weight, Some(step), factor)).collect();
            prop_assert!(weights.is_sorted() && weights[0] > 0);
            prop_assert!(weights[8] <= weigh(weight, None, factor));
            prop_assert_eq!(weigh(weight, None, factor), weight * factor);
        }
    }
}
