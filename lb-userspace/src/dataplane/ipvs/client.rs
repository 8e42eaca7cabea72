//! The generic netlink socket.

use std::io;
use std::time::Duration;

use netlink_sys::protocols::NETLINK_GENERIC;
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use tokio::sync::Mutex;

use super::codec::{self, DecodeError};
use super::frame::{Body, FLAG_ACK, FLAG_DUMP, Message, Refusal, Replies};

/// `GENL_ID_CTRL`: the family that knows the others.
const CONTROLLER: u16 = 16;
const FAMILY: &str = "IPVS";
/// Requests in one datagram: all their answers must fit into the socket's buffer.
const BATCH: usize = 64;

/// The kernel answers while the request is sent; longer than this can only mean that it does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// The one result that the kernel keeps to itself.
const INTERRUPTED: Refusal = Refusal {
    errno: libc::EINTR,
    explanation: None,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("netlink socket: {0}")]
    Socket(#[from] io::Error),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("answer of the kernel: {0}")]
    Decode(#[from] DecodeError),
    #[error("the kernel's answers overran the netlink socket")]
    Overrun,
    #[error("the kernel did not answer for {} s", PATIENCE.as_secs())]
    Silence,
}

impl RequestError {
    /// The kernel's error number.
    pub(super) const fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused(refusal) => Some(refusal.errno),
            Self::Socket(_) | Self::Decode(_) | Self::Overrun | Self::Silence => None,
        }
    }
}

/// One answer: its messages, and what the kernel said at the end.
#[derive(Debug)]
struct Answer {
    messages: Vec<Message>,
    end: Option<Result<(), Refusal>>,
}

struct Connection {
    socket: TokioSocket,
    sequence: u32,
    family: u16,
}

/// Requests to the family IPVS, one exchange at a time.
pub(super) struct Client {
    connection: Mutex<Connection>,
}

impl Client {
    /// Opens the socket in the network namespace of the calling thread and finds the family; the
    /// kernel loads its module for that. Without one it refuses with `ENOENT`.
    pub(super) async fn connect() -> Result<Self, RequestError> {
        let mut socket = TokioSocket::new(NETLINK_GENERIC)?;
        socket.socket_mut().bind_auto()?;
        socket.socket_ref().connect(&SocketAddr::new(0, 0))?;
        // Kernels before 4.12 explain nothing.
        let _ = socket.socket_ref().set_ext_ack(true);
        let mut connection = Connection {
            socket,
            sequence: 0,
            family: 0,
        };
        connection.find_family().await?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// Sends requests that are carried out in order, each whatever became of those before it;
    /// what the kernel said to each. It says nothing to one that a signal interrupted, except by
    /// its answer to the next: the last one must not be of that kind.
    pub(super) async fn execute(
        &self,
        requests: &[Message],
    ) -> Result<Vec<Result<(), Refusal>>, RequestError> {
        let mut connection = self.connection.lock().await;
        let mut results = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            let family = connection.family;
            let answers = connection.exchange(family, FLAG_ACK, batch).await?;
            results.extend(answers.into_iter().filter_map(|answer| answer.end));
        }
        Ok(results)
    }

    /// All entries of a list.
    pub(super) async fn list(&self, request: Message) -> Result<Vec<Message>, RequestError> {
        self.ask(FLAG_DUMP, request).await
    }

    /// The one answer to a question.
    pub(super) async fn get(&self, request: Message) -> Result<Message, RequestError> {
        let what = "answer";
        let mut messages = self.ask(FLAG_ACK, request).await?;
        messages.pop().ok_or(DecodeError::Missing { what }.into())
    }

    async fn ask(&self, flags: u16, request: Message) -> Result<Vec<Message>, RequestError> {
        let mut connection = self.connection.lock().await;
        let request = [request];
        let family = connection.family;
        match connection.exchange_one(family, flags, &request).await {
            // The module was unloaded, and with it the family's number.
            Err(RequestError::Refused(refusal)) if refusal.errno == libc::ENOENT => {
                connection.find_family().await?;
                let family = connection.family;
                connection.exchange_one(family, flags, &request).await
            }
            other => other,
        }
    }
}

impl Connection {
    async fn find_family(&mut self) -> Result<(), RequestError> {
        let what = "family";
        let request = [codec::get_family(FAMILY)];
        let answer = self.exchange_one(CONTROLLER, FLAG_ACK, &request).await?;
        let answer = answer.first().ok_or(DecodeError::Missing { what })?;
        self.family = codec::read_family(answer)?;
        Ok(())
    }

    async fn exchange_one(
        &mut self,
        family: u16,
        flags: u16,
        request: &[Message; 1],
    ) -> Result<Vec<Message>, RequestError> {
        let answers = self.exchange(family, flags, request).await?;
        let mut messages = Vec::new();
        for answer in answers {
            answer.end.transpose()?;
            messages = answer.messages;
        }
        Ok(messages)
    }

    /// Sends requests in one datagram and collects their answers. A future that was dropped half
    /// way leaves answers behind, which the next exchange knows by their sequence numbers.
    async fn exchange(
        &mut self,
        family: u16,
        flags: u16,
        requests: &[Message],
    ) -> Result<Vec<Answer>, RequestError> {
        let first = self.sequence;
        let mut datagram = Vec::new();
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            request.request(family, flags, self.sequence, &mut datagram);
            self.sequence = self.sequence.wrapping_add(1);
            answers.push(Answer {
                messages: Vec::new(),
                end: None,
            });
        }
        self.socket.send(&datagram).await?;
        // The kernel answers in order, so the last answer ends them all.
        while answers.last().is_some_and(|answer| answer.end.is_none()) {
            let receive = self.socket.recv_from_full();
            let received = tokio::time::timeout(PATIENCE, receive).await;
            let (datagram, _) = received.map_err(|_| RequestError::Silence)??;
            for reply in Replies::new(&datagram) {
                let reply = reply?;
                let index = reply.sequence.wrapping_sub(first) as usize;
                let Some(answer) = answers.get_mut(index) else {
                    continue;
                };
                match reply.body {
                    Body::Data(message) => answer.messages.push(message),
                    Body::End(end) => answer.end = Some(end),
                    Body::Overrun => return Err(RequestError::Overrun),
                }
            }
        }
        for answer in &mut answers {
            answer.end.get_or_insert(Err(INTERRUPTED));
        }
        Ok(answers)
    }
}
