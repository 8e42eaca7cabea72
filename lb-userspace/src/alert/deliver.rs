//! One try to deliver a message.

use std::time::Duration;

use tokio::task::spawn_blocking;

use crate::config::{Means, Secret, Target};
use crate::script::Runner;

use super::message::{Context, Message};
use super::outbox::Outcome;
use super::{command, mail, webhook};

/// On top of a target's own timeout, for what cannot be interrupted.
pub(super) const SLACK: Duration = Duration::from_secs(2);

pub(super) async fn deliver(
    target: &Target,
    context: &Context,
    message: &Message,
    runner: &Runner,
) -> Outcome {
    match &target.means {
        Means::Mail(mail) => mail::deliver(mail, context, message).await,
        Means::Webhook(webhook) => webhook::deliver(webhook, context, message).await,
        Means::Command(script) => command::deliver(script, context, message, runner).await,
    }
}

pub(super) const fn later(why: String) -> Outcome {
    Outcome::Later { why, after: None }
}

/// A password or key, without the end of line that editors write.
pub(super) async fn read_secret(secret: &Secret) -> Result<String, String> {
    let path = match secret {
        Secret::Text(text) => return Ok(text.clone()),
        Secret::File(path) => path.clone(),
    };
    let shown = path.display().to_string();
    let read = spawn_blocking(move || std::fs::read_to_string(path)).await;
    let read = read.map_err(|error| error.to_string())?;
    let text = read.map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{shown} is empty: write the secret into it"));
    }
    Ok(text.to_owned())
}
