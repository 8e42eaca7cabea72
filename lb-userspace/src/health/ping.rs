//! Ping check: ICMP echo.

use std::hash::{BuildHasher, RandomState};
use std::io;

use super::attempt::Attempt;
use super::failure::{Failure, Refusal, Wait};
use super::outcome::{Good, Outcome};
use super::socket::{self, Echoes};

pub(super) mod echo;

use echo::Echo;

/// Of an answer to so short an echo, with the longest IP header.
const LONGEST: usize = 128;

pub(super) async fn probe(attempt: &Attempt<'_>) -> Outcome {
    let to = attempt.to();
    let (socket, echoes) = socket::ping(attempt)?;
    // Replies to others, and late ones, are told apart by it.
    let token = RandomState::new().hash_one(to);
    let echo = Echo {
        ipv6: to.is_ipv6(),
        id: token as u16,
        token,
    };
    let failed = |error: &io::Error| Failure::Connect {
        to,
        fault: Refusal::of(error),
    };
    let request = echo.request();
    let sent = attempt.within(Wait::Echo, socket.send(&request)).await?;
    sent.map_err(|error| failed(&error))?;
    loop {
        let packet = socket::receive(attempt, Wait::Echo, &socket, LONGEST).await?;
        let packet = packet.map_err(|error| failed(&error))?;
        let behind_ip_header = echoes == Echoes::All && to.is_ipv4();
        if echo.is_answered_by(&packet, behind_ip_header) {
            return Ok(Good::default());
        }
    }
}
