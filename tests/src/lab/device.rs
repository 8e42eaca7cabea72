//! What veth pairs need so that XDP works on them.
//!
//! A frame sent by XDP_TX on a veth is lost unless the peer has an XDP program as well; and a
//! frame of a local stack still has its checksum to be filled in by a "NIC", which XDP_TX skips.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use socket2::{Domain, Socket, Type};

use crate::netns::Netns;

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_OBJ_PIN: libc::c_long = 6;
const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_F_XDP_HAS_FRAGS: u32 = 1 << 5;
/// `ETHTOOL_STXCSUM` of linux/ethtool.h.
const ETHTOOL_STXCSUM: u32 = 0x17;

/// `mov r0, XDP_PASS; exit` as the kernel's `struct bpf_insn` on a little-endian machine.
const PASS: [u64; 2] = [0x0000_0002_0000_00b7, 0x0000_0000_0000_0095];

/// The part of `union bpf_attr` that BPF_PROG_LOAD needs.
#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
}

/// The part of `union bpf_attr` that BPF_OBJ_PIN needs.
#[repr(C)]
struct ObjPin {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// `struct ethtool_value` of linux/ethtool.h.
#[repr(C)]
struct EthtoolValue {
    cmd: u32,
    data: u32,
}

/// Loads an XDP program that passes everything and pins it at `path`.
///
/// # Errors
/// The kernel refused; loading needs CAP_BPF, pinning a bpffs.
pub(crate) fn pin_pass_program(path: &Path) -> Result<()> {
    // Kernels before 5.18 have no frames of several buffers, and no MTU here that needs them.
    let fd = load_pass_program(BPF_F_XDP_HAS_FRAGS)
        .or_else(|_| load_pass_program(0))
        .context("loading the XDP program of a switch port")?;
    // SAFETY: the kernel has just given us this descriptor and nobody else has it.
    let program = unsafe { OwnedFd::from_raw_fd(fd) };
    let pathname = CString::new(path.as_os_str().as_bytes()).context("a NUL in a path")?;
    let pin = ObjPin {
        pathname: pathname.as_ptr() as u64,
        bpf_fd: program.as_raw_fd().unsigned_abs(),
        file_flags: 0,
    };
    // SAFETY: `pin` and the path live during the call and have the layout it expects.
    unsafe { bpf(BPF_OBJ_PIN, &pin) }.with_context(|| format!("pinning {}", path.display()))?;
    Ok(())
}

fn load_pass_program(prog_flags: u32) -> std::io::Result<i32> {
    let load = ProgLoad {
        prog_type: BPF_PROG_TYPE_XDP,
        insn_cnt: 2,
        insns: PASS.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags,
    };
    // SAFETY: `load` and what it points to live during the call and have the layout it expects.
    unsafe { bpf(BPF_PROG_LOAD, &load) }
}

/// # Safety
/// `attr` must be what `command` expects at the start of `union bpf_attr`.
unsafe fn bpf<T>(command: libc::c_long, attr: &T) -> std::io::Result<i32> {
    // SAFETY: the caller vouches for the content, and the size is the true one.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr, size_of::<T>()) };
    i32::try_from(result)
        .ok()
        .filter(|fd| *fd >= 0)
        .ok_or_else(std::io::Error::last_os_error)
}

/// `ethtool -K eth0 tx off` in a namespace: its stack fills checksums in by itself.
///
/// # Errors
/// The namespace has no such interface.
pub(crate) fn fill_in_checksums(namespace: &Netns, interface: &'static str) -> Result<()> {
    namespace
        .run(move || set_tx_checksum(interface, 0))?
        .with_context(|| format!("TX checksums of {interface} in {}", namespace.name()))
}

/// The opposite: frames leave without them, as with a NIC that fills them in.
///
/// # Errors
/// The namespace has no such interface.
pub fn leave_out_checksums(namespace: &Netns, interface: &'static str) -> Result<()> {
    namespace
        .run(move || set_tx_checksum(interface, 1))?
        .with_context(|| format!("TX checksums of {interface} in {}", namespace.name()))
}

fn set_tx_checksum(interface: &str, data: u32) -> Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    let mut value = EthtoolValue {
        cmd: ETHTOOL_STXCSUM,
        data,
    };
    // SAFETY: `ifreq` is a plain C struct, for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if interface.len() >= request.ifr_name.len() {
        return Err(anyhow!("{interface} is too long for an interface name"));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the request and the value it points to live during the call.
    let result =
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
    if result != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(())
}
