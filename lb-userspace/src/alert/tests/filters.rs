use super::*;

/// The texts of those that pass.
fn passing(target: &Target, events: &[Event]) -> Vec<String> {
    let mut filter = Filter::default();
    let passed = events.iter().filter(|event| {
        let entry = entry(1, (*event).clone());
        filter.take(target, &entry).is_some()
    });
    passed.map(|event| event.text.clone()).collect()
}

#[test]
fn topics_choose_among_kinds() {
    let kinds = [
        Kind::State,
        Kind::Leader,
        Kind::Rival,
        Kind::RivalGone,
        Kind::Duplicate,
        Kind::DuplicateGone,
        Kind::Overslept,
        Kind::Failure,
        Kind::Repair,
        Kind::Reload,
        Kind::Server,
        Kind::Plane,
        Kind::Track,
        Kind::Notify,
        Kind::Order,
        Kind::Daemon,
    ];
    let events = kinds.map(|kind| Event::new(kind, kind.name()));
    for (lines, told) in [
        (
            "",
            "state leader rival rival_gone duplicate duplicate_gone overslept failure server plane \
             daemon",
        ),
        ("events = [\"vrrp\"]", "state leader overslept failure"),
        ("events = [\"server\", \"order\"]", "server order"),
        (
            "events = [\"split-brain\"]",
            "rival rival_gone duplicate duplicate_gone",
        ),
        (
            "events = [\"plane\", \"repair\", \"reload\"]",
            "repair reload plane",
        ),
        (
            "events = [\"track\", \"notify\", \"daemon\"]",
            "track notify daemon",
        ),
        ("events = [\"quorum\", \"certificate\"]", ""),
        ("events = [\"all\"]", &kinds.map(Kind::name).join(" ")),
    ] {
        let told: Vec<&str> = told.split_whitespace().collect();
        assert_eq!(passing(&target(lines), &events), told, "{lines}");
    }
}

#[test]
fn names_choose_among_what_has_them() {
    let other = Event::new(Kind::State, "VI_2").instance("VI_2");
    let events = [
        server(21, "down"),
        vrrp("MASTER"),
        other,
        Event::new(Kind::Plane, "plane"),
    ];
    for (lines, told) in [
        ("", 4),
        ("services = [\"web\"]", 4),
        ("services = []", 3),
        ("instances = [\"VI\"]", 3),
        ("instances = []", 2),
    ] {
        let told_of = passing(&target(lines), &events);
        assert_eq!(told_of.len(), told, "{lines}: {told_of:?}");
    }
}

#[test]
fn a_server_that_is_up_from_the_beginning_is_no_news() {
    let target = target("");
    let events = [
        server(21, "up"),
        server(22, "down"),
        server(21, "up"),
        server(22, "down"),
        server(22, "up"),
        server(21, "down"),
    ];
    let told = passing(&target, &events);
    assert_eq!(
        told,
        [&events[1], &events[4], &events[5]].map(|event| event.text.clone())
    );
}

#[test]
fn nobody_is_told_that_he_is_not_told() {
    let target = target("events = [\"all\"]");
    let about = |name: &str| Event::new(Kind::Notify, name).field("target", name);
    assert_eq!(passing(&target, &[about("t"), about("u")]), ["u"]);
}

#[test]
fn the_state_before_is_what_the_event_says_or_what_was_told() {
    let target = target("");
    let mut filter = Filter::default();
    let mut from = |event: Event| {
        let news = filter.take(&target, &entry(1, event));
        news.map(|news| news.from)
    };
    assert_eq!(from(server(21, "up").field("from", "checking")), None);
    assert_eq!(from(server(21, "down")), Some(Some("up".to_owned())));
    assert_eq!(from(vrrp("BACKUP")), Some(None));
    let claimed = vrrp("MASTER").field("from", "FAULT");
    assert_eq!(from(claimed), Some(Some("FAULT".to_owned())));
    assert_eq!(from(vrrp("BACKUP")), Some(Some("MASTER".to_owned())));
}
