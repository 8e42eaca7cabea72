//! Moments for people: local time.

/// The time of day of nanoseconds since 1970, to the microsecond.
pub(super) fn of_day(at: u64) -> String {
    let local = local(at / 1_000_000_000);
    let micros = at / 1000 % 1_000_000;
    let (hour, minute, second) = (local.tm_hour, local.tm_min, local.tm_sec);
    format!("{hour:02}:{minute:02}:{second:02}.{micros:06}")
}

/// Date and time of milliseconds since 1970.
pub(super) fn with_date(at: u64) -> String {
    let local = local(at / 1000);
    let (year, month, day) = (local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
    let (hour, minute, second) = (local.tm_hour, local.tm_min, local.tm_sec);
    let millis = at % 1000;
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

fn local(second: u64) -> libc::tm {
    let second = second as libc::time_t;
    // SAFETY: `tm` is made of integers and a pointer, which may be null.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both point to live values. If it fails, `local` stays what it is.
    unsafe { libc::localtime_r(&raw const second, &raw mut local) };
    local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_fractions() {
        let time = of_day(1_700_000_000_123_456_789);
        assert!(time.ends_with(".123456") && time.len() == 15, "{time}");
        // The same day everywhere but in zones that are 13 hours ahead and more.
        let time = with_date(1_700_000_000_123 - 14 * 3_600_000);
        assert!(
            time.starts_with("2023-11-14 ") && time.ends_with(".123"),
            "{time}"
        );
    }
}
