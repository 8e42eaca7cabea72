//! The control socket: one JSON line of request, one JSON line of answer per connection.

pub mod client;
pub mod server;
pub mod shape;
