//! Programs of this host as servers.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A directory that goes with the test.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU8 = AtomicU8::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lvx-health-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An address for one program: on an IP address that no other test uses.
pub(super) fn address() -> SocketAddr {
    static NUMBER: AtomicU8 = AtomicU8::new(1);
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let ip = Ipv4Addr::new(127, high | 1, low, number);
    let listener = TcpListener::bind((ip, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// The program's path; `None`: it is missing, and that is said. With `CI=true` that is a panic.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let of_variable = (name == "nginx").then(|| std::env::var_os("LVX_NGINX"));
    let of_variable = of_variable.flatten().map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let of_path = places.into_iter().map(|place| place.join(name));
    let found = of_variable
        .into_iter()
        .chain(of_path)
        .find(|path| path.is_file());
    if found.is_none() {
        let ci = std::env::var("CI").as_deref() == Ok("true");
        assert!(!ci, "skipped with CI=true: {name} is missing");
        eprintln!("skipped: {name} is missing: `cargo xtask setup` installs it");
    }
    found
}

/// A program that runs until this is dropped.
pub(super) struct Program(Child);

impl Program {
    /// Starts it and waits until it takes connections.
    pub(super) fn start(command: &mut Command, address: SocketAddr) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().unwrap();
        let mut program = Self(child);
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(address).is_err() {
            let ended = program.0.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            assert!(
                Instant::now() < deadline,
                "{command:?} takes no connections"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        program
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: kill takes two integers; the process is a child not waited for yet. Unlike
        // SIGKILL, this lets it end its own children.
        unsafe {
            libc::kill(self.0.id() as libc::pid_t, libc::SIGTERM);
        }
        let _ = self.0.wait();
    }
}
