//! Which director serves, and who leads.

use super::*;

#[test]
fn only_a_master_serves_and_a_defeated_one_fades() {
    let ms = Duration::from_millis;
    let mut bench = Bench::new(CONFIG);
    assert_eq!(bench.serves(), (false, false));
    bench.state(State::Backup, ms(0));
    assert_eq!(bench.serves(), (false, false));
    bench.state(State::Master, ms(10));
    assert_eq!(bench.serves(), (true, true));
    assert_eq!(bench.control.take_announcements(), ["VI"]);
    assert!(bench.control.take_announcements().is_empty());
    bench.state(State::Backup, ms(20));
    assert_eq!(bench.serves(), (true, false));
    let until = bench.start + ms(20) + instance::FADE;
    bench.control.expire(until - ms(1));
    assert_eq!(bench.serves(), (true, false));
    bench.control.expire(until);
    assert_eq!(bench.serves(), (false, false));
}

#[test]
fn a_master_that_loses_its_interface_stops_serving() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, Duration::ZERO);
    bench.state(State::Initialize, Duration::ZERO);
    assert_eq!(bench.serves(), (false, false));
}

#[test]
fn what_a_crashed_daemon_left_is_served_until_someone_leads() {
    let ms = Duration::from_millis;
    let mut bench = Bench::new(CONFIG);
    bench.control.inherit(&[(3, VIP)]);
    assert_eq!(bench.serves(), (true, true));
    bench.state(State::Backup, ms(0));
    assert_eq!(bench.serves(), (true, true));
    let mut preempting = bench.control.clone();
    bench.leader(ms(100));
    assert_eq!(bench.serves(), (true, false));
    bench.control.expire(bench.start + ms(100) + instance::FADE);
    assert_eq!(bench.serves(), (false, false));

    let event = vrrp::Event::State {
        instance: "VI".to_owned(),
        state: State::Master,
        priority: 100,
        cause: vrrp::Cause::Started,
        at: bench.start,
    };
    preempting.vrrp(&event, bench.start);
    assert_eq!(preempting.instance("VI").unwrap().serving, Serving::Master);
}

#[test]
fn addresses_of_others_are_not_inherited() {
    let mut bench = Bench::new(CONFIG);
    bench.control.inherit(&[(4, VIP)]);
    assert_eq!(bench.serves(), (false, false));
}

#[test]
fn a_stop_hands_over_before_it_ends() {
    let ms = Duration::from_millis;
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, ms(0));
    bench.enter(State::Initialize, vrrp::Cause::Shutdown, ms(1));
    assert_eq!(bench.serves(), (true, true));
    assert!(!bench.control.has_handed_over());
    bench.leader(ms(60));
    assert_eq!(bench.serves(), (true, false));
    assert!(!bench.control.has_handed_over());
    bench.control.expire(bench.start + ms(60) + instance::FADE);
    assert!(bench.control.has_handed_over());
}

#[test]
fn a_backup_has_nothing_to_hand_over() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Backup, Duration::ZERO);
    bench.enter(State::Initialize, vrrp::Cause::Shutdown, Duration::ZERO);
    assert!(bench.control.has_handed_over());
}

#[test]
fn one_that_resigns_serves_until_another_leads() {
    let ms = Duration::from_millis;
    let group = vrrp::Cause::Group {
        group: "G".to_owned(),
        member: "VI_2".to_owned(),
    };
    for cause in [vrrp::Cause::Resigned, group] {
        let mut bench = Bench::new(CONFIG);
        bench.state(State::Master, ms(0));
        bench.enter(State::Backup, cause.clone(), ms(1));
        assert_eq!(bench.serves(), (true, true), "{cause}");
        // Nobody took over.
        let mut alone = Bench {
            control: bench.control.clone(),
            start: bench.start,
        };
        alone.state(State::Master, ms(400));
        assert_eq!(alone.serves(), (true, true));
        assert!(!alone.control.instance("VI").unwrap().resigned);
        bench.leader(ms(60));
        assert_eq!(bench.serves(), (true, false));
        bench.control.expire(bench.start + ms(60) + instance::FADE);
        assert_eq!(bench.serves(), (false, false));
    }
}

#[test]
fn a_fault_takes_the_addresses_away() {
    let ms = Duration::from_millis;
    let tracked = || vrrp::Cause::Tracked("process nginx does not run".to_owned());
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, ms(0));
    bench.enter(State::Fault, tracked(), ms(1));
    assert_eq!(bench.serves(), (true, false), "stray packets");
    bench.control.expire(bench.start + ms(1) + instance::FADE);
    assert_eq!(bench.serves(), (false, false));
    let instance = bench.control.instance("VI").unwrap();
    assert_eq!(instance.cause, "process nginx does not run");
    assert_eq!(instance.since, bench.start + ms(1));
    // What an earlier daemon left ends, too, but not for an interface that comes up late.
    for (cause, serves) in [
        (tracked(), (true, false)),
        (vrrp::Cause::InterfaceLost, (true, true)),
    ] {
        let mut bench = Bench::new(CONFIG);
        bench.control.inherit(&[(3, VIP)]);
        bench.enter(State::Fault, cause, ms(1));
        assert_eq!(bench.serves(), serves);
    }
}

#[test]
fn who_leads_and_who_disturbs_is_known() {
    let ms = Duration::from_millis;
    let source = IpAddr::from([192, 0, 2, 3]);
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Backup, ms(0));
    bench.leader(ms(10));
    let known = |bench: &Bench| bench.control.instance("VI").unwrap().clone();
    let leader = known(&bench).leader.map(|leader| leader.source);
    assert_eq!(leader, Some(IpAddr::from([192, 0, 2, 2])));
    bench.state(State::Master, ms(20));
    assert_eq!(known(&bench).leader, None);
    let instance = || "VI".to_owned();
    let at = bench.start + ms(30);
    let (mac, address) = (SERVER_MAC, VIP.address);
    for event in [
        vrrp::Event::Rival {
            instance: instance(),
            own: SERVER,
            source,
            priority: 90,
            at,
        },
        vrrp::Event::Duplicate {
            instance: instance(),
            address,
            mac,
            at,
        },
    ] {
        bench.control.vrrp(&event, at);
    }
    let rival = Rival {
        priority: 90,
        since: at,
    };
    assert_eq!(known(&bench).rivals, BTreeMap::from([(source, rival)]));
    let duplicates = BTreeMap::from([((address, mac), at)]);
    assert_eq!(known(&bench).duplicates, duplicates);
    let lasted = ms(5);
    for event in [
        vrrp::Event::RivalGone {
            instance: instance(),
            source,
            lasted,
            at,
        },
        vrrp::Event::DuplicateGone {
            instance: instance(),
            address,
            mac,
            lasted,
            at,
        },
    ] {
        bench.control.vrrp(&event, at);
    }
    assert!(known(&bench).rivals.is_empty() && known(&bench).duplicates.is_empty());
    let priority = 200;
    let cause = vrrp::Cause::HigherPriority { source, priority };
    bench.enter(State::Backup, cause, ms(40));
    assert_eq!(known(&bench).leader, Some(Leader { source, priority }));
}
