//! The state tables: every state, every event.

use super::*;

const NS: Duration = Duration::from_nanos(1);
const FAST: Duration = Duration::from_millis(100);

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

/// 3 x 100 ms and 156/256 of that, once a master's 100 ms are learned.
const FAST_DOWN: Duration = Duration::from_nanos(360_937_500);

fn faults(from: State) -> Vec<Effect> {
    vec![changed(from, State::Fault, Cause::InterfaceLost)]
}

#[test]
fn initialize_rows() {
    use Input::{Advert, Claim, Expiry, Fault, Reconfigure, Resign, Shutdown, Startup};
    let (own, owner) = (settings(), with_priority(255));
    let begins = || vec![changed(State::Initialize, State::Backup, Cause::Started)];
    let owns = || {
        vec![
            sent(255),
            changed(State::Initialize, State::Master, Cause::Owner),
        ]
    };
    check! {
        own,   Initialize, Resign,                       @ AT          => vec![];                  Initialize None;
        own,   Initialize, Claim,                        @ AT          => vec![];                  Initialize None;
        own,   Initialize, Startup,                      @ AT          => begins();                Backup Some(AT + down());
        owner, Initialize, Startup,                      @ AT          => owns();                  Master Some(AT + SECOND);
        own,   Initialize, Shutdown,                     @ AT          => vec![];                  Initialize None;
        own,   Initialize, Fault,                        @ AT          => faults(State::Initialize); Fault None;
        own,   Initialize, Expiry,                       @ 60 * SECOND => vec![];                  Initialize None;
        own,   Initialize, Reconfigure(owner),           @ AT          => vec![];                  Initialize None;
        // Before it ever took part it has nothing to say of others; after a shutdown it has.
        own,   Initialize, Advert(150, HIGHER, SECOND),  @ AT          => vec![];                  Initialize None;
        own,   Stopped,    Advert(150, HIGHER, SECOND),  @ AT          => vec![heard(HIGHER, 150)]; Initialize None;
        own,   Stopped,    Advert(1, LOWER, SECOND),     @ AT          => vec![heard(LOWER, 1)];   Initialize None;
        own,   Stopped,    Advert(0, HIGHER, SECOND),    @ AT          => vec![];                  Initialize None;
        own,   Stopped,    Shutdown,                     @ AT          => vec![];                  Initialize None;
        own,   Stopped,    Fault,                        @ AT          => faults(State::Initialize); Fault None;
        own,   Stopped,    Startup,                      @ AT          => begins();                Backup Some(AT + down());
    }
}

