//! Point 1: every client always has one server, and it is the one that `lvx where` names.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};

use lb_common::maglev::TableSize;
use lb_userspace::dataplane::maglev::{self, Member};

use crate::client::{Survey, survey};
use crate::lab::topology::{CLIENTS, client_addresses, server_address};
use crate::lab::{Director, Lab, WEB_PORT};

/// Requests per client address.
const ROUNDS: usize = 10;

/// # Errors
/// A request fails, a client changes its server, a server has less than half its share, or
/// either director's `lvx where` disagrees with what was seen.
pub fn spread(lab: &mut Lab) -> Result<String> {
    let seen = survey(lab, WEB_PORT, ROUNDS)?;
    for director in &lab.directors {
        as_predicted(lab, director, &seen)?;
    }
    ensure!(seen == computed(lab, None)?, "not as the Maglev table says");
    let servers = lab.plan().servers.len();
    let spread = seen.spread();
    ensure!(
        spread.len() == servers && spread.values().all(|it| it * servers * 2 >= CLIENTS.into()),
        "uneven: {}",
        seen.spread_text()
    );
    Ok(format!(
        "{CLIENTS} clients x {ROUNDS} requests, 0 failed, as `lvx where` says on both directors; {}",
        seen.spread_text()
    ))
}

/// What `lvx where` says of every client of the service `web`.
///
/// # Errors
/// It fails or names no real server of the lab.
pub fn predicted(lab: &Lab, director: &Director) -> Result<Survey> {
    let mut servers = BTreeMap::new();
    for client in client_addresses() {
        let server = director
            .where_is("web", client)?
            .with_context(|| format!("lvx where has no server for {client}"))?;
        let name = lab
            .server_name(server)
            .with_context(|| format!("lvx where says {server}, which is no real server"))?;
        servers.insert(client, name);
    }
    Ok(Survey::new(servers))
}

/// Who is on which server by the Maglev table of the plan's servers, or of those but `dead`.
///
/// # Errors
/// The table is empty.
pub(super) fn computed(lab: &Lab, dead: Option<u8>) -> Result<Survey> {
    let alive = lab.plan().servers.iter().filter(|it| Some(it.0) != dead);
    let members: Vec<Member> = alive
        .map(|(number, weight)| Member {
            address: server_address(*number).into(),
            port: WEB_PORT,
            weight: *weight,
        })
        .collect();
    let table = maglev::fill(&members, TableSize::DEFAULT);
    let server_of = |client: Ipv4Addr| {
        let slot = maglev::client_slot(client.into(), TableSize::DEFAULT);
        let member = members[table[slot as usize]?];
        lab.servers.iter().find(|it| member.address == it.address())
    };
    client_addresses()
        .into_iter()
        .map(|client| Some((client, server_of(client)?.name())))
        .collect::<Option<_>>()
        .map(Survey::new)
        .context("a Maglev table without servers")
}

pub(crate) fn as_predicted(lab: &Lab, director: &Director, seen: &Survey) -> Result<()> {
    let predicted = predicted(lab, director)?;
    let moved = predicted.moved(seen);
    if let Some((client, said, was)) = moved.first() {
        anyhow::bail!(
            "lvx where of {} is wrong for {} clients: {client} was answered by {was}, not {said}",
            director.name(),
            moved.len()
        );
    }
    Ok(())
}
