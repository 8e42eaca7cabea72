//! What takes more than one event: rivals, answers, oversleeping, the delay of a preemption.

use super::*;

fn lower(priority: u8) -> Advertisement {
    advertisement(Version::V3, priority, SECOND)
}

fn sends(effects: &[Effect]) -> usize {
    let sends = |effect: &&Effect| matches!(effect, Effect::SendAdvertisement { .. });
    effects.iter().filter(sends).count()
}

fn gone(source: IpAddr, lasted: Duration) -> Effect {
    Effect::RivalGone { source, lasted }
}

#[test]
fn a_rival_begins_and_ends_once() {
    let start = Instant::now();
    let mut machine = prepare(From::Master, settings(), start);
    let first = machine.receive(&lower(50), LOWER, start);
    let news = Effect::RivalHeard {
        source: LOWER,
        priority: 50,
    };
    assert_eq!(first, [sent(100), news, Effect::LowerPriorityHeard]);
    // Within an interval nothing is said but the answer.
    let again = machine.receive(&lower(50), LOWER, start + 500 * MS);
    assert_eq!(again, [sent(100)]);
    // Three of its intervals and its skew time after the last one.
    let end = start + 500 * MS + 3 * SECOND + SECOND * 206 / 256;
    let mut effects = Vec::new();
    while machine.next_timeout().unwrap() < end {
        effects.extend(machine.tick(machine.next_timeout().unwrap()));
    }
    assert_eq!(sends(&effects), effects.len());
    assert_eq!(machine.next_timeout(), Some(end));
    assert_eq!(machine.tick(end), [gone(LOWER, end - start)]);
}

#[test]
fn a_rival_ends_with_priority_0_and_with_our_mastership() {
    let start = Instant::now();
    let mut machine = prepare(From::Master, settings(), start);
    machine.receive(&lower(50), LOWER, start);
    let effects = machine.receive(&lower(0), LOWER, start + 100 * MS);
    assert_eq!(effects, [sent(100), gone(LOWER, 100 * MS)]);
    machine.receive(&lower(50), LOWER, start + 200 * MS);
    let effects = machine.shutdown(Cause::Shutdown, start + 500 * MS);
    let left = changed(State::Master, State::Initialize, Cause::Shutdown);
    assert_eq!(effects, [sent(0), left, gone(LOWER, 300 * MS)]);
}

#[test]
fn a_flood_is_not_amplified() {
    let start = Instant::now();
    let mut machine = prepare(From::Master, settings(), start);
    let (mut sent, mut rivals, mut losers) = (0, 0, 0);
    for n in 0..100_000_u32 {
        let now = start + Duration::from_micros(5) * n;
        let source = Ipv4Addr::from(n | 0x0a00_0000).into();
        let priority = if n % 3 == 0 { 0 } else { 50 };
        let effects = machine.receive(&lower(priority), source, now);
        sent += sends(&effects);
        let rival = |effect: &&Effect| matches!(effect, Effect::RivalHeard { .. });
        rivals += effects.iter().filter(rival).count();
        losers += usize::from(effects.contains(&Effect::LowerPriorityHeard));
    }
    // Half a second: one answer in 10 ms.
    assert_eq!((sent, rivals, losers), (50, 8, 1));
}

#[test]
fn preemption_waits_for_its_delay() {
    let start = Instant::now();
    let own = Settings {
        preempt: Preempt::After(10 * SECOND),
        ..settings()
    };
    let mut machine = prepare(From::Backup, own, start);
    for second in 0..10 {
        machine.receive(&lower(50), LOWER, start + second * SECOND);
        machine.tick(start + second * SECOND);
    }
    let timer = start + 9 * SECOND + down();
    assert_eq!(machine.next_timeout(), Some(timer));
    // From now on it is ignored.
    machine.receive(&lower(50), LOWER, start + 10 * SECOND);
    machine.receive(&lower(50), LOWER, start + 11 * SECOND);
    assert_eq!(machine.next_timeout(), Some(timer));
    // One of our own priority begins the delay anew.
    machine.receive(&lower(100), HIGHER, start + 12 * SECOND);
    machine.receive(&lower(50), LOWER, start + 13 * SECOND);
    machine.receive(&lower(50), LOWER, start + 22 * SECOND);
    assert_eq!(machine.next_timeout(), Some(start + 22 * SECOND + down()));
    machine.receive(&lower(50), LOWER, start + 23 * SECOND);
    let cause = Cause::Preempted {
        source: LOWER,
        priority: 50,
    };
    let effects = machine.tick(start + 22 * SECOND + down());
    assert_eq!(effects[1], changed(State::Backup, State::Master, cause));
}

