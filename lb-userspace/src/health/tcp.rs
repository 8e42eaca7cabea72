//! TCP check: the server is up if it takes a connection.

use std::net::SocketAddr;

use tokio::net::TcpStream;

/// Opens a connection and closes it again.
pub(super) async fn probe(target: SocketAddr) -> Result<(), String> {
    match TcpStream::connect(target).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("connect to {target}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::probe;

    #[tokio::test]
    async fn a_listener_is_up_and_a_closed_port_is_down() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = listener.local_addr().unwrap();
        assert_eq!(probe(target).await, Ok(()));
        drop(listener);
        let reason = probe(target).await.unwrap_err();
        assert!(reason.contains("refused"), "{reason}");
    }
}
