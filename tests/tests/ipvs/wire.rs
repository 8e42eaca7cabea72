//! Packets of clients, put on the wire by hand.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::{Context, Result, ensure};
use etherparse::PacketBuilder;
use lb_tests::sandbox::ifindex;

use crate::place::{VIP, VIP6};

/// The virtual service's port.
pub(crate) const PORT: u16 = 80;

/// The clients' end of the wire.
pub(crate) struct Wire {
    socket: OwnedFd,
    ours: [u8; 6],
    director: [u8; 6],
}

/// What a client sends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Segment {
    Syn,
    /// In the middle of a connection.
    Ack,
}

impl Wire {
    pub(crate) fn open() -> Result<Self> {
        // SAFETY: takes no pointers; the descriptor is checked before it is owned.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        ensure!(fd >= 0, "packet socket: {}", io::Error::last_os_error());
        // SAFETY: the descriptor was opened just now, and nobody else has it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: all zeros is a valid sockaddr_ll.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = i32::try_from(ifindex("client")?)?;
        // SAFETY: the address is live, and its length is its own.
        let bound = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                size_of_val(&address) as u32,
            )
        };
        ensure!(bound == 0, "packet socket: {}", io::Error::last_os_error());
        Ok(Self {
            socket,
            ours: mac("client")?,
            director: mac("in")?,
        })
    }

    /// Sends a segment from `client` to the virtual address of its family.
    pub(crate) fn send(&self, client: IpAddr, client_port: u16, segment: Segment) -> Result<()> {
        let ethernet = PacketBuilder::ethernet2(self.ours, self.director);
        let ip = match client {
            IpAddr::V4(client) => ethernet.ipv4(client.octets(), VIP.octets(), 64),
            IpAddr::V6(client) => ethernet.ipv6(client.octets(), VIP6.octets(), 64),
        };
        let tcp = ip.tcp(client_port, PORT, 1, 1024);
        let packet = match segment {
            Segment::Syn => tcp.syn(),
            Segment::Ack => tcp.ack(1),
        };
        let mut frame = Vec::with_capacity(packet.size(0));
        packet.write(&mut frame, &[])?;
        // SAFETY: the frame is live, and its length is its own.
        let sent = unsafe {
            libc::send(
                self.socket.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
            )
        };
        ensure!(sent >= 0, "sending: {}", io::Error::last_os_error());
        Ok(())
    }
}

fn mac(interface: &str) -> Result<[u8; 6]> {
    // The directory /sys/class/net is another namespace's: ask netlink's own tool.
    let text = lb_tests::sandbox::command("ip", &["-o", "link", "show", "dev", interface])?;
    let mut words = text
        .split_whitespace()
        .skip_while(|&word| word != "link/ether");
    let text = words.nth(1).context("no MAC")?;
    let bytes: Vec<u8> = text
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16))
        .collect::<Result<_, _>>()?;
    Ok(<[u8; 6]>::try_from(bytes.as_slice())?)
}