#[test]
fn oversleeping_twice_is_silence() {
    let start = Instant::now();
    let mut machine = prepare(From::Following, settings(), start);
    let late = start + down() + 5 * SECOND;
    assert_eq!(machine.tick(late), [Effect::Overslept { by: 5 * SECOND }]);
    assert_eq!(machine.next_timeout(), Some(late + SECOND + SKEW));
    let effects = machine.tick(late + 60 * SECOND);
    assert_eq!(effects[0], sent(100));
    assert_eq!(machine.state(), State::Master);
}

#[test]
fn at_fast_intervals_20_ms_are_not_late() {
    let start = Instant::now();
    let own = Settings {
        interval: 10 * MS,
        ..settings()
    };
    let deadline = prepare(From::Backup, own, start).next_timeout().unwrap();
    for (late, master) in [(20 * MS, true), (21 * MS, false)] {
        let mut machine = prepare(From::Backup, own, start);
        machine.tick(deadline + late);
        assert_eq!(machine.state() == State::Master, master, "{late:?}");
    }
}

#[test]
fn a_master_that_overslept_listens_first_if_it_does_not_preempt() {
    let start = Instant::now();
    let polite = Settings {
        preempt: Preempt::Never,
        ..settings()
    };
    let late = start + 10 * SECOND;
    let overslept = Effect::Overslept { by: 9 * SECOND };
    let doubting = || {
        let mut machine = prepare(From::Master, polite, start);
        assert_eq!(machine.tick(late), std::slice::from_ref(&overslept));
        assert_eq!(machine.next_timeout(), Some(late + SECOND + SKEW));
        machine
    };
    // Nobody is there: it goes on, even if that is late, too.
    for more in [Duration::ZERO, 60 * SECOND] {
        assert_eq!(doubting().tick(late + SECOND + SKEW + more), [sent(100)]);
    }
    // It leads no more if anybody does, and does not disturb that one by a farewell.
    let mut machine = doubting();
    machine.receive(&lower(50), LOWER, late + SECOND);
    assert_eq!(machine.state(), State::Backup);
    let effects = doubting().shutdown(Cause::Shutdown, late);
    assert_eq!(sends(&effects), 0);
    assert_eq!(doubting().reconfigure(with_priority(7), late), []);
    // The same if what arrived is read before the timer.
    let mut machine = prepare(From::Master, polite, start);
    let effects = machine.receive(&lower(50), LOWER, late);
    assert_eq!((sends(&effects), machine.state()), (0, State::Backup));
    let cause = Cause::TakenOver {
        source: LOWER,
        priority: 50,
    };
    assert!(effects.contains(&changed(State::Master, State::Backup, cause)));
    // One that preempts takes its place back.
    let mut machine = prepare(From::Master, settings(), start);
    assert_eq!(machine.tick(late), [sent(100)]);
}

#[test]
fn giving_way_outlasts_a_fault_and_ends_with_mastership() {
    let start = Instant::now();
    let mut machine = prepare(From::Yielding, with_priority(255), start);
    machine.fault(Cause::InterfaceLost, start);
    machine.startup(start);
    assert_eq!(machine.state(), State::Backup, "an owner");
    machine.receive(&lower(1), LOWER, start);
    let timer = machine.next_timeout().unwrap();
    machine.tick(timer);
    assert_eq!(machine.state(), State::Master);
    machine.receive(&lower(255), HIGHER, timer);
    assert_eq!(machine.receive(&lower(254), LOWER, timer), []);
}

#[test]
fn a_member_that_leaves_its_group_goes_on_alone() {
    let start = Instant::now();
    let mut ready = prepare(From::Ready, settings(), start);
    ready.set_grouped(false, start);
    assert_eq!(ready.state(), State::Master);
    let mut waiting = Machine::new(settings());
    waiting.set_grouped(true, start);
    assert_eq!(waiting.startup(start), []);
    waiting.set_grouped(false, start);
    assert_eq!(waiting.state(), State::Backup);
    let mut stopped = Machine::new(settings());
    stopped.set_grouped(true, start);
    assert_eq!(stopped.set_grouped(false, start), []);
}
