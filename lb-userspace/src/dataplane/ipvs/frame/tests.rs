use proptest::prelude::*;

use super::*;

fn message() -> Message {
    Message {
        command: 4,
        attributes: vec![8, 0, 1, 0, 1, 2, 3, 4],
    }
}

fn requests(count: u32) -> Vec<u8> {
    let mut datagram = Vec::new();
    for sequence in 0..count {
        message().request(28, FLAG_ACK, sequence, &mut datagram);
    }
    datagram
}

/// The kernel's answer to the first of [`requests`]: its number, the request, an explanation.
fn error(number: i32, flags: u16, request: &[u8], explanation: &[u8]) -> Vec<u8> {
    let length = HEADER + 4 + request.len() + explanation.len();
    let mut bytes = Vec::new();
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(TYPE_ERROR.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(number.to_ne_bytes());
    bytes.extend(request);
    bytes.extend(explanation);
    bytes
}

fn only(datagram: &[u8]) -> Reply {
    let mut replies = Replies::new(datagram);
    let reply = replies.next().unwrap().unwrap();
    assert_eq!(replies.next(), None);
    reply
}

fn refusal(datagram: &[u8]) -> Refusal {
    match only(datagram).body {
        Body::End(Err(refusal)) => refusal,
        other @ (Body::Data(_) | Body::End(_) | Body::Overrun) => panic!("{other:?}"),
    }
}

#[test]
fn requests_come_one_after_the_other() {
    let datagram = requests(3);
    assert_eq!(datagram.len(), 3 * 28);
    let replies: Vec<Reply> = Replies::new(&datagram).map(Result::unwrap).collect();
    for (sequence, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.sequence as usize, sequence);
        assert_eq!(reply.body, Body::Data(message()));
    }
}

#[test]
fn acknowledgement_is_an_error_of_0() {
    let reply = only(&error(0, FLAG_CAPPED, &[0; HEADER], &[]));
    assert_eq!(reply.body, Body::End(Ok(())));
}

#[test]
fn refusal_has_a_number_and_the_kernels_words() {
    let request = requests(1);
    let mut words = vec![7, 0, EXPLANATION as u8, 0];
    words.extend(b"no\0\0");
    let plain = refusal(&error(-libc::ENOENT, 0, &request, &[]));
    assert_eq!(
        (plain.errno, plain.explanation.as_deref()),
        (libc::ENOENT, None)
    );
    let whole = refusal(&error(-libc::EPERM, FLAG_EXPLAINED, &request, &words));
    assert_eq!(whole.explanation.as_deref(), Some("no"));
    let capped = FLAG_EXPLAINED | FLAG_CAPPED;
    let capped = refusal(&error(-libc::EPERM, capped, &request[..HEADER], &words));
    assert_eq!(capped, whole);
    assert!(whole.to_string().ends_with("(os error 1): no"), "{whole}");
}

#[test]
fn lost_replies_are_noticed() {
    let mut overrun = error(0, 0, &[], &[]);
    overrun[4..6].copy_from_slice(&TYPE_OVERRUN.to_ne_bytes());
    assert_eq!(only(&overrun).body, Body::Overrun);
}

#[test]
fn what_is_cut_is_an_error() {
    let request = requests(1);
    for length in 1..request.len() {
        let mut replies = Replies::new(&request[..length]);
        assert!(replies.next().unwrap().is_err(), "{length}");
        assert_eq!(replies.next(), None);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, kind in 0u16..32, flags: u16) {
        Replies::new(&bytes).for_each(drop);
        // With a header that fits, so that what is behind it is read.
        let mut framed = ((HEADER + bytes.len()) as u32).to_ne_bytes().to_vec();
        framed.extend(kind.to_ne_bytes());
        framed.extend(flags.to_ne_bytes());
        framed.extend([0; 8]);
        framed.extend(&bytes);
        Replies::new(&framed).for_each(drop);
    }
}
