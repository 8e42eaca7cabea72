//! What a web server's answer means. PURE.

use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{self, HeaderMap};

use crate::alert::outbox::Outcome;

use super::text;

pub(super) fn judge(
    server: &str,
    status: StatusCode,
    headers: &HeaderMap,
    now: SystemTime,
) -> Outcome {
    let why = format!("{server} answered {status}");
    if status.is_success() {
        return Outcome::Sent;
    }
    if status.is_redirection() {
        return Outcome::Later {
            why: format!("{why}: redirects are not followed, set `url` to where it shall go"),
            after: None,
        };
    }
    let may_change = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_client_error() && !may_change.contains(&status) {
        return Outcome::Never { why };
    }
    let after = headers.get(header::RETRY_AFTER).and_then(text);
    let after = after.and_then(|text| retry_after(text, now));
    Outcome::Later { why, after }
}

/// Seconds or a date, RFC 9110 section 10.2.3.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn answers_mean_what_they_say() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (status, header, expected) in [
            (200, None, "sent"),
            (204, Some("10"), "sent"),
            (301, None, "later None"),
            (302, Some("5"), "later None"),
            (400, None, "never"),
            (403, None, "never"),
            (404, Some("5"), "never"),
            (408, None, "later None"),
            (410, None, "never"),
            (429, Some("30"), "later Some(30s)"),
            (429, Some("Sun, 06 Nov 1994 08:49:37 GMT"), "later Some(7s)"),
            (
                429,
                Some("Sun, 06 Nov 1983 08:49:37 GMT"),
                "later Some(0ns)",
            ),
            (429, Some("soon"), "later None"),
            (500, None, "later None"),
            (503, Some(" 120 "), "later Some(120s)"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                let value = HeaderValue::from_static(header);
                headers.insert(header::RETRY_AFTER, value);
            }
            let status = StatusCode::from_u16(status).unwrap();
            let said = match judge("http://x", status, &headers, now) {
                Outcome::Sent => "sent".to_owned(),
                Outcome::Later { after, .. } => format!("later {after:?}"),
                Outcome::Never { .. } => "never".to_owned(),
            };
            assert_eq!(said, expected, "{status} {header:?}");
        }
    }
}
