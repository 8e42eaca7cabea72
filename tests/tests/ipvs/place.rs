//! A network namespace with virtual addresses, a wire for packets of clients, and nowhere that
//! packets for real servers could do harm.

use std::fs;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lb_tests::harness::skip;
use lb_tests::netns::is_root;
use lb_tests::sandbox::command;
use lb_userspace::dataplane::ipvs::{Ipvs, IpvsError};

/// The virtual addresses.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
pub(crate) const VIP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10);

/// Where `ip_vs_conn` and others of this thread's network namespace are.
const PROC_NET: &str = "/proc/thread-self/net";
const SYSCTLS: &str = "/proc/sys/net/ipv4/vs";

static NEXT: AtomicU32 = AtomicU32::new(0);
static TURN: Mutex<()> = Mutex::new(());

/// The namespace of the calling thread.
pub(crate) struct Place {
    directory: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left is in a directory for temporary files.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// One line of the kernel's connection table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Connection {
    pub(crate) client: IpAddr,
    pub(crate) client_port: u16,
    pub(crate) destination: IpAddr,
}

/// Runs `test` on a thread with a [`Place`] of its own, which vanishes with it.
///
/// A kernel without IPVS cannot run it: the test is skipped, with `CI=true`, too, unless
/// `LVX_IPVS=required`.
///
/// # Panics
/// When the test fails; without root and with `CI=true`.
pub(crate) fn in_place<F>(test: impl FnOnce(Place) -> F + Send + 'static)
where
    F: Future<Output = Result<()>>,
{
    if !is_root() {
        return skip("network namespaces need root");
    }
    let thread = thread::spawn(move || -> Result<Option<String>> {
        // One at a time: the kernel's connection table is one for all namespaces.
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let place = Place::make()?;
            match place.ipvs().await {
                Err(IpvsError::Unavailable { reason }) => return Ok(Some(reason)),
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            place.wire().await?;
            test(place).await.map(|()| None)
        })
    });
    match thread.join() {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(reason))) => {
            let required = std::env::var("LVX_IPVS").as_deref() == Ok("required");
            assert!(!required, "skipped with LVX_IPVS=required: {reason}");
            eprintln!("skipped: {reason}");
        }
        Ok(Err(error)) => panic!("{error:?}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

impl Place {
    fn make() -> Result<Self> {
        // SAFETY: changes the calling thread alone, and takes no pointers.
        let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        ensure!(result == 0, "unshare: {}", std::io::Error::last_os_error());
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lvx-ipvs-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// What is sent out on `client` comes in on `in`; real servers are behind `out`, which swallows
    /// everything.
    async fn wire(&self) -> Result<()> {
        let steps = "link set lo up
            link add in type veth peer name client
            link add out type dummy
            link set in up
            link set client up arp off
            link set out up
            addr add 192.0.2.10/32 dev in
            addr add 10.9.0.254/16 dev out
            -6 addr add 2001:db8::10/128 dev in nodad
            -6 addr add 2001:db8:9::fffe/64 dev out nodad
            route add 198.18.0.0/15 dev in
            -6 route add 2001:db8:c::/48 dev in";
        fs::write("/proc/sys/net/ipv6/conf/client/disable_ipv6", "1").ok();
        for step in steps.lines() {
            command("ip", &step.split_whitespace().collect::<Vec<_>>())?;
        }
        // Until the kernel has noticed the carrier it drops what is sent.
        wait("the wire", async || {
            let links = command("ip", &["-o", "link", "show", "type", "veth"])?;
            let up = links.lines().filter(|line| line.contains("state UP"));
            Ok((up.count() == 2).then_some(()))
        })
        .await
    }

    /// The file in which what is ours is recorded.
    pub(crate) fn record(&self) -> PathBuf {
        self.directory.join("ipvs")
    }

    /// As a daemon that has just started.
    pub(crate) async fn ipvs(&self) -> Result<Ipvs, IpvsError> {
        Ipvs::connect(&self.record()).await
    }

    /// The kernel's services, as the commands that would make them, sorted.
    pub(crate) fn services(&self) -> Result<Vec<String>> {
        let saved = command("ipvsadm", &["-S", "-n"])?;
        let mut lines: Vec<String> = saved.lines().map(|line| line.trim().to_owned()).collect();
        lines.sort();
        Ok(lines)
    }

    /// Destinations of the one service in the kernel, in its order, with their weights.
    pub(crate) fn order(&self) -> Result<Vec<(IpAddr, u32)>> {
        let text = fs::read_to_string(format!("{PROC_NET}/ip_vs"))?;
        let lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("-> "));
        let lines = lines.filter(|line| !line.starts_with("Remote"));
        lines
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [target, _, weight, ..] = words[..] else {
                    bail!("{line:?}");
                };
                let (address, _) = target.rsplit_once(':').context("no port")?;
                Ok((address_of(address)?, weight.parse()?))
            })
            .collect()
    }

    /// The kernel's connections, sorted.
    ///
    /// The file is handed out page by page, counted in connections of all namespaces: when others
    /// come or go in between, some are left out or seen twice. So it is read until two readings
    /// agree.
    pub(crate) fn connections(&self) -> Result<Vec<Connection>> {
        let mut last = self.connections_once()?;
        loop {
            let again = self.connections_once()?;
            if again == last {
                return Ok(again);
            }
            last = again;
        }
    }

    fn connections_once(&self) -> Result<Vec<Connection>> {
        let text = fs::read_to_string(format!("{PROC_NET}/ip_vs_conn"))?;
        let lines = text.lines().skip(1);
        let mut connections = lines.map(connection).collect::<Result<Vec<_>>>()?;
        connections.sort();
        Ok(connections)
    }

    pub(crate) fn sysctl(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(format!("{SYSCTLS}/{name}"))?
            .trim()
            .to_owned())
    }

    pub(crate) fn set_sysctl(&self, name: &str, value: &str) -> Result<()> {
        Ok(fs::write(format!("{SYSCTLS}/{name}"), value)?)
    }
}

fn connection(line: &str) -> Result<Connection> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, client, port, _, _, destination, ..] = words[..] else {
        bail!("{line:?}");
    };
    Ok(Connection {
        client: address_of(client)?,
        client_port: u16::from_str_radix(port, 16)?,
        destination: address_of(destination)?,
    })
}

/// An address as the kernel prints it in /proc: IPv4 as one hexadecimal number.
fn address_of(text: &str) -> Result<IpAddr> {
    if text.contains(':') {
        let text = text.trim_matches(['[', ']']);
        return text.parse().with_context(|| text.to_owned());
    }
    let number = u32::from_str_radix(text, 16).with_context(|| text.to_owned())?;
    Ok(Ipv4Addr::from(number).into())
}

/// Waits until `ready` gives something.
pub(crate) async fn wait<T>(
    what: &str,
    mut ready: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(value) = ready().await? {
            return Ok(value);
        }
        ensure!(Instant::now() < deadline, "waited 10 s for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
