//! What the program itself says, in the daemon's log.

use std::io;

use aya::Ebpf;
use aya_log::EbpfLogger;
use log::{Level, Log, Metadata, Record};

use super::program::{Features, with_sources};
use super::{Xdp, XdpError};

/// The ring buffer of its messages.
pub(super) const LOGS: &str = "AYA_LOGS";

/// The least important messages that the program writes, by the numbers of aya-log.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum LogLevel {
    #[default]
    Off = 0,
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
}

/// The messages of one variant of the program.
pub(super) struct Messages(EbpfLogger<Bridge>);

impl Messages {
    pub(super) fn of(program: &mut Ebpf) -> Result<Self, XdpError> {
        let logger = EbpfLogger::init_with_logger(program, Bridge);
        logger.map(Self).map_err(|error| XdpError::Map {
            map: LOGS,
            error: io::Error::other(with_sources(&error)),
        })
    }

    pub(super) fn flush(&mut self) {
        self.0.flush();
    }
}

/// From the program's messages to the daemon's log.
///
/// The operator chose by `program_log` what is said: the daemon's own level, `info` by default,
/// must not hide it.
struct Bridge;

impl Log for Bridge {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let message = record.args();
        match record.level() {
            Level::Error => tracing::error!("program: {message}"),
            Level::Warn => tracing::warn!("program: {message}"),
            Level::Info | Level::Debug | Level::Trace => tracing::info!("program: {message}"),
        }
    }

    fn flush(&self) {}
}

impl Xdp {
    /// Makes the program say this much. It is loaded anew and replaced in one step.
    ///
    /// # Errors
    /// The kernel refuses the program's other form: the present one stays.
    pub fn set_log(&mut self, log: LogLevel) -> Result<(), XdpError> {
        let features = Features {
            log,
            ..self.loaded.features()
        };
        self.loaded.set_features(features)
    }

    /// Puts what the program has said since the last time into the daemon's log.
    pub fn flush_log(&mut self) {
        self.loaded.flush_log();
    }
}
