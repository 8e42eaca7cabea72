//! Servers that notifications go to: aiosmtpd and Python's web server, which tell what they got.

mod certificates;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver as Lines, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

pub use certificates::{Authority, Certified};

use crate::harness::skip;

const MAIL: &str = include_str!("receivers/mail.py");
const WEB: &str = include_str!("receivers/web.py");
/// Distributions put aiosmtpd where their own Python finds it.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "python3"];
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mail,
    Web,
}

/// A server that runs; it is killed when dropped.
#[derive(Debug)]
pub struct Receiver {
    child: Child,
    lines: Lines<Value>,
    pub port: u16,
}

/// A port on which nobody listens yet.
#[derive(Debug)]
pub struct Reserved {
    socket: Socket,
    pub port: u16,
}

impl Reserved {
    /// A port of 127.0.0.1.
    ///
    /// # Errors
    /// There is none.
    pub fn new() -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into())?;
        let address = socket.local_addr()?.as_socket().context("its address")?;
        let port = address.port();
        Ok(Self { socket, port })
    }
}

/// A Python that has aiosmtpd; says that the test is skipped if there is none.
///
/// # Panics
/// There is none, and `CI=true`.
#[must_use]
pub fn python() -> Option<&'static str> {
    let has = |python: &&str| {
        let mut command = Command::new(python);
        let tried = command.args(["-c", "import aiosmtpd"]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let found = PYTHONS.into_iter().find(has);
    if found.is_none() {
        skip("no Python has aiosmtpd: `apt-get install python3-aiosmtpd`");
    }
    found
}

impl Receiver {
    /// Starts one on a port of its own choice. `command` is the Python, perhaps in a namespace.
    ///
    /// # Errors
    /// It ended at once.
    pub fn start(command: &mut Command, kind: Kind, options: &Value) -> Result<Self> {
        command.stdin(Stdio::null());
        Self::spawn(command, kind, options)
    }

    /// Starts one on a port that was reserved.
    ///
    /// # Errors
    /// It ended at once.
    pub fn start_on(
        reserved: Reserved,
        command: &mut Command,
        kind: Kind,
        mut options: Value,
    ) -> Result<Self> {
        options["inherited"] = json!(true);
        command.stdin(OwnedFd::from(reserved.socket));
        Self::spawn(command, kind, &options)
    }

    fn spawn(command: &mut Command, kind: Kind, options: &Value) -> Result<Self> {
        let script = match kind {
            Kind::Mail => MAIL,
            Kind::Web => WEB,
        };
        command.args([OsStr::new("-W"), OsStr::new("ignore"), OsStr::new("-c")]);
        command.args([script, &options.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().context("python")?;
        let output = child.stdout.take().context("its output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            for line in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                // The test is over if nobody wants it.
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut receiver = Self {
            child,
            lines,
            port: 0,
        };
        let port = receiver.next()?["port"].as_u64().context("its port")?;
        receiver.port = u16::try_from(port)?;
        Ok(receiver)
    }

    /// What it gets next.
    ///
    /// # Errors
    /// Nothing came in time, or it has ended.
    pub fn next(&self) -> Result<Value> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(value) => Ok(value),
            Err(RecvTimeoutError::Timeout) => bail!("nothing came within {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("it has ended"),
        }
    }

    /// What it gets until `wanted` is satisfied, that included.
    ///
    /// # Errors
    /// As [`Self::next`]; with what came until then.
    pub fn next_until(&self, wanted: impl Fn(&Value) -> bool) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let next = self.next().with_context(|| format!("after {all:#?}"))?;
            let found = wanted(&next);
            all.push(next);
            if found {
                return Ok(all);
            }
        }
    }

    /// What it has got and nobody has asked for.
    #[must_use]
    pub fn rest(&self) -> Vec<Value> {
        self.lines.try_iter().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It is dead then, or was before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
