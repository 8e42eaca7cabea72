//! A service on a router's host: answers each UDP datagram from the address that it was sent to.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::netns::Netns;

pub(super) const PORT: u16 = 7;

/// Room for one `in_pktinfo`.
type Control = [u64; 8];

/// Ends when dropped.
pub(super) struct Responder {
    answers: Arc<AtomicBool>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Responder {
    /// Answers with `name` in front of what it got.
    pub(super) fn start(netns: &Netns, name: u8) -> Result<Self> {
        let socket = netns
            .run(|| {
                let socket = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT))?;
                socket.set_read_timeout(Some(Duration::from_millis(200)))?;
                let on: libc::c_int = 1;
                // SAFETY: the option takes an integer, whose size is given.
                let set = unsafe {
                    libc::setsockopt(
                        socket.as_raw_fd(),
                        libc::IPPROTO_IP,
                        libc::IP_PKTINFO,
                        (&raw const on).cast(),
                        size_of_val(&on) as libc::socklen_t,
                    )
                };
                if set == 0 {
                    Ok(socket)
                } else {
                    Err(io::Error::last_os_error())
                }
            })?
            .context("a UDP service")?;
        let answers = Arc::new(AtomicBool::new(true));
        let ends = Arc::new(AtomicBool::new(false));
        let thread = {
            let (answers, ends) = (Arc::clone(&answers), Arc::clone(&ends));
            netns.spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    answer_one(&socket, name, &answers);
                }
            })
        };
        Ok(Self {
            answers,
            ends,
            thread: Some(thread),
        })
    }

    /// Whether it answers: a host that has died does not.
    pub(super) fn set_alive(&self, alive: bool) {
        self.answers.store(alive, Ordering::Relaxed);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It can only have panicked, which it has said itself.
            let _ = thread.join();
        }
    }
}

/// Hands a received message back with its own control message: `in_pktinfo` as received names the
/// address to answer from.
fn answer_one(socket: &UdpSocket, name: u8, answers: &AtomicBool) {
    let mut payload = [0_u8; 64];
    payload[0] = name;
    let mut control: Control = [0; 8];
    // SAFETY: all zeros is a valid address without a family, and a valid, empty `msghdr`.
    let (mut sender, mut message): (libc::sockaddr_in, libc::msghdr) = unsafe { mem::zeroed() };
    let mut vector = libc::iovec {
        iov_base: payload[1..].as_mut_ptr().cast(),
        iov_len: payload.len() - 1,
    };
    message.msg_name = (&raw mut sender).cast();
    message.msg_namelen = size_of_val(&sender) as libc::socklen_t;
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: `message` names live buffers with their sizes.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let Ok(length) = usize::try_from(length) else {
        return;
    };
    if !answers.load(Ordering::Relaxed) {
        return;
    }
    // The index would pin the answer to the interface that the question came by, which is right
    // here; the source is `ipi_spec_dst`, the local address, as received.
    let mut vector = libc::iovec {
        iov_base: payload.as_mut_ptr().cast(),
        iov_len: length + 1,
    };
    message.msg_iov = &raw mut vector;
    // SAFETY: as above. An error is an answer that does not come, which is what is measured.
    unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, 0) };
}
