use super::*;

fn texts(digest: &Digest) -> Vec<String> {
    digest.items.iter().map(|item| item.text()).collect()
}

#[test]
fn flaps_are_one_line() {
    let digest = digest([
        server(21, "down"),
        vrrp("MASTER"),
        server(21, "up"),
        server(22, "down"),
        server(21, "down"),
    ]);
    assert_eq!(digest.events(), 5);
    assert_eq!(
        texts(&digest),
        [
            "web 192.0.2.21: down, up, down; last: real server 192.0.2.21 of web is down",
            "VI is MASTER",
            "real server 192.0.2.22 of web is down",
        ]
    );
}

#[test]
fn a_long_story_has_its_beginning_and_its_end() {
    let states = ["MASTER", "BACKUP"];
    let digest = digest((0..25).map(|n| vrrp(states[n % 2])));
    assert_eq!(digest.events(), 25);
    assert_eq!(
        texts(&digest),
        [
            "VI: MASTER, BACKUP, MASTER, BACKUP, … 17 more …, BACKUP, MASTER, BACKUP, MASTER; last: \
          VI is MASTER"
        ]
    );
}

#[test]
fn the_same_words_are_one_line() {
    let repair = || Event::new(Kind::Repair, "repaired: it");
    let digest = digest([repair(), Event::new(Kind::Repair, "other"), repair()]);
    assert_eq!(texts(&digest), ["repaired: it (2 times)", "other"]);
}

#[test]
fn beyond_fifty_lines_events_are_counted_by_kind() {
    let servers = (1..=60).map(|last| server(last, "down"));
    let reloads = (1..=3).map(|n| Event::new(Kind::Reload, n.to_string()));
    let mut told = digest(servers.chain(reloads));
    assert_eq!((told.items.len(), told.events()), (50, 63));
    let message = Message::new("1".to_owned(), told.clone());
    assert_eq!(
        message.summary().as_deref(),
        Some("and 13 more events: 3 reload, 10 server")
    );
    assert!(
        message
            .lines()
            .ends_with("and 13 more events: 3 reload, 10 server")
    );
    // Those that have a line still go into it.
    let news = Filter::default().take(&target(""), &entry(99, server(1, "down")));
    told.push(entry(99, server(1, "up")), news.unwrap());
    assert_eq!((told.items.len(), told.events()), (50, 64));
    assert!(texts(&told)[0].contains("down, up"));
}
