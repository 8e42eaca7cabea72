//! What `ethtool` shows, by the same ioctls. Source: include/uapi/linux/ethtool.h.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::{Channels, Feature};

const SIOCETHTOOL: libc::Ioctl = 0x8946;
const GDRVINFO: u32 = 0x03;
const GSTRINGS: u32 = 0x1b;
const GSSET_INFO: u32 = 0x37;
const GFEATURES: u32 = 0x3a;
const GCHANNELS: u32 = 0x3c;
/// The set of strings that are names of features.
const FEATURES: u32 = 4;
const NAME: usize = 32;

pub(super) struct Ethtool {
    socket: OwnedFd,
    interface: CString,
}

impl Ethtool {
    /// Asks in the calling thread's network namespace.
    pub(super) fn new(interface: &str) -> io::Result<Self> {
        let interface = CString::new(interface)?;
        // SAFETY: no pointers.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel gave it just now, so nobody else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { socket, interface })
    }

    /// # Safety
    /// `data` begins with the number of a command, and is as large as that command writes.
    unsafe fn call(&self, data: *mut c_void) -> io::Result<()> {
        // SAFETY: made of integers and pointers, which may be null.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        let name = self.interface.as_bytes();
        if name.len() >= request.ifr_name.len() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(name) {
            *to = *from as c_char;
        }
        request.ifr_ifru.ifru_data = data.cast();
        let socket = self.socket.as_raw_fd();
        // SAFETY: a live request with live data, which the caller vouches for.
        if unsafe { libc::ioctl(socket, SIOCETHTOOL, &raw mut request) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    fn words<const N: usize>(&self, mut words: [u32; N]) -> io::Result<[u32; N]> {
        // SAFETY: the callers below give each command the words that it has.
        unsafe { self.call(words.as_mut_ptr().cast()) }?;
        Ok(words)
    }

    pub(super) fn driver(&self) -> io::Result<String> {
        // struct ethtool_drvinfo: 196 bytes, the driver's name first.
        let mut info = [0; 49];
        info[0] = GDRVINFO;
        let bytes = self.words(info)?.map(u32::to_ne_bytes);
        Ok(text(&bytes.as_flattened()[4..4 + NAME]))
    }

    pub(super) fn channels(&self) -> io::Result<Channels> {
        // struct ethtool_channels: maxima of rx, tx, other and combined, then what is in use.
        let [_, max_rx, max_tx, _, max_combined, rx, tx, _, combined] =
            self.words([GCHANNELS, 0, 0, 0, 0, 0, 0, 0, 0])?;
        Ok(Channels {
            combined: combined + rx.min(tx),
            max_combined: max_combined.max(max_rx.min(max_tx)),
        })
    }

    pub(super) fn features(&self) -> io::Result<BTreeMap<String, Feature>> {
        // struct ethtool_sset_info: a mask of sets, and behind it the size of each.
        let asked = self.words([GSSET_INFO, 0, 1 << FEATURES, 0, 0])?;
        let count = asked[4] as usize;
        let blocks = count.div_ceil(32);
        // struct ethtool_gstrings: 12 bytes before the strings.
        let mut strings = vec![0_u32; 3 + count * NAME / 4];
        strings[..3].copy_from_slice(&[GSTRINGS, FEATURES, count as u32]);
        // SAFETY: room for as many strings as the kernel says there are.
        unsafe { self.call(strings.as_mut_ptr().cast()) }?;
        // struct ethtool_gfeatures: 8 bytes before the blocks {available, requested, active,
        // never changed}.
        let mut states = vec![0_u32; 2 + blocks * 4];
        states[..2].copy_from_slice(&[GFEATURES, blocks as u32]);
        // SAFETY: room for as many blocks as are asked for.
        unsafe { self.call(states.as_mut_ptr().cast()) }?;
        let bytes: Vec<u8> = strings[3..].iter().flat_map(|w| w.to_ne_bytes()).collect();
        let feature = |(index, name): (usize, &[u8])| {
            let block = &states[2 + index / 32 * 4..];
            let bit = 1 << (index % 32);
            let (available, active, never) = (block[0] & bit, block[2] & bit, block[3] & bit);
            let feature = Feature {
                on: active != 0,
                fixed: available == 0 || never != 0,
            };
            (text(name), feature)
        };
        Ok(bytes.chunks_exact(NAME).enumerate().map(feature).collect())
    }
}

/// A string that ends with a zero or the field.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
