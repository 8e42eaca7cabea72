//! Scripts that are told whether a service has enough healthy real servers.

use std::time::Duration;

use crate::config::Script;
use crate::events::{Event, Journal, Kind, Level};
use crate::script::Runner;

use super::latest::{Jobs, Latest};

/// Scripts that run at once.
const AT_ONCE: usize = 16;

/// A service lost its quorum, or has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumChange {
    pub service: String,
    pub has: bool,
    pub healthy: usize,
    pub needed: usize,
    /// Whom to tell; `None`: nobody, who is told of the next change nevertheless.
    pub script: Option<Script>,
    pub router_id: String,
}

impl QuorumChange {
    const fn state(&self) -> &'static str {
        if self.has { "up" } else { "down" }
    }

    fn words(&self) -> [String; 4] {
        [
            self.service.clone(),
            self.state().to_owned(),
            self.healthy.to_string(),
            self.needed.to_string(),
        ]
    }

    fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("LVX_SERVICE", self.service.clone()),
            ("LVX_STATE", self.state().to_owned()),
            ("LVX_HEALTHY", self.healthy.to_string()),
            ("LVX_NEEDED", self.needed.to_string()),
            ("LVX_ROUTER_ID", self.router_id.clone()),
        ]
    }
}

/// Runs the scripts. For each service one runs at most, and one waits: a newer change takes the
/// place of one that waits.
pub struct QuorumScripts {
    runner: Runner,
    journal: Journal,
    changes: Latest<String, QuorumChange>,
}

impl QuorumScripts {
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self {
            runner: Runner::new(AT_ONCE),
            changes: Latest::new("quorum scripts", journal.clone()),
            journal,
        }
    }

    /// Forgets other services; what they have got is still told.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.changes.retain(|name| wanted(name));
    }

    /// Never waits.
    pub fn tell(&mut self, change: QuorumChange) {
        let service = change.service.clone();
        self.changes.tell(
            service,
            |_| change,
            |changes| deliver(changes, self.runner.clone(), self.journal.clone()),
        );
    }

    /// Waits until all that was told has been heard, but no longer than `limit`: what runs on
    /// then is killed.
    pub async fn finish(self, limit: Duration) {
        self.changes.finish(limit).await;
    }
}

/// Runs scripts until the sender is gone and its last change is told.
async fn deliver(mut changes: Jobs<QuorumChange>, runner: Runner, journal: Journal) {
    let mut told = None;
    while changes.changed().await.is_ok() {
        let Some(change) = changes.borrow_and_update().clone() else {
            continue;
        };
        // It went away and came back while the script ran.
        if told == Some(change.has) {
            continue;
        }
        told = Some(change.has);
        let Some(script) = &change.script else {
            continue;
        };
        let ended = runner
            .run(script, &change.words(), &change.variables())
            .await;
        if ended.is_good() {
            continue;
        }
        told = None;
        let (service, state) = (&change.service, change.state());
        let program = script.program.display();
        let text = format!("quorum script {program} of {service} ({state}) {ended}");
        let event = Event::new(Kind::Notify, text).level(Level::Warn);
        journal.tell(event.service(service));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn user() -> String {
        let id = std::process::Command::new("id").arg("-un").output();
        let user = String::from_utf8(id.unwrap().stdout).unwrap();
        user.trim().to_owned()
    }

    fn change(has: bool, healthy: usize, script: &str) -> QuorumChange {
        QuorumChange {
            service: "web".to_owned(),
            has,
            healthy,
            needed: 2,
            script: Some(Script {
                program: "/bin/sh".into(),
                arguments: vec!["-c".to_owned(), script.to_owned(), "sh".to_owned()],
                user: user(),
                timeout: PATIENCE,
            }),
            router_id: "lb1".to_owned(),
        }
    }

    #[tokio::test]
    async fn scripts_are_told_by_words_and_environment() {
        let name = format!("lvx-quorum-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let script = format!(
            "echo $1 $2 $3 $4 $LVX_SERVICE $LVX_STATE $LVX_HEALTHY $LVX_NEEDED $LVX_ROUTER_ID >> \
             {}",
            file.display()
        );
        let journal = Journal::default();
        let mut scripts = QuorumScripts::new(journal.clone());
        scripts.tell(change(false, 1, &script));
        scripts.finish(PATIENCE).await;
        let told = fs::read_to_string(&file);
        let _ = fs::remove_file(file);
        let said = journal.excerpt(None, 10).entries;
        assert_eq!(
            told.ok().as_deref(),
            Some("web down 1 2 web down 1 2 lb1\n"),
            "{said:?}"
        );
    }

    #[tokio::test]
    async fn of_changes_that_wait_the_latest_is_told() {
        let name = format!("lvx-quorum-latest-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        let script = format!("echo $2 $3 >> {}", file.display());
        let mut scripts = QuorumScripts::new(Journal::default());
        for (has, healthy) in [(true, 3), (false, 1), (true, 2)] {
            scripts.tell(change(has, healthy, &script));
        }
        scripts.finish(PATIENCE).await;
        let told = fs::read_to_string(&file);
        let _ = fs::remove_file(file);
        assert_eq!(told.ok().as_deref(), Some("up 2\n"));
    }

    #[tokio::test]
    async fn a_script_that_fails_is_said() {
        let journal = Journal::default();
        let mut scripts = QuorumScripts::new(journal.clone());
        scripts.tell(change(true, 3, "echo no; exit 7"));
        scripts.finish(PATIENCE).await;
        let entries = journal.excerpt(None, 10).entries;
        let texts: Vec<&str> = entries.iter().map(|e| e.event.text.as_str()).collect();
        let expected = "quorum script /bin/sh of web (up) exited with 7: no";
        assert_eq!(texts, [expected]);
    }
}
