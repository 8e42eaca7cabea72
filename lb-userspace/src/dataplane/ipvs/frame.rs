//! Netlink and generic netlink messages: two headers around attributes
//! (include/uapi/linux/netlink.h, genetlink.h). PURE.

use std::io;

use super::attribute::Attributes;
use super::codec::DecodeError;

const HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;

pub(super) const FLAG_REQUEST: u16 = 0x1;
pub(super) const FLAG_ACK: u16 = 0x4;
/// `NLM_F_ROOT | NLM_F_MATCH`: all entries.
pub(super) const FLAG_DUMP: u16 = 0x300;
/// The error holds the request's header alone.
const FLAG_CAPPED: u16 = 0x100;
/// The error ends with attributes that explain it.
const FLAG_EXPLAINED: u16 = 0x200;

const TYPE_NOOP: u16 = 1;
const TYPE_ERROR: u16 = 2;
const TYPE_DONE: u16 = 3;
const TYPE_OVERRUN: u16 = 4;

/// `NLMSGERR_ATTR_MSG`
const EXPLANATION: u16 = 1;

/// A command of a generic netlink family, or an answer of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) command: u8,
    pub(super) attributes: Vec<u8>,
}

impl Message {
    /// Appends it to `out` as a request.
    pub(super) fn request(&self, family: u16, flags: u16, sequence: u32, out: &mut Vec<u8>) {
        const VERSION: u8 = 1;
        let length = HEADER + GENERIC_HEADER + self.attributes.len();
        out.extend((length as u32).to_ne_bytes());
        out.extend(family.to_ne_bytes());
        out.extend((flags | FLAG_REQUEST).to_ne_bytes());
        out.extend(sequence.to_ne_bytes());
        // Port 0: the kernel fills in the socket's own.
        out.extend(0u32.to_ne_bytes());
        out.extend([self.command, VERSION, 0, 0]);
        out.extend(&self.attributes);
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

/// The kernel's no, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", io::Error::from_raw_os_error(*.errno), text(.explanation))]
pub struct Refusal {
    pub errno: i32,
    /// The kernel's own words, if it had any.
    pub explanation: Option<String>,
}

fn text(explanation: &Option<String>) -> String {
    let words = explanation.as_ref();
    words.map_or_else(String::new, |words| format!(": {words}"))
}

/// A part of the kernel's answer to the request with this sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) sequence: u32,
    pub(super) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    Data(Message),
    /// Nothing more comes.
    End(Result<(), Refusal>),
    /// Replies were lost.
    Overrun,
}

/// Reads the replies in one datagram, and ends after the first error.
pub(super) struct Replies<'a>(&'a [u8]);

impl<'a> Replies<'a> {
    pub(super) fn new(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }

    /// `None` for a message that says nothing.
    fn take(&mut self) -> Result<Option<Reply>, DecodeError> {
        let wrong = DecodeError::Header {
            bytes: self.0.len(),
        };
        let Some((header, _)) = self.0.split_first_chunk::<HEADER>() else {
            return Err(wrong);
        };
        let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, ..] = *header;
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        let kind = u16::from_ne_bytes([t0, t1]);
        let flags = u16::from_ne_bytes([f0, f1]);
        let sequence = u32::from_ne_bytes([s0, s1, s2, s3]);
        let payload = self.0.get(HEADER..length).ok_or(wrong)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        let body = match kind {
            TYPE_NOOP => return Ok(None),
            TYPE_ERROR => Body::End(end(payload, explanation(payload, flags))?),
            // Kernels before 4.0 had no error number here.
            TYPE_DONE if payload.len() < 4 => Body::End(Ok(())),
            TYPE_DONE => Body::End(end(payload, None)?),
            TYPE_OVERRUN => Body::Overrun,
            _ => Body::Data(generic(payload)?),
        };
        Ok(Some(Reply { sequence, body }))
    }
}

impl Iterator for Replies<'_> {
    type Item = Result<Reply, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.0.is_empty() {
            match self.take() {
                Ok(Some(reply)) => return Some(Ok(reply)),
                Ok(None) => {}
                Err(error) => {
                    self.0 = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

fn generic(payload: &[u8]) -> Result<Message, DecodeError> {
    let Some(([command, ..], attributes)) = payload.split_first_chunk::<GENERIC_HEADER>() else {
        let bytes = payload.len();
        return Err(DecodeError::Header { bytes });
    };
    Ok(Message {
        command: *command,
        attributes: attributes.to_vec(),
    })
}

/// The kernel's result: 0, or an error number below.
fn end(payload: &[u8], explanation: Option<String>) -> Result<Result<(), Refusal>, DecodeError> {
    let Some((number, _)) = payload.split_first_chunk::<4>() else {
        let bytes = payload.len();
        return Err(DecodeError::Header { bytes });
    };
    let number = i32::from_ne_bytes(*number);
    if number >= 0 {
        return Ok(Ok(()));
    }
    Ok(Err(Refusal {
        errno: number.saturating_neg(),
        explanation,
    }))
}

/// The words behind an error: after its number and a copy of the request, as far as that goes.
fn explanation(payload: &[u8], flags: u16) -> Option<String> {
    if flags & FLAG_EXPLAINED == 0 {
        return None;
    }
    let copy = payload.get(4..)?;
    let length = match flags & FLAG_CAPPED {
        0 => u32::from_ne_bytes(*copy.first_chunk()?) as usize,
        _ => HEADER,
    };
    let mut explaining = Attributes::new(copy.get(length.checked_next_multiple_of(4)?..)?);
    explaining
        .find_map(|attribute| attribute.ok().filter(|found| found.kind == EXPLANATION))
        .map(|found| found.text())
}

#[cfg(test)]
mod tests;
