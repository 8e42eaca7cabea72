//! File check: a number that somebody writes into a file of this host.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;

use crate::config::FileCheck;

use super::attempt::Attempt;
use super::failure::{Failure, Wait, excerpt, plain};
use super::outcome::{Good, Outcome, Weight};

/// Of a number with spaces around it.
const LONGEST: u64 = 64;
/// From here on, as keepalived has it, a server is down.
const DOWN: i64 = -254;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileFault {
    #[error("{0}: write a number into it")]
    Unreadable(String),
    #[error("{0:?} is not a number")]
    NotANumber(String),
    #[error("{0} is not 0")]
    NotZero(i32),
    #[error("{number} times {factor} takes {} off the weight, which is down", .product.abs())]
    Down {
        number: i32,
        factor: i32,
        product: i64,
    },
}

pub(super) async fn probe(attempt: &Attempt<'_>, file: &FileCheck) -> Outcome {
    let server = attempt.server();
    let path = file.path.to_string_lossy();
    let path = path
        .replace("{service}", &attempt.subject.service.replace('/', "_"))
        .replace("{server}", &server.ip().to_string())
        .replace("{port}", &server.port().to_string());
    let name = path.clone();
    // A file system may hang.
    let read = tokio::task::spawn_blocking(move || read(&name));
    let read = attempt.within(Wait::File, read).await?;
    let read = read.unwrap_or_else(|error| Err(io::Error::other(error)));
    let judged = read
        .map_err(|error| FileFault::Unreadable(plain(&error)))
        .and_then(|text| judge(&text, file.factor));
    judged.map_err(|fault| Failure::File { path, fault })
}

fn read(path: &str) -> io::Result<String> {
    // Else opening a named pipe waits for somebody who writes into it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the file's text means.
fn judge(text: &str, factor: Option<i32>) -> Result<Good, FileFault> {
    let number = text.trim().parse::<i32>();
    let number = number.map_err(|_| FileFault::NotANumber(excerpt(text.trim())))?;
    let Some(factor) = factor else {
        return match number {
            0 => Ok(Good::default()),
            number => Err(FileFault::NotZero(number)),
        };
    };
    let product = i64::from(number) * i64::from(factor);
    if product <= DOWN {
        return Err(FileFault::Down {
            number,
            factor,
            product,
        });
    }
    Ok(Good {
        weight: (product != 0).then_some(Weight::Plus(product)),
        ..Good::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let judged = |text, factor| match judge(text, factor) {
            Ok(good) => good.weight.map_or("up".to_owned(), |w| w.to_string()),
            Err(fault) => fault.to_string(),
        };
        for (text, factor, expected) in [
            ("0\n", None, "up"),
            ("1", None, "1 is not 0"),
            (" -3 ", None, "-3 is not 0"),
            ("", None, r#""" is not a number"#),
            ("up", None, r#""up" is not a number"#),
            ("0", Some(5), "up"),
            ("3", Some(5), "+15 to the configured one"),
            ("3", Some(-5), "-15 to the configured one"),
            (
                "254",
                Some(-1),
                "254 times -1 takes 254 off the weight, which is down",
            ),
            ("-253", Some(1), "-253 to the configured one"),
            ("99999999999", Some(1), r#""99999999999" is not a number"#),
        ] {
            assert_eq!(judged(text, factor), expected, "{text:?} {factor:?}");
        }
    }
}
