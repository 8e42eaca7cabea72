//! Kernel IPVS as lvx programs it, in a kernel that has it: `cargo xtask vm` runs these tests.

#[path = "ipvs/choices.rs"]
mod choices;
#[path = "ipvs/daemons.rs"]
mod daemons;
#[path = "ipvs/load.rs"]
mod load;
#[path = "ipvs/mapping.rs"]
mod mapping;
#[path = "ipvs/owners.rs"]
mod owners;
#[path = "ipvs/place.rs"]
mod place;
#[path = "ipvs/services.rs"]
mod services;
#[path = "ipvs/sh.rs"]
mod sh;
#[path = "ipvs/tables.rs"]
mod tables;
#[path = "ipvs/wire.rs"]
mod wire;
