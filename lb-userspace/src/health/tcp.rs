//! TCP check: the server is up if it takes a connection.

use super::attempt::Attempt;
use super::outcome::{Good, Outcome};
use super::socket;

/// Opens a connection and closes it again.
pub(super) async fn probe(attempt: &Attempt<'_>, reset: bool) -> Outcome {
    let connection = socket::connection(attempt).await?;
    if reset {
        socket::reset_at_end(&connection);
    } else {
        attempt.tools.ends.take(connection);
    }
    Ok(Good::default())
}
