//! Processes by name, from /proc.
//!
//! The kernel's process connector would tell of each fork and exit of the whole host, loses
//! messages under load, and works in the initial network namespace alone. So /proc is looked at
//! once a second; as long as the processes known from the last time are enough, only those are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Tracked;

use super::{Report, Seen, Told};

const PERIOD: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Process {
    pub(super) name: String,
    pub(super) at_least: NonZeroU16,
}

/// Process ids by name, as they were seen last.
type Known = BTreeMap<String, Vec<u32>>;

pub(super) async fn run<T: From<Report>>(
    mut wanted: watch::Receiver<BTreeSet<Process>>,
    reports: mpsc::Sender<T>,
) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut told, mut known) = (Told::new(), Known::new());
    loop {
        tokio::select! {
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
                told.forget();
            }
            _ = ticks.tick() => {}
        }
        let processes = wanted.borrow_and_update().clone();
        if processes.is_empty() {
            continue;
        }
        let before = std::mem::take(&mut known);
        let names = processes.clone();
        let look = move || look(Path::new("/proc"), &names, &before);
        // A busy host has thousands of processes.
        let Ok(found) = tokio::task::spawn_blocking(look).await else {
            continue;
        };
        known = found;
        for process in processes {
            let count = known.get(&process.name).map_or(0, Vec::len);
            let seen = judge(&process, count);
            if told.is_news(&process, &seen) {
                let what = Tracked::Process {
                    name: process.name,
                    at_least: process.at_least,
                };
                if reports.send(Report { what, seen }.into()).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn judge(process: &Process, count: usize) -> Seen {
    match (count, process.at_least.get()) {
        (count, at_least) if count >= at_least.into() => Seen::Well,
        (0, _) => Seen::NotWell("does not run".to_owned()),
        (count, at_least) => {
            Seen::NotWell(format!("runs {count} times, {at_least} times are wanted"))
        }
    }
}

fn look(proc: &Path, wanted: &BTreeSet<Process>, known: &Known) -> Known {
    let mut found = Known::new();
    for (name, ids) in known {
        let still = ids.iter().filter(|id| is_named(proc, **id, name));
        found.insert(name.clone(), still.copied().collect());
    }
    let enough = |process: &Process| {
        let count = found.get(&process.name).map_or(0, Vec::len);
        count >= process.at_least.get().into()
    };
    if wanted.iter().all(enough) {
        found.retain(|name, _| wanted.iter().any(|process| process.name == *name));
        return found;
    }
    let names: BTreeSet<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
    let mut found = Known::new();
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    for id in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        let Some(of) = names_of(proc, id) else {
            continue;
        };
        for name in of.iter().filter(|name| names.contains(name.as_str())) {
            found.entry(name.clone()).or_default().push(id);
        }
    }
    found
}

fn is_named(proc: &Path, id: u32, name: &str) -> bool {
    names_of(proc, id).is_some_and(|names| names.contains(name))
}

/// The names of a live process: the kernel's, which has at most 15 bytes, and that of its program
/// as it was called. `None`: it has ended.
fn names_of(proc: &Path, id: u32) -> Option<BTreeSet<String>> {
    let directory = proc.join(id.to_string());
    let stat = fs::read(directory.join("stat")).ok()?;
    let mut names = BTreeSet::from([live_name(&stat)?]);
    let line = fs::read(directory.join("cmdline")).unwrap_or_default();
    let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = program.rsplit(|byte| *byte == b'/').next();
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        names.insert(String::from_utf8_lossy(name).into_owned());
    }
    Some(names)
}

/// From `12 (name) S …`; the name may have parentheses and spaces. A zombie is no live process.
fn live_name(stat: &[u8]) -> Option<String> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let state = stat.get(close + 2)?;
    let name = stat.get(open + 1..close)?;
    let live = !matches!(state, b'Z' | b'X');
    live.then(|| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_whatever_is_in_them() {
        for (stat, name) in [
            ("12 (nginx) S 1 12", Some("nginx")),
            ("12 (a (b) c) R 1", Some("a (b) c")),
            ("12 (nginx) Z 1", None),
            ("12 (cut", None),
            ("12 (cut)", None),
            ("", None),
        ] {
            assert_eq!(live_name(stat.as_bytes()).as_deref(), name, "{stat}");
        }
    }

    #[test]
    fn counts_are_judged() {
        let process = |at_least| Process {
            name: "nginx".to_owned(),
            at_least: NonZeroU16::new(at_least).unwrap(),
        };
        assert_eq!(judge(&process(1), 1), Seen::Well);
        assert_eq!(judge(&process(2), 5), Seen::Well);
        let Seen::NotWell(words) = judge(&process(3), 2) else {
            panic!("two are not enough");
        };
        assert_eq!(words, "runs 2 times, 3 times are wanted");
        assert!(matches!(judge(&process(1), 0), Seen::NotWell(_)));
    }

    #[test]
    fn known_processes_are_enough_while_they_live() {
        let proc = std::env::temp_dir().join(format!("lvx-proc-{}", std::process::id()));
        let process = |id: u32, stat: &str, line: &str| {
            let directory = proc.join(id.to_string());
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("stat"), format!("{id} ({stat}) S 1")).unwrap();
            fs::write(directory.join("cmdline"), line.as_bytes()).unwrap();
        };
        process(7, "nginx: master p", "/usr/sbin/nginx\0-g\0");
        process(8, "nginx", "nginx: worker process\0");
        process(9, "kthreadd", "");
        let wanted = |name: &str, at_least| {
            BTreeSet::from([Process {
                name: name.to_owned(),
                at_least: NonZeroU16::new(at_least).unwrap(),
            }])
        };
        let mut found = look(&proc, &wanted("nginx", 2), &Known::new());
        found.values_mut().for_each(|ids| ids.sort_unstable());
        assert_eq!(found["nginx"], [7, 8]);
        // Another one is not looked for, one that is gone is replaced.
        process(10, "nginx", "nginx\0");
        assert_eq!(look(&proc, &wanted("nginx", 2), &found), found);
        fs::remove_dir_all(proc.join("7")).unwrap();
        let mut found = look(&proc, &wanted("nginx", 2), &found);
        found.values_mut().for_each(|ids| ids.sort_unstable());
        assert_eq!(found["nginx"], [8, 10]);
        assert_eq!(look(&proc, &wanted("kthreadd", 1), &found)["kthreadd"], [9]);
        fs::remove_dir_all(&proc).unwrap();
    }
}
