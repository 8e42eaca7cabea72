//! Hosts in network namespaces: the lab in which the demo and the end-to-end tests run lvx.
//!
//! A [`lab::Lab`] is a switch, a client with many addresses, two directors and some real servers
//! with HTTP and echo servers; [`lab6`] is a smaller one of IPv6. [`client`] makes the traffic, [`steps`] are the points of the main
//! job, and [`harness`] runs a step as a test. [`sandbox`] is for the program
//! alone, and [`bench`] measures it. [`vrrp_lab`] has other VRRP implementations beside lvx. Needs
//! root.

pub mod bench;
pub mod checks_bench;
pub mod client;
pub mod echo;
pub mod feed;
pub mod forwarding;
pub mod harness;
pub mod lab;
pub mod lab6;
pub mod netns;
pub mod plane_bench;
pub mod receivers;
pub mod records;
pub mod samples;
pub mod sandbox;
pub mod segment;
pub mod steps;
pub mod test_run;
pub mod vrrp_bench;
pub mod vrrp_lab;
pub mod wait;
