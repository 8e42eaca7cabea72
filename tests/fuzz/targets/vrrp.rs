//! What the network says, to the codec and to a machine: `cargo xtask fuzz vrrp`.
//!
//! An input is a byte of settings, then records: what happens, how long after the one before, the
//! length of a datagram, the datagram. Over IPv6 it begins with the hop limit.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use lb_userspace::config::{Auth, ChecksumForm, Preempt, Version};
use lb_userspace::vrrp::State;
use lb_userspace::vrrp::checksum;
use lb_userspace::vrrp::machine::{Cause, Effect, Machine, Settings};
use lb_userspace::vrrp::packet::{self, Expected, GROUP_V6, Header};
use libfuzzer_sys::fuzz_target;

const INTERVAL: Duration = Duration::from_secs(1);
const ID: NonZeroU8 = NonZeroU8::new(51).unwrap();
const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 20));
const PEERS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
];

struct Setup {
    ipv6: bool,
    expected: Expected<'static>,
    preempt: Preempt,
    owner: bool,
}

impl Setup {
    fn new(flags: u8) -> Self {
        let flag = |bit: u8| flags & (1 << bit) != 0;
        let v2 = flag(0) && !flag(1);
        let expected = Expected {
            version: if v2 { Version::V2 } else { Version::V3 },
            virtual_router_id: ID,
            interval: INTERVAL,
            auth: if v2 && flag(2) {
                Auth::Pass(*b"1111\0\0\0\0")
            } else {
                Auth::None
            },
            peers: flag(3).then_some(&PEERS[..]),
            ttl: if flag(3) { 1..=255 } else { 255..=255 },
        };
        let preempt = match (flag(4), flag(5)) {
            (false, _) => Preempt::Always,
            (true, false) => Preempt::Never,
            (true, true) => Preempt::After(3 * INTERVAL),
        };
        Self {
            ipv6: flag(1),
            expected,
            preempt,
            owner: flag(6),
        }
    }

    fn settings(&self, priority: NonZeroU8) -> Settings {
        Settings {
            version: self.expected.version,
            priority: if self.owner { NonZeroU8::MAX } else { priority },
            owner: self.owner,
            interval: INTERVAL,
            preempt: self.preempt,
            address: OWN,
        }
    }

    fn split<'a>(&self, datagram: &'a [u8]) -> Option<(Header, &'a [u8])> {
        if !self.ipv6 {
            return packet::split_ipv4(datagram).ok();
        }
        let (&ttl, message) = datagram.split_first()?;
        let destination = GROUP_V6.into();
        Some((
            Header {
                source: PEERS[1],
                destination,
                ttl,
            },
            message,
        ))
    }
}

fuzz_target!(|data: &[u8]| run(data));

fn run(data: &[u8]) {
    let Some((&flags, mut rest)) = data.split_first() else {
        return;
    };
    let setup = Setup::new(flags);
    let mut now = Instant::now();
    let mut machine = Machine::new(setup.settings(ID));
    while let Some((&[what, pause, len], after)) = rest.split_first_chunk::<3>() {
        let (datagram, after) = after.split_at(usize::from(len).min(after.len()));
        rest = after;
        // In squares: from nothing to longer than any timer, and delays in between.
        now += Duration::from_millis(u64::from(pause).pow(2));
        let before = machine.state();
        let effects = match what % 8 {
            0 => machine.startup(now),
            1 => machine.shutdown(Cause::Shutdown, now),
            2 => machine.fault(Cause::InterfaceLost, now),
            3 => machine.resign(now),
            4 => machine.claim(now),
            5 => machine.reconfigure(setup.settings(NonZeroU8::new(len).unwrap_or(ID)), now),
            6 => machine.tick(now),
            _ => receive(&setup, &mut machine, datagram, now),
        };
        check(before, &machine, &effects);
    }
}

fn receive(setup: &Setup, machine: &mut Machine, datagram: &[u8], now: Instant) -> Vec<Effect> {
    let Some((header, message)) = setup.split(datagram) else {
        return Vec::new();
    };
    let _ = packet::peek_virtual_router_id(message);
    // As it is, and with the checksum that chance would hardly find.
    let mut mended = message.to_vec();
    if mended.len() >= 8 {
        mended[6..8].fill(0);
        let sum = if setup.ipv6 {
            checksum::with_pseudo_header(header.source, header.destination, &mended)
        } else {
            checksum::plain(&mended)
        };
        mended[6..8].copy_from_slice(&sum.to_be_bytes());
    }
    let mut effects = Vec::new();
    for message in [message, &mended] {
        let Ok(received) = packet::parse(&header, message, &setup.expected) else {
            continue;
        };
        let advertisement = received.advertisement.clone();
        let form = received.checksum.unwrap_or(ChecksumForm::Rfc5798);
        let again = packet::emit(&advertisement, form, header.source, header.destination);
        let same = packet::parse(&header, &again, &setup.expected);
        assert_eq!(
            same.map(|one| one.advertisement).as_ref(),
            Ok(&advertisement)
        );
        let _ = received.warnings(INTERVAL, &PEERS);
        effects.extend(machine.receive(&advertisement, header.source, now));
    }
    effects
}

/// Changes are without gaps, and nobody but a master speaks.
fn check(before: State, machine: &Machine, effects: &[Effect]) {
    let (mut state, end) = (before, machine.state());
    for effect in effects {
        match effect {
            Effect::StateChanged { from, to, .. } => {
                assert_eq!(*from, state);
                assert_ne!(from, to);
                state = *to;
            }
            Effect::SendAdvertisement { .. } => {
                assert!(before == State::Master || end == State::Master);
            }
            Effect::LeaderHeard { priority, .. } => assert_ne!(*priority, 0),
            Effect::RivalHeard { .. } => assert_eq!(state, State::Master),
            Effect::RivalGone { .. } => assert_eq!(before, State::Master),
            Effect::LowerPriorityHeard | Effect::Overslept { .. } => {}
        }
    }
    assert_eq!(state, end);
    let out = matches!(end, State::Initialize | State::Fault);
    assert_eq!(machine.next_timeout().is_none(), out);
}
