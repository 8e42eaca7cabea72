//! The lvx daemon: configuration, VRRP, health checks, control and the data planes.
//!
//! `main.rs` is the command line over this library; the tests drive its parts directly.

pub mod alert;
pub mod api;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod dataplane;
pub mod events;
pub mod health;
pub mod netlink;
pub mod notify;
pub mod object;
pub mod script;
mod tls;
pub mod track;
pub mod vrrp;
