use proptest::prelude::*;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::*;
use crate::config::Auth;

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
        }
    }
}

/// Where a row begins; all is done at time 0.
#[derive(Debug, Clone, Copy)]
enum From {
    Initialize,
    Stopped,
    Backup,
    /// In BACKUP, with a master of priority 150 at HIGHER.
    Following,
    /// In BACKUP, with a master that gave up since.
    Resigned,
    Master,
}

fn prepare(from: From, settings: Settings, start: Instant) -> Machine {
    let mut machine = Machine::new(settings);
    let heard = Input::Advert(150, HIGHER, settings.interval);
    let resigned = Input::Advert(0, HIGHER, settings.interval);
    let inputs = match from {
        From::Initialize => vec![],
        From::Stopped => vec![Input::Startup, Input::Shutdown],
        From::Backup => vec![Input::Startup],
        From::Following => vec![Input::Startup, heard],
        From::Resigned => vec![Input::Startup, heard, resigned],
        From::Master => {
            machine.startup(start);
            machine.become_master(Cause::Started, start);
            vec![]
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

/// The state tables of RFC 9568 section 6.4, a line per case: settings, state, input @ its time =>
/// effects; state and timer after it. Times count from the line's beginning.
macro_rules! check {
    ($($settings:expr, $from:ident, $input:expr, @ $at:expr => $effects:expr; $state:ident $timer:expr;)*) => {$(
        let (row, start) = (stringify!($settings, $from, $input), Instant::now());
        let mut machine = prepare(From::$from, $settings, start);
        let effects: Vec<Effect> = $effects;
        assert_eq!($input.apply(&mut machine, start + $at), effects, "{row}");
        assert_eq!(machine.state(), State::$state, "{row}");
        let timer: Option<Duration> = $timer;
        assert_eq!(machine.next_timeout(), timer.map(|timer| start + timer), "{row}");
    )*};
}

const AT: Duration = Duration::from_millis(10);
const NS: Duration = Duration::from_nanos(1);
const FAST: Duration = Duration::from_millis(100);

fn down() -> Duration {
    3 * SECOND + SKEW
}

/// 3 x 100 ms and 156/256 of that, once a master's 100 ms are learned.
const FAST_DOWN: Duration = Duration::from_nanos(360_937_500);

#[test]
fn initialize_rows() {
    use Input::{Advert, Expiry, Fault, Reconfigure, Shutdown, Startup};
    let (own, owner) = (settings(), with_priority(255));
    let begins = || vec![changed(State::Initialize, State::Backup, Cause::Started)];
    let owns = || {
        vec![
            sent(255),
            changed(State::Initialize, State::Master, Cause::Owner),
        ]
    };
    check! {
        own,   Initialize, Startup,                      @ AT          => begins();                Backup Some(AT + down());
        owner, Initialize, Startup,                      @ AT          => owns();                  Master Some(AT + SECOND);
        own,   Initialize, Shutdown,                     @ AT          => vec![];                  Initialize None;
        own,   Initialize, Fault,                        @ AT          => vec![];                  Initialize None;
        own,   Initialize, Expiry,                       @ 60 * SECOND => vec![];                  Initialize None;
        own,   Initialize, Reconfigure(owner),           @ AT          => vec![];                  Initialize None;
        // Before it ever took part it has nothing to say of others; after a shutdown it has.
        own,   Initialize, Advert(150, HIGHER, SECOND),  @ AT          => vec![];                  Initialize None;
        own,   Stopped,    Advert(150, HIGHER, SECOND),  @ AT          => vec![heard(HIGHER, 150)]; Initialize None;
        own,   Stopped,    Advert(1, LOWER, SECOND),     @ AT          => vec![heard(LOWER, 1)];   Initialize None;
        own,   Stopped,    Advert(0, HIGHER, SECOND),    @ AT          => vec![];                  Initialize None;
        own,   Stopped,    Shutdown,                     @ AT          => vec![];                  Initialize None;
        own,   Stopped,    Fault,                        @ AT          => vec![];                  Initialize None;
        own,   Stopped,    Startup,                      @ AT          => begins();                Backup Some(AT + down());
    }
}

#[test]
fn backup_rows() {
    use Input::{Advert, Expiry, Fault, Reconfigure, Shutdown, Startup};
    let own = settings();
    let polite = Settings {
        preempt: Preempt::Never,
        ..own
    };
    let leaves = |cause| vec![changed(State::Backup, State::Initialize, cause)];
    let leads = |cause: Cause| {
        vec![
            sent(100),
            changed(State::Backup, State::Master, cause.clone()),
        ]
    };
    let silent = |leader| leads(Cause::MasterSilent { leader });
    let resigned = || leads(Cause::MasterResigned { source: HIGHER });
    let higher = with_priority(200);
    check! {
        own,    Backup,    Startup,                     @ AT          => vec![];                   Backup Some(down());
        own,    Backup,    Shutdown,                    @ AT          => leaves(Cause::Shutdown);  Initialize None;
        own,    Backup,    Fault,                       @ AT          => leaves(Cause::InterfaceLost); Initialize None;
        own,    Backup,    Expiry,                      @ down() - NS => vec![];                   Backup Some(down());
        own,    Backup,    Expiry,                      @ down()      => silent(None);             Master Some(down() + SECOND);
        own,    Following, Expiry,                      @ down()      => silent(Some(HIGHER));     Master Some(down() + SECOND);
        // Priority 0.
        own,    Following, Advert(0, HIGHER, SECOND),   @ AT          => vec![];                   Backup Some(AT + SKEW);
        own,    Resigned,  Expiry,                      @ SKEW        => resigned();               Master Some(SKEW + SECOND);
        own,    Resigned,  Advert(120, LOWER, SECOND),  @ AT          => vec![heard(LOWER, 120)];  Backup Some(AT + down());
        // Accepted: at least our priority, whatever the address.
        own,    Backup,    Advert(150, HIGHER, SECOND), @ AT          => vec![heard(HIGHER, 150)]; Backup Some(AT + down());
        own,    Backup,    Advert(100, LOWER, SECOND),  @ AT          => vec![heard(LOWER, 100)];  Backup Some(AT + down());
        own,    Following, Advert(150, HIGHER, SECOND), @ AT          => vec![];                   Backup Some(AT + down());
        own,    Following, Advert(150, LOWER, SECOND),  @ AT          => vec![heard(LOWER, 150)];  Backup Some(AT + down());
        // The master's interval is learned.
        own,    Following, Advert(150, HIGHER, FAST),   @ AT          => vec![];                   Backup Some(AT + FAST_DOWN);
        // Below our priority: discarded with preemption, followed without.
        own,    Following, Advert(99, LOWER, FAST),     @ AT          => vec![];                   Backup Some(down());
        polite, Following, Advert(99, LOWER, FAST),     @ AT          => vec![heard(LOWER, 99)];   Backup Some(AT + FAST_DOWN);
        // A reload moves the timer from where it was last set.
        own,    Following, Reconfigure(higher),         @ AT          => vec![];                   Backup Some(3 * SECOND + SECOND * 56 / 256);
    }
}

#[test]
fn master_rows() {
    use Input::{Advert, Expiry, Fault, Reconfigure, Shutdown, Startup};
    let own = settings();
    let lower = with_priority(50);
    let fast = Settings {
        interval: FAST,
        ..own
    };
    let leaves = |cause| changed(State::Master, State::Initialize, cause);
    let yields = |cause, source, priority| {
        vec![
            changed(State::Master, State::Backup, cause),
            heard(source, priority),
        ]
    };
    let outranked = || {
        yields(
            Cause::HigherPriority {
                source: LOWER,
                priority: 101,
            },
            LOWER,
            101,
        )
    };
    let tied = || {
        yields(
            Cause::HigherAddress {
                source: HIGHER,
                priority: 100,
            },
            HIGHER,
            100,
        )
    };
    check! {
        own, Master, Startup,                     @ AT          => vec![];                     Master Some(SECOND);
        own, Master, Shutdown,                    @ AT          => vec![sent(0), leaves(Cause::Shutdown)]; Initialize None;
        own, Master, Fault,                       @ AT          => vec![leaves(Cause::InterfaceLost)]; Initialize None;
        own, Master, Expiry,                      @ SECOND - NS => vec![];                     Master Some(SECOND);
        own, Master, Expiry,                      @ SECOND      => vec![sent(100)];            Master Some(2 * SECOND);
        own, Master, Advert(0, HIGHER, SECOND),   @ AT          => vec![sent(100)];            Master Some(AT + SECOND);
        own, Master, Advert(101, LOWER, SECOND),  @ AT          => outranked();                Backup Some(AT + down());
        own, Master, Advert(101, LOWER, FAST),    @ AT          => outranked();                Backup Some(AT + FAST_DOWN);
        own, Master, Advert(100, HIGHER, SECOND), @ AT          => tied();                     Backup Some(AT + down());
        // Losing advertisements are answered at once; the timer runs on.
        own, Master, Advert(100, LOWER, SECOND),  @ AT          => vec![sent(100)];            Master Some(SECOND);
        own, Master, Advert(99, HIGHER, SECOND),  @ AT          => vec![sent(100)];            Master Some(SECOND);
        // A reload keeps the state, and the backups hear of it at once.
        own, Master, Reconfigure(lower),          @ AT          => vec![sent(50)];             Master Some(AT + SECOND);
        own, Master, Reconfigure(fast),           @ AT          => vec![sent(100)];            Master Some(AT + FAST);
        own, Master, Reconfigure(own),            @ AT          => vec![];                     Master Some(SECOND);
    }
}

#[test]
fn version_2_skews_by_seconds_and_learns_nothing() {
    use Input::{Advert, Startup};
    let interval = 5 * SECOND;
    let own = Settings {
        version: Version::V2,
        interval,
        ..settings()
    };
    check! {
        own, Following, Advert(150, HIGHER, interval), @ AT => vec![]; Backup Some(AT + 3 * interval + SKEW);
        own, Resigned,  Startup,                       @ AT => vec![]; Backup Some(SKEW);
    }
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
