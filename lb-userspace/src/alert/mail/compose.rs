//! A message as a mail. PURE.

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};

use crate::config::{Field, Mail};

use crate::alert::message::{Context, Message, subject};

/// RFC 3834 section 5: nobody shall answer it automatically.
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
const MESSAGE_ID: HeaderName = HeaderName::new_from_ascii_str("X-Lvx-Id");

pub(super) struct Composed {
    pub(super) envelope: Envelope,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn compose(
    mail: &Mail,
    context: &Context,
    message: &Message,
) -> Result<Composed, String> {
    let fill = |field: Field| message.field(field, context);
    let title = mail.subject.as_ref().map_or_else(
        || format!("{}: {}", context.router_id, message.text()),
        |template| template.fill(fill),
    );
    let body = mail.body.as_ref().map_or_else(
        || format!("{}\n\nlvx on {}\n", message.lines(), context.router_id),
        |template| template.fill(fill),
    );
    let domain = mail.from.email.domain();
    let mut builder = lettre::Message::builder()
        .from(mail.from.clone())
        .subject(subject(&title))
        .date(message.at)
        .message_id(Some(format!("<{}@{domain}>", message.id)))
        .header(ContentType::TEXT_PLAIN)
        .raw_header(HeaderValue::new(
            AUTO_SUBMITTED,
            "auto-generated".to_owned(),
        ))
        .raw_header(HeaderValue::new(MESSAGE_ID, message.id.clone()));
    for to in &mail.to {
        builder = builder.to(to.clone());
    }
    let composed = builder
        .body(body)
        .map_err(|error| format!("no mail can be made of it: {error}"))?;
    Ok(Composed {
        envelope: composed.envelope().clone(),
        bytes: composed.formatted(),
    })
}
