use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::config;
use crate::control::orders::{Hold, Order};
use crate::health::Subject;

const SECOND: Duration = Duration::from_secs(1);
const SERVER: &str = "192.0.2.21";

/// Directories of its own, which go with it.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let name = format!("lvx-orders-{}-{test}", std::process::id());
        let place = Self(std::env::temp_dir().join(name));
        let _ = fs::remove_dir_all(&place.0);
        fs::create_dir_all(place.runtime()).unwrap();
        place
    }

    fn runtime(&self) -> PathBuf {
        self.0.join("run")
    }

    fn state(&self) -> PathBuf {
        self.0.join("a/state")
    }

    fn control(&self) -> Control {
        let text = format!(
            "[global]\nstate_dir = {:?}\n[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\n\
             virtual_router_id = 51\naddresses = [\"192.0.2.10/24\"]\n[[service]]\nname = \"web\"\n\
             address = \"192.0.2.10:80\"\ncheck = {{ type = \"tcp\" }}\n\
             [[service.real_server]]\naddress = \"{SERVER}\"\n",
            self.state()
        );
        let config = config::parse(Path::new("lvx.toml"), &text).unwrap();
        Control::new(config, Now::read().instant)
    }

    /// A daemon that starts here: what it is told, and what it says.
    fn start(&self) -> (Orders, Control, Vec<String>) {
        let (mut control, journal) = (self.control(), Journal::default());
        let orders = Orders::restore(&self.runtime(), &mut control, &journal);
        let told = journal.excerpt(None, 100).entries;
        let told = told.into_iter().map(|entry| entry.event.text);
        (orders, control, told.collect())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn server() -> IpAddr {
    SERVER.parse().unwrap()
}

fn subject(service: &str) -> Subject {
    Subject {
        service: service.into(),
        real_server: server(),
    }
}

fn words(control: &Control) -> Vec<String> {
    let now = Now::read().instant;
    let orders = control.orders().values();
    orders.map(|order| order.words(now)).collect()
}

const fn drained(deadline: Option<std::time::Instant>) -> Order {
    Order {
        hold: Some(Hold::Drained { deadline }),
        weight: None,
    }
}

/// The same wall clock, another instant, as after a restart.
fn later(now: Now, by: Duration) -> Now {
    Now {
        instant: now.instant + 1000 * SECOND + by,
        wall: now.wall + by,
    }
}

#[test]
fn what_is_written_is_read_and_deadlines_go_by_the_wall_clock() {
    let place = Place::new("round-trip");
    let (path, now) = (place.runtime().join("orders.json"), Now::read());
    let disabled = |reason: Option<&str>, weight| Order {
        hold: Some(Hold::Disabled {
            reason: reason.map(str::to_owned),
        }),
        weight,
    };
    let mut all = All::from([
        (subject("for good"), drained(None)),
        (subject("soon"), drained(Some(now.instant + 10 * SECOND))),
        (subject("off"), disabled(Some("new \"kernel\""), Some(7))),
        (subject("mute"), disabled(None, None)),
    ]);
    file::write(&path, &all, now).unwrap();
    let then = later(now, 60 * SECOND);
    let read = file::read(&path, then).unwrap();
    all.insert(subject("soon"), drained(Some(then.instant)));
    assert_eq!(read, all);

    let late = All::from([(subject("late"), drained(Some(now.instant + 3600 * SECOND)))]);
    file::write(&path, &late, now).unwrap();
    let read = file::read(&path, then).unwrap();
    let Some(Hold::Drained { deadline }) = read[&subject("late")].hold else {
        panic!("{read:?}");
    };
    // A millisecond is the file's precision.
    let left = deadline.unwrap() - then.instant;
    assert!(left <= 3540 * SECOND && left > 3539 * SECOND, "{left:?}");
}

#[test]
fn a_deadline_that_has_passed_stays_in_the_past() {
    let now = Now::read();
    let then = later(now, 60 * SECOND);
    let at = then.to_wall(then.instant - 30 * SECOND);
    assert!(at < then.to_wall(then.instant));
    assert_eq!(then.to_instant(at), Some(then.instant));
}

#[test]
fn orders_are_there_after_a_restart_until_they_are_taken_back() {
    let place = Place::new("restart");
    let (mut orders, mut control, told) = place.start();
    assert!(told.is_empty(), "{told:?}");
    let now = Now::read().instant;
    let reason = Some("new kernel".to_owned());
    control.disable("web", server(), reason, now).unwrap();
    control.set_weight("web", server(), 5, now).unwrap();
    orders.record(&control).unwrap();
    drop(orders);

    let (mut orders, mut control, _) = place.start();
    assert_eq!(words(&control), ["disabled (new kernel), weight 5"]);
    control.enable("web", server(), now).unwrap();
    control.clear_weight("web", server(), now).unwrap();
    orders.record(&control).unwrap();
    drop(orders);
    assert!(place.start().1.orders().is_empty());
}

#[test]
fn drains_of_an_earlier_version_are_taken_over_once() {
    let place = Place::new("takeover");
    let old = place.runtime().join("drains.json");
    let text = format!(
        "[{{\"service\": \"web\", \"real_server\": \"{SERVER}\", \"deadline\": null}},\n\
         {{\"service\": \"gone\", \"real_server\": \"{SERVER}\", \"deadline\": 1}}]"
    );
    fs::write(&old, &text).unwrap();
    let (mut orders, mut control, _) = place.start();
    assert_eq!(words(&control), ["drained"]);
    let dropped = control.take_dropped_orders();
    assert_eq!(dropped.len(), 1);
    assert_eq!(dropped[0].0, subject("gone"));
    assert!(old.exists(), "not before they are written down");
    orders.record(&control).unwrap();
    assert!(!old.exists());
    drop(orders);

    // A file that comes back, as after a downgrade, ends no newer order.
    fs::write(&old, &text).unwrap();
    let (mut orders, mut control, _) = place.start();
    let now = Now::read().instant;
    control.disable("web", server(), None, now).unwrap();
    orders.record(&control).unwrap();
    drop(orders);
    fs::write(&old, &text).unwrap();
    assert_eq!(words(&place.start().1), ["disabled"]);
}

#[test]
fn garbage_is_kept_aside() {
    let place = Place::new("garbage");
    fs::create_dir_all(place.state()).unwrap();
    let path = place.state().join("orders.json");
    for text in [
        "{\"version\": 1, \"orders\": [{",
        "{\"version\": 2, \"orders\": []}",
        "[]",
    ] {
        fs::write(&path, text).unwrap();
        let (_, control, _) = place.start();
        assert!(control.orders().is_empty());
        let aside = place.state().join("orders.json.unreadable");
        assert_eq!(fs::read_to_string(aside).unwrap(), text);
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_told_and_tried_again() {
    let place = Place::new("unwritable");
    // A file is in its way; permissions would not keep root out.
    let in_the_way = place.0.join("a");
    fs::write(&in_the_way, "").unwrap();
    let (mut orders, mut control, told) = place.start();
    let expected = format!("state_dir {} cannot be used", place.state().display());
    assert!(told.len() == 1 && told[0].contains(&expected), "{told:?}");
    let now = Now::read().instant;
    control.disable("web", server(), None, now).unwrap();
    let error = orders.record(&control).unwrap_err();
    assert!(error.contains(&expected), "{error}");
    let journal = Journal::default();
    assert_eq!(orders.keep(&control, &journal), Err(()));
    assert_eq!(journal.excerpt(None, 9).last, 0, "it was said before");

    fs::remove_file(&in_the_way).unwrap();
    assert_eq!(orders.keep(&control, &journal), Ok(()));
    drop(orders);
    assert_eq!(words(&place.start().1), ["disabled"]);
}

#[test]
fn a_second_daemon_has_no_part_in_the_first_ones_orders() {
    let place = Place::new("second");
    let (mut first, mut control, _) = place.start();
    let now = Now::read().instant;
    control.disable("web", server(), None, now).unwrap();
    first.record(&control).unwrap();
    let (mut second, mut other, told) = place.start();
    assert!(told[0].contains("another lvx has it"), "{told:?}");
    assert!(other.orders().is_empty());
    other.drain("web", server(), None, now).unwrap();
    assert!(second.record(&other).is_err());
    drop((first, second));
    assert_eq!(words(&place.start().1), ["disabled"]);
}
