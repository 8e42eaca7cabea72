//! SMTP check: banner, EHLO, STARTTLS if wanted, QUIT.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::config::Smtp;

use super::attempt::Attempt;
use super::failure::{Failure, Wait, excerpt};
use super::outcome::{Good, Outcome};
use super::stream::Conversation;
use super::{socket, tls};

pub(super) mod reply;

use reply::Reply;
pub(super) use reply::ReplyFault;

const BANNER: &str = "its greeting";
const EHLO: &str = "an answer to EHLO";
const STARTTLS: &str = "an answer to STARTTLS";
const QUIT: &str = "an answer to QUIT";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SmtpFault {
    #[error("instead of {wanted}: {code} {text}")]
    Code {
        wanted: &'static str,
        code: u16,
        text: String,
    },
    #[error("{0}")]
    Reply(ReplyFault),
    #[error("it does not offer STARTTLS: enable TLS there, or remove `starttls`")]
    NoTls,
}

pub(super) async fn probe(attempt: &Attempt<'_>, smtp: &Smtp) -> Outcome {
    let to = attempt.to();
    let failed = |fault| Failure::Smtp { to, fault };
    let stream = socket::tcp(attempt).await?;
    let mut plain = Conversation::new(attempt, stream);
    expect(attempt, &mut plain, 220, BANNER).await?;
    let offers = ehlo(attempt, &mut plain, smtp).await?;
    let Some(tls) = &smtp.tls else {
        quit(attempt, plain).await?;
        return Ok(Good::default());
    };
    if !offers.offers("STARTTLS") {
        return Err(failed(SmtpFault::NoTls));
    }
    plain.send(b"STARTTLS\r\n", Wait::To(STARTTLS)).await?;
    expect(attempt, &mut plain, 220, STARTTLS).await?;
    let stream = plain.into_stream();
    let speaks = tls::Speaks::Whatever;
    let (stream, certificate) = tls::begin(attempt, tls, None, speaks, stream).await?;
    let mut secure = Conversation::new(attempt, stream);
    ehlo(attempt, &mut secure, smtp).await?;
    quit(attempt, secure).await?;
    Ok(Good {
        certificate,
        ..Good::default()
    })
}

async fn ehlo<S: AsyncRead + AsyncWrite + Unpin>(
    attempt: &Attempt<'_>,
    conversation: &mut Conversation<'_, S>,
    smtp: &Smtp,
) -> Result<Reply, Failure> {
    let line = format!("EHLO {}\r\n", smtp.helo);
    conversation.send(line.as_bytes(), Wait::To(EHLO)).await?;
    expect(attempt, conversation, 250, EHLO).await
}

async fn quit<S: AsyncRead + AsyncWrite + Unpin>(
    attempt: &Attempt<'_>,
    mut conversation: Conversation<'_, S>,
) -> Result<(), Failure> {
    conversation.send(b"QUIT\r\n", Wait::To(QUIT)).await?;
    expect(attempt, &mut conversation, 221, QUIT).await?;
    conversation.end().await;
    Ok(())
}

async fn expect<S: AsyncRead + AsyncWrite + Unpin>(
    attempt: &Attempt<'_>,
    conversation: &mut Conversation<'_, S>,
    code: u16,
    wanted: &'static str,
) -> Result<Reply, Failure> {
    let to = attempt.to();
    let failed = |fault| Failure::Smtp { to, fault };
    let wrong = |fault| failed(SmtpFault::Reply(fault));
    let wait = Wait::To(wanted);
    let reply = conversation.receive(wait, reply::parse, wrong).await?;
    if reply.code == code {
        return Ok(reply);
    }
    Err(failed(SmtpFault::Code {
        wanted,
        code: reply.code,
        text: excerpt(reply.text()),
    }))
}
