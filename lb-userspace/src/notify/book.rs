//! Which changes of state there are to tell. PURE.

use std::collections::BTreeMap;

use crate::config::{Config, Script};
use crate::vrrp::{State, group};

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Instance(String),
    Group(String),
}

impl Subject {
    /// keepalived's word for it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Instance(_) => "INSTANCE",
            Self::Group(_) => "GROUP",
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Instance(name) | Self::Group(name) => name,
        }
    }
}

/// A change of state that others want to know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub subject: Subject,
    pub state: State,
    pub previous: State,
    /// A group has none: 0.
    pub priority: u8,
    pub cause: String,
    /// Whom to tell, besides the named pipe.
    pub script: Option<Script>,
    /// The instance is configured no more: there will be no other change.
    pub is_last: bool,
}

impl Change {
    /// The line for the named pipe, as keepalived writes it.
    #[must_use]
    pub fn line(&self) -> String {
        let (kind, name) = (self.subject.kind(), self.subject.name());
        format!("{kind} \"{name}\" {} {}\n", self.state, self.priority)
    }
}

#[derive(Debug)]
struct Known {
    state: State,
    script: Option<Script>,
    configured: bool,
}

#[derive(Debug)]
struct Group {
    members: Vec<String>,
    state: State,
    script: Option<Script>,
}

/// The states that were told last.
#[derive(Debug, Default)]
pub struct Book {
    instances: BTreeMap<String, Known>,
    groups: BTreeMap<String, Group>,
}

impl Book {
    /// An instance that goes is known until it has told its end.
    pub fn configure(&mut self, config: &Config) {
        for known in self.instances.values_mut() {
            known.configured = false;
        }
        for instance in &config.vrrp {
            let known = self.instances.entry(instance.name.clone());
            let known = known.or_insert(Known {
                state: State::Initialize,
                script: None,
                configured: true,
            });
            known.script.clone_from(&instance.notify);
            known.configured = true;
        }
        self.instances
            .retain(|_, known| known.configured || known.state != State::Initialize);
        self.groups = config
            .sync_groups
            .iter()
            .map(|group| {
                let members = group.instances.clone();
                let state = self.joint_state(&members);
                let script = group.notify.clone();
                let known = Group {
                    members,
                    state,
                    script,
                };
                (group.name.clone(), known)
            })
            .collect();
    }

    /// Takes the new state of an instance; what there is to tell of it and of its group.
    pub fn enter(
        &mut self,
        instance: &str,
        state: State,
        priority: u8,
        cause: &str,
    ) -> Vec<Change> {
        let Some(known) = self.instances.get_mut(instance) else {
            return Vec::new();
        };
        let previous = std::mem::replace(&mut known.state, state);
        if previous == state {
            return Vec::new();
        }
        let is_last = !known.configured && state == State::Initialize;
        let mut changes = vec![Change {
            subject: Subject::Instance(instance.to_owned()),
            state,
            previous,
            priority,
            cause: cause.to_owned(),
            script: known.script.clone(),
            is_last,
        }];
        if is_last {
            self.instances.remove(instance);
        }
        changes.extend(self.follow(instance, cause));
        changes
    }

    /// The change of the instance's group, if its state is another now.
    fn follow(&mut self, instance: &str, cause: &str) -> Option<Change> {
        let (name, group) = self
            .groups
            .iter()
            .find(|(_, group)| group.members.iter().any(|member| member == instance))?;
        let name = name.clone();
        let state = self.joint_state(&group.members);
        let group = self.groups.get_mut(&name)?;
        let previous = std::mem::replace(&mut group.state, state);
        (previous != state).then(|| Change {
            subject: Subject::Group(name),
            state,
            previous,
            priority: 0,
            cause: cause.to_owned(),
            script: group.script.clone(),
            is_last: false,
        })
    }

    fn joint_state(&self, members: &[String]) -> State {
        let state = |name: &String| {
            let known = self.instances.get(name);
            known.map_or(State::Initialize, |known| known.state)
        };
        group::Group::state(members.iter().map(state))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    const INSTANCES: &str = r#"
[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 51
addresses = ["192.0.2.10/24"]
notify = ["/etc/lvx/a"]
[[vrrp]]
name = "B"
interface = "eth1"
virtual_router_id = 52
addresses = ["198.51.100.10/24"]
"#;
    const GROUP: &str = "[[sync_group]]\nname = \"G\"\ninstances = [\"A\", \"B\"]\n";

    fn config(text: &str) -> Config {
        config::parse(Path::new("test.toml"), text).unwrap()
    }

    fn lines(changes: &[Change]) -> Vec<String> {
        changes.iter().map(Change::line).collect()
    }

    #[test]
    fn a_group_is_what_all_its_members_are() {
        use State::{Backup, Fault, Initialize, Master};
        for (members, state) in [
            ([Master, Master], Master),
            ([Master, Backup], Backup),
            ([Backup, Backup], Backup),
            ([Fault, Master], Fault),
            ([Fault, Initialize], Fault),
            ([Initialize, Backup], Initialize),
            ([Initialize, Master], Initialize),
        ] {
            assert_eq!(group::Group::state(members), state, "{members:?}");
        }
    }

    #[test]
    fn changes_are_told_once_of_instances_and_groups() {
        let mut book = Book::default();
        book.configure(&config(&format!("{INSTANCES}{GROUP}")));
        for (instance, state, told) in [
            ("A", State::Backup, &["INSTANCE \"A\" BACKUP 100\n"][..]),
            (
                "B",
                State::Backup,
                &["INSTANCE \"B\" BACKUP 100\n", "GROUP \"G\" BACKUP 0\n"],
            ),
            ("A", State::Master, &["INSTANCE \"A\" MASTER 100\n"]),
            ("A", State::Master, &[]),
            (
                "B",
                State::Master,
                &["INSTANCE \"B\" MASTER 100\n", "GROUP \"G\" MASTER 0\n"],
            ),
            (
                "A",
                State::Fault,
                &["INSTANCE \"A\" FAULT 100\n", "GROUP \"G\" FAULT 0\n"],
            ),
            ("B", State::Fault, &["INSTANCE \"B\" FAULT 100\n"]),
            ("C", State::Master, &[]),
        ] {
            let changes = book.enter(instance, state, 100, "");
            assert_eq!(lines(&changes), told, "{instance} {state}");
        }
    }

    #[test]
    fn a_change_has_its_script_its_past_and_its_cause() {
        let mut book = Book::default();
        book.configure(&config(INSTANCES));
        book.enter("A", State::Backup, 100, "started");
        let changes = book.enter("A", State::Master, 90, "silence");
        let [change] = &changes[..] else {
            panic!("{changes:?}");
        };
        assert_eq!(change.previous, State::Backup);
        assert_eq!((change.priority, change.cause.as_str()), (90, "silence"));
        let program = change.script.as_ref().map(|script| &script.program);
        assert_eq!(program, Some(&"/etc/lvx/a".into()));
    }

    #[test]
    fn an_instance_that_is_removed_tells_its_end() {
        let mut book = Book::default();
        book.configure(&config(INSTANCES));
        book.enter("A", State::Master, 100, "");
        let (_, rest) = INSTANCES.split_at(INSTANCES.rfind("[[vrrp]]").unwrap());
        book.configure(&config(rest));
        let changes = book.enter("A", State::Initialize, 100, "removed");
        assert_eq!(lines(&changes), ["INSTANCE \"A\" INIT 100\n"]);
        assert!(changes[0].is_last && changes[0].script.is_some());
        assert_eq!(book.enter("A", State::Backup, 100, ""), []);
    }
}
