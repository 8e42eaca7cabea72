use std::collections::BTreeMap;

use super::*;
use crate::api::shape::{Count, Duplicate, Leader, Rival, Tracking};

fn event(kind: &str, state: &str, instance: &str) -> Event {
    Event {
        sequence: 1,
        at: 0,
        kind: kind.to_owned(),
        level: "info".to_owned(),
        instance: Some(instance.to_owned()),
        service: None,
        server: None,
        text: format!("{kind} {state}"),
        fields: BTreeMap::from([("state".to_owned(), state.to_owned())]),
    }
}

#[test]
fn a_resignation_ends_with_a_leader_or_with_us() {
    for (events, expected) in [
        (
            &[("state", "BACKUP"), ("leader", "192.0.2.2")][..],
            Some(Ok("leader 192.0.2.2")),
        ),
        (&[("state", "BACKUP")], None),
        // That one was heard before.
        (&[("leader", "192.0.2.2")], None),
        (
            &[("state", "BACKUP"), ("state", "MASTER"), ("leader", "late")],
            Some(Err("nobody took over: VI is MASTER here again")),
        ),
        (&[("state", "FAULT")], Some(Err("state FAULT"))),
        (&[("order", ""), ("server", "down")], None),
    ] {
        let mut gave_way = false;
        let ended = events.iter().find_map(|(kind, state)| {
            let other = event("state", "MASTER", "VI_2");
            assert_eq!(outcome(&other, "VI", &mut gave_way), None);
            outcome(&event(kind, state, "VI"), "VI", &mut gave_way)
        });
        let expected = expected.map(|ended| ended.map(str::to_owned).map_err(str::to_owned));
        assert_eq!(ended, expected, "{events:?}");
    }
}

#[test]
fn all_that_matters_about_an_instance_is_shown() {
    let vrrp = Vrrp {
        name: "VI".to_owned(),
        interface: "eth0".to_owned(),
        state: "BACKUP".to_owned(),
        reason: "started".to_owned(),
        priority: 100,
        addresses: vec!["192.0.2.10/24".to_owned()],
        adverts_sent: 0,
        adverts_received: 3,
        errors: Vec::new(),
        since: 1_700_000_000,
        leader: Some(Leader {
            address: "192.0.2.2".parse().unwrap(),
            priority: 150,
        }),
        effective_priority: 80,
        resigned: true,
        sync_group: Some("G".to_owned()),
        tracking: vec![Tracking {
            what: "process nginx".to_owned(),
            state: "not-well".to_owned(),
            text: "process nginx does not run".to_owned(),
            weight: Some(-20),
            adjustment: -20,
            fault: false,
        }],
        rivals: vec![Rival {
            address: "192.0.2.3".parse().unwrap(),
            priority: 90,
            since: 1_700_000_000,
        }],
        duplicates: vec![Duplicate {
            address: "192.0.2.10".parse().unwrap(),
            mac: "02:00:00:00:00:09".to_owned(),
            since: 1_700_000_000,
        }],
        counters: vec![Count {
            name: "received".to_owned(),
            packets: 3,
        }],
    };
    let text = describe(&vrrp);
    let since = moment(vrrp.since);
    let expected = format!(
        "VI BACKUP: started
  since {since}
  priority 80 (100 -20 by tracking)
  192.0.2.10/24 on eth0
  192.0.2.2 leads with priority 150
  gave way by hand: `lvx vrrp claim VI` ends that
  in sync group G
  tracks process nginx does not run (-20)
  TWO MASTERS: 192.0.2.3 advertises with priority 90, since {since}
  DUPLICATE ADDRESS: 02:00:00:00:00:09 answers for 192.0.2.10, since {since}
  counters: 3 received
  not accepted: none"
    );
    assert_eq!(text, expected);
}
