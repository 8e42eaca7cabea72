//! What the benchmark's feeder programs and their user agree on.

/// Length of the headers that the IPv4 feeder writes: Ethernet, IPv4, TCP.
pub const V4_HEADERS: usize = 54;
/// The same over IPv6.
pub const V6_HEADERS: usize = 74;
/// Where the client's IPv4 address lies in them.
pub const V4_CLIENT: usize = 26;
/// Where the last four bytes of its IPv6 address lie.
pub const V6_CLIENT: usize = 34;
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
    /// First client's address, or the end of it, in host order; flow n has the n-th after it.
    pub client: u32,
    pub reserved: [u8; 2],
    /// Written over the start of each frame, by the IPv4 feeder the first part of it.
    pub template: [u8; V6_HEADERS],
}

impl Feed {
    /// `flows` clients from `client` on, a power of two, with these headers: what is longer than
    /// IPv6's is left out.
    #[must_use]
    pub fn new(flows: u32, client: u32, headers: &[u8]) -> Self {
        let mut template = [0; V6_HEADERS];
        for (to, from) in template.iter_mut().zip(headers) {
            *to = *from;
        }
        Self {
            counter: 0,
            mask: flows - 1,
            client,
            reserved: [0; 2],
            template,
        }
    }
}

const _: () = {
    assert!(size_of::<Feed>() == 88);
    assert!(V4_HEADERS < V6_HEADERS);
};
