//! One probe of whatever type, and those of several.

use std::pin::Pin;

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::config::{Check, CheckKind, Probe, Via};

use super::attempt::{Attempt, Tools};
use super::failure::Failure;
use super::outcome::{Good, Outcome};
use super::{Subject, dns, file, grpc, http, ping, redis, script, smtp, tcp, udp, via};

/// Probes a server once.
pub(super) async fn probe(subject: &Subject, check: &Check, tools: &Tools) -> Outcome {
    run(Attempt::new(subject, check, tools)).await
}

/// On the heap: between probes, a check shall need next to no memory.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

fn run(attempt: Attempt<'_>) -> Running<'_> {
    match attempt.probe.via {
        Via::Vip(vip) if via::is_open(&attempt) => Box::pin(via::alone(attempt, vip)),
        Via::Both(vip) if via::is_open(&attempt) => Box::pin(via::both(attempt, vip)),
        Via::Server | Via::Vip(_) | Via::Both(_) => once(attempt),
    }
}

/// Asks for one address.
pub(super) fn once(attempt: Attempt<'_>) -> Running<'_> {
    match &attempt.probe.kind {
        CheckKind::Tcp { reset } => Box::pin(async move { tcp::probe(&attempt, *reset).await }),
        CheckKind::Http(http) => Box::pin(async move { http::probe(&attempt, http).await }),
        CheckKind::Udp(udp) => Box::pin(async move { udp::probe(&attempt, udp).await }),
        CheckKind::Dns(dns) => Box::pin(async move { dns::probe(&attempt, dns).await }),
        CheckKind::Smtp(smtp) => Box::pin(async move { smtp::probe(&attempt, smtp).await }),
        CheckKind::Ping => Box::pin(async move { ping::probe(&attempt).await }),
        CheckKind::Grpc(grpc) => Box::pin(async move { grpc::probe(&attempt, grpc).await }),
        CheckKind::Redis(redis) => Box::pin(async move { redis::probe(&attempt, redis).await }),
        CheckKind::Script(one) => Box::pin(async move { script::probe(&attempt, one).await }),
        CheckKind::File(file) => Box::pin(async move { file::probe(&attempt, file).await }),
        CheckKind::All(parts) => Box::pin(all(attempt, parts)),
        CheckKind::Any(parts) => Box::pin(any(attempt, parts)),
    }
}

/// At once; the first failure decides.
async fn all(attempt: Attempt<'_>, parts: &[Probe]) -> Outcome {
    let mut running: FuturesUnordered<_> = numbered(attempt, parts).collect();
    let mut goods = vec![Good::default(); parts.len()];
    while let Some((number, outcome)) = running.next().await {
        goods[number] = outcome.map_err(|failure| Failure::Part {
            kind: parts[number].kind.name(),
            failure: Box::new(failure),
        })?;
    }
    Ok(goods.into_iter().fold(Good::default(), Good::and))
}

/// At once; the first that is up decides.
async fn any(attempt: Attempt<'_>, parts: &[Probe]) -> Outcome {
    let mut running: FuturesUnordered<_> = numbered(attempt, parts).collect();
    let mut failures = Vec::new();
    while let Some((number, outcome)) = running.next().await {
        match outcome {
            Ok(good) => return Ok(good),
            Err(failure) => failures.push((number, failure)),
        }
    }
    // As the file has them, so that the same failures are the same words.
    failures.sort_by_key(|(number, _)| *number);
    let failures = failures.into_iter().map(|(number, failure)| Failure::Part {
        kind: parts[number].kind.name(),
        failure: Box::new(failure),
    });
    Err(Failure::Every(failures.collect()))
}

fn numbered<'a>(
    attempt: Attempt<'a>,
    parts: &'a [Probe],
) -> impl Iterator<Item = impl Future<Output = (usize, Outcome)> + Send + 'a> {
    let parts = parts.iter().enumerate();
    parts.map(move |(number, part)| {
        let outcome = run(attempt.with(part));
        async move { (number, outcome.await) }
    })
}
