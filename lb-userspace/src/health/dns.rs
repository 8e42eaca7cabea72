//! DNS check: a question, and the answer to it.

use std::io;

use hickory_proto::op::{Message, Query};

use crate::config::Dns;

use super::attempt::Attempt;
use super::failure::{Failure, Wait, plain};
use super::outcome::{Good, Outcome};
use super::socket;
use super::stream::Conversation;

pub(super) mod answer;

pub(super) use answer::DnsFault;
use answer::{Judged, judge};

/// What we ask for has no room for more (RFC 1035, 4.2.1), but some servers send more.
const LONGEST: usize = 4096;

pub(super) async fn probe(attempt: &Attempt<'_>, dns: &Dns) -> Outcome {
    let to = attempt.to();
    let failed = |fault| Failure::Dns { to, fault };
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(dns.name.clone(), dns.record));
    let id = question.metadata.id;
    let bytes = question
        .to_vec()
        .map_err(|error| failed(DnsFault::Question(error.to_string())))?;
    if dns.tcp {
        over_tcp(attempt, dns, id, &bytes).await?;
    } else {
        over_udp(attempt, dns, id, &bytes).await?;
    }
    Ok(Good::default())
}

async fn over_udp(
    attempt: &Attempt<'_>,
    dns: &Dns,
    id: u16,
    question: &[u8],
) -> Result<(), Failure> {
    let to = attempt.to();
    let failed = |fault| Failure::Dns { to, fault };
    let socket = socket::udp(attempt)?;
    let sent = attempt
        .within(Wait::Datagram, socket.send(question))
        .await?;
    sent.map_err(|error| failed(fault(&error)))?;
    loop {
        let answer = socket::receive(attempt, Wait::Datagram, &socket, LONGEST).await?;
        let answer = answer.map_err(|error| failed(fault(&error)))?;
        match judge(&answer, dns, id) {
            Judged::Done(judged) => return judged.map_err(failed),
            // Somebody's guess.
            Judged::NotOurs => {}
        }
    }
}

async fn over_tcp(
    attempt: &Attempt<'_>,
    dns: &Dns,
    id: u16,
    question: &[u8],
) -> Result<(), Failure> {
    const WAIT: Wait = Wait::To("an answer to the question");
    let to = attempt.to();
    let failed = |fault| Failure::Dns { to, fault };
    let stream = socket::tcp(attempt).await?;
    let mut conversation = Conversation::new(attempt, stream);
    // A question is some dozens of bytes.
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    let framed = [&length.to_be_bytes()[..], question].concat();
    conversation.send(&framed, WAIT).await?;
    loop {
        let answer = conversation
            .receive(WAIT, answer::framed, |never| match never {})
            .await?;
        if let Judged::Done(judged) = judge(&answer, dns, id) {
            judged.map_err(failed)?;
            conversation.end().await;
            return Ok(());
        }
    }
}

fn fault(error: &io::Error) -> DnsFault {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => DnsFault::Refused,
        Some(_) | None => DnsFault::Send(plain(error)),
    }
}
