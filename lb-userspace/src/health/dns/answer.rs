//! Whether a DNS message is the answer that is wanted. PURE.

use std::convert::Infallible;

use hickory_proto::op::{Message, MessageType, ResponseCode};

use crate::config::Dns;
use crate::health::failure::excerpt;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::health) enum DnsFault {
    #[error("ICMP says that nothing listens on the port")]
    Refused,
    #[error("cannot send to it: {0}")]
    Send(String),
    #[error("the question cannot be written: {0}")]
    Question(String),
    #[error("its answer is not DNS: {0}")]
    Garbled(String),
    #[error("it answers {got}, expected {wanted}")]
    Code { got: String, wanted: String },
    #[error("no answer is {wanted:?}{}", among(.got))]
    Answer { wanted: String, got: Vec<String> },
    #[error("its answer is cut short: write `tcp = true`")]
    Truncated,
}

fn among(got: &[String]) -> String {
    match got {
        [] => ": there is none".to_owned(),
        got => excerpt(&format!(" among {}", got.join(", "))),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::health) enum Judged {
    /// It answers another question.
    NotOurs,
    Done(Result<(), DnsFault>),
}

pub(in crate::health) fn judge(bytes: &[u8], wanted: &Dns, id: u16) -> Judged {
    // What is not even a header of ours may be anybody's.
    if bytes.first_chunk() != Some(&id.to_be_bytes()) {
        return Judged::NotOurs;
    }
    let message = match Message::from_vec(bytes) {
        Ok(message) => message,
        Err(error) => {
            let words = excerpt(&error.to_string());
            return Judged::Done(Err(DnsFault::Garbled(words)));
        }
    };
    if message.metadata.message_type != MessageType::Response {
        return Judged::NotOurs;
    }
    // Some servers leave the question out of an error.
    let asked = message.queries.first();
    if asked
        .is_some_and(|asked| asked.query_type() != wanted.record || *asked.name() != wanted.name)
    {
        return Judged::NotOurs;
    }
    Judged::Done(judge_content(&message, wanted))
}

fn judge_content(message: &Message, wanted: &Dns) -> Result<(), DnsFault> {
    let code = message.metadata.response_code;
    if code != wanted.rcode {
        return Err(DnsFault::Code {
            got: name(code),
            wanted: name(wanted.rcode),
        });
    }
    let Some(answer) = &wanted.answer else {
        return Ok(());
    };
    let got: Vec<String> = message
        .answers
        .iter()
        .map(|record| record.data.to_string())
        .collect();
    let plain = |text: &str| text.trim_end_matches('.').trim_matches('"').to_lowercase();
    if got.iter().any(|got| plain(got) == plain(answer)) {
        return Ok(());
    }
    if message.metadata.truncation {
        return Err(DnsFault::Truncated);
    }
    let wanted = answer.clone();
    Err(DnsFault::Answer { wanted, got })
}

/// As the file and `dig` write it.
fn name(code: ResponseCode) -> String {
    let known = [
        (ResponseCode::NoError, "NOERROR"),
        (ResponseCode::FormErr, "FORMERR"),
        (ResponseCode::ServFail, "SERVFAIL"),
        (ResponseCode::NXDomain, "NXDOMAIN"),
        (ResponseCode::NotImp, "NOTIMP"),
        (ResponseCode::Refused, "REFUSED"),
        (ResponseCode::NotAuth, "NOTAUTH"),
    ];
    let found = known.iter().find(|(known, _)| *known == code);
    found.map_or_else(|| code.to_string(), |(_, name)| (*name).to_owned())
}

/// A message behind its length (RFC 1035, 4.2.2).
pub(in crate::health) fn framed(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Infallible> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes(*length));
    let message = rest.get(..length);
    Ok(message.map(|message| (message.to_vec(), length + 2)))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{OpCode, Query};
    use hickory_proto::rr::{Name, RData, Record, RecordType, rdata};
    use proptest::prelude::*;

    use super::*;

    fn wanted() -> Dns {
        Dns {
            name: Name::from_ascii("www.example.com.").unwrap(),
            record: RecordType::A,
            rcode: ResponseCode::NoError,
            answer: Some("192.0.2.1".to_owned()),
            tcp: false,
        }
    }

    fn answer(change: impl FnOnce(&mut Message)) -> String {
        let mut message = Message::response(7, OpCode::Query);
        message.add_query(Query::query(wanted().name, RecordType::A));
        let data = RData::A(rdata::A::new(192, 0, 2, 1));
        message.add_answer(Record::from_rdata(wanted().name, 60, data));
        change(&mut message);
        match judge(&message.to_vec().unwrap(), &wanted(), 7) {
            Judged::NotOurs => "not ours".to_owned(),
            Judged::Done(Ok(())) => "up".to_owned(),
            Judged::Done(Err(fault)) => fault.to_string(),
        }
    }

    #[test]
    fn answers() {
        assert_eq!(answer(|_| {}), "up");
        assert_eq!(answer(|m| m.metadata.id = 8), "not ours");
        assert_eq!(
            answer(|m| m.metadata.message_type = MessageType::Query),
            "not ours"
        );
        assert_eq!(
            answer(|m| m.queries = vec![Query::query(Name::root(), RecordType::A)]),
            "not ours"
        );
        assert_eq!(
            answer(|m| m.metadata.response_code = ResponseCode::Refused),
            "it answers REFUSED, expected NOERROR"
        );
        let other = |m: &mut Message| {
            let data = RData::A(rdata::A::new(192, 0, 2, 2));
            m.answers = vec![Record::from_rdata(wanted().name, 60, data)];
        };
        assert_eq!(answer(other), r#"no answer is "192.0.2.1" among 192.0.2.2"#);
        assert_eq!(
            answer(|m| m.answers.clear()),
            r#"no answer is "192.0.2.1": there is none"#
        );
        let truncated = |m: &mut Message| {
            m.answers.clear();
            m.metadata.truncation = true;
        };
        assert_eq!(
            answer(truncated),
            "its answer is cut short: write `tcp = true`"
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            ours in any::<bool>(),
        ) {
            let mut message = if ours { vec![0, 7, 0x80] } else { Vec::new() };
            message.extend_from_slice(&bytes);
            let _ = judge(&message, &wanted(), 7);
            let _ = framed(&message);
        }
    }
}
