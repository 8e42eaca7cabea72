//! The one place where checks open sockets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::attempt::Attempt;
use super::failure::{Failure, Refusal, Wait, plain};

/// Why this host cannot ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SocketFault {
    #[error("no socket: {0}")]
    None(String),
    #[error("`source` {0} is not an address of this host")]
    NotOurs(IpAddr),
    #[error("`source` {source_address}: {error}")]
    Source {
        source_address: IpAddr,
        error: String,
    },
    #[error("`interface` {0} does not exist")]
    NoInterface(String),
    #[error("`interface` {name}: {error}: it needs CAP_NET_RAW")]
    Interface { name: String, error: String },
    #[error("`mark` {mark}: {error}: it needs CAP_NET_ADMIN")]
    Mark { mark: u32, error: String },
    #[error("ping: {0}: it needs CAP_NET_RAW, or lvx's group in net.ipv4.ping_group_range")]
    Ping(String),
    #[error("no way through the virtual address: {0}")]
    Through(String),
}

/// Opens a connection.
pub(super) async fn tcp(attempt: &Attempt<'_>) -> Result<TcpStream, Failure> {
    let to = attempt.to();
    let socket = open(attempt, Type::STREAM, Protocol::TCP)?;
    let socket = TcpSocket::from_std_stream(socket.into());
    let refused = |error: io::Error| Failure::Connect {
        to,
        fault: Refusal::of(&error),
    };
    let connect = socket.connect(attempt.peer());
    let stream = attempt.within(Wait::Connection, connect).await?;
    let stream = stream.map_err(refused)?;
    // Requests are written at once; a failure costs some milliseconds.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Another descriptor of a connection, which outlives those that close theirs.
pub(super) fn again(stream: &TcpStream) -> Option<Socket> {
    // Without it, the connection ends less politely: that is no failure of the server's.
    socket2::SockRef::from(stream).try_clone().ok()
}

/// Opens a connection of which nothing is wanted but that it opens. Unlike that of [`tcp`] it is
/// not registered with tokio, which costs as much as all the rest of such a probe: it need not be
/// where the server answers at once.
pub(super) async fn connection(attempt: &Attempt<'_>) -> Result<Socket, Failure> {
    let to = attempt.to();
    let socket = open(attempt, Type::STREAM, Protocol::TCP)?;
    let refused = |error: io::Error| Failure::Connect {
        to,
        fault: Refusal::of(&error),
    };
    let address = attempt.peer().into();
    // The first call begins it, the second asks what came of it.
    match socket.connect(&address).or_else(|error| {
        let begun = error.raw_os_error() == Some(libc::EINPROGRESS);
        if begun {
            socket.connect(&address)
        } else {
            Err(error)
        }
    }) {
        Ok(()) => return Ok(socket),
        Err(error) if error.raw_os_error() == Some(libc::EALREADY) => {}
        Err(error) => return Err(refused(error)),
    }
    let stream = TcpStream::from_std(socket.into()).map_err(refused)?;
    let opened = attempt.within(Wait::Connection, stream.writable()).await?;
    let error = opened.and_then(|()| stream.take_error());
    if let Some(error) = error.map_err(refused)? {
        return Err(refused(error));
    }
    let stream = stream.into_std().map_err(refused)?;
    Ok(stream.into())
}

/// A socket that sends to and hears from the server alone.
pub(super) fn udp(attempt: &Attempt<'_>) -> Result<UdpSocket, Failure> {
    let socket = open(attempt, Type::DGRAM, Protocol::UDP)?;
    datagrams(attempt, &socket).map_err(|error| unconnected(attempt, &error))?;
    into_tokio(attempt, socket)
}

/// Whether the kernel shows only our own echoes, or all of them with their IP header (IPv4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Echoes {
    Own,
    All,
}

/// A socket for ICMP echo.
pub(super) fn ping(attempt: &Attempt<'_>) -> Result<(UdpSocket, Echoes), Failure> {
    let protocol = match attempt.to() {
        SocketAddr::V4(_) => Protocol::ICMPV4,
        SocketAddr::V6(_) => Protocol::ICMPV6,
    };
    let to = attempt.to();
    let (socket, echoes) = match Socket::new(domain(to), Type::DGRAM.nonblocking(), Some(protocol))
    {
        Ok(socket) => (socket, Echoes::Own),
        Err(_) => {
            let socket = Socket::new(domain(to), Type::RAW.nonblocking(), Some(protocol));
            let failed = |error| fault(attempt, SocketFault::Ping(plain(&error)));
            (socket.map_err(failed)?, Echoes::All)
        }
    };
    prepare(attempt, &socket)?;
    datagrams(attempt, &socket).map_err(|error| unconnected(attempt, &error))?;
    Ok((into_tokio(attempt, socket)?, echoes))
}

