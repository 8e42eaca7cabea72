//! Clients: requests from chosen source addresses. To be called in the client's namespace.

mod load;
mod report;
mod survey;

pub use load::{Load, Pace};
pub use report::{Report, Sample};
pub use survey::{Survey, survey};

use std::error::Error;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use socket2::{Domain, Socket, Type};

/// Time for a whole request. Below the second after which TCP repeats a lost SYN: a request that
/// needed a second SYN has failed.
pub const TIMEOUT: Duration = Duration::from_millis(950);

/// Answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Name of the real server that answered.
    pub server: String,
    /// Segments that this side had to send again.
    pub retransmits: u32,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whether there was a connection, which then broke or had no answer in time.
    pub connected: bool,
    text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failure {}

/// A TCP connection from `source`.
///
/// # Errors
/// No connection within `timeout`.
pub fn connect(source: Ipv4Addr, to: SocketAddrV4, timeout: Duration) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).context("making a socket")?;
    socket
        .bind(&SocketAddrV4::new(source, 0).into())
        .with_context(|| format!("binding to {source}"))?;
    socket
        .connect_timeout(&to.into(), timeout)
        .with_context(|| format!("connecting to {to} from {source}"))?;
    Ok(socket.into())
}

/// One HTTP request on a connection of its own.
///
/// # Errors
/// No complete answer with status 200 within `timeout`.
pub fn get(
    source: Ipv4Addr,
    from: SocketAddrV4,
    timeout: Duration,
) -> std::result::Result<Answer, Failure> {
    let failure = |connected| {
        move |error: anyhow::Error| Failure {
            connected,
            text: format!("{error:#}"),
        }
    };
    let deadline = Instant::now() + timeout;
    let stream = connect(source, from, timeout).map_err(failure(false))?;
    ask(stream, deadline).map_err(failure(true))
}

fn ask(mut stream: TcpStream, deadline: Instant) -> Result<Answer> {
    stream
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .context("sending a request")?;
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "no answer in time");
        stream
            .set_read_timeout(Some(left))
            .context("a read timeout")?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => text.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                bail!("no answer in time")
            }
            Err(error) => return Err(error).context("reading an answer"),
        }
    }
    let text = String::from_utf8_lossy(&text);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .with_context(|| format!("an answer without a body: {text:?}"))?;
    ensure!(head.starts_with("HTTP/1.1 200 "), "not a 200: {head:?}");
    Ok(Answer {
        server: body.trim_end().to_owned(),
        retransmits: retransmits(&stream).context("TCP_INFO")?,
    })
}

fn retransmits(stream: &TcpStream) -> std::io::Result<u32> {
    // SAFETY: `tcp_info` is a plain C struct, for which all zeros is a value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, the size of `info`.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(info.tcpi_total_retrans)
}
