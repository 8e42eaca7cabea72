//! Bare packets of TCP and UDP flows, without payload.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use aya::programs::Xdp;
use lb_userspace::dataplane::table::{Mac, address_bytes};

use crate::test_run::{XDP_PASS, XDP_TX, test_run};

pub const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const CLIENT_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

pub const SYN: u8 = 0x02;
pub const ACK: u8 = 0x10;
pub const FIN: u8 = 0x11;
pub const RST: u8 = 0x04;

/// A client's connection with a service, of the same family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    pub client: SocketAddr,
    pub service: SocketAddr,
}

impl Flow {
    /// A TCP segment with these flags.
    #[must_use]
    pub fn tcp(&self, flags: u8) -> Vec<u8> {
        let rest = [0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0];
        self.frame(TCP, &rest)
    }

    #[must_use]
    pub fn udp(&self) -> Vec<u8> {
        self.frame(UDP, &[0, 8, 0, 0])
    }

    /// `rest` is the transport header behind the ports. Nobody looks at checksums.
    fn frame(&self, protocol: u8, rest: &[u8]) -> Vec<u8> {
        let length = 4 + rest.len() as u8;
        let mut frame = Vec::from(OUR_MAC.0);
        frame.extend(CLIENT_MAC.0);
        let (client, service) = (self.client.ip(), self.service.ip());
        let used = if client.is_ipv4() {
            let total = 20 + length;
            frame.extend([8, 0, 0x45, 0, 0, total, 0, 0, 0, 0, 64, protocol, 0, 0]);
            12..
        } else {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, length, protocol, 64]);
            0..
        };
        for address in [client, service] {
            frame.extend(&address_bytes(address)[used.clone()]);
        }
        frame.extend(self.client.port().to_be_bytes());
        frame.extend(self.service.port().to_be_bytes());
        frame.extend(rest);
        frame
    }
}

/// Where the program sends a frame, back out of the interface it came from; `None` if it leaves it
/// to the kernel.
///
/// # Errors
/// It does something else, or the kernel refuses the run.
pub fn destination(program: &mut Xdp, frame: &[u8]) -> Result<Option<Mac>> {
    let (action, sent) = test_run(program, frame)?;
    ensure!(action == XDP_TX || action == XDP_PASS, "action {action}");
    let mac = sent.first_chunk().copied().map(Mac);
    Ok(mac.filter(|_| action == XDP_TX))
}
