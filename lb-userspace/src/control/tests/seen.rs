//! Weights and certificates that checks have seen.

use std::time::SystemTime;

use super::*;
use crate::health::{Certificate, Weight};

fn tell(bench: &mut Bench, weight: Option<Weight>, certificate: Option<Certificate>) {
    let subject = Subject {
        service: "web".into(),
        real_server: SERVER,
    };
    bench.control.verdict(Verdict {
        subject,
        outcome: Ok(()),
        changed: false,
        weight,
        certificate,
        at: bench.start,
    });
}

/// Weight that counts, and word in `status`.
fn seen(bench: &Bench) -> (u16, &'static str) {
    let service = &bench.control.config().services[0];
    let server = &service.real_servers[0];
    let state = bench.control.server_state(service, server);
    (bench.control.weight(service, server), state.name())
}

#[test]
fn a_checks_weight_counts_until_it_gives_none() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    assert_eq!(seen(&bench), (1, "up"));
    tell(&mut bench, Some(Weight::Is(7)), None);
    assert_eq!(seen(&bench), (7, "up"));
    tell(&mut bench, Some(Weight::Plus(4)), None);
    assert_eq!(seen(&bench), (5, "up"));
    // Its connections stay.
    tell(&mut bench, Some(Weight::Is(0)), None);
    assert_eq!(seen(&bench), (0, "draining"));
    tell(&mut bench, None, None);
    assert_eq!(seen(&bench), (1, "up"));
}

#[test]
fn what_a_check_has_seen_goes_with_it() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    let certificate = Certificate {
        expires: SystemTime::UNIX_EPOCH,
        warning: Duration::ZERO,
    };
    tell(&mut bench, Some(Weight::Is(7)), Some(certificate));
    let subject = Subject {
        service: "web".into(),
        real_server: SERVER,
    };
    assert_eq!(bench.control.certificate(&subject), Some(certificate));
    let unchecked: String = CONFIG
        .lines()
        .filter(|line| !line.starts_with("check = "))
        .map(|line| format!("{line}\n"))
        .collect();
    bench.control.configure(config(&unchecked), bench.start);
    assert_eq!(seen(&bench), (1, "up"));
}

#[test]
fn a_server_with_a_check_of_its_own_waits_for_that_and_the_others_for_none() {
    let unchecked = CONFIG.replace("check = { type = \"tcp\" }\n", "");
    let mut bench = Bench::new(&format!(
        "{unchecked}{SECOND_SERVER}check = {{ type = \"tcp\" }}\n"
    ));
    bench.resolve(SERVER, SERVER_MAC);
    bench.resolve(OTHER, SERVER_MAC);
    let states = |bench: &Bench| {
        let members = bench.control.members(&bench.control.config().services[0]);
        let names = members.servers.iter().map(|member| member.state.name());
        names.collect::<Vec<_>>()
    };
    assert_eq!(states(&bench), ["up", "checking"]);
    bench.verdict(OTHER, Err("no"));
    assert_eq!(states(&bench), ["up", "down"]);
}
