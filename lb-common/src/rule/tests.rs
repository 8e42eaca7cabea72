use super::*;

const ALL: [Segment; 5] = [
    Segment::Open,
    Segment::Data,
    Segment::Close,
    Segment::Datagram,
    Segment::Quote,
];
const SETTLING: Slot = Slot::settling(1, 2);
const EXCEPTIONAL: Slot = Slot::exceptional(1);

fn decide(slot: Slot, segment: Segment) -> Decision {
    unstable(slot, segment, None, false, false)
}

#[test]
fn while_settling_new_connections_take_the_new_table_and_others_the_old_one() {
    for segment in ALL {
        let expected = if segment == Segment::Open {
            Choice::Current
        } else {
            Choice::Previous
        };
        let decision = decide(SETTLING, segment);
        assert_eq!(decision.choice, expected, "{segment:?}");
        let written = decision.write != Write::Nothing;
        assert_eq!(written, segment != Segment::Quote, "{segment:?}");
    }
}

#[test]
fn after_settling_what_has_no_record_takes_the_new_table_and_needs_none() {
    for segment in ALL {
        let decision = decide(EXCEPTIONAL, segment);
        assert_eq!(decision.choice, Choice::Current, "{segment:?}");
        assert_eq!(decision.write, Write::Nothing, "{segment:?}");
    }
}

#[test]
fn a_record_is_followed_whatever_the_slot_says() {
    for slot in [SETTLING, EXCEPTIONAL] {
        for segment in ALL {
            let decision = unstable(slot, segment, Some(State::Established), false, false);
            assert_eq!(decision.choice, Choice::Recorded, "{segment:?}");
        }
    }
}

#[test]
fn a_port_that_is_used_again_starts_anew() {
    for slot in [SETTLING, EXCEPTIONAL] {
        let decision = unstable(slot, Segment::Open, Some(State::Closing), false, false);
        assert_eq!(decision.choice, Choice::Current);
        assert_eq!(decision.write, Write::Store(State::Opening));
    }
    let decision = scheduled(Segment::Open, Some(State::Closing), false);
    assert_eq!(decision.choice, Choice::Current);
}

#[test]
fn a_second_packet_confirms_and_the_end_is_seen() {
    let write = |state, segment| unstable(SETTLING, segment, Some(state), false, false).write;
    for state in [State::Opening, State::Unconfirmed, State::Established] {
        assert_eq!(
            write(state, Segment::Data),
            Write::Touch(State::Established)
        );
        assert_eq!(write(state, Segment::Close), Write::Touch(State::Closing));
        assert_eq!(write(state, Segment::Quote), Write::Nothing);
    }
    assert_eq!(
        write(State::Opening, Segment::Open),
        Write::Touch(State::Opening)
    );
    assert_eq!(
        write(State::Closing, Segment::Data),
        Write::Touch(State::Closing)
    );
}

#[test]
fn a_record_that_misleads_is_overwritten() {
    let decision = unstable(EXCEPTIONAL, Segment::Open, None, true, false);
    assert_eq!(decision.write, Write::Store(State::Opening));
    let decision = unstable(EXCEPTIONAL, Segment::Data, None, true, false);
    assert_eq!(decision.choice, Choice::Current);
    assert_eq!(decision.write, Write::Store(State::Unconfirmed));
}

#[test]
fn a_client_that_comes_back_gets_its_server_and_a_record() {
    for slot in [SETTLING, EXCEPTIONAL] {
        let decision = unstable(slot, Segment::Open, None, false, true);
        assert_eq!(decision.choice, Choice::Client);
        assert_eq!(decision.write, Write::Store(State::Opening));
        let decision = unstable(slot, Segment::Data, None, false, true);
        assert_ne!(decision.choice, Choice::Client);
    }
}

#[test]
fn when_the_previous_server_is_gone_its_clients_take_the_new_table() {
    let decision = decide(Slot::settling(1, 0), Segment::Data);
    assert_eq!(decision.choice, Choice::Current);
}

#[test]
fn a_repeated_syn_says_nothing_of_its_client() {
    let stored = Write::Store(State::Unconfirmed);
    for choice in [Choice::Current, Choice::Previous, Choice::Client] {
        assert_eq!(of_client(Segment::Open, choice, false), stored);
    }
    let repeated = of_client(Segment::Open, Choice::Recorded, false);
    assert_eq!(repeated, Write::Nothing);
    let datagram = of_client(Segment::Datagram, Choice::Recorded, false);
    assert_eq!(datagram, stored);
    let same = of_client(Segment::Open, Choice::Recorded, true);
    assert_eq!(same, Write::Touch(State::Established));
}
