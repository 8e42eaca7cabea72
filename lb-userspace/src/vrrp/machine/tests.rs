use proptest::prelude::*;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::*;
use crate::config::Auth;

mod rows;
mod special;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const LOWER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 3));
const HIGHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 4));
/// Of priority 100 and 1 s: 156/256 s.
const SKEW: Duration = Duration::from_micros(609_375);

fn settings() -> Settings {
    Settings {
        version: Version::V3,
        priority: NonZeroU8::new(100).unwrap(),
        interval: SECOND,
        owner: false,
        preempt: Preempt::Always,
        address: OWN,
    }
}

fn with_priority(priority: u8) -> Settings {
    let owner = priority == 255;
    let priority = NonZeroU8::new(priority).unwrap();
    Settings {
        priority,
        owner,
        ..settings()
    }
}

pub(super) fn advertisement(version: Version, priority: u8, interval: Duration) -> Advertisement {
    Advertisement {
        version,
        virtual_router_id: NonZeroU8::MIN,
        priority,
        interval,
        addresses: vec![Ipv4Addr::new(192, 0, 2, 10).into()],
        auth: Auth::None,
    }
}

#[derive(Debug, Clone, Copy)]
enum Input {
    Startup,
    Shutdown,
    Fault,
    Expiry,
    /// Priority, source, interval.
    Advert(u8, IpAddr, Duration),
    Reconfigure(Settings),
    Resign,
    Claim,
}

impl Input {
    fn apply(self, machine: &mut Machine, now: Instant) -> Vec<Effect> {
        match self {
            Self::Startup => machine.startup(now),
            Self::Shutdown => machine.shutdown(Cause::Shutdown, now),
            Self::Fault => machine.fault(Cause::InterfaceLost, now),
            Self::Expiry => machine.tick(now),
            Self::Advert(priority, source, interval) => {
                let version = machine.settings.version;
                machine.receive(&advertisement(version, priority, interval), source, now)
            }
            Self::Reconfigure(settings) => machine.reconfigure(settings, now),
            Self::Resign => machine.resign(now),
            Self::Claim => machine.claim(now),
        }
    }
}

/// Where a row begins; all is done at time 0.
#[derive(Debug, Clone, Copy)]
enum From {
    Initialize,
    Stopped,
    Fault,
    Backup,
    /// In BACKUP, with a master of priority 150 at HIGHER.
    Following,
    /// In BACKUP, with a master that gave up since.
    Resigned,
    Master,
    /// In BACKUP, having given way by hand.
    Yielding,
    /// In BACKUP in a group, its timer having run out at time 0.
    Ready,
}

fn prepare(from: From, settings: Settings, start: Instant) -> Machine {
    let mut machine = Machine::new(settings);
    let heard = Input::Advert(150, HIGHER, settings.interval);
    let resigned = Input::Advert(0, HIGHER, settings.interval);
    let long_ago = start.checked_sub(down()).unwrap();
    let inputs = match from {
        From::Initialize => vec![],
        From::Stopped => vec![Input::Startup, Input::Shutdown],
        From::Fault => vec![Input::Startup, Input::Fault],
        From::Backup => vec![Input::Startup],
        From::Following => vec![Input::Startup, heard],
        From::Resigned => vec![Input::Startup, heard, resigned],
        From::Master => {
            machine.startup(start);
            machine.become_master(Cause::Started, start);
            vec![]
        }
        From::Yielding => {
            machine.startup(start);
            machine.become_master(Cause::Started, start);
            vec![Input::Resign]
        }
        From::Ready => {
            machine.startup(long_ago);
            machine.set_grouped(true, long_ago);
            vec![Input::Expiry]
        }
    };
    for input in inputs {
        input.apply(&mut machine, start);
    }
    machine
}

fn sent(priority: u8) -> Effect {
    Effect::SendAdvertisement { priority }
}

fn heard(source: IpAddr, priority: u8) -> Effect {
    Effect::LeaderHeard { source, priority }
}

fn changed(from: State, to: State, cause: Cause) -> Effect {
    Effect::StateChanged { from, to, cause }
}

const AT: Duration = Duration::from_millis(10);

fn down() -> Duration {
    3 * SECOND + SKEW
}

#[test]
fn skew_keeps_nanoseconds() {
    let priority = NonZeroU8::new(254).unwrap();
    let own = Settings {
        priority,
        interval: 10 * MS,
        ..settings()
    };
    assert_eq!(
        skew_time(own.version, own.priority.get(), own.interval),
        Duration::from_nanos(78_125)
    );
}

