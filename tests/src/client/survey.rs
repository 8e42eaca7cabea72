//! Every client address asks a few times: who answers whom.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Result, bail};

use crate::client::{TIMEOUT, get};
use crate::lab::Lab;
use crate::lab::topology::{VIP, client_addresses};
use crate::netns::join;
use crate::wait::interrupted;

/// Threads that share the addresses.
const THREADS: usize = 8;
/// Failures that an error message quotes.
const QUOTED: usize = 5;

/// Real server by client address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    servers: BTreeMap<Ipv4Addr, String>,
}

impl Survey {
    #[must_use]
    pub fn new(servers: BTreeMap<Ipv4Addr, String>) -> Self {
        Self { servers }
    }

    /// Clients per real server.
    #[must_use]
    pub fn spread(&self) -> BTreeMap<&str, usize> {
        let mut spread = BTreeMap::new();
        for server in self.servers.values() {
            *spread.entry(server.as_str()).or_default() += 1;
        }
        spread
    }

    /// `rs1 101, rs2 99, rs3 100`.
    #[must_use]
    pub fn spread_text(&self) -> String {
        let parts: Vec<String> = self
            .spread()
            .iter()
            .map(|(server, clients)| format!("{server} {clients}"))
            .collect();
        parts.join(", ")
    }

    /// The clients that are on another server in `other`, with both servers.
    #[must_use]
    pub fn moved<'a>(&'a self, other: &'a Self) -> Vec<(Ipv4Addr, &'a str, &'a str)> {
        self.servers
            .iter()
            .filter_map(|(client, here)| {
                let there = other.servers.get(client).map_or("nobody", String::as_str);
                (here != there).then_some((*client, here.as_str(), there))
            })
            .collect()
    }

    /// The first client of a server.
    #[must_use]
    pub fn client_of(&self, server: &str) -> Option<Ipv4Addr> {
        self.servers
            .iter()
            .find_map(|(client, it)| (it == server).then_some(*client))
    }
}

/// Lets every client address make `rounds` requests to `port` of the VIP.
///
/// # Errors
/// A request failed, or an address was answered by different servers; the message counts all of
/// them and quotes some.
pub fn survey(lab: &Lab, port: u16, rounds: usize) -> Result<Survey> {
    let addresses = client_addresses();
    let threads: Vec<_> = addresses
        .chunks(addresses.len().div_ceil(THREADS))
        .map(|share| {
            let share = share.to_vec();
            lab.client.spawn(move || ask_all(&share, port, rounds))
        })
        .collect();
    let mut servers = BTreeMap::new();
    let mut problems = Vec::new();
    for thread in threads {
        let (answers, failures) = join(thread)?;
        servers.extend(answers);
        problems.extend(failures);
    }
    if !problems.is_empty() {
        let quoted = problems[..problems.len().min(QUOTED)].join("\n  ");
        let requests = addresses.len() * rounds;
        bail!(
            "{} of {requests} requests failed:\n  {quoted}",
            problems.len()
        );
    }
    Ok(Survey { servers })
}

fn ask_all(
    clients: &[Ipv4Addr],
    port: u16,
    rounds: usize,
) -> (BTreeMap<Ipv4Addr, String>, Vec<String>) {
    let mut servers = BTreeMap::new();
    let mut problems = Vec::new();
    for client in clients {
        for _ in 0..rounds {
            if interrupted() {
                problems.push("interrupted".to_owned());
                return (servers, problems);
            }
            match get(*client, SocketAddrV4::new(VIP, port), TIMEOUT) {
                Ok(answer) => {
                    let first = servers
                        .entry(*client)
                        .or_insert_with(|| answer.server.clone());
                    if *first != answer.server {
                        problems.push(format!("{client}: first {first}, then {}", answer.server));
                    }
                }
                Err(error) => problems.push(format!("{client}: {error:#}")),
            }
        }
    }
    (servers, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_clients_and_names_those_that_moved() {
        let survey = |servers: [&str; 3]| {
            let clients = client_addresses().into_iter();
            Survey::new(clients.zip(servers.map(str::to_owned)).collect())
        };
        let before = survey(["rs1", "rs2", "rs1"]);
        assert_eq!(before.spread_text(), "rs1 2, rs2 1");
        assert_eq!(before.client_of("rs2"), Some(client_addresses()[1]));
        assert_eq!(before.moved(&before), []);
        let after = survey(["rs1", "rs2", "rs2"]);
        assert_eq!(
            before.moved(&after),
            [(client_addresses()[2], "rs1", "rs2")]
        );
    }
}
