//! The answering side of the control socket.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::shape::{Answer, Request};

/// Read and write for owner and group: whoever may write may reload.
const MODE: u32 = 0o660;
/// Longest request; the longest real one is well below.
const MAX_REQUEST: u64 = 64 << 10;
/// A client that does not finish its request by then is dropped.
const PATIENCE: Duration = Duration::from_secs(5);
/// Size of a part of an answer.
const PIECE: usize = 64 << 10;
/// Pause after a failure to accept, such as too many open files.
const BACKOFF: Duration = Duration::from_millis(100);

/// A request.
#[derive(Debug)]
pub struct Query {
    pub request: Request,
    /// Who asks, if the kernel says so.
    pub uid: Option<u32>,
    pub reply: oneshot::Sender<Answer>,
}

/// A bound socket; the file is removed when it is dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds `path`, over what a daemon that is gone may have left there.
    ///
    /// # Errors
    /// The file system's.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// Serves clients, each in its own task, until the future is dropped.
    pub async fn serve<T: From<Query> + Send + 'static>(&self, queries: mpsc::Sender<T>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let queries = queries.clone();
                    tokio::spawn(async move {
                        let served =
                            tokio::time::timeout(PATIENCE, serve_one(stream, queries)).await;
                        if let Ok(Err(error)) = served {
                            tracing::debug!(%error, "control connection ended early");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "control socket cannot accept");
                    tokio::time::sleep(BACKOFF).await;
                }
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "control socket was gone already");
        }
    }
}

async fn serve_one<T: From<Query>>(
    mut stream: UnixStream,
    queries: mpsc::Sender<T>,
) -> io::Result<()> {
    let uid = stream.peer_cred().ok().map(|peer| peer.uid());
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    BufReader::new(reader.take(MAX_REQUEST))
        .read_line(&mut line)
        .await?;
    let answer = match Request::read(&line) {
        Ok(request) => {
            let (reply, answer) = oneshot::channel();
            // If nobody listens any more, the reply's sender is dropped, which is an answer, too.
            let query = Query {
                request,
                uid,
                reply,
            };
            let _ = queries.send(query.into()).await;
            answer
                .await
                .unwrap_or_else(|_| Answer::Error("the daemon is stopping".to_owned()))
        }
        Err(error) => Answer::Error(error),
    };
    let mut text = Pieces::default();
    serde_json::to_writer(&mut text, &answer)?;
    drop(answer);
    text.write_all(b"\n")?;
    for piece in text.0 {
        writer.write_all(&piece).await?;
    }
    Ok(())
}

/// A text in memory that may be megabytes long: it is not copied while it grows.
#[derive(Default)]
struct Pieces(Vec<Vec<u8>>);

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.last_mut() {
            Some(last) if last.capacity() - last.len() >= bytes.len() => last.extend(bytes),
            Some(_) | None => {
                let mut piece = Vec::with_capacity(PIECE.max(bytes.len()));
                piece.extend(bytes);
                self.0.push(piece);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::client;
    use super::*;

    fn path() -> PathBuf {
        let name = format!(
            "lvx-test-{}-{:?}.sock",
            std::process::id(),
            std::thread::current().id()
        );
        std::env::temp_dir().join(name)
    }

    /// Answers reloads, and drops everything else.
    async fn daemon(mut queries: mpsc::Receiver<Query>) {
        while let Some(query) = queries.recv().await {
            // SAFETY: it takes and gives numbers alone.
            assert_eq!(query.uid, Some(unsafe { libc::getuid() }));
            if query.request == Request::Reload {
                let answer = Answer::Reloaded(super::super::shape::Reloaded { changed: true });
                query.reply.send(answer).expect("the client waits");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn clients_get_answers_and_garbage_gets_an_error() {
        let path = path();
        let socket = Socket::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let (queries, inbox) = mpsc::channel::<Query>(1);
        tokio::spawn(daemon(inbox));
        let serving = tokio::spawn(async move { socket.serve(queries).await });
        let ask = |request| {
            let path = path.clone();
            tokio::task::spawn_blocking(move || client::ask(&path, &request).unwrap())
        };
        let reloaded = ask(Request::Reload).await.unwrap();
        assert!(matches!(reloaded, Answer::Reloaded(_)));
        let stopping = ask(Request::Status).await.unwrap();
        assert_eq!(stopping, Answer::Error("the daemon is stopping".to_owned()));
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream
            .write_all(b"{\"request\":\"dance\"}\n")
            .await
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.contains("not understood"), "{text}");
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        assert!(!path.exists());
    }
}
