//! The body of an answer: read to its end, within bounds, and compared.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Response;
use hyper::body::Incoming;
use ring::digest::{Context, SHA256};

use crate::config::{BodyWanted, Url, has};
use crate::health::attempt::Attempt;
use crate::health::failure::{Failure, Wait, excerpt};

use super::connection::{Connection, failure};

/// Of a body.
const MOST: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::health) enum BodyFault {
    #[error("the body does not contain {text:?}{}", within(*.cut))]
    Without { text: String, cut: bool },
    #[error("the body does not match {pattern:?}{}", within(*.cut))]
    Unmatched { pattern: String, cut: bool },
    #[error("the body's SHA-256 is {0}, not the expected one")]
    Digest(String),
    #[error("the body is longer than 1 MiB, the most of which a digest is taken")]
    Long,
}

/// `cut`: the body went on.
const fn within(cut: bool) -> &'static str {
    if cut { " in its first 1 MiB" } else { "" }
}

/// What of a body the comparison needs.
pub(in crate::health) struct Seen {
    digest: Option<Context>,
    kept: Option<Vec<u8>>,
    length: usize,
}

impl Seen {
    pub(in crate::health) fn new(wanted: Option<&BodyWanted>) -> Self {
        let (digest, kept) = match wanted {
            Some(BodyWanted::Sha256(_)) => (Some(Context::new(&SHA256)), None),
            Some(BodyWanted::Contains(_) | BodyWanted::Matches(_)) => (None, Some(Vec::new())),
            None => (None, None),
        };
        Self {
            digest,
            kept,
            length: 0,
        }
    }

    /// Whether more is wanted.
    pub(in crate::health) fn take(&mut self, bytes: &Bytes) -> bool {
        let room = MOST.saturating_sub(self.length);
        self.length += bytes.len();
        let part = &bytes[..bytes.len().min(room)];
        if let Some(digest) = &mut self.digest {
            digest.update(part);
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(part);
        }
        self.length <= MOST
    }

    pub(in crate::health) fn judge(self, wanted: Option<&BodyWanted>) -> Option<BodyFault> {
        let cut = self.length > MOST;
        let kept = self.kept.unwrap_or_default();
        match wanted? {
            BodyWanted::Contains(text) if !has(&kept, text) => Some(BodyFault::Without {
                text: excerpt(text),
                cut,
            }),
            BodyWanted::Matches(pattern) if !pattern.is_in(&kept) => Some(BodyFault::Unmatched {
                pattern: excerpt(pattern.text()),
                cut,
            }),
            BodyWanted::Contains(_) | BodyWanted::Matches(_) => None,
            BodyWanted::Sha256(_) if cut => Some(BodyFault::Long),
            BodyWanted::Sha256(wanted) => {
                let digest = self.digest?.finish();
                (digest.as_ref() != wanted).then(|| {
                    let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
                    BodyFault::Digest(digits.collect())
                })
            }
        }
    }
}

/// Reads the body; what is wrong with it, if anything.
pub(super) async fn read(
    attempt: &Attempt<'_>,
    connection: &mut Connection<Empty<Bytes>>,
    response: Response<Incoming>,
    url: &Url,
    what: &(impl Fn() -> String + Sync),
) -> Result<Option<BodyFault>, Failure> {
    let mut seen = Seen::new(url.body.as_ref());
    let mut body = response.into_body();
    let reading = connection.drive(async {
        while let Some(frame) = body.frame().await {
            if let Some(bytes) = frame?.data_ref()
                && !seen.take(bytes)
            {
                break;
            }
        }
        Ok::<_, hyper::Error>(())
    });
    let read = attempt.within(Wait::End, reading).await?;
    read.map_err(|error| {
        let failed = failure(attempt, &error, what);
        if let Failure::Closed { to, .. } = failed {
            let wait = Wait::End;
            return Failure::Closed { to, wait };
        }
        failed
    })?;
    Ok(seen.judge(url.body.as_ref()))
}
