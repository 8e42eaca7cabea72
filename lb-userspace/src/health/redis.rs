//! Redis check: AUTH, PING, ROLE, and how far a replica is behind.

use tokio::net::TcpStream;

use crate::config::{Redis, Role};

use super::attempt::Attempt;
use super::failure::{Failure, Wait, excerpt};
use super::outcome::{Good, Outcome};
use super::socket;
use super::stream::Conversation;

pub(super) mod replication;
pub(super) mod resp;

pub(super) use replication::LagFault;
pub(super) use resp::RespFault;
use resp::Value;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RedisFault {
    #[error("it wants to know who asks: set `password`, and `user` if there is one")]
    NoPassword,
    #[error("it does not take the user or the password")]
    WrongPassword,
    #[error("it is loading its data")]
    Loading,
    #[error("{command} is answered with an error: {error}")]
    Error {
        command: &'static str,
        error: String,
    },
    #[error("{command} has an unknown answer")]
    Unknown { command: &'static str },
    #[error("it is a {got}, expected a {wanted}", wanted = .wanted.name())]
    Role { got: String, wanted: Role },
    #[error("{0}")]
    Lag(LagFault),
    #[error("it does not speak the protocol of Redis: {0}")]
    Resp(RespFault),
}

pub(super) async fn probe(attempt: &Attempt<'_>, redis: &Redis) -> Outcome {
    let stream = socket::tcp(attempt).await?;
    let mut client = Client {
        attempt,
        conversation: Conversation::new(attempt, stream),
    };
    if let Some(password) = &redis.password {
        let user = redis.user.iter().map(String::as_str);
        let words: Vec<&str> = user.chain([password.as_str()]).collect();
        client.ask("AUTH", &words).await?;
    }
    match client.ask("PING", &[]).await? {
        Value::Simple(_) | Value::Bulk(_) => {}
        Value::Integer(_) | Value::Nil | Value::Array(_) | Value::Error(_) => {
            return Err(client.failed(RedisFault::Unknown { command: "PING" }));
        }
    }
    if let Some(wanted) = redis.role {
        let answer = client.ask("ROLE", &[]).await?;
        replication::judge_role(&answer, wanted).map_err(|fault| client.failed(fault))?;
    }
    if let Some(max_lag) = redis.max_lag {
        let answer = client.ask("INFO", &["replication"]).await?;
        let judged = replication::judge_lag(&answer, max_lag);
        judged.map_err(|fault| client.failed(RedisFault::Lag(fault)))?;
    }
    client.conversation.end().await;
    Ok(Good::default())
}

struct Client<'a> {
    attempt: &'a Attempt<'a>,
    conversation: Conversation<'a, TcpStream>,
}

impl Client<'_> {
    fn failed(&self, fault: RedisFault) -> Failure {
        let to = self.attempt.to();
        Failure::Redis { to, fault }
    }

    /// # Errors
    /// It has no answer, or an error for one.
    async fn ask(&mut self, command: &'static str, words: &[&str]) -> Result<Value, Failure> {
        let wait = Wait::To(match command {
            "AUTH" => "an answer to AUTH",
            "PING" => "an answer to PING",
            "ROLE" => "an answer to ROLE",
            _ => "an answer to INFO",
        });
        let request = resp::command(command, words);
        self.conversation.send(&request, wait).await?;
        let to = self.attempt.to();
        let wrong = |fault| Failure::Redis {
            to,
            fault: RedisFault::Resp(fault),
        };
        let answer = self.conversation.receive(wait, resp::parse, wrong).await?;
        let Value::Error(error) = answer else {
            return Ok(answer);
        };
        let (code, _) = error.split_once(' ').unwrap_or((&error, ""));
        Err(self.failed(match code {
            "NOAUTH" => RedisFault::NoPassword,
            "WRONGPASS" => RedisFault::WrongPassword,
            "LOADING" => RedisFault::Loading,
            _ => RedisFault::Error {
                command,
                error: excerpt(&error),
            },
        }))
    }
}
