//! Orders outlive the daemon and the boot: `orders.json` in its state directory.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::control::Control;
use crate::events::{Event, Journal, Kind, Level};

mod file;
#[cfg(test)]
mod tests;

use file::{All, Now};

/// The directory, if it has to be made.
const MODE: u32 = 0o755;

/// The file, and what was written to it.
pub(super) struct Orders {
    directory: PathBuf,
    /// Drains of an earlier version, in the runtime directory, until they were taken over.
    old: Option<PathBuf>,
    written: All,
    /// Keeps other daemons from the directory; `None`: it could not be had yet.
    claim: Option<File>,
    /// What was said last of a failure to write.
    trouble: Option<String>,
}

impl Orders {
    /// Gives `control` the orders of an earlier daemon.
    pub(super) fn restore(runtime: &Path, control: &mut Control, journal: &Journal) -> Self {
        let mut orders = Self {
            directory: control.config().global.state_dir.clone(),
            old: None,
            written: All::new(),
            claim: None,
            trouble: None,
        };
        let now = Now::read();
        if let Err(error) = orders.open(now) {
            let text = orders.unwritable(&error);
            journal.tell(Event::new(Kind::Failure, text.clone()));
            orders.trouble = Some(text);
        }
        let mut all = orders.written.clone();
        for (subject, drain) in orders.drains(runtime, now) {
            let order = all.entry(subject).or_default();
            order.hold = order.hold.take().or(drain.hold);
        }
        control.restore_orders(all, now.instant);
        for (subject, order) in control.orders() {
            let (service, real_server) = (&*subject.service, subject.real_server);
            let order = order.words(now.instant);
            tracing::info!(service, %real_server, order, "by hand, as before the start");
        }
        orders
    }

    fn path(&self) -> PathBuf {
        self.directory.join("orders.json")
    }

    /// Reads what is there, and sees whether anything can be written.
    fn open(&mut self, now: Now) -> io::Result<()> {
        let path = self.path();
        let claimed = claim(&self.directory);
        if let Err(error) = &claimed
            && error.kind() == io::ErrorKind::ResourceBusy
        {
            // They are another daemon's.
            return claimed.map(drop);
        }
        match file::read(&path, now) {
            Ok(all) => self.written = all,
            Err(error) if is_missing(&error) => {}
            Err(error) => {
                let aside = path.with_extension("json.unreadable");
                let kept = fs::rename(&path, &aside).map_or(&path, |()| &aside);
                let (path, kept) = (path.display(), kept.display());
                tracing::error!(%path, %error, %kept, "the orders of an earlier daemon are lost");
            }
        }
        self.claim = Some(claimed?);
        file::write(&path, &self.written, now)
    }

    fn drains(&mut self, runtime: &Path, now: Now) -> All {
        let path = runtime.join("drains.json");
        match file::read_drains(&path, now) {
            Ok(all) => {
                self.old = Some(path);
                return all;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "no drains are taken over from an earlier version");
            }
        }
        All::new()
    }

    /// Writes the orders of `control` if they are others than before.
    ///
    /// # Errors
    /// In words for the operator.
    pub(super) fn record(&mut self, control: &Control) -> Result<(), String> {
        let orders = control.orders();
        if *orders == self.written && self.old.is_none() {
            return Ok(());
        }
        let written = self.write(orders).map_err(|error| self.unwritable(&error));
        self.trouble = written.clone().err();
        written
    }

    /// [`Self::record`]; a failure is told once, as long as it stays the same.
    ///
    /// # Errors
    /// It has to be tried again.
    pub(super) fn keep(&mut self, control: &Control, journal: &Journal) -> Result<(), ()> {
        let before = self.trouble.clone();
        self.record(control).map_err(|text| {
            if before.as_ref() != Some(&text) {
                journal.tell(Event::new(Kind::Failure, text));
            }
        })
    }

    fn write(&mut self, orders: &All) -> io::Result<()> {
        if self.claim.is_none() {
            self.claim = Some(claim(&self.directory)?);
        }
        if *orders != self.written {
            file::write(&self.path(), orders, Now::read())?;
            self.written.clone_from(orders);
        }
        if let Some(old) = &self.old {
            fs::remove_file(old)?;
            self.old = None;
        }
        Ok(())
    }

    fn unwritable(&self, error: &io::Error) -> String {
        format!(
            "a restart would forget the orders that are given by hand: [global] state_dir {} \
             cannot be used: {error}; it has to be a directory that lvx can write to",
            self.directory.display()
        )
    }
}

fn is_missing(error: &io::Error) -> bool {
    let kind = error.kind();
    kind == io::ErrorKind::NotFound || kind == io::ErrorKind::NotADirectory
}

/// Makes the directory if it is not there. Two daemons would overwrite each other's orders.
fn claim(directory: &Path) -> io::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(MODE)
        .create(directory)?;
    let file = File::open(directory)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another lvx has it: give each a state_dir of its own",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl super::Daemon {
    /// Writes down what was ordered since, and tells what ended with its server.
    pub(super) fn keep_orders(&mut self) -> Result<(), ()> {
        let now = std::time::Instant::now();
        for (subject, order) in self.control.take_dropped_orders() {
            let (service, real_server) = (&*subject.service, subject.real_server);
            let order = order.words(now);
            let text = format!(
                "the order for real server {real_server} of {service} ends, as the configuration \
                 does not have that server: it was {order}"
            );
            let event = Event::new(Kind::Order, text).server(service, real_server);
            let event = event.field("order", "dropped").field("before", order);
            self.journal.tell(event.level(Level::Warn));
        }
        self.orders.keep(&self.control, &self.journal)
    }
}
