//! Switches of the interfaces below devices with virtual MACs: they must not answer ARP for the
//! devices' addresses, nor ask in their name.
//!
//! What they had before is written down, and set back when there is no such device any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::netlink::sysctl::{self, Stack};

/// The larger one of the interface's and that of "all" counts.
const SWITCHES: [(&str, u32); 2] = [
    // Only for addresses on the interface that the question came in by.
    ("arp_ignore", 1),
    // Only in the name of addresses on the interface that the question leaves by.
    ("arp_announce", 2),
];

/// `switches` in the runtime directory.
#[derive(Debug)]
pub(in crate::daemon) struct Parents {
    file: PathBuf,
    /// By interface and switch: what it had.
    before: BTreeMap<(String, String), u32>,
}

impl Parents {
    pub(in crate::daemon) fn load(directory: &Path) -> Self {
        let file = directory.join("switches");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let before = text.lines().filter_map(line).collect();
        Self { file, before }
    }

    /// These interfaces have such devices, and no others.
    pub(in crate::daemon) fn hold(&mut self, interfaces: BTreeSet<String>) {
        let held: BTreeSet<&String> = self.before.keys().map(|(name, _)| name).collect();
        let gone: Vec<String> = held
            .into_iter()
            .filter(|name| !interfaces.contains(*name))
            .cloned()
            .collect();
        for name in gone {
            self.set_back(&name);
        }
        let known = |name: &String| self.before.keys().any(|(held, _)| held == name);
        let new: Vec<String> = interfaces.into_iter().filter(|one| !known(one)).collect();
        for name in new {
            for (switch, value) in SWITCHES {
                if let Err(error) = self.set(&name, switch, value) {
                    tracing::error!(interface = %name, %error, "cannot keep ARP to the virtual MAC");
                }
            }
        }
    }

    /// Repairs what others set back, and says what.
    pub(in crate::daemon) fn audit(&self) -> Vec<String> {
        let mut repaired = Vec::new();
        for (name, switch) in self.before.keys() {
            let wanted = SWITCHES.iter().find(|(known, _)| known == switch);
            let Some((_, value)) = wanted else {
                continue;
            };
            if effective(name, switch).is_some_and(|now| now < *value)
                && sysctl::write(Stack::Ipv4, name, switch, *value).is_ok()
            {
                repaired.push(format!(
                    "{switch} of {name} was set back: it is {value} again"
                ));
            }
        }
        repaired
    }

    /// Sets all back to what they were; says what was set.
    pub(in crate::daemon) fn release(&mut self) -> Vec<String> {
        let names: BTreeSet<String> = self.before.keys().map(|(name, _)| name.clone()).collect();
        names.iter().flat_map(|name| self.set_back(name)).collect()
    }

    fn set(&mut self, name: &str, switch: &str, value: u32) -> io::Result<()> {
        let Some(before) = sysctl::read(Stack::Ipv4, name, switch)? else {
            return Ok(());
        };
        if effective(name, switch).is_some_and(|now| now >= value) {
            return Ok(());
        }
        self.before
            .insert((name.to_owned(), switch.to_owned()), before);
        self.save()?;
        sysctl::write(Stack::Ipv4, name, switch, value)
    }

    fn set_back(&mut self, name: &str) -> Vec<String> {
        let mut done = Vec::new();
        for (switch, value) in SWITCHES {
            let key = (name.to_owned(), switch.to_owned());
            let Some(before) = self.before.remove(&key) else {
                continue;
            };
            // Somebody else's value stays, and an interface may be gone.
            let ours = sysctl::read(Stack::Ipv4, name, switch).ok().flatten() == Some(value);
            if ours && sysctl::write(Stack::Ipv4, name, switch, before).is_ok() {
                done.push(format!("{switch} of {name} set back to {before}"));
            }
        }
        if let Err(error) = self.save() {
            let file = self.file.display();
            tracing::error!(%file, %error, "cannot write down what interfaces had");
        }
        done
    }

    fn save(&self) -> io::Result<()> {
        if self.before.is_empty() {
            return match fs::remove_file(&self.file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let mut text = String::new();
        for ((name, switch), value) in &self.before {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} {switch} {value}");
        }
        fs::write(&self.file, text)
    }
}

fn effective(name: &str, switch: &str) -> Option<u32> {
    let own = sysctl::read(Stack::Ipv4, name, switch).ok().flatten()?;
    let all = sysctl::read(Stack::Ipv4, "all", switch).ok().flatten();
    Some(own.max(all.unwrap_or(0)))
}

fn line(line: &str) -> Option<((String, String), u32)> {
    let mut words = line.split(' ');
    let (name, switch, value) = (words.next()?, words.next()?, words.next()?);
    Some(((name.to_owned(), switch.to_owned()), value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_read_again() {
        let directory = std::env::temp_dir().join(format!("lvx-switches-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut parents = Parents::load(&directory);
        assert!(parents.before.is_empty());
        let key = ("no-such.7".to_owned(), "arp_ignore".to_owned());
        parents.before.insert(key, 3);
        parents.save().unwrap();
        let mut again = Parents::load(&directory);
        assert_eq!(again.before, parents.before);
        // The interface is not there: nothing is set, and the file goes.
        assert!(again.release().is_empty());
        assert!(!directory.join("switches").exists());
        fs::remove_dir_all(directory).unwrap();
    }
}
