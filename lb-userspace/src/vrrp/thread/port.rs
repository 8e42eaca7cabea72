//! The receiving side: one family on one interface.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use tracing::info;

use crate::config::Instance;
use crate::vrrp::frame::Claim;
use crate::vrrp::interface::Interface;
use crate::vrrp::limit::Limit;
use crate::vrrp::packet::Header;
use crate::vrrp::socket::{Listener, ReceiveSocket};
use crate::vrrp::statistics::InterfaceCounters;

/// Which port an instance is at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Side {
    pub(super) interface: String,
    pub(super) ipv6: bool,
}

impl Side {
    pub(super) fn of(config: &Instance) -> Self {
        Self {
            interface: config.interface.clone(),
            ipv6: config.is_ipv6(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Port {
    side: Side,
    pub(super) counters: Arc<InterfaceCounters>,
    /// Place of the router with each virtual router id.
    routers: Box<[Option<usize>; 256]>,
    /// Some router there is not unicast.
    multicast: bool,
    open: Option<Open>,
    pub(super) stranger_log: Limit,
}

/// What was opened, and for what.
#[derive(Debug)]
struct Open {
    index: u32,
    multicast: bool,
    receive: ReceiveSocket,
    /// While some router there is MASTER.
    listener: Option<Listener>,
}

impl Port {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            counters: Arc::default(),
            routers: Box::new([None; 256]),
            multicast: false,
            open: None,
            stranger_log: Limit::default(),
        }
    }

    /// Forgets who is there; [`Self::enter`] follows.
    pub(super) fn clear(&mut self) {
        self.routers.fill(None);
        self.multicast = false;
    }

    pub(super) fn enter(&mut self, config: &Instance, place: usize) {
        self.routers[usize::from(config.virtual_router_id.get())] = Some(place);
        self.multicast |= config.unicast.is_none();
    }

    pub(super) fn router(&self, virtual_router_id: u8) -> Option<usize> {
        self.routers[usize::from(virtual_router_id)]
    }

    /// Follows what the interface is like now: opens, reopens or closes the socket.
    ///
    /// # Errors
    /// Why nothing can be received.
    pub(super) fn refresh(&mut self, interface: Option<&Interface>) -> Result<(), String> {
        let name = &self.side.interface;
        let Some(interface) = interface else {
            self.open = None;
            return Err(format!("there is no interface {name}"));
        };
        let (index, multicast) = (interface.index, self.multicast);
        let fits = |open: &Open| open.index == index && open.multicast == multicast;
        if self.open.as_ref().is_some_and(fits) {
            return Ok(());
        }
        self.open = None;
        let receive = ReceiveSocket::open(name, index, self.side.ipv6, multicast)
            .map_err(|error| format!("cannot open a socket on {name}: {error}"))?;
        self.open = Some(Open {
            index,
            multicast,
            receive,
            listener: None,
        });
        let ipv6 = self.side.ipv6;
        info!(interface = %name, ipv6, multicast, "VRRP listens");
        Ok(())
    }

    /// Listens for other claims to addresses, or stops that.
    pub(super) fn listen(&mut self, wanted: bool) -> io::Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if wanted && open.listener.is_none() {
            open.listener = Some(Listener::open(open.index, self.side.ipv6)?);
        } else if !wanted {
            open.listener = None;
        }
        Ok(())
    }

    /// See [`ReceiveSocket::receive`].
    pub(super) fn receive<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> io::Result<Option<(Header, &'b [u8])>> {
        match &self.open {
            Some(open) => open.receive.receive(buffer),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// See [`Listener::next`].
    pub(super) fn claim(&self) -> io::Result<Option<Claim>> {
        let listener = self.open.as_ref().and_then(|open| open.listener.as_ref());
        match listener {
            Some(listener) => listener.next(),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let open = self.open.as_ref();
        let receive = open.map(|open| open.receive.as_fd());
        let listener = open.and_then(|open| open.listener.as_ref());
        receive.into_iter().chain(listener.map(AsFd::as_fd))
    }
}
