//! Points 2 and 3: a real server dies and comes back.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::spread::{as_predicted, computed, predicted};
use crate::client::{TIMEOUT, get, survey};
use crate::lab::topology::VIP;
use crate::lab::{Lab, WEB_PORT};
use crate::wait::wait_until;

/// The server that dies.
const VICTIM: u8 = 2;

/// Kills `rs2`, and leaves it dead.
///
/// # Errors
/// A request fails after the death has been noticed, the victim is not noticed or still used,
/// or other clients move than the Maglev table without it moves.
pub fn server_dies(lab: &mut Lab) -> Result<String> {
    let before = predicted(lab, &lab.directors[0])?;
    let victim = lab.servers[usize::from(VICTIM) - 1].name();
    let client = before.client_of(&victim).context("nobody is on it")?;
    let victims = before.spread().get(victim.as_str()).copied().unwrap_or(0);
    let start = Instant::now();
    lab.servers[usize::from(VICTIM) - 1].kill();
    wait_answered(lab, client, &victim, false)?;
    let noticed = start.elapsed();
    let after = survey(lab, WEB_PORT, 2)?;
    as_predicted(lab, &lab.directors[0], &after)?;
    ensure!(
        after == computed(lab, Some(VICTIM))?,
        "not as the Maglev table says"
    );

    let moved = before.moved(&after);
    let others = moved.iter().filter(|(_, was, _)| *was != victim).count();
    let stayed = before.spread().values().sum::<usize>() - victims;
    Ok(format!(
        "{victim} out after {} ms, then 0 of 600 requests failed; its {victims} clients moved, and \
         {others} of the {stayed} others (the Maglev share)",
        noticed.as_millis()
    ))
}

/// Starts `rs2` again after [`server_dies`].
///
/// # Errors
/// It is not used again, or not by the clients that `lvx where` names.
pub fn server_returns(lab: &mut Lab) -> Result<String> {
    let address = lab.servers[usize::from(VICTIM) - 1].address();
    let victim = lab.servers[usize::from(VICTIM) - 1].name();
    lab.start_server(VICTIM)?;
    for director in &lab.directors {
        director.wait_server(address, true)?;
    }
    let expected = predicted(lab, &lab.directors[0])?;
    let client = expected.client_of(&victim).context("nobody is on it")?;
    wait_answered(lab, client, &victim, true)?;
    let seen = survey(lab, WEB_PORT, 2)?;
    for director in &lab.directors {
        as_predicted(lab, director, &seen)?;
    }
    Ok(format!("used again; {}", seen.spread_text()))
}

/// Waits until `client` is answered by the server `name`, or by any other one if not `by_it`:
/// then the table that says so is in the kernel.
pub(crate) fn wait_answered(lab: &Lab, client: Ipv4Addr, name: &str, by_it: bool) -> Result<()> {
    let what = format!("the table of {client} to change");
    let name = name.to_owned();
    lab.client.run(move || {
        wait_until(&what, Duration::from_secs(5), || {
            let answer = get(client, SocketAddrV4::new(VIP, WEB_PORT), TIMEOUT)?;
            Ok((answer.server == name) == by_it)
        })
    })?
}
