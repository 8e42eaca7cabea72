use super::*;

fn message(events: impl IntoIterator<Item = Event>) -> Message {
    Message::new("0123.7".to_owned(), digest(events))
}

#[test]
fn fields_are_of_the_latest_event() {
    let message = message([vrrp("MASTER"), server(21, "down").level(Level::Warn)]);
    for (field, value) in [
        (Field::RouterId, "lb1"),
        (Field::Target, "ops"),
        (Field::Id, "0123.7"),
        (Field::Count, "2"),
        (
            Field::Text,
            "real server 192.0.2.21 of web is down (and another event)",
        ),
        (
            Field::Events,
            "2023-11-14 22:13:21 UTC info  VI is MASTER\n\
             2023-11-14 22:13:22 UTC warn  real server 192.0.2.21 of web is down",
        ),
        (Field::Kind, "server"),
        (Field::Level, "warn"),
        (Field::At, "2023-11-14 22:13:22 UTC"),
        (Field::Instance, ""),
        (Field::Service, "web"),
        (Field::Server, "192.0.2.21"),
        (Field::State, "down"),
        (Field::From, ""),
        (Field::Dropped, "0"),
    ] {
        assert_eq!(message.field(field, &context()), value, "{field:?}");
    }
    let all: Vec<_> = Field::NAMES.iter().collect();
    assert_eq!(all.len(), 15, "each field is in the table above");
}

#[test]
fn what_servers_say_cannot_break_lines() {
    let said = "down: 220 hello\r\nBcc: everybody@example.org\u{1b}[2J";
    let message = message([server(21, said)]);
    let lines = message.field(Field::Events, &context());
    assert_eq!(lines.lines().count(), 1, "{lines}");
    for field in [Field::Text, Field::State, Field::Events] {
        let text = message.field(field, &context());
        assert!(!text.contains(char::is_control), "{text}");
    }
    assert_eq!(line("abcdef", 3), "abc…");
    assert_eq!(line("äöü", 3), "äöü");
}

#[test]
fn programs_get_all_of_it() {
    let mut message = message([
        vrrp("BACKUP"),
        vrrp("MASTER").field("priority", 100),
        server(21, "down"),
    ]);
    message.dropped = 4;
    let body = json::body(&message, &context()).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected = serde_json::json!({
        "version": 1,
        "id": "0123.7",
        "router_id": "lb1",
        "target": "ops",
        "started": 1_700_000_000_000_u64,
        "at": 1_700_000_003_000_u64,
        "level": "info",
        "text": "real server 192.0.2.21 of web is down (and 2 other events)",
        "count": 3,
        "events": [
            {
                "id": 2,
                "kind": "state",
                "level": "info",
                "at": 1_700_000_002_000_u64,
                "text": "VI: BACKUP, MASTER; last: VI is MASTER",
                "count": 2,
                "instance": "VI",
                "to": "MASTER",
                "states": ["BACKUP", "MASTER"],
                "fields": { "state": "MASTER", "priority": "100" }
            },
            {
                "id": 3,
                "kind": "server",
                "level": "info",
                "at": 1_700_000_003_000_u64,
                "text": "real server 192.0.2.21 of web is down",
                "count": 1,
                "service": "web",
                "server": "192.0.2.21",
                "to": "down",
                "fields": { "state": "down" }
            }
        ],
        "more": {},
        "dropped": 4
    });
    assert_eq!(body, expected);
}
