//! The messages of grpc.health.v1 in their frames: a byte that says whether it is compressed, four
//! of length, and a protobuf message of one field. PURE.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) enum Health {
    Unknown,
    Well,
    Ill,
    Missing,
}

impl Health {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Well => "SERVING",
            Self::Ill => "NOT_SERVING",
            Self::Missing => "SERVICE_UNKNOWN",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::health) enum MessageFault {
    #[error("there is no message in it")]
    Short,
    #[error("it is compressed, which nobody asked for")]
    Compressed,
    #[error("it is no protobuf message")]
    NotProtobuf,
    #[error("it has the unknown status {0}")]
    Status(u64),
}

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

/// HealthCheckRequest { service = 1 }.
pub(super) fn write(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(1 << 3 | BYTES as u8);
        let mut length = service.len();
        while length >= 0x80 {
            message.push(length as u8 | 0x80);
            length >>= 7;
        }
        message.push(length as u8);
        message.extend_from_slice(service.as_bytes());
    }
    // A service's name is a line of a configuration.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut frame = vec![0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.append(&mut message);
    frame
}

/// HealthCheckResponse { status = 1 }.
pub(in crate::health) fn read(frame: &[u8]) -> Result<Health, MessageFault> {
    let (head, rest) = frame.split_first_chunk::<5>().ok_or(MessageFault::Short)?;
    let [compressed, length @ ..] = *head;
    if compressed != 0 {
        return Err(MessageFault::Compressed);
    }
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| MessageFault::Short)?;
    let mut message = rest.get(..length).ok_or(MessageFault::Short)?;
    // Protobuf leaves out what is 0.
    let mut status = 0;
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let value = field(&mut message, tag & 7)?;
        if tag == 1 << 3 | VARINT {
            status = value;
        }
    }
    match status {
        0 => Ok(Health::Unknown),
        1 => Ok(Health::Well),
        2 => Ok(Health::Ill),
        3 => Ok(Health::Missing),
        other => Err(MessageFault::Status(other)),
    }
}

/// A number; 0 for what is no number.
fn field(message: &mut &[u8], kind: u64) -> Result<u64, MessageFault> {
    let skip = match kind {
        VARINT => return varint(message),
        FIXED_64 => 8,
        FIXED_32 => 4,
        BYTES => usize::try_from(varint(message)?).map_err(|_| MessageFault::NotProtobuf)?,
        _ => return Err(MessageFault::NotProtobuf),
    };
    *message = message.get(skip..).ok_or(MessageFault::NotProtobuf)?;
    Ok(0)
}

fn varint(message: &mut &[u8]) -> Result<u64, MessageFault> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().ok_or(MessageFault::NotProtobuf)?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(MessageFault::NotProtobuf)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests() {
        assert_eq!(write(""), [0, 0, 0, 0, 0]);
        assert_eq!(write("ab"), [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        let long = write(&"x".repeat(200));
        assert_eq!(long[..8], [0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
    }

    #[test]
    fn answers() {
        for (frame, answer) in [
            (&[0, 0, 0, 0, 0][..], Ok(Health::Unknown)),
            (&[0, 0, 0, 0, 2, 8, 1], Ok(Health::Well)),
            (&[0, 0, 0, 0, 2, 8, 2], Ok(Health::Ill)),
            (&[0, 0, 0, 0, 2, 8, 3], Ok(Health::Missing)),
            (&[0, 0, 0, 0, 2, 8, 4], Err(MessageFault::Status(4))),
            // A field of a later version.
            (&[0, 0, 0, 0, 5, 0x12, 1, 9, 8, 1], Ok(Health::Well)),
            (&[1, 0, 0, 0, 2, 8, 1], Err(MessageFault::Compressed)),
            (&[0, 0, 0, 0, 3, 8, 1], Err(MessageFault::Short)),
            (&[0, 0, 0], Err(MessageFault::Short)),
            (&[0, 0, 0, 0, 1, 8], Err(MessageFault::NotProtobuf)),
            (&[0, 0, 0, 0, 1, 0xff], Err(MessageFault::NotProtobuf)),
        ] {
            assert_eq!(read(frame), answer, "{frame:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            message in prop::collection::vec(any::<u8>(), 0..40),
            framed in any::<bool>(),
        ) {
            let mut frame = Vec::new();
            if framed {
                frame.extend_from_slice(&[0, 0, 0, 0, message.len() as u8]);
            }
            frame.extend_from_slice(&message);
            let _ = read(&frame);
        }
    }
}
