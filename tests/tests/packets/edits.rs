//! Changes to whole frames, for what etherparse does not build. The checksum of an IPv4 header is
//! no longer right then: nobody looks at it.

use super::frames::{C_TAG, ETHERNET, OLD_S_TAG, S_TAG, TAG, V4_HEADER, V6_HEADER};

pub(crate) fn edited(mut frame: Vec<u8>, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    edit(&mut frame);
    frame
}

/// The first bytes of a frame, which then says that there are no more.
pub(crate) fn shortened(frame: &[u8], length: usize) -> Vec<u8> {
    edited(frame[..length].to_vec(), |frame| {
        set_ip_length(frame, length - ETHERNET);
    })
}

/// Writes the length of the whole IP packet into the header of an untagged frame.
pub(crate) fn set_ip_length(frame: &mut [u8], length: usize) {
    let bytes = |length: usize| u16::try_from(length).expect("16 bits").to_be_bytes();
    if frame[ETHERNET] >> 4 == 4 {
        frame[16..18].copy_from_slice(&bytes(length));
    } else {
        frame[18..20].copy_from_slice(&bytes(length - V6_HEADER));
    }
}

/// The same packet with `words` 32-bit words of IPv4 options.
pub(crate) fn with_options(frame: &[u8], words: usize) -> Vec<u8> {
    const NO_OPERATION: u8 = 1;
    let end = ETHERNET + V4_HEADER;
    edited(frame.to_vec(), |frame| {
        frame.splice(end..end, std::iter::repeat_n(NO_OPERATION, words * 4));
        frame[ETHERNET] = 0x40 | (5 + words) as u8;
        let length = frame.len() - ETHERNET;
        set_ip_length(frame, length);
    })
}

/// An IPv6 extension header: its number, and its bytes, of which the first is filled in.
pub(crate) type Extension = (u8, Vec<u8>);

/// One of `units` times eight bytes beyond the first eight.
pub(crate) fn extension(number: u8, units: u8) -> Extension {
    let mut bytes = vec![0; (usize::from(units) + 1) * 8];
    bytes[1] = units;
    (number, bytes)
}

/// The fragment header (RFC 8200 section 4.5); `offset` in units of eight bytes.
pub(crate) fn fragment_extension(offset: u16, more: bool) -> Extension {
    let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
    (44, vec![0, 0, high, low, 0, 0, 0, 9])
}

/// The same IPv6 packet with these extension headers.
pub(crate) fn extended(frame: &[u8], extensions: &[Extension]) -> Vec<u8> {
    let end = ETHERNET + V6_HEADER;
    edited(frame.to_vec(), |frame| {
        let mut next = frame[20];
        let mut all = Vec::new();
        for (number, bytes) in extensions.iter().rev() {
            let mut bytes = bytes.clone();
            bytes[0] = next;
            next = *number;
            all.splice(0..0, bytes);
        }
        frame[20] = next;
        frame.splice(end..end, all);
        let length = frame.len() - ETHERNET;
        set_ip_length(frame, length);
    })
}

/// The same packet as a fragment; `offset` in units of eight bytes.
pub(crate) fn fragment(frame: &[u8], offset: u16, more: bool) -> Vec<u8> {
    if frame[ETHERNET] >> 4 == 6 {
        return extended(frame, &[fragment_extension(offset, more)]);
    }
    edited(frame.to_vec(), |frame| {
        let field = offset | u16::from(more) << 13;
        frame[20..22].copy_from_slice(&field.to_be_bytes());
    })
}

/// The same frame with VLAN tags, the outer one first: ethertype, and the tag's 16 bits.
pub(crate) fn tagged(frame: &[u8], tags: &[(u16, u16)]) -> Vec<u8> {
    let bytes = tags
        .iter()
        .flat_map(|(ethertype, tag)| [ethertype.to_be_bytes(), tag.to_be_bytes()].concat());
    edited(frame.to_vec(), |frame| {
        frame.splice(12..12, bytes.collect::<Vec<u8>>());
    })
}

/// Where the VLAN tags of a frame are.
pub(crate) fn tags(frame: &[u8]) -> Vec<usize> {
    let is_tag = |at: &usize| {
        let ethertype = frame
            .get(at - 2..*at)
            .map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        matches!(ethertype, Some(C_TAG | S_TAG | OLD_S_TAG))
    };
    (0..)
        .map(|index| ETHERNET + index * TAG)
        .take_while(is_tag)
        .collect()
}
