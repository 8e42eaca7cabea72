//! What of the program is configured at its start: room in the maps, and sampling.

use lb_common::maglev::TableSize;
use lb_common::opened::DEFAULT_SAMPLE;
use lb_common::record::{DEFAULT_ROOM, PLACES};

/// Sizes of maps; records are counted, each a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub table: TableSize,
    pub exceptions: u32,
    pub persistence: u32,
    pub flows: u32,
    /// Of so many connections one is sampled: a power of two, or 0 for none.
    pub sample: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        TableSize::DEFAULT.into()
    }
}

impl From<TableSize> for Sizes {
    fn from(table: TableSize) -> Self {
        Self {
            table,
            exceptions: DEFAULT_ROOM,
            persistence: DEFAULT_ROOM,
            flows: DEFAULT_ROOM,
            sample: DEFAULT_SAMPLE,
        }
    }
}

impl Sizes {
    /// The maps of records with their number of buckets, and the program's constant that goes
    /// with it.
    pub(super) const fn buckets(&self) -> [(&'static str, u32, &'static str); 3] {
        const fn of(records: u32) -> u32 {
            let buckets = records / PLACES as u32;
            // A mask needs a power of two; one bucket is the least.
            if buckets == 0 {
                1
            } else {
                1 << buckets.ilog2()
            }
        }
        [
            ("exceptions", of(self.exceptions), "EXCEPTIONS_MASK"),
            ("persistence", of(self.persistence), "PERSISTENCE_MASK"),
            ("flows", of(self.flows), "FLOWS_MASK"),
        ]
    }
}