#[test]
fn an_owner_preempts_even_if_told_not_to() {
    let now = Instant::now();
    let owner = Settings {
        preempt: Preempt::Never,
        ..with_priority(255)
    };
    let mut machine = prepare(From::Master, owner, now);
    machine.receive(&advertisement(Version::V3, 255, SECOND), HIGHER, now);
    assert_eq!(machine.state(), State::Backup);
    assert_eq!(
        machine.receive(&advertisement(Version::V3, 254, SECOND), LOWER, now),
        []
    );
}

#[test]
fn preemption_names_whom() {
    let now = Instant::now();
    let mut machine = prepare(From::Backup, settings(), now);
    machine.receive(&advertisement(Version::V3, 50, SECOND), LOWER, now);
    let effects = machine.tick(machine.next_timeout().unwrap());
    let cause = Cause::Preempted {
        source: LOWER,
        priority: 50,
    };
    assert_eq!(
        effects[1],
        changed(State::Backup, State::Master, cause.clone())
    );
    assert_eq!(
        cause.to_string(),
        "192.0.2.2 has a lower priority (50): preempted"
    );
}

fn any_input() -> impl Strategy<Value = Input> {
    let source = prop_oneof![Just(LOWER), Just(HIGHER)];
    let interval = (1..=4095_u64).prop_map(|cs| Duration::from_millis(cs * 10));
    let advert = (any::<u8>(), source, interval.clone());
    let delay = (0..5000_u64).prop_map(|ms| Preempt::After(Duration::from_millis(ms)));
    let preempt = prop_oneof![Just(Preempt::Always), Just(Preempt::Never), delay];
    let reconfigure = (1..=255_u8, preempt, interval);
    prop_oneof![
        1 => Just(Input::Startup),
        1 => Just(Input::Shutdown),
        1 => Just(Input::Fault),
        1 => Just(Input::Resign),
        1 => Just(Input::Claim),
        6 => Just(Input::Expiry),
        6 => advert.prop_map(|(priority, source, interval)| Input::Advert(priority, source, interval)),
        1 => reconfigure.prop_map(|(priority, preempt, interval)| {
            Input::Reconfigure(Settings { preempt, interval, ..with_priority(priority) })
        }),
    ]
}

proptest! {
    #[test]
    fn invariants_hold_whatever_happens(inputs in proptest::collection::vec((any_input(), 0..5000_u64), 1..200)) {
        let mut now = Instant::now();
        let mut machine = Machine::new(settings());
        let mut rivals = BTreeSet::new();
        for (input, pause) in inputs {
            now += Duration::from_millis(pause);
            let mut state = machine.state();
            let effects = input.apply(&mut machine, now);
            for effect in effects {
                match effect {
                    Effect::StateChanged { from, to, .. } => {
                        prop_assert_eq!(from, state, "changes are without gaps");
                        prop_assert_ne!(from, to);
                        state = to;
                    }
                    // 0 is said by a master that stops, anything else by one that stays or comes.
                    Effect::SendAdvertisement { priority: 0 } => {
                        prop_assert_eq!(state, State::Master);
                        prop_assert_ne!(machine.state(), State::Master);
                    }
                    Effect::SendAdvertisement { priority } => {
                        prop_assert_eq!(priority, machine.settings.priority.get());
                        prop_assert_eq!(machine.state(), State::Master);
                    }
                    Effect::LeaderHeard { priority, .. } => {
                        prop_assert_ne!(priority, 0);
                        prop_assert_ne!(machine.state(), State::Master);
                    }
                    Effect::RivalHeard { source, priority } => {
                        prop_assert_ne!(priority, 0);
                        prop_assert_eq!(state, State::Master);
                        prop_assert!(rivals.insert(source), "begins once");
                    }
                    Effect::RivalGone { source, .. } => {
                        prop_assert!(rivals.remove(&source), "ends once");
                    }
                    Effect::LowerPriorityHeard => prop_assert_eq!(machine.state(), State::Master),
                    Effect::Overslept { by } => prop_assert!(!by.is_zero()),
                }
            }
            if machine.state() != State::Master {
                prop_assert!(rivals.is_empty(), "a rival of whom?");
            }
            prop_assert_eq!(machine.state(), state);
            let out = matches!(state, State::Initialize | State::Fault);
            prop_assert_eq!(machine.next_timeout().is_none(), out);
            for effect in machine.tick(now) {
                if let Effect::RivalGone { source, .. } = effect {
                    prop_assert!(rivals.remove(&source));
                }
            }
            prop_assert!(machine.next_timeout().is_none_or(|timeout| timeout > now));
        }
    }
}
