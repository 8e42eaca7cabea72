//! What the benchmark's feeder program and its user agree on.

/// Length of the headers that the feeder writes: Ethernet, IPv4, TCP.
pub const TEMPLATE: usize = 54;
/// Where the client's address lies in them.
pub const CLIENT_OFFSET: usize = 26;
/// Odd, so that counter × ODD runs through all flows of a power of two, far from in order.
pub const ODD: u32 = 0x9e37_79b1;

/// Value of map `feed`, of which there is one.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feed {
    /// Frames fed so far.
    pub counter: u32,
    /// Flows minus one; their number is a power of two.
    pub mask: u32,
    /// First client's address in host order; flow n has the n-th after it.
    pub client: u32,
    /// Written over the start of each frame.
    pub template: [u8; TEMPLATE],
    pub reserved: [u8; 2],
}

const _: () = assert!(size_of::<Feed>() == 68);
