//! TCP check: the server is up if it takes a connection.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::attempt::Attempt;
use super::outcome::{Good, Outcome};
use super::socket;

/// Opens a connection and closes it again.
pub(super) async fn probe(attempt: &Attempt<'_>, reset: bool) -> Outcome {
    let stream = socket::tcp(attempt).await?;
    if reset {
        socket::reset_at_end(&stream);
    } else {
        attempt.shortly(part(stream)).await;
    }
    Ok(Good::default())
}

/// Ends a connection so that the server sees its end and nothing else: a socket that is closed
/// with bytes unread, or that gets more, answers with a reset.
async fn part(mut stream: TcpStream) {
    // Enough for any banner.
    const MOST: u64 = 64 << 10;
    if stream.shutdown().await.is_ok() {
        let mut rest = stream.take(MOST);
        let mut unread = [0; 1024];
        while rest.read(&mut unread).await.is_ok_and(|n| n > 0) {}
    }
}
