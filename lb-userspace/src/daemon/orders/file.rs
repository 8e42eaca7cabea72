//! `orders.json`: deadlines are counted by one clock, and written by another.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::control::orders::{Hold, Order};
use crate::health::Subject;

/// As [`crate::control::Control::orders`] has them.
pub(super) type All = BTreeMap<Subject, Order>;

const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    orders: Vec<Entry>,
}

/// The orders for one real server.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    service: String,
    real_server: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drained: Option<Drained>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight: Option<u16>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Disabled {
    reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Drained {
    /// Milliseconds since 1970 (UTC); `null`: none.
    deadline: Option<u64>,
}

/// One drain in `drains.json` of earlier versions.
#[derive(Debug, Deserialize)]
struct Drain {
    service: String,
    real_server: IpAddr,
    deadline: Option<u64>,
}

/// The same moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) wall: SystemTime,
}

impl Now {
    pub(super) fn read() -> Self {
        Self {
            instant: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    pub(super) fn to_wall(self, deadline: Instant) -> u64 {
        let left = deadline.saturating_duration_since(self.instant);
        let ago = self.instant.saturating_duration_since(deadline);
        let since_1970 = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = (since_1970 + left).saturating_sub(ago);
        u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
    }

    /// A deadline that has passed is now. `None`: later than the clock goes.
    pub(super) fn to_instant(self, deadline: u64) -> Option<Instant> {
        let since_1970 = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_millis(deadline).saturating_sub(since_1970);
        self.instant.checked_add(left)
    }

    fn drained(self, deadline: Option<u64>) -> Hold {
        let deadline = deadline.and_then(|at| self.to_instant(at));
        Hold::Drained { deadline }
    }
}

/// # Errors
/// [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::InvalidData`] if it is not what
/// lvx writes.
pub(super) fn read(path: &Path, now: Now) -> io::Result<All> {
    let content: Content = serde_json::from_slice(&fs::read(path)?)?;
    if content.version != VERSION {
        let text = format!("its version is {}, not {VERSION}", content.version);
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let order = |entry: Entry| {
        let disabled = entry
            .disabled
            .map(|one| Hold::Disabled { reason: one.reason });
        let drained = || Some(now.drained(entry.drained?.deadline));
        let order = Order {
            hold: disabled.or_else(drained),
            weight: entry.weight,
        };
        (subject(&entry.service, entry.real_server), order)
    };
    let orders = content.orders.into_iter().map(order);
    Ok(orders
        .filter(|(_, order)| *order != Order::default())
        .collect())
}

/// `drains.json` of an earlier version.
///
/// # Errors
/// As [`read`].
pub(super) fn read_drains(path: &Path, now: Now) -> io::Result<All> {
    let drains: Vec<Drain> = serde_json::from_slice(&fs::read(path)?)?;
    let order = |drain: Drain| {
        let order = Order {
            hold: Some(now.drained(drain.deadline)),
            weight: None,
        };
        (subject(&drain.service, drain.real_server), order)
    };
    Ok(drains.into_iter().map(order).collect())
}

/// Whole or not at all: a crash, of the host too, leaves the file as it was or as it shall be.
pub(super) fn write(path: &Path, orders: &All, now: Now) -> io::Result<()> {
    let content = Content {
        version: VERSION,
        orders: orders.iter().map(|one| entry(one, now)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&content)?;
    text.push('\n');
    let new = path.with_extension(format!("json.{}", process::id()));
    let mut file = File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent()
        .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn entry((subject, order): (&Subject, &Order), now: Now) -> Entry {
    let (disabled, drained) = match order.hold.clone() {
        Some(Hold::Disabled { reason }) => (Some(Disabled { reason }), None),
        Some(Hold::Drained { deadline }) => {
            let deadline = deadline.map(|deadline| now.to_wall(deadline));
            (None, Some(Drained { deadline }))
        }
        None => (None, None),
    };
    Entry {
        service: subject.service.to_string(),
        real_server: subject.real_server,
        disabled,
        drained,
        weight: order.weight,
    }
}

fn subject(service: &str, real_server: IpAddr) -> Subject {
    Subject {
        service: service.into(),
        real_server,
    }
}
