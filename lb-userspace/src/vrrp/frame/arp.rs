//! ARP (RFC 826, RFC 5227): tells the link which MAC a virtual address has now, asks who else
//! has it, and reads what others say.

use std::net::Ipv4Addr;

use super::{Claim, ETHERNET_LEN, Mac, ethernet};

const BROADCAST: Mac = [0xff; 6];
pub(in crate::vrrp) const ETHERTYPE: u16 = 0x0806;
/// Ethernet, IPv4, 6 and 4 bytes of address.
const KIND: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
/// Of the ARP message without Ethernet.
const LEN: usize = 28;

/// A frame with a gratuitous ARP request for `address` from `mac`.
///
/// RFC 9568 section 8.1.2 with errata 7947 and 7949: sender and target protocol address are the
/// virtual address; the target hardware address is the one to use. The request form is the one
/// that RFC 5227 section 3 found every host to listen to.
pub fn gratuitous(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    request(mac, address, mac, address)
}

/// A frame that asks who has `address`, from a host's own address.
pub fn question(mac: Mac, own: Ipv4Addr, address: Ipv4Addr) -> Vec<u8> {
    request(mac, own, [0; 6], address)
}

fn request(mac: Mac, sender: Ipv4Addr, target_mac: Mac, target: Ipv4Addr) -> Vec<u8> {
    let (sender, target) = (sender.octets(), target.octets());
    let parts = [&KIND[..], &REQUEST, &mac, &sender, &target_mac, &target];
    ethernet(BROADCAST, mac, ETHERTYPE, &parts)
}

/// The sender's own mapping, which every ARP message but a probe carries.
pub fn claim(frame: &[u8]) -> Option<Claim> {
    let (ethernet, message) = frame.split_at_checked(ETHERNET_LEN)?;
    let message = message.first_chunk::<LEN>()?;
    if ethernet[12..] != ETHERTYPE.to_be_bytes() || message[..6] != KIND {
        return None;
    }
    let mac = *message[8..].first_chunk()?;
    let address = Ipv4Addr::from(*message[14..].first_chunk::<4>()?);
    // RFC 5227 section 1.1: a probe has no sender address, it only asks.
    (!address.is_unspecified()).then_some(Claim {
        address: address.into(),
        mac,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 0x51];
    const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

    #[test]
    fn gratuitous_is_a_broadcast_request_for_ourselves() {
        let expected = [
            &[0xff; 6][..],
            &[2, 0, 0, 0, 0, 0x51],
            &[0x08, 0x06],
            &[0, 1, 0x08, 0x00, 6, 4, 0, 1],
            &[2, 0, 0, 0, 0, 0x51, 192, 0, 2, 10],
            &[2, 0, 0, 0, 0, 0x51, 192, 0, 2, 10],
        ]
        .concat();
        assert_eq!(gratuitous(MAC, VIP), expected);
    }

    #[test]
    fn question_is_from_the_own_address() {
        let frame = question(MAC, OWN, VIP);
        assert_eq!(frame[22..32], [2, 0, 0, 0, 0, 0x51, 192, 0, 2, 1]);
        assert_eq!(frame[32..], [0, 0, 0, 0, 0, 0, 192, 0, 2, 10]);
    }

    #[test]
    fn a_claim_is_the_sender() {
        let claimed = |address: Ipv4Addr| {
            let address = address.into();
            Some(Claim { address, mac: MAC })
        };
        assert_eq!(claim(&gratuitous(MAC, VIP)), claimed(VIP));
        assert_eq!(claim(&question(MAC, OWN, VIP)), claimed(OWN));
        let probe = question(MAC, Ipv4Addr::UNSPECIFIED, VIP);
        assert_eq!(claim(&probe), None);
        let frame = gratuitous(MAC, VIP);
        for len in 0..frame.len() {
            assert_eq!(claim(&frame[..len]), None);
        }
        let mut padded = frame.clone();
        padded.resize(60, 0);
        assert_eq!(claim(&padded), claimed(VIP));
        for at in 12..20 {
            let mut other = frame.clone();
            other[at] ^= 0xff;
            assert_eq!(claim(&other), None, "byte {at}");
        }
    }
}
