//! Netlink attributes: type, length, value, padded to four bytes (include/uapi/linux/netlink.h).
//! PURE.

use super::codec::DecodeError;

const HEADER: usize = 4;
/// The attribute holds attributes.
const NESTED: u16 = 1 << 15;
/// The type without its two flag bits.
const TYPE: u16 = 0x3fff;

/// A list of attributes that is being written. Numbers are in the machine's byte order.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        // Values here are names and numbers; a longer one would not be an attribute at all.
        debug_assert!(value.len() < usize::from(u16::MAX) - HEADER);
        let length = (HEADER + value.len()) as u16;
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn u16(&mut self, kind: u16, value: u16) -> &mut Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// In network byte order.
    pub(super) fn be16(&mut self, kind: u16, value: u16) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub(super) fn u32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// With the zero that ends it.
    pub(super) fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes)
    }

    pub(super) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(kind | NESTED, &inner.0)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// One attribute that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    /// Without the flag bits.
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
}

impl<'a> Attribute<'a> {
    pub(super) fn u16(&self) -> Result<u16, DecodeError> {
        Ok(u16::from_ne_bytes(self.array()?))
    }

    pub(super) fn be16(&self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&self) -> Result<u32, DecodeError> {
        Ok(u32::from_ne_bytes(self.array()?))
    }

    pub(super) fn u64(&self) -> Result<u64, DecodeError> {
        Ok(u64::from_ne_bytes(self.array()?))
    }

    /// Up to the zero that ends it; what is no UTF-8 is replaced.
    pub(super) fn text(&self) -> String {
        let end = self.value.iter().position(|&byte| byte == 0);
        let bytes = &self.value[..end.unwrap_or(self.value.len())];
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The first `N` bytes.
    pub(super) fn array<const N: usize>(&self) -> Result<[u8; N], DecodeError> {
        let wrong = DecodeError::Value {
            attribute: self.kind,
            length: self.value.len(),
        };
        self.value.first_chunk().copied().ok_or(wrong)
    }

    pub(super) fn nested(&self) -> Attributes<'a> {
        Attributes(self.value)
    }
}

/// Reads a list of attributes, and ends after the first error.
#[derive(Debug, Clone)]
pub(super) struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self) -> Result<Attribute<'a>, DecodeError> {
        let wrong = DecodeError::Attribute {
            bytes: self.0.len(),
        };
        let Some(([a, b, c, d], _)) = self.0.split_first_chunk::<HEADER>() else {
            return Err(wrong);
        };
        let length = usize::from(u16::from_ne_bytes([*a, *b]));
        let kind = u16::from_ne_bytes([*c, *d]) & TYPE;
        let value = self.0.get(HEADER..length).ok_or(wrong)?;
        // The last attribute of a list need not be padded.
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Ok(Attribute { kind, value })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let taken = self.take();
        if taken.is_err() {
            self.0 = &[];
        }
        Some(taken)
    }
}
