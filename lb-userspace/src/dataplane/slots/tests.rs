use proptest::prelude::*;

use super::*;

const SETTLING: u32 = 100;

const fn stable(current: u32) -> SlotState {
    SlotState::Stable { current }
}

const fn exceptional(current: u32) -> SlotState {
    SlotState::Exceptional { current }
}

const fn settling(current: u32, previous: u32, since: u32) -> SlotState {
    SlotState::Settling {
        current,
        previous,
        since,
    }
}

/// Servers 1 to 4 take packets, 0 is nobody, others are gone.
const fn usable(id: u32) -> bool {
    id != 0 && id < 5
}

#[test]
fn a_change_moves_a_slot_as_the_table_of_transitions_says() {
    let rows = [
        // (before, new, after), at second 9
        (stable(1), 1, stable(1)),
        (stable(1), 2, settling(2, 1, 9)),
        (stable(1), 0, settling(0, 1, 9)),
        (stable(7), 2, stable(2)),
        (stable(0), 2, stable(2)),
        (exceptional(1), 1, exceptional(1)),
        (exceptional(1), 2, settling(2, 1, 9)),
        (exceptional(7), 2, exceptional(2)),
        (settling(2, 1, 3), 2, settling(2, 1, 3)),
        (settling(2, 1, 3), 4, settling(4, 1, 3)),
        (settling(7, 1, 3), 4, settling(4, 1, 3)),
        (settling(2, 1, 3), 0, settling(0, 1, 3)),
        (settling(2, 1, 3), 1, exceptional(1)),
        (settling(2, 7, 3), 2, exceptional(2)),
        (settling(2, 7, 3), 4, exceptional(4)),
    ];
    for (before, new, after) in rows {
        assert_eq!(before.moved(new, usable, 9), after, "{before:?} to {new}");
    }
}

#[test]
fn a_sweep_ends_states_one_by_one() {
    let rows = [
        // (before, a record disagrees, after), at second 109
        (settling(2, 1, 10), false, settling(2, 1, 10)),
        (settling(2, 1, 9), false, exceptional(2)),
        (settling(2, 1, 9), true, exceptional(2)),
        (exceptional(2), true, exceptional(2)),
        (exceptional(2), false, stable(2)),
        (stable(2), false, stable(2)),
        (stable(2), true, exceptional(2)),
    ];
    for (before, disagrees, after) in rows {
        let swept = before.swept(disagrees, SETTLING, 109);
        assert_eq!(swept, after, "{before:?} {disagrees}");
    }
}

#[test]
fn packets_see_entries_and_states() {
    let slots = Slots::new([stable(1), settling(2, 1, 0), exceptional(2), stable(0)].into_iter());
    let entry = |id| if id == 0 { 0 } else { id + 10 };
    let expected = [
        Slot::stable(11),
        Slot::settling(12, 11),
        Slot::exceptional(12),
        Slot::default(),
        Slot::default(),
    ];
    assert_eq!(slots.rendered(entry, 5), expected);
    let tally = Tally {
        stable: 2,
        settling: 1,
        exceptional: 1,
    };
    assert_eq!(slots.tally(), tally);
    assert_eq!(slots.servers(), [1, 2].into());
}

#[test]
fn a_table_of_another_length_starts_anew() {
    let slots = Slots::new([settling(2, 1, 0)].into_iter());
    assert_eq!(slots.moved(&[3, 4], usable, 9), Slots::stable(&[3, 4]));
}

#[derive(Debug, Clone)]
enum Step {
    /// To the server, while those of the mask take packets.
    Move(u32, u8),
    Sweep(bool),
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let step = prop_oneof![
        (0u32..5, any::<u8>()).prop_map(|(new, up)| Step::Move(new, up)),
        any::<bool>().prop_map(Step::Sweep),
    ];
    prop::collection::vec((step, 0u64..60), 1..60)
}

proptest! {
    /// Whatever happens to a slot, packets of older connections can still be told apart as long
    /// as somebody takes them.
    #[test]
    fn no_connection_loses_its_server_while_that_takes_packets(steps in steps()) {
        let mut slot = stable(1);
        let mut now = 0;
        for (step, seconds) in steps {
            now += seconds;
            let before = slot;
            match step {
                Step::Move(wanted, mask) => {
                    let up = |id: u32| id != 0 && mask & 1 << id != 0;
                    // A table leads to those that take packets alone.
                    let new = if up(wanted) { wanted } else { 0 };
                    slot = before.moved(new, up, now);
                    prop_assert_eq!(slot.current(), new);
                    match before {
                        SlotState::Settling { previous, since, .. } => {
                            let kept = up(previous) && previous != new;
                            prop_assert_eq!(slot.previous(), kept.then_some(previous));
                            let same = matches!(slot, SlotState::Settling { since: s, .. } if s == since);
                            prop_assert_eq!(kept, same);
                        }
                        SlotState::Stable { current } | SlotState::Exceptional { current } => {
                            let kept = up(current) && current != new;
                            prop_assert_eq!(slot.previous(), kept.then_some(current));
                        }
                    }
                    prop_assert!(slot.previous().is_none_or(up));
                }
                Step::Sweep(disagrees) => {
                    slot = before.swept(disagrees, SETTLING, now);
                    prop_assert_eq!(slot.current(), before.current());
                }
            }
            // Records may be about: only a sweep that finds none may make it stable.
            if slot.is_stable() && !before.is_stable() {
                prop_assert!(matches!(step, Step::Sweep(false)));
                prop_assert_eq!(before, exceptional(slot.current()));
            }
            prop_assert_ne!(slot.previous(), Some(slot.current()));
        }
    }
}
