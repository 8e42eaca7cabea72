//! What TLS clients are made of, and why there is no TLS, in words. `fault` is PURE.

mod client;
mod fault;

pub(crate) use client::make;
pub(crate) use fault::{TlsFault, days};