/// Waits for a datagram of at most `most` bytes. The inner error is what ICMP says, among others.
pub(super) async fn receive(
    attempt: &Attempt<'_>,
    wait: Wait,
    socket: &UdpSocket,
    most: usize,
) -> Result<io::Result<Vec<u8>>, Failure> {
    // An error makes a socket not readable: it is an event of its own.
    let either = Interest::READABLE | Interest::ERROR;
    loop {
        // No buffer waits with us: there may be ten thousand checks.
        let ready = match attempt.within(wait, socket.ready(either)).await? {
            Ok(ready) => ready,
            Err(error) => return Ok(Err(error)),
        };
        if ready.is_error() {
            if let Ok(Some(error)) = socket.take_error() {
                return Ok(Err(error));
            }
            let none = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            // Until there is another one.
            let _ = socket.try_io(Interest::ERROR, none);
        }
        let mut datagram = vec![0; most];
        match socket.try_recv(&mut datagram) {
            Ok(length) => {
                datagram.truncate(length);
                return Ok(Ok(datagram));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// When it is dropped, the connection ends by a reset.
pub(super) fn reset_at_end(connection: &Socket) {
    // Without it, the connection ends politely: that is no failure of the server's.
    let _ = connection.set_linger(Some(Duration::ZERO));
}

fn open(attempt: &Attempt<'_>, kind: Type, protocol: Protocol) -> Result<Socket, Failure> {
    let socket = Socket::new(domain(attempt.peer()), kind.nonblocking(), Some(protocol))
        .map_err(|error| fault(attempt, SocketFault::None(plain(&error))))?;
    prepare(attempt, &socket)?;
    Ok(socket)
}

const fn domain(to: SocketAddr) -> Domain {
    match to {
        SocketAddr::V4(_) => Domain::IPV4,
        SocketAddr::V6(_) => Domain::IPV6,
    }
}

fn prepare(attempt: &Attempt<'_>, socket: &Socket) -> Result<(), Failure> {
    let origin = &attempt.probe.origin;
    if let Some(mark) = origin.mark {
        let failed = |error| {
            let error = plain(&error);
            fault(attempt, SocketFault::Mark { mark, error })
        };
        socket.set_mark(mark).map_err(failed)?;
    }
    if let Some(name) = &origin.interface {
        let failed = |error: io::Error| {
            let name = name.clone();
            let why = match error.raw_os_error() {
                Some(libc::ENODEV) => SocketFault::NoInterface(name),
                Some(_) | None => SocketFault::Interface {
                    name,
                    error: plain(&error),
                },
            };
            fault(attempt, why)
        };
        socket.bind_device(Some(name.as_bytes())).map_err(failed)?;
    }
    if let Some(source) = origin.source {
        let failed = |error: io::Error| {
            let why = match error.raw_os_error() {
                Some(libc::EADDRNOTAVAIL) => SocketFault::NotOurs(source),
                Some(_) | None => SocketFault::Source {
                    source_address: source,
                    error: plain(&error),
                },
            };
            fault(attempt, why)
        };
        late_port(socket);
        let from = SocketAddr::new(source, 0);
        socket.bind(&from.into()).map_err(failed)?;
    }
    if let Some(vip) = attempt.vip {
        let failed = |error| fault(attempt, SocketFault::Through(plain(&error)));
        let asked = cookie(socket).and_then(|cookie| attempt.tools.through.ask(cookie, vip));
        asked.map_err(failed)?;
    }
    Ok(())
}

/// The kernel's own name for a socket.
fn cookie(socket: &Socket) -> io::Result<u64> {
    use std::os::fd::AsRawFd;
    let mut cookie = 0_u64;
    let mut size = size_of_val(&cookie) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the option's value is a u64.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut size,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(cookie)
}

/// The port is chosen when it is known where the connection goes, so that one port serves
/// connections to many servers.
fn late_port(socket: &Socket) {
    use std::os::fd::AsRawFd;
    let on: libc::c_int = 1;
    let size = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the value is an int of that size. A kernel that does not
    // know the option gives the socket a port of its own at once.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size,
        );
    }
}

/// Connects a socket of datagrams, which takes no time.
fn datagrams(attempt: &Attempt<'_>, socket: &Socket) -> io::Result<()> {
    // The port means nothing to ICMP.
    socket.connect(&attempt.peer().into())
}

fn unconnected(attempt: &Attempt<'_>, error: &io::Error) -> Failure {
    Failure::Connect {
        to: attempt.to(),
        fault: Refusal::of(error),
    }
}

fn into_tokio(attempt: &Attempt<'_>, socket: Socket) -> Result<UdpSocket, Failure> {
    UdpSocket::from_std(socket.into())
        .map_err(|error| fault(attempt, SocketFault::None(plain(&error))))
}

fn fault(attempt: &Attempt<'_>, fault: SocketFault) -> Failure {
    let to = attempt.to();
    Failure::Socket { to, fault }
}
