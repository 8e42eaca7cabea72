//! SIGTERM and SIGINT: the peers hear of it at once, whatever the daemon's loop is doing.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::vrrp;

use super::{DaemonError, Event};

/// From now on a signal makes the protocol give up, then stops the daemon.
///
/// # Errors
/// The system's.
pub(super) fn watch(
    protocol: Arc<vrrp::Handle>,
    events: mpsc::Sender<Event>,
) -> Result<(), DaemonError> {
    let listen = |kind| signal(kind).map_err(DaemonError::io("signal handler"));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    // A task of its own: the loop may be waiting for the kernel.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            protocol.send(vrrp::Command::Shutdown);
            if events.send(Event::Stop).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
