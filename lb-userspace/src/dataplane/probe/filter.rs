//! Whether a filter is still where it was put (kernel: `net/sched/cls_api.c`, `RTM_GETTFILTER`).

use std::io;

use aya::programs::ProgramError;
use aya::programs::tc::{SchedClassifierLink, TcAttachType};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcHandle, TcMessage};

use crate::netlink;

/// What names a filter of a `clsact` qdisc.
#[derive(Debug)]
pub(super) struct Filter {
    index: i32,
    parent: TcHandle,
    priority: u16,
    handle: TcHandle,
}

impl Filter {
    /// That of a program on an interface, in the calling thread's network namespace.
    pub(super) fn of(
        link: &SchedClassifierLink,
        interface: u32,
        direction: TcAttachType,
    ) -> Result<Self, ProgramError> {
        let minor = match direction {
            TcAttachType::Ingress => TcHandle::MIN_INGRESS,
            TcAttachType::Egress | TcAttachType::Custom(_) => TcHandle::MIN_EGRESS,
        };
        Ok(Self {
            index: interface as i32,
            parent: TcHandle {
                minor,
                ..TcHandle::CLSACT
            },
            priority: link.priority()?,
            handle: u32::from(link.handle()?).into(),
        })
    }

    /// # Errors
    /// It cannot be found out.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        let (answer, _) = netlink::ask(self.question(), 0)?.recv_from_full()?;
        is_told(&answer)
    }

    fn question(&self) -> RouteNetlinkMessage {
        let mut message = TcMessage::default();
        message.header.index = self.index;
        message.header.parent = self.parent;
        message.header.handle = self.handle;
        // Filters of this kind get packets of all protocols.
        let protocol = (libc::ETH_P_ALL as u16).to_be();
        message.header.info = u32::from(self.priority) << 16 | u32::from(protocol);
        RouteNetlinkMessage::GetTrafficFilter(message)
    }
}

/// What the kernel answered: the filter, which need not be understood, or why there is none.
fn is_told(answer: &[u8]) -> io::Result<bool> {
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok());
    let kind = u16::from_ne_bytes(kind.ok_or_else(short)?);
    if kind == libc::RTM_NEWTFILTER {
        return Ok(true);
    }
    let code = answer.get(16..20).and_then(|bytes| bytes.try_into().ok());
    let code = -i32::from_ne_bytes(code.ok_or_else(short)?);
    match code {
        // No such filter, qdisc, or interface.
        libc::ENOENT | libc::EINVAL | libc::ENODEV => Ok(false),
        other => Err(io::Error::from_raw_os_error(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Length, type, flags, sequence, port; then the error's code.
    fn answer(kind: u16, code: i32) -> Vec<u8> {
        let mut bytes = vec![36, 0, 0, 0];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(code.to_ne_bytes());
        bytes
    }

    #[test]
    fn answers_are_understood() {
        let told = |kind, code| is_told(&answer(kind, code)).map_err(|error| error.raw_os_error());
        assert_eq!(told(libc::RTM_NEWTFILTER, 0), Ok(true));
        for gone in [libc::ENOENT, libc::EINVAL, libc::ENODEV] {
            assert_eq!(told(libc::NLMSG_ERROR as u16, -gone), Ok(false));
        }
        let refused = told(libc::NLMSG_ERROR as u16, -libc::EPERM);
        assert_eq!(refused, Err(Some(libc::EPERM)));
        for length in 0..20 {
            let cut = &answer(libc::NLMSG_ERROR as u16, -libc::ENOENT)[..length];
            assert!(is_told(cut).is_err(), "{length} bytes");
        }
    }
}
