//! Data planes: what forwards packets, and how a desired table gets into it.
//!
//! `table` says what is wanted, `maglev` spreads clients over servers, `plan` finds the
//! difference to what is applied (all PURE); `xdp` writes it into the kernel.

pub mod index;
pub mod ipvs;
pub mod maglev;
pub mod plan;
pub mod table;
pub mod xdp;