#[test]
fn backup_rows() {
    use Input::{Advert, Claim, Expiry, Fault, Reconfigure, Resign, Shutdown, Startup};
    let own = settings();
    let polite = Settings {
        preempt: Preempt::Never,
        ..own
    };
    let later = Settings {
        preempt: Preempt::After(SECOND),
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
    let overslept = |by| vec![Effect::Overslept { by }];
    let higher = with_priority(200);
    check! {
        own,    Backup,    Startup,                     @ AT          => vec![];                   Backup Some(down());
        own,    Backup,    Shutdown,                    @ AT          => leaves(Cause::Shutdown);  Initialize None;
        own,    Backup,    Fault,                       @ AT          => faults(State::Backup);     Fault None;
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
        later,  Following, Advert(99, LOWER, FAST),     @ AT          => vec![heard(LOWER, 99)];   Backup Some(AT + FAST_DOWN);
        own,    Backup,    Resign,                      @ AT          => vec![];                   Backup Some(down());
        own,    Backup,    Claim,                       @ AT          => vec![];                   Backup Some(down());
        // Late by more than an interval: it listens for one more, and the skew time.
        own,    Following, Expiry,                      @ down() + SECOND => silent(Some(HIGHER));  Master Some(down() + 2 * SECOND);
        own,    Following, Expiry,                      @ down() + SECOND + NS => overslept(SECOND + NS); Backup Some(down() + 2 * SECOND + NS + SKEW);
        // A reload moves the timer from where it was last set.
        own,    Following, Reconfigure(higher),         @ AT          => vec![];                   Backup Some(3 * SECOND + SECOND * 56 / 256);
    }
}

#[test]
fn master_rows() {
    use Input::{Advert, Claim, Expiry, Fault, Reconfigure, Resign, Shutdown, Startup};
    let own = settings();
    let lower = with_priority(50);
    let fast = Settings {
        interval: FAST,
        ..own
    };
    let leaves = |cause| changed(State::Master, State::Initialize, cause);
    let loses = |source, priority| {
        vec![
            sent(100),
            Effect::RivalHeard { source, priority },
            Effect::LowerPriorityHeard,
        ]
    };
    let yields = |cause, source, priority| {
        vec![
            Effect::RivalHeard { source, priority },
            changed(State::Master, State::Backup, cause),
            Effect::RivalGone {
                source,
                lasted: Duration::ZERO,
            },
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
        own, Master, Fault,                       @ AT          => vec![sent(0), changed(State::Master, State::Fault, Cause::InterfaceLost)]; Fault None;
        own, Master, Resign,                      @ AT          => vec![sent(0), changed(State::Master, State::Backup, Cause::Resigned)]; Backup Some(AT + down());
        own, Master, Claim,                       @ AT          => vec![];                     Master Some(SECOND);
        own, Master, Expiry,                      @ SECOND - NS => vec![];                     Master Some(SECOND);
        own, Master, Expiry,                      @ SECOND      => vec![sent(100)];            Master Some(2 * SECOND);
        own, Master, Advert(0, HIGHER, SECOND),   @ AT          => vec![sent(100)];            Master Some(AT + SECOND);
        own, Master, Advert(101, LOWER, SECOND),  @ AT          => outranked();                Backup Some(AT + down());
        own, Master, Advert(101, LOWER, FAST),    @ AT          => outranked();                Backup Some(AT + FAST_DOWN);
        own, Master, Advert(100, HIGHER, SECOND), @ AT          => tied();                     Backup Some(AT + down());
        // Losing advertisements are answered at once; the timer runs on.
        own, Master, Advert(100, LOWER, SECOND),  @ AT          => loses(LOWER, 100);          Master Some(SECOND);
        own, Master, Advert(99, HIGHER, SECOND),  @ AT          => loses(HIGHER, 99);          Master Some(SECOND);
        // A reload keeps the state, and the backups hear of it at once.
        own, Master, Reconfigure(lower),          @ AT          => vec![sent(50)];             Master Some(AT + SECOND);
        own, Master, Reconfigure(fast),           @ AT          => vec![sent(100)];            Master Some(AT + FAST);
        own, Master, Reconfigure(own),            @ AT          => vec![];                     Master Some(SECOND);
    }
}

#[test]
fn fault_rows() {
    use Input::{Advert, Claim, Expiry, Fault, Reconfigure, Resign, Shutdown, Startup};
    let (own, owner) = (settings(), with_priority(255));
    let to = |state, cause| vec![changed(State::Fault, state, cause)];
    check! {
        own,   Fault, Startup,                     @ AT          => to(State::Backup, Cause::Started);       Backup Some(AT + down());
        owner, Fault, Startup,                     @ AT          => vec![sent(255), changed(State::Fault, State::Master, Cause::Owner)]; Master Some(AT + SECOND);
        own,   Fault, Shutdown,                    @ AT          => to(State::Initialize, Cause::Shutdown);  Initialize None;
        own,   Fault, Fault,                       @ AT          => vec![];                   Fault None;
        own,   Fault, Expiry,                      @ 60 * SECOND => vec![];                   Fault None;
        own,   Fault, Reconfigure(owner),          @ AT          => vec![];                   Fault None;
        own,   Fault, Resign,                      @ AT          => vec![];                   Fault None;
        own,   Fault, Claim,                       @ AT          => vec![];                   Fault None;
        own,   Fault, Advert(150, HIGHER, SECOND), @ AT          => vec![heard(HIGHER, 150)]; Fault None;
        own,   Fault, Advert(1, LOWER, SECOND),    @ AT          => vec![heard(LOWER, 1)];    Fault None;
        own,   Fault, Advert(0, HIGHER, SECOND),   @ AT          => vec![];                   Fault None;
    }
}

/// After `resign`: whoever advertises is followed, even by an owner, until nobody does.
#[test]
fn yielding_rows() {
    use Input::{Advert, Claim, Expiry, Fault, Reconfigure, Resign, Shutdown, Startup};
    let (own, owner, higher) = (settings(), with_priority(255), with_priority(200));
    let silent = vec![
        sent(100),
        changed(
            State::Backup,
            State::Master,
            Cause::MasterSilent { leader: None },
        ),
    ];
    let owner_down = 3 * SECOND + SECOND / 256;
    check! {
        own,   Yielding, Startup,                   @ AT          => vec![];                 Backup Some(down());
        own,   Yielding, Shutdown,                  @ AT          => vec![changed(State::Backup, State::Initialize, Cause::Shutdown)]; Initialize None;
        own,   Yielding, Fault,                     @ AT          => faults(State::Backup);  Fault None;
        own,   Yielding, Resign,                    @ AT          => vec![];                 Backup Some(down());
        own,   Yielding, Claim,                     @ AT          => vec![];                 Backup Some(down());
        own,   Yielding, Reconfigure(higher),       @ AT          => vec![];                 Backup Some(3 * SECOND + SECOND * 56 / 256);
        own,   Yielding, Advert(1, LOWER, SECOND),  @ AT          => vec![heard(LOWER, 1)];  Backup Some(AT + down());
        owner, Yielding, Advert(1, LOWER, SECOND),  @ AT          => vec![heard(LOWER, 1)];  Backup Some(AT + owner_down);
        own,   Yielding, Advert(0, LOWER, SECOND),  @ AT          => vec![];                 Backup Some(AT + SKEW);
        own,   Yielding, Expiry,                    @ down() - NS => vec![];                 Backup Some(down());
        own,   Yielding, Expiry,                    @ down()      => silent;                 Master Some(down() + SECOND);
    }
}

/// A member whose timer has run out, and which waits for the others of its group.
#[test]
fn ready_rows() {
    use Input::{Advert, Claim, Expiry, Fault, Reconfigure, Resign, Shutdown, Startup};
    let (own, higher) = (settings(), with_priority(200));
    check! {
        own, Ready, Startup,                     @ AT          => vec![];                   Backup None;
        own, Ready, Shutdown,                    @ AT          => vec![changed(State::Backup, State::Initialize, Cause::Shutdown)]; Initialize None;
        own, Ready, Fault,                       @ AT          => faults(State::Backup);    Fault None;
        own, Ready, Resign,                      @ AT          => vec![];                   Backup None;
        own, Ready, Claim,                       @ AT          => vec![];                   Backup None;
        own, Ready, Expiry,                      @ 60 * SECOND => vec![];                   Backup None;
        own, Ready, Reconfigure(higher),         @ AT          => vec![];                   Backup None;
        own, Ready, Advert(0, LOWER, SECOND),    @ AT          => vec![];                   Backup None;
        // Ignored ones leave it ready, one that is followed does not.
        own, Ready, Advert(99, LOWER, SECOND),   @ AT          => vec![];                   Backup None;
        own, Ready, Advert(100, LOWER, SECOND),  @ AT          => vec![heard(LOWER, 100)];  Backup Some(AT + down());
        own, Ready, Advert(150, HIGHER, SECOND), @ AT          => vec![heard(HIGHER, 150)]; Backup Some(AT + down());
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
