//! Whether tables can wait for the first verdicts.

use super::*;

#[test]
fn it_ends_when_all_servers_are_known_or_with_patience() {
    let mut bench = Bench::new(CONFIG);
    let (now, limit) = (bench.start, bench.start + READY_LIMIT);
    assert!(bench.control.is_warming(now));
    assert!(!bench.control.is_warming(limit));
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    assert!(!bench.control.is_warming(now));
    assert_eq!(bench.control.take_ready(now), ["VI"]);
    assert!(!bench.control.is_warming(now));
}

#[test]
fn what_is_served_does_not_wait() {
    let mut bench = Bench::new(CONFIG);
    bench.control.inherit(&[(3, VIP)]);
    assert!(!bench.control.is_warming(bench.start));
}

#[test]
fn nothing_to_serve_is_not_waited_for() {
    let services = CONFIG.find("[[service]]").unwrap();
    let bench = Bench::new(&CONFIG[..services]);
    assert!(!bench.control.is_warming(bench.start));
}

/// A host of several servers is in doubt when none of them is well.
#[test]
fn one_that_is_up_speaks_for_its_host() {
    let both = CONFIG.to_owned()
        + "[[service]]\nname = \"other\"\naddress = \"192.0.2.10:81\"\ncheck = { type = \"tcp\" }\n\
           [[service.real_server]]\naddress = \"192.0.2.21\"\n";
    let mut bench = Bench::new(&both);
    bench.resolve(SERVER, SERVER_MAC);
    let knowledge = |bench: &Bench| bench.control.wanted_hosts()[&SERVER];
    bench.verdict(SERVER, Err("refused"));
    assert_eq!(knowledge(&bench), Knowledge::Doubtful);
    bench.control.verdict(Verdict {
        subject: Subject {
            service: "other".into(),
            real_server: SERVER,
        },
        outcome: Ok(()),
        changed: true,
        weight: None,
        certificate: None,
        at: bench.start,
    });
    assert_eq!(knowledge(&bench), Knowledge::Known);
}
