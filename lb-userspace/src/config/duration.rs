//! Spans of time with a unit: `"10ms"`, `"1.5s"`, `"2m"`, `"1h"`, `"1d"`.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DurationError {
    #[error("has no unit")]
    NoUnit,
    #[error("has an unknown unit")]
    UnknownUnit,
    #[error("is not a number and a unit")]
    NotANumber,
    #[error("is too long")]
    TooLong,
}

/// Longest first, so that a time is written with the largest unit that divides it.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A decimal number directly followed by its unit; up to six decimals, exact to the nanosecond.
pub(super) fn parse(text: &str) -> Result<Duration, DurationError> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let unit_at = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let (whole, decimals) = match number.split_once('.') {
        Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
        Some(_) => return Err(DurationError::NotANumber),
        None => (number, ""),
    };
    if whole.is_empty() || !digits(decimals) || decimals.len() > 6 {
        return Err(DurationError::NotANumber);
    }
    if unit.is_empty() {
        return Err(DurationError::NoUnit);
    }
    let (_, milliseconds) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(DurationError::UnknownUnit)?;
    let whole: u64 = whole.parse().map_err(|_| DurationError::TooLong)?;
    let decimals: u64 = format!("{decimals:0<6}")
        .parse()
        .map_err(|_| DurationError::NotANumber)?;
    // One millionth of a millisecond is a nanosecond.
    let fraction = Duration::from_nanos(decimals * milliseconds);
    whole
        .checked_mul(*milliseconds)
        .map(Duration::from_millis)
        .and_then(|whole| whole.checked_add(fraction))
        .ok_or(DurationError::TooLong)
}

/// As [`parse`] reads it, with decimals of a millisecond left out.
pub(super) fn show(time: Duration) -> String {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if milliseconds > 1000 && milliseconds < 60_000 {
        return format!("{}s", time.as_secs_f64());
    }
    let (unit, size) = UNITS
        .into_iter()
        .filter(|(unit, _)| milliseconds > 0 || *unit == "s")
        .find(|(_, size)| milliseconds.is_multiple_of(*size))
        .unwrap_or(("ms", 1));
    format!("{}{unit}", milliseconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        let cases = [
            ("10ms", 10),
            ("1.5s", 1500),
            ("0.25s", 250),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            ("0s", 0),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)));
        }
        assert_eq!(parse("0.000001ms"), Ok(Duration::from_nanos(1)));
    }

    #[test]
    fn refused() {
        use DurationError::{NoUnit, NotANumber, TooLong, UnknownUnit};
        let cases = [
            ("", NotANumber),
            ("s", NotANumber),
            ("-1s", NotANumber),
            (".5s", NotANumber),
            ("1.s", NotANumber),
            ("1..5s", NotANumber),
            ("1.0000001s", NotANumber),
            ("5", NoUnit),
            ("1.5", NoUnit),
            ("5 s", UnknownUnit),
            ("5sec", UnknownUnit),
            ("1m30s", UnknownUnit),
            ("5S", UnknownUnit),
            ("99999999999999999999s", TooLong),
            ("999999999999999999d", TooLong),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn shown_with_the_largest_fitting_unit() {
        let cases = [
            "10ms", "1s", "1.5s", "40.95s", "2m", "90m", "1h", "1d", "0s",
        ];
        for text in cases {
            let time = parse(text).expect(text);
            assert_eq!(show(time), text);
            assert_eq!(parse(&show(time)), Ok(time));
        }
    }
}
