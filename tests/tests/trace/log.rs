//! What the program says in the log.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use lb_tests::sandbox::in_sandbox;
use lb_userspace::dataplane::xdp::{LogLevel, Xdp};

use super::{CLIENT, load, run, syn};

/// What is logged while it is written to.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&std::mem::take(&mut *text)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_program_says_in_the_log_as_much_as_it_was_told_to() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        let said = |xdp: &mut Xdp| -> Result<String> {
            // A warning and a message of interest only to those who look for something.
            for port in [444, 81] {
                run(xdp, &syn(CLIENT, port))?;
            }
            xdp.flush_log();
            Ok(log.take())
        };
        tracing::subscriber::with_default(subscriber, || {
            let text = said(&mut xdp)?;
            ensure!(text.is_empty(), "{text}");
            xdp.set_log(LogLevel::Warn)?;
            let text = said(&mut xdp)?;
            ensure!(text.lines().count() == 1, "{text}");
            ensure!(text.contains("WARN") && text.contains("reason 7"), "{text}");
            xdp.set_log(LogLevel::Debug)?;
            let text = said(&mut xdp)?;
            ensure!(text.lines().count() == 2, "{text}");
            ensure!(text.contains("INFO") && text.contains("reason 4"), "{text}");
            // What was said before a switch is not lost by it.
            run(&mut xdp, &syn(CLIENT, 444))?;
            xdp.set_log(LogLevel::Off)?;
            ensure!(log.take().contains("reason 7"));
            let text = said(&mut xdp)?;
            ensure!(text.is_empty(), "{text}");
            Ok(())
        })
    });
}
