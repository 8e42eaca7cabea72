//! Replies of SMTP servers (RFC 5321, 4.2): lines of a code, a dash in all but the last one, and
//! text. PURE.

use crate::health::failure::excerpt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::health) struct Reply {
    pub(in crate::health) code: u16,
    /// At least one.
    lines: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::health) enum ReplyFault {
    #[error("it does not speak SMTP: {0:?}")]
    NotSmtp(String),
    #[error("one of its replies has two codes: {0} and {1}")]
    TwoCodes(u16, u16),
}

impl Reply {
    /// Of its last line.
    pub(in crate::health) fn text(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }

    /// Whether a line of it names the extension; the first one names the server.
    pub(in crate::health) fn offers(&self, extension: &str) -> bool {
        let words = self.lines.iter().skip(1);
        let mut words = words.filter_map(|line| line.split_ascii_whitespace().next());
        words.any(|word| word.eq_ignore_ascii_case(extension))
    }
}

/// The first whole reply and its length.
pub(in crate::health) fn parse(bytes: &[u8]) -> Result<Option<(Reply, usize)>, ReplyFault> {
    let mut lines = Vec::new();
    let mut first = None;
    let mut length = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(content) = line.strip_suffix(b"\n") else {
            // What cannot become a code needs no end.
            let begins = line.iter().take(3).all(u8::is_ascii_digit);
            return if begins { Ok(None) } else { Err(foreign(line)) };
        };
        length += line.len();
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let (code, last, text) = parts(content).ok_or_else(|| foreign(content))?;
        if *first.get_or_insert(code) != code {
            return Err(ReplyFault::TwoCodes(first.unwrap_or_default(), code));
        }
        lines.push(String::from_utf8_lossy(text).into_owned());
        if last {
            return Ok(Some((Reply { code, lines }, length)));
        }
    }
    Ok(None)
}

/// Code, whether it is the last line, text.
fn parts(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_first_chunk::<3>()?;
    let code = str::from_utf8(digits).ok()?.parse::<u16>().ok()?;
    let code = digits.iter().all(u8::is_ascii_digit).then_some(code)?;
    match rest {
        [] => Some((code, true, rest)),
        [b' ', text @ ..] => Some((code, true, text)),
        [b'-', text @ ..] => Some((code, false, text)),
        _ => None,
    }
}

fn foreign(line: &[u8]) -> ReplyFault {
    ReplyFault::NotSmtp(excerpt(&String::from_utf8_lossy(line)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn replies() {
        let whole = |text: &str| {
            let parsed = parse(text.as_bytes());
            match parsed {
                Ok(Some((reply, length))) => format!("{} {length} {}", reply.code, reply.text()),
                Ok(None) => "more".to_owned(),
                Err(fault) => fault.to_string(),
            }
        };
        for (text, parsed) in [
            ("220 mx ready\r\n", "220 14 mx ready"),
            ("220\r\n", "220 5 "),
            (
                "250-mx\r\n250-PIPELINING\r\n250 HELP\r\n221 x\r\n",
                "250 34 HELP",
            ),
            ("220 lf only\n", "220 12 lf only"),
            ("", "more"),
            ("22", "more"),
            ("220 mx", "more"),
            ("250-mx\r\n", "more"),
            (
                "HTTP/1.1 400 Bad Request\r\n",
                r#"it does not speak SMTP: "HTTP/1.1 400 Bad Request""#,
            ),
            ("SSH", r#"it does not speak SMTP: "SSH""#),
            ("2200 x\r\n", r#"it does not speak SMTP: "2200 x""#),
            ("+20 x\r\n", r#"it does not speak SMTP: "+20 x""#),
            (
                "250-mx\r\n220 x\r\n",
                "one of its replies has two codes: 250 and 220",
            ),
        ] {
            assert_eq!(whole(text), parsed, "{text:?}");
        }
    }

    #[test]
    fn extensions() {
        let text = b"250-starttls.example.com\r\n250-Starttls\r\n250 SIZE 1000\r\n";
        let (reply, _) = parse(text).unwrap().unwrap();
        assert!(reply.offers("STARTTLS") && reply.offers("SIZE"));
        let (reply, _) = parse(b"250 STARTTLS\r\n").unwrap().unwrap();
        assert!(!reply.offers("STARTTLS"), "that is the server's name");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(Some((_, length))) = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }

        #[test]
        fn bits_of_replies_never_panic(text in "(250[- ]?|[0-9]{2,4}|\r|\n|a| |-){0,30}") {
            if let Ok(Some((_, length))) = parse(text.as_bytes()) {
                prop_assert!(length <= text.len() && length > 0);
            }
        }
    }
}
