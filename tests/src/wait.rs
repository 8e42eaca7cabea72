//! Waiting on a condition with a deadline, and being interrupted while doing so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Pause between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on SIGINT and SIGTERM end every wait with an error, so that the owner of a lab gets
/// to its `Drop`. A second signal ends the process at once.
///
/// # Errors
/// The handler could not be installed.
pub fn catch_signals() -> Result<()> {
    if INTERRUPTED.get().is_some() {
        return Ok(());
    }
    let flag = Arc::new(AtomicBool::new(false));
    if INTERRUPTED.set(Arc::clone(&flag)).is_err() {
        return Ok(());
    }
    for signal in [SIGINT, SIGTERM] {
        // The order counts: the first signal finds the flag unset here and sets it below.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
            .context("installing the signal handler")?;
    }
    Ok(())
}

/// Whether SIGINT or SIGTERM has come.
#[must_use]
pub fn interrupted() -> bool {
    INTERRUPTED
        .get()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// # Errors
/// SIGINT or SIGTERM has come.
pub fn check_interrupted() -> Result<()> {
    if interrupted() {
        bail!("interrupted");
    }
    Ok(())
}

/// Looks until `ready` gives a value; `Ok(None)` and `Err` both mean "not yet".
///
/// # Errors
/// Nothing came within `limit` (the last error of `ready` is the cause), or an interruption.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        check_interrupted()?;
        let seen = ready();
        if let Ok(Some(value)) = seen {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            return match seen {
                Err(error) => Err(error.context(format!("waited {limit:?} for {what}"))),
                Ok(_) => bail!("waited {limit:?} for {what}, which did not come"),
            };
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// [`wait_for`] a condition.
///
/// # Errors
/// As [`wait_for`].
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<bool>,
) -> Result<()> {
    wait_for(what, limit, || Ok(ready()?.then_some(())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_value_or_names_what_did_not_come() {
        let mut left = 3;
        let value = wait_for("three looks", Duration::from_secs(5), || {
            left -= 1;
            Ok((left == 0).then_some("there"))
        });
        assert_eq!(value.unwrap(), "there");

        let error = wait_until("rain", Duration::from_millis(10), || Ok(false)).unwrap_err();
        assert!(error.to_string().contains("rain"));
        let error = wait_until("rain", Duration::from_millis(10), || bail!("no clouds"));
        assert!(format!("{:#}", error.unwrap_err()).ends_with("no clouds"));
    }
}
