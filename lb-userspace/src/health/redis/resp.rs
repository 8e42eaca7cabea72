//! The protocol of Redis, version 2 (RESP2). PURE.

use crate::health::failure::excerpt;

/// Deeper than any answer to what we ask.
const DEEPEST: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::health) enum Value {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Nil,
    Array(Vec<Self>),
}

impl Value {
    pub(in crate::health) fn text(&self) -> Option<&str> {
        match self {
            Self::Simple(text) => Some(text),
            Self::Bulk(bytes) => str::from_utf8(bytes).ok(),
            Self::Error(_) | Self::Integer(_) | Self::Nil | Self::Array(_) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::health) enum RespFault {
    #[error("{0:?}")]
    Type(String),
    #[error("a length or number is {0:?}")]
    Number(String),
    #[error("a string has no end where its length says")]
    End,
    #[error("its lists are too deep")]
    Deep,
}

/// A command with its words, as an array of strings.
pub(super) fn command(name: &str, words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len() + 1).into_bytes();
    for word in [&[name], words].concat() {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The first whole value and its length.
pub(in crate::health) fn parse(bytes: &[u8]) -> Result<Option<(Value, usize)>, RespFault> {
    let mut rest = bytes;
    let value = value(&mut rest, 0)?;
    Ok(value.map(|value| (value, bytes.len() - rest.len())))
}

fn value(rest: &mut &[u8], depth: usize) -> Result<Option<Value>, RespFault> {
    let Some(kind) = rest.first().copied() else {
        return Ok(None);
    };
    if !b"+-:$*".contains(&kind) {
        let start = &rest[..rest.len().min(64)];
        return Err(RespFault::Type(excerpt(&String::from_utf8_lossy(start))));
    }
    if depth > DEEPEST {
        return Err(RespFault::Deep);
    }
    let Some(line) = line(rest) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&line[1..]);
    Ok(match kind {
        b'+' => Some(Value::Simple(text.into_owned())),
        b'-' => Some(Value::Error(text.into_owned())),
        b':' => Some(Value::Integer(number(&text)?)),
        b'$' => match length(&text)? {
            None => Some(Value::Nil),
            Some(length) => bulk(rest, length)?,
        },
        _ => match length(&text)? {
            None => Some(Value::Nil),
            Some(length) => array(rest, length, depth)?,
        },
    })
}

fn bulk(rest: &mut &[u8], length: usize) -> Result<Option<Value>, RespFault> {
    let Some((bytes, behind)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let Some((end, behind)) = behind.split_first_chunk::<2>() else {
        return Ok(None);
    };
    if end != b"\r\n" {
        return Err(RespFault::End);
    }
    *rest = behind;
    Ok(Some(Value::Bulk(bytes.to_vec())))
}

fn array(rest: &mut &[u8], length: usize, depth: usize) -> Result<Option<Value>, RespFault> {
    // The length is what the server claims: memory is for what is there.
    let mut values = Vec::new();
    for _ in 0..length {
        let Some(element) = value(rest, depth + 1)? else {
            return Ok(None);
        };
        values.push(element);
    }
    Ok(Some(Value::Array(values)))
}

/// Takes a line, without its end.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    let (line, behind) = rest.split_at(end);
    *rest = &behind[2..];
    Some(line)
}

/// `None`: nil.
fn length(text: &str) -> Result<Option<usize>, RespFault> {
    if text == "-1" {
        return Ok(None);
    }
    let length = usize::try_from(number(text)?);
    let length = length.map_err(|_| RespFault::Number(excerpt(text)))?;
    Ok(Some(length))
}

fn number(text: &str) -> Result<i64, RespFault> {
    let number = text.parse::<i64>();
    number.map_err(|_| RespFault::Number(excerpt(text)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands() {
        assert_eq!(command("PING", &[]), b"*1\r\n$4\r\nPING\r\n");
        assert_eq!(
            command("AUTH", &["é", ""]),
            "*3\r\n$4\r\nAUTH\r\n$2\r\né\r\n$0\r\n\r\n".as_bytes()
        );
    }

    #[test]
    fn answers() {
        let bulk = |text: &str| Value::Bulk(text.as_bytes().to_vec());
        for (text, value) in [
            ("+PONG\r\n", Value::Simple("PONG".to_owned())),
            ("-ERR no\r\n", Value::Error("ERR no".to_owned())),
            (":-7\r\n", Value::Integer(-7)),
            ("$-1\r\n", Value::Nil),
            ("*-1\r\n", Value::Nil),
            ("$0\r\n\r\n", bulk("")),
            ("$4\r\na\r\nb\r\n", bulk("a\r\nb")),
            (
                "*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
                Value::Array(vec![bulk("a"), Value::Array(vec![Value::Integer(1)])]),
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(Some((value, text.len()))));
            for cut in 0..text.len() {
                assert_eq!(parse(&text.as_bytes()[..cut]), Ok(None), "{text:?} {cut}");
            }
        }
        for (text, fault) in [
            (
                "HTTP/1.1 400\r\n",
                RespFault::Type("HTTP/1.1 400".to_owned()),
            ),
            ("$x\r\n", RespFault::Number("x".to_owned())),
            ("$-2\r\n", RespFault::Number("-2".to_owned())),
            ("$1\r\nabc", RespFault::End),
            ("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", RespFault::Deep),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(fault), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn bits_of_answers_never_panic(text in "([*$:+-](-?[0-9]{1,3}|99999999999999999999)?|\r\n|a){0,40}") {
            if let Ok(Some((_, length))) = parse(text.as_bytes()) {
                prop_assert!(length <= text.len());
            }
        }
    }
}
