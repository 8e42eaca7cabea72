//! Messages to a program: JSON on its standard input, and the parts of it in variables.

use crate::config::{Field, Script};
use crate::script::Runner;

use super::deliver::later;
use super::json;
use super::message::{Context, Message};
use super::outbox::Outcome;

const VARIABLES: &[(&str, Field)] = &[
    ("LVX_ROUTER_ID", Field::RouterId),
    ("LVX_TARGET", Field::Target),
    ("LVX_ID", Field::Id),
    ("LVX_COUNT", Field::Count),
    ("LVX_TEXT", Field::Text),
    ("LVX_KIND", Field::Kind),
    ("LVX_LEVEL", Field::Level),
    ("LVX_AT", Field::At),
    ("LVX_INSTANCE", Field::Instance),
    ("LVX_SERVICE", Field::Service),
    ("LVX_SERVER", Field::Server),
    ("LVX_STATE", Field::State),
    ("LVX_FROM", Field::From),
    ("LVX_DROPPED", Field::Dropped),
];

pub(super) async fn deliver(
    script: &Script,
    context: &Context,
    message: &Message,
    runner: &Runner,
) -> Outcome {
    let input = match json::body(message, context) {
        Ok(input) => input,
        Err(why) => return Outcome::Never { why },
    };
    let variables: Vec<_> = VARIABLES
        .iter()
        .map(|(name, field)| (*name, message.field(*field, context)))
        .collect();
    let ended = runner.feed(script, &variables, &input).await;
    if ended.is_good() {
        return Outcome::Sent;
    }
    later(format!("{} {ended}", script.program.display()))
}
