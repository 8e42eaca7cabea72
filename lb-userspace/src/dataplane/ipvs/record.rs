//! What lvx changed in the kernel, in a file, so that the next daemon knows after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::codec::Timeouts;
use super::sync::{SyncDaemon, SyncRole};
use super::table::ServiceKey;

/// What is ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    pub(super) services: BTreeSet<ServiceKey>,
    /// Values from before us, by name.
    pub(super) sysctls: BTreeMap<String, String>,
    pub(super) sync: BTreeSet<SyncDaemon>,
    /// Those from before us.
    pub(super) timeouts: Option<Timeouts>,
}

/// The file and what it says.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    contents: Contents,
}

impl Record {
    /// Reads the file; none is an empty record.
    pub(super) fn load(path: &Path) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: path.to_owned(),
            contents: Contents::parse(&text),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Changes the record, in the file first.
    pub(super) fn change(&mut self, edit: impl FnOnce(&mut Contents)) -> io::Result<()> {
        let mut contents = self.contents.clone();
        edit(&mut contents);
        if contents == self.contents {
            return Ok(());
        }
        let staged = self.path.with_extension("new");
        fs::write(&staged, contents.text())?;
        fs::rename(&staged, &self.path)?;
        self.contents = contents;
        Ok(())
    }

    /// Removes the file; none is no error.
    pub(super) fn delete(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Contents {
    /// One word for the kind, then its values, on each line; a line that is none of them says
    /// nothing.
    fn parse(text: &str) -> Self {
        let mut contents = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            // A line that cannot be read is left out: it would claim something for us.
            let _ = contents.line(&words);
        }
        contents
    }

    fn line(&mut self, words: &[&str]) -> Option<()> {
        match *words {
            ["service", "address", protocol, address, port] => {
                self.services.insert(ServiceKey::Address {
                    address: address.parse().ok()?,
                    port: port.parse().ok()?,
                    protocol: protocol.parse().ok()?,
                });
            }
            ["service", "fwmark", mark, family] => {
                let mark = mark.parse().ok()?;
                let v6 = family == "ipv6";
                self.services.insert(ServiceKey::Fwmark { mark, v6 });
            }
            ["sysctl", name, value] => {
                self.sysctls.insert(name.to_owned(), value.to_owned());
            }
            ["sync", role, id, interface] => {
                let role = match role {
                    "master" => SyncRole::Master,
                    "backup" => SyncRole::Backup,
                    _ => return None,
                };
                self.sync.insert(SyncDaemon {
                    role,
                    interface: interface.to_owned(),
                    id: id.parse().ok()?,
                });
            }
            ["timeouts", tcp, tcp_fin, udp] => {
                self.timeouts = Some(Timeouts {
                    tcp: tcp.parse().ok()?,
                    tcp_fin: tcp_fin.parse().ok()?,
                    udp: udp.parse().ok()?,
                });
            }
            _ => return None,
        }
        Some(())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |words: std::fmt::Arguments<'_>| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{words}");
        };
        for service in &self.services {
            match *service {
                ServiceKey::Address {
                    address,
                    port,
                    protocol,
                } => line(format_args!("service address {protocol} {address} {port}")),
                ServiceKey::Fwmark { mark, v6 } => {
                    let family = if v6 { "ipv6" } else { "ipv4" };
                    line(format_args!("service fwmark {mark} {family}"));
                }
            }
        }
        for (name, value) in &self.sysctls {
            line(format_args!("sysctl {name} {value}"));
        }
        for SyncDaemon {
            role,
            interface,
            id,
        } in &self.sync
        {
            line(format_args!("sync {} {id} {interface}", role.name()));
        }
        if let Some(Timeouts { tcp, tcp_fin, udp }) = self.timeouts {
            line(format_args!("timeouts {tcp} {tcp_fin} {udp}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        let daemon = |role, id| SyncDaemon {
            role,
            interface: "eth0".to_owned(),
            id,
        };
        Contents {
            services: BTreeSet::from([
                ServiceKey::Address {
                    address: [192, 0, 2, 10].into(),
                    port: 80,
                    protocol: 6,
                },
                ServiceKey::Address {
                    address: "2001:db8::10".parse().unwrap(),
                    port: 0,
                    protocol: 17,
                },
                ServiceKey::Fwmark { mark: 7, v6: true },
                ServiceKey::Fwmark { mark: 7, v6: false },
            ]),
            sysctls: BTreeMap::from([("sloppy_tcp".to_owned(), "0".to_owned())]),
            sync: BTreeSet::from([daemon(SyncRole::Master, 1), daemon(SyncRole::Backup, 2)]),
            timeouts: Some(Timeouts {
                tcp: 900,
                tcp_fin: 120,
                udp: 300,
            }),
        }
    }

    #[test]
    fn text_round_trip() {
        assert_eq!(Contents::parse(&contents().text()), contents());
        assert_eq!(Contents::parse(""), Contents::default());
    }

    #[test]
    fn what_cannot_be_read_claims_nothing() {
        let text = "service address 6 nonsense 80\nservice\nsync both 1 eth0\n\nservice fwmark";
        assert_eq!(Contents::parse(text), Contents::default());
    }

    #[test]
    fn file_is_written_before_the_record_changes() {
        let directory = std::env::temp_dir().join(format!("lvx-record-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("ipvs");
        let mut record = Record::load(&path).unwrap();
        record.change(|record| *record = contents()).unwrap();
        assert_eq!(Record::load(&path).unwrap().contents(), &contents());
        record.delete().unwrap();
        assert!(!path.exists());
        let mut record = Record::load(&directory.join("none").join("ipvs")).unwrap();
        assert!(record.change(|record| *record = contents()).is_err());
        assert_eq!(record.contents(), &Contents::default());
        fs::remove_dir_all(&directory).unwrap();
    }
}
