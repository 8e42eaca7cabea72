//! A connection that speaks HTTP: bounded, and driven by the probe itself.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::{Fuse, FusedFuture, FutureExt};
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use socket2::Socket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use crate::health::attempt::Attempt;
use crate::health::failure::{Failure, Wait};
use crate::health::tls::TlsFault;

use super::HttpFault;

/// Of the head of an answer.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 128;

/// The part of hyper that moves the bytes.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

pub(in crate::health) struct Connection<B> {
    sender: Sender<B>,
    driver: Fuse<Driver>,
    /// They end with the connection.
    tasks: Tasks,
    /// The connection that it is made of: hyper closes it with bytes unread.
    below: Option<Socket>,
}

enum Sender<B> {
    Http1(http1::SendRequest<B>),
    Http2(http2::SendRequest<B>),
}

impl<B> Connection<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(in crate::health) async fn http1<S>(
        attempt: &Attempt<'_>,
        below: Option<Socket>,
        stream: S,
    ) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD).max_headers(HEADERS);
        let handshake = builder.handshake(TokioIo::new(stream)).await;
        let what = || "HTTP/1.1".to_owned();
        let (sender, driver) = handshake.map_err(|error| failure(attempt, &error, &what))?;
        Ok(Self {
            sender: Sender::Http1(sender),
            driver: (Box::pin(driver) as Driver).fuse(),
            tasks: Tasks::default(),
            below,
        })
    }

    pub(in crate::health) async fn http2<S>(
        attempt: &Attempt<'_>,
        below: Option<Socket>,
        stream: S,
    ) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        const WINDOW: u32 = 128 << 10;
        let tasks = Tasks::default();
        let mut builder = http2::Builder::new(tasks.clone());
        builder
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_header_list_size(HEAD as u32);
        let handshake = builder.handshake(TokioIo::new(stream));
        let handshake = attempt.within(Wait::Answer, handshake).await?;
        let what = || "HTTP/2".to_owned();
        let (sender, driver) = handshake.map_err(|error| failure(attempt, &error, &what))?;
        Ok(Self {
            sender: Sender::Http2(sender),
            driver: (Box::pin(driver) as Driver).fuse(),
            tasks,
            below,
        })
    }

    /// Sends a request; the head of the answer. `what` names the request in failures.
    pub(in crate::health) async fn ask(
        &mut self,
        attempt: &Attempt<'_>,
        request: Request<B>,
        what: &(impl Fn() -> String + Sync),
    ) -> Result<Response<Incoming>, Failure> {
        let answer = match &mut self.sender {
            Sender::Http1(sender) => sender.send_request(request).left_future(),
            Sender::Http2(sender) => sender.send_request(request).right_future(),
        };
        let answer = drive(&mut self.driver, answer);
        let answer = attempt.within(Wait::Answer, answer).await?;
        answer.map_err(|error| failure(attempt, &error, what))
    }

    /// Moves the connection's bytes until `work` is done.
    pub(in crate::health) async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        drive(&mut self.driver, work).await
    }

    /// Ends it so that the server sees no reset.
    pub(in crate::health) async fn end(self, attempt: &Attempt<'_>) {
        let Self {
            sender,
            driver,
            tasks,
            below,
        } = self;
        drop(sender);
        let end = async {
            // One that has ended is not ready again.
            if !driver.is_terminated() {
                // Its error is none of the server's.
                let _ = driver.await;
            }
            tasks.end().await;
        };
        attempt.shortly(end).await;
        if let Some(socket) = below {
            attempt.tools.ends.take(socket);
        }
    }
}

async fn drive<T>(driver: &mut Fuse<Driver>, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            // Its error is what the work fails with.
            _ = &mut *driver, if !driver.is_terminated() => {}
        }
    }
}

/// Runs what hyper wants to run beside its HTTP/2 connection, for as long as that lives.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// Waits until they have done what is left to do.
    async fn end(self) {
        let mut tasks = {
            // A spawn that panicked has left the set whole.
            let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        while tasks.join_next().await.is_some() {}
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        // A spawn that panicked has left the set whole.
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(task);
    }
}

/// What hyper's error means to the operator.
pub(in crate::health) fn failure(
    attempt: &Attempt<'_>,
    error: &hyper::Error,
    what: &impl Fn() -> String,
) -> Failure {
    let to = attempt.to();
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<rustls::Error>() {
            let fault = TlsFault::of(error);
            return Failure::Tls { to, fault };
        }
        if let Some(error) = inner.downcast_ref::<io::Error>() {
            return Failure::io(to, Wait::Answer, error);
        }
        source = inner.source();
    }
    let wait = Wait::Answer;
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Failure::Closed { to, wait };
    }
    let why = if error.is_parse_version_h2() {
        "the answer is HTTP/2: write `version = \"2\"`".to_owned()
    } else if error.is_parse() {
        let most = HEAD >> 10;
        format!("no head of HTTP with at most {most} KiB and {HEADERS} headers came: {error}")
    } else {
        let cause = error.source().map(ToString::to_string);
        cause.map_or(error.to_string(), |cause| format!("{error}: {cause}"))
    };
    let what = what();
    Failure::Http(HttpFault::Protocol { what, why })
}
