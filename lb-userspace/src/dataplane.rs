//! Data planes: what forwards packets, and how a desired table gets into it.
//!
//! `table` says what is wanted; `maglev`, `sh` and `sequence` spread clients over servers; `plan`
//! finds the difference to what is applied, and `slots` what becomes of those that moved; `sweep`
//! looks through the records, `opened` through samples of connections (all PURE). `xdp` writes it into the kernel.

pub mod explain;
pub mod index;
pub mod ipvs;
pub mod maglev;
pub mod opened;
pub mod plan;
pub mod probe;
pub mod sequence;
pub mod sh;
pub mod slots;
pub mod sweep;
pub mod table;
pub mod xdp;
