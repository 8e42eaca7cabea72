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

pub(in crate::health) trait Connection<B> {
    /// Sends a request; the head of the answer. `what` names the request in failures.
    fn ask(
        &mut self,
        attempt: &Attempt<'_>,
        request: Request<B>,
        what: &(impl Fn() -> String + Sync),
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> + Send;

    /// Moves the connection's bytes until `work` is done.
    fn drive<T: Send>(
        &mut self,
        work: impl Future<Output = T> + Send,
    ) -> impl Future<Output = T> + Send;

    /// Ends it so that the server sees no reset.
    fn end(self, attempt: &Attempt<'_>) -> impl Future<Output = ()> + Send;
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

pub(in crate::health) struct Http1<B> {
    sender: http1::SendRequest<B>,
    driver: Fuse<Driver>,
}

impl<B> Http1<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(in crate::health) async fn over<S>(
        attempt: &Attempt<'_>,
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
        let driver: Driver = Box::pin(driver);
        let driver = driver.fuse();
        Ok(Self { sender, driver })
    }
}

impl<B> Connection<B> for Http1<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn ask(
        &mut self,
        attempt: &Attempt<'_>,
        request: Request<B>,
        what: &(impl Fn() -> String + Sync),
    ) -> Result<Response<Incoming>, Failure> {
        let answer = self.sender.send_request(request);
        let answer = drive(&mut self.driver, answer);
        let answer = attempt.within(Wait::Answer, answer).await?;
        answer.map_err(|error| failure(attempt, &error, what))
    }

    async fn drive<T: Send>(&mut self, work: impl Future<Output = T> + Send) -> T {
        drive(&mut self.driver, work).await
    }

    async fn end(self, attempt: &Attempt<'_>) {
        let Self { sender, driver } = self;
        drop(sender);
        // One that has ended is not ready again.
        if !driver.is_terminated() {
            attempt.shortly(driver.map(drop)).await;
        }
    }
}

pub(in crate::health) struct Http2<B> {
    sender: http2::SendRequest<B>,
    driver: Fuse<Driver>,
    /// They end with the connection.
    _tasks: Tasks,
}

impl<B> Http2<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(in crate::health) async fn over<S>(
        attempt: &Attempt<'_>,
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
        let driver: Driver = Box::pin(driver);
        let driver = driver.fuse();
        Ok(Self {
            sender,
            driver,
            _tasks: tasks,
        })
    }
}

impl<B> Connection<B> for Http2<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn ask(
        &mut self,
        attempt: &Attempt<'_>,
        request: Request<B>,
        what: &(impl Fn() -> String + Sync),
    ) -> Result<Response<Incoming>, Failure> {
        let answer = self.sender.send_request(request);
        let answer = drive(&mut self.driver, answer);
        let answer = attempt.within(Wait::Answer, answer).await?;
        answer.map_err(|error| failure(attempt, &error, what))
    }

    async fn drive<T: Send>(&mut self, work: impl Future<Output = T> + Send) -> T {
        drive(&mut self.driver, work).await
    }

    async fn end(self, attempt: &Attempt<'_>) {
        let Self {
            sender,
            driver,
            _tasks,
        } = self;
        drop(sender);
        attempt.shortly(driver.map(drop)).await;
    }
}

/// Runs what hyper wants to run beside its HTTP/2 connection, for as long as that lives.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

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
