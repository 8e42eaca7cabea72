//! Patterns of answers. PURE.

use regex::bytes::Regex;

/// A regular expression over bytes.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// # Errors
    /// What is wrong with the expression.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        // One that somebody writes by hand is far below.
        const MEMORY: usize = 1 << 20;
        let mut builder = regex::bytes::RegexBuilder::new(text);
        builder.size_limit(MEMORY).build().map(Self)
    }

    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_str()
    }

    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Pattern {}

/// Bytes, of which half bytes may be left open: `"80 0X XX"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hex(Vec<Nibbles>);

/// A byte is as wanted where its bits under the mask are those of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Nibbles {
    value: u8,
    mask: u8,
}

impl Hex {
    /// Pairs of hexadecimal digits or `X`, spaces between pairs; `None`: it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Vec::new();
        for word in text.split_ascii_whitespace() {
            if !word.len().is_multiple_of(2) {
                return None;
            }
            for pair in word.as_bytes().chunks_exact(2) {
                let (high, low) = (nibble(pair[0])?, nibble(pair[1])?);
                bytes.push(Nibbles {
                    value: high.value << 4 | low.value,
                    mask: high.mask << 4 | low.mask,
                });
            }
        }
        Some(Self(bytes))
    }

    /// Bytes of which none is left open, as [`Self::parse`] reads them.
    #[must_use]
    pub fn exact(text: &str) -> Option<Vec<u8>> {
        let Self(bytes) = Self::parse(text)?;
        let exact = bytes.iter().map(|b| (b.mask == 0xff).then_some(b.value));
        exact.collect()
    }

    /// Whether `bytes` begin as it says.
    #[must_use]
    pub fn begins(&self, bytes: &[u8]) -> bool {
        let alike = |(wanted, byte): (&Nibbles, &u8)| byte & wanted.mask == wanted.value;
        self.0.len() <= bytes.len() && self.0.iter().zip(bytes).all(alike)
    }
}

fn nibble(digit: u8) -> Option<Nibbles> {
    let digit = char::from(digit);
    // A small x would make 0x80 of what is 80.
    if digit == 'X' {
        return Some(Nibbles { value: 0, mask: 0 });
    }
    let value = u8::try_from(digit.to_digit(16)?).ok()?;
    Some(Nibbles { value, mask: 0xf })
}

/// What a datagram must be to pass for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyWanted {
    /// It begins so.
    pub hex: Option<Hex>,
    /// It has this somewhere.
    pub contains: Option<String>,
    pub min_length: usize,
    pub max_length: usize,
}

/// Why a datagram does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    #[error("it is shorter than {0} bytes")]
    Short(usize),
    #[error("it is longer than {0} bytes")]
    Long(usize),
    #[error("it does not begin as `hex` says")]
    Hex,
    #[error("it does not contain what `contains` says")]
    Contains,
}

impl ReplyWanted {
    /// # Errors
    /// What is not as wanted.
    pub fn judge(&self, reply: &[u8]) -> Result<(), Unlike> {
        if reply.len() < self.min_length {
            return Err(Unlike::Short(self.min_length));
        }
        if reply.len() > self.max_length {
            return Err(Unlike::Long(self.max_length));
        }
        if self.hex.as_ref().is_some_and(|hex| !hex.begins(reply)) {
            return Err(Unlike::Hex);
        }
        if self.contains.as_ref().is_some_and(|text| !has(reply, text)) {
            return Err(Unlike::Contains);
        }
        Ok(())
    }
}

/// Whether `text` is somewhere in `bytes`.
#[must_use]
pub fn has(bytes: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    text.is_empty() || bytes.windows(text.len()).any(|part| part == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_with_open_digits() {
        for (pattern, bytes, begins) in [
            ("", &[][..], true),
            ("80", &[0x80], true),
            ("80", &[0x80, 1], true),
            ("80", &[], false),
            ("8X", &[0x8f], true),
            ("8X", &[0x9f], false),
            ("XX 01", &[7, 1], true),
            ("XX01", &[7, 2], false),
        ] {
            let hex = Hex::parse(pattern).unwrap();
            assert_eq!(hex.begins(bytes), begins, "{pattern} {bytes:?}");
        }
        for wrong in ["8", "8 0", "zz", "0x80", "8x", "é", "8é"] {
            assert_eq!(Hex::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Hex::exact("0aFF"), Some(vec![10, 255]));
        assert_eq!(Hex::exact("0X"), None);
    }

    #[test]
    fn replies() {
        let wanted = ReplyWanted {
            hex: Hex::parse("4fXX"),
            contains: Some("fine".to_owned()),
            min_length: 3,
            max_length: 8,
        };
        for (reply, judged) in [
            ("OKfine", Ok(())),
            ("OK", Err(Unlike::Short(3))),
            ("OK fine, thanks", Err(Unlike::Long(8))),
            ("KO fine", Err(Unlike::Hex)),
            ("OK bad", Err(Unlike::Contains)),
        ] {
            assert_eq!(wanted.judge(reply.as_bytes()), judged, "{reply}");
        }
    }
}
