//! lvx with real keepalived and real FRR, each in its own network namespace.

#[path = "interop/checksum.rs"]
mod checksum;
#[path = "interop/frr.rs"]
mod frr;
#[path = "interop/keepalived.rs"]
mod keepalived;
#[path = "interop/roles.rs"]
mod roles;
#[path = "interop/split.rs"]
mod split;
#[path = "interop/timing.rs"]
mod timing;
#[path = "interop/wire.rs"]
mod wire;
