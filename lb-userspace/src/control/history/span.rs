//! Spans of time for people: `2h 3m`. PURE.

use std::time::Duration;

/// Seconds of the units.
const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

/// The two largest units, rounded down; below ten seconds in decimals.
#[must_use]
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds == 0 {
        return format!("{}ms", time.as_millis());
    }
    if seconds < 10 {
        return format!("{seconds}.{}s", time.subsec_millis() / 100);
    }
    let mut left = seconds;
    let parts = UNITS.map(|(unit, size)| {
        let count = left / size;
        left %= size;
        (count, unit)
    });
    let first = parts.iter().position(|(count, _)| *count > 0);
    let shown = parts.iter().skip(first.unwrap_or_default()).take(2);
    let shown = shown.filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units_are_shown() {
        for (milliseconds, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1000, "1.0s"),
            (9_999, "9.9s"),
            (10_999, "10s"),
            (60_000, "1m"),
            (61_500, "1m 1s"),
            (3_600_000, "1h"),
            (3_601_000, "1h"),
            (7_380_000, "2h 3m"),
            (86_400_000, "1d"),
            (90_000_000, "1d 1h"),
            (864_000_000_000, "10000d"),
        ] {
            assert_eq!(span(Duration::from_millis(milliseconds)), text);
        }
    }
}
