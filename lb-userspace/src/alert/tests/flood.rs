use std::path::PathBuf;
use std::time::Instant;

use super::*;
use crate::alert::Alerts;
use crate::events::Journal;

const PATIENCE: Duration = Duration::from_secs(30);

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that failed may have left less.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The runtime has one thread, so that the target hears nothing until all has been told.
#[tokio::test]
async fn more_events_than_fit_are_counted() {
    const EVENTS: u64 = 3000;
    let name = format!("lvx-alert-flood-{}", std::process::id());
    let scratch = Scratch(std::env::temp_dir().join(name));
    std::fs::create_dir(&scratch.0).unwrap();
    let got = scratch.0.join("got");
    let id = std::process::Command::new("id").arg("-un").output();
    let user = String::from_utf8(id.unwrap().stdout).unwrap();
    let text = format!(
        "[[notify]]\nname = \"t\"\ntype = \"command\"\nuser = \"{}\"\ngroup = \"10ms\"\n\
         events = [\"all\"]\ncommand = [\"/bin/sh\", \"-c\", \"cat >> {1}; echo >> {1}\"]\n\
         {INSTANCES}",
        user.trim(),
        got.display()
    );
    let config = config::parse(std::path::Path::new("test.toml"), &text).unwrap();
    let journal = Journal::default();
    let mut alerts = Alerts::new(journal.clone());
    alerts.configure(&config);
    let start = Instant::now();
    for number in 0..EVENTS {
        journal.tell(Event::new(Kind::Order, format!("order {number}")));
    }
    assert!(start.elapsed() < PATIENCE / 3, "it waits for nobody");
    let accounted = || {
        let got = std::fs::read_to_string(&got).unwrap_or_default();
        let messages = got.lines().map(serde_json::from_str::<serde_json::Value>);
        let numbers = messages.map(|message| {
            let message = message.unwrap_or_default();
            let number = |key: &str| message[key].as_u64().unwrap_or_default();
            (number("count"), number("dropped"))
        });
        numbers.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    };
    while accounted().0 + accounted().1 < EVENTS {
        assert!(start.elapsed() < PATIENCE, "{:?}", accounted());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (told, dropped) = accounted();
    assert_eq!(told + dropped, EVENTS);
    assert!(told >= 1024 && dropped >= 1000, "{told} and {dropped}");
    alerts.finish(Duration::from_secs(2)).await;
}
