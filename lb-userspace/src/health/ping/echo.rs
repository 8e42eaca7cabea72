//! ICMP echo (RFC 792, RFC 4443). PURE.

const REQUEST_V4: u8 = 8;
const REPLY_V4: u8 = 0;
const REQUEST_V6: u8 = 128;
const REPLY_V6: u8 = 129;

/// One echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::health) struct Echo {
    pub(in crate::health) ipv6: bool,
    /// The kernel puts its own in the place of it, if it keeps echoes apart.
    pub(in crate::health) id: u16,
    pub(in crate::health) token: u64,
}

impl Echo {
    /// With its checksum; over IPv6 the kernel fills it in.
    pub(in crate::health) fn request(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[0] = if self.ipv6 { REQUEST_V6 } else { REQUEST_V4 };
        bytes[4..6].copy_from_slice(&self.id.to_be_bytes());
        bytes[7] = 1;
        bytes[8..].copy_from_slice(&self.token.to_be_bytes());
        if !self.ipv6 {
            let sum = checksum(&bytes);
            bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    pub(in crate::health) fn is_answered_by(self, packet: &[u8], behind_ip_header: bool) -> bool {
        let message = if behind_ip_header {
            let length = packet
                .first()
                .map_or(0, |first| usize::from(first & 0xf) * 4);
            packet.get(length..)
        } else {
            Some(packet)
        };
        let reply = if self.ipv6 { REPLY_V6 } else { REPLY_V4 };
        message.is_some_and(|message| {
            message.first() == Some(&reply)
                && message.get(1) == Some(&0)
                && message.get(8..16) == Some(&self.token.to_be_bytes())
        })
    }
}

/// RFC 1071, of an even number of bytes.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !(folded as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ECHO: Echo = Echo {
        ipv6: false,
        id: 0x1234,
        token: 0x0102_0304_0506_0708,
    };

    #[test]
    fn requests() {
        let bytes = ECHO.request();
        assert_eq!(bytes[..2], [8, 0]);
        assert_eq!(bytes[4..], [0x12, 0x34, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(checksum(&bytes), 0, "a right checksum makes the sum 0");
        let v6 = Echo { ipv6: true, ..ECHO };
        assert_eq!(v6.request()[..4], [128, 0, 0, 0]);
    }

    #[test]
    fn replies() {
        let mut reply = ECHO.request();
        assert!(!ECHO.is_answered_by(&reply, false), "our own request");
        reply[0] = 0;
        assert!(ECHO.is_answered_by(&reply, false));
        assert!(!ECHO.is_answered_by(&reply[..15], false));
        let mut packet = vec![0x45; 20];
        packet.extend_from_slice(&reply);
        assert!(ECHO.is_answered_by(&packet, true));
        assert!(!ECHO.is_answered_by(&packet, false));
        reply[15] ^= 1;
        assert!(!ECHO.is_answered_by(&reply, false), "another's");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            header in any::<bool>(),
        ) {
            let _ = ECHO.is_answered_by(&bytes, header);
        }
    }
}
