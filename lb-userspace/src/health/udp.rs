//! UDP check: a datagram, and what comes back.

use std::io;

use crate::config::{Udp, Unlike};

use super::attempt::Attempt;
use super::failure::{Failure, Wait, plain};
use super::outcome::{Good, Outcome};
use super::socket;

/// Of any datagram.
const LONGEST: usize = 65_536;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UdpFault {
    #[error("ICMP says that nothing listens on the port")]
    Refused,
    #[error("{0}: no route to the host, or it does not answer ARP or NDP")]
    Unreachable(String),
    #[error("cannot send to it: {0}")]
    Send(String),
    #[error("its answer of {length} bytes is not the expected one: {why}")]
    Unlike { length: usize, why: Unlike },
}

pub(super) async fn probe(attempt: &Attempt<'_>, udp: &Udp) -> Outcome {
    let to = attempt.to();
    let failed = |fault| Failure::Udp { to, fault };
    let socket = socket::udp(attempt)?;
    let sent = attempt
        .within(Wait::Datagram, socket.send(&udp.payload))
        .await?;
    sent.map_err(|error| failed(fault(&error)))?;
    let answer = socket::receive(attempt, Wait::Datagram, &socket, LONGEST).await;
    let answer = match (answer, &udp.expect) {
        (Err(_), None) => return Ok(Good::default()),
        (answer, _) => answer?,
    };
    let answer = answer.map_err(|error| failed(fault(&error)))?;
    let length = answer.len();
    let wanted = udp.expect.as_ref();
    let judged = wanted.map_or(Ok(()), |wanted| wanted.judge(&answer));
    judged.map_err(|why| failed(UdpFault::Unlike { length, why }))?;
    Ok(Good::default())
}

fn fault(error: &io::Error) -> UdpFault {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => UdpFault::Refused,
        Some(libc::EHOSTUNREACH | libc::ENETUNREACH) => UdpFault::Unreachable(plain(error)),
        Some(_) | None => UdpFault::Send(plain(error)),
    }
}
