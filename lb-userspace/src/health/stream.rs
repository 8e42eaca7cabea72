//! A conversation of requests and bounded answers over a connection.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::attempt::Attempt;
use super::failure::{Failure, Wait};

/// Of one answer.
const MOST: usize = 64 << 10;

/// Takes an answer from the beginning of what came: it and its length, or `None` while it is not
/// whole.
pub(super) type Parser<T, E> = fn(&[u8]) -> Result<Option<(T, usize)>, E>;

pub(super) struct Conversation<'a, S> {
    attempt: &'a Attempt<'a>,
    stream: S,
    received: Vec<u8>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    pub(super) const fn new(attempt: &'a Attempt<'a>, stream: S) -> Self {
        Self {
            attempt,
            stream,
            received: Vec::new(),
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8], wait: Wait) -> Result<(), Failure> {
        let to = self.attempt.to();
        let stream = &mut self.stream;
        let write = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        let written = self.attempt.within(wait, write).await?;
        written.map_err(|error| Failure::io(to, wait, &error))
    }

    /// `wrong` makes a failure of what the parser does not take.
    pub(super) async fn receive<T, E>(
        &mut self,
        wait: Wait,
        parse: Parser<T, E>,
        wrong: impl Fn(E) -> Failure,
    ) -> Result<T, Failure> {
        let to = self.attempt.to();
        loop {
            if let Some((answer, length)) = parse(&self.received).map_err(&wrong)? {
                self.received.drain(..length);
                return Ok(answer);
            }
            if self.received.len() >= MOST {
                let limit = MOST;
                return Err(Failure::Flood { to, limit, wait });
            }
            let read = self.stream.read_buf(&mut self.received);
            let read = self.attempt.within(wait, read).await?;
            if read.map_err(|error| Failure::io(to, wait, &error))? == 0 {
                return Err(Failure::Closed { to, wait });
            }
        }
    }

    /// What was said before TLS counts no more.
    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// Ends it so that the server sees no reset.
    pub(super) async fn end(mut self) {
        let attempt = self.attempt;
        let part = async {
            let mut unread = [0; 1024];
            let mut most = MOST;
            // The outcome is known; all this can do is fail.
            if self.stream.shutdown().await.is_ok() {
                while let Ok(n @ 1..) = self.stream.read(&mut unread).await {
                    most = most.saturating_sub(n);
                    if most == 0 {
                        break;
                    }
                }
            }
        };
        attempt.shortly(part).await;
    }
}
