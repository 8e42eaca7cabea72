//! Servers that behave in one way, right or wrong.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a server does with a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Behaviour {
    /// It never reads, writes or closes.
    Silent,
    /// It ends it by a reset once it has read something.
    Resets,
    /// It closes it once it has read something.
    Closes,
    /// It says this after it has read something, and closes.
    Says(&'static [u8]),
    /// It says the first at once, then the second again and again.
    Repeats(&'static [u8], &'static [u8]),
    /// It says this at once, and no more.
    Begins(&'static [u8]),
    /// It says this a byte at a time, with a pause after each.
    Drips(&'static [u8]),
    /// For each line that it reads, it says the next of these; the first one at once.
    Dialogue(&'static [&'static str]),
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, behaviour));
            }
        });
        Self { address, task }
    }
}

/// An address where nothing listens.
pub(super) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour) {
    let mut buffer = [0; 4096];
    match behaviour {
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Resets => {
            let _ = stream.read(&mut buffer).await;
            super::super::socket::reset_at_end(&socket2::SockRef::from(&stream));
        }
        Behaviour::Closes => {
            let _ = stream.read(&mut buffer).await;
        }
        Behaviour::Says(text) => {
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(text).await;
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut buffer).await;
        }
        Behaviour::Repeats(first, then) => {
            let mut written = stream.write_all(first).await;
            while written.is_ok() {
                written = stream.write_all(then).await;
            }
        }
        Behaviour::Begins(text) => {
            let _ = stream.write_all(text).await;
            std::future::pending().await
        }
        Behaviour::Drips(text) => {
            for byte in text {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                // The behaviour itself: nobody waits for it.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Behaviour::Dialogue(lines) => dialogue(stream, lines).await,
    }
}

async fn dialogue(mut stream: TcpStream, lines: &[&str]) {
    let mut received = Vec::new();
    for line in lines {
        if stream.write_all(line.as_bytes()).await.is_err() {
            return;
        }
        while !received.contains(&b'\n') {
            match stream.read_buf(&mut received).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let end = received.iter().position(|byte| *byte == b'\n');
        received.drain(..=end.unwrap_or_default());
    }
}
