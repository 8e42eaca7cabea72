//! A thread with a network namespace and a bpffs of its own, for the program without traffic.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use lb_userspace::object::xdp_object;

use crate::harness::skip;
use crate::netns::is_root;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// What a test in a sandbox works with.
pub struct Sandbox {
    /// A directory on a bpffs that nobody else sees.
    pub bpffs: PathBuf,
    /// The XDP program's object file.
    pub object: &'static [u8],
}

/// Runs `test` in a sandbox, which vanishes with the thread.
///
/// Without root or with the stub of the program it prints why it is skipped; with `CI=true` that
/// is a panic.
///
/// # Panics
/// As described, or when the test fails.
pub fn in_sandbox(test: impl FnOnce(&Sandbox) -> Result<()> + Send + 'static) {
    if !is_root() {
        return skip("loading XDP programs needs root");
    }
    if xdp_object().is_none() {
        return skip("this build embeds no XDP program: use `cargo xtask test`");
    }
    if let Err(error) = with_sandbox(test) {
        panic!("{error:?}");
    }
}

/// Runs `body` in a sandbox, which vanishes with the thread.
///
/// # Errors
/// Those of `body`; there are no privileges for a sandbox, or the program is the stub.
///
/// # Panics
/// When `body` does.
pub fn with_sandbox<T: Send + 'static>(
    body: impl FnOnce(&Sandbox) -> Result<T> + Send + 'static,
) -> Result<T> {
    let object = xdp_object().context("this build embeds no XDP program")?;
    let thread = thread::spawn(move || {
        let directory = enter()?;
        let bpffs = directory.join("bpf");
        let sandbox = Sandbox { bpffs, object };
        let result = body(&sandbox);
        umount(&sandbox.bpffs);
        fs::remove_dir_all(&directory).context("removing the sandbox's directory")?;
        result
    });
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Gives the calling thread new namespaces, and mounts a bpffs that only it sees.
fn enter() -> Result<PathBuf> {
    // SAFETY: changes the calling thread alone, and takes no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET | libc::CLONE_NEWNS) }).context("unshare")?;
    // SAFETY: the strings are literals; without MS_PRIVATE the mount would spread to the host.
    check(unsafe {
        libc::mount(
            c"none".as_ptr(),
            c"/".as_ptr(),
            ptr::null(),
            libc::MS_REC | libc::MS_PRIVATE,
            ptr::null(),
        )
    })
    .context("making mounts private")?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("lvx-sandbox-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    let bpffs = directory.join("bpf");
    fs::create_dir_all(&bpffs).context("making the sandbox's directory")?;
    command("mount", &["-t", "bpf", "bpf", &bpffs.display().to_string()])?;
    command("ip", &["link", "set", "lo", "up"])?;
    Ok(directory)
}

fn umount(bpffs: &Path) {
    // If it fails, the mount still ends with the thread.
    let _ = command("umount", &["--lazy", &bpffs.display().to_string()]);
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Runs a program in the calling thread's namespaces; its standard output.
///
/// # Errors
/// It cannot be started, or fails; with what it said.
pub fn command(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("{program} cannot be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {}", arguments.join(" "), said.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Index of an interface in the calling thread's namespace.
///
/// # Errors
/// It does not exist.
pub fn ifindex(name: &str) -> Result<u32> {
    let name = std::ffi::CString::new(name)?;
    // SAFETY: the string is live and ends with a zero.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    ensure!(index != 0, "no interface {name:?}");
    Ok(index)
}
