//! The running director: carries events to [`Control`], and the kernel to what follows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::alert::Alerts;
use crate::api::server::Socket;
use crate::config::{self, Config, InterfaceAddress};
use crate::control::Control;
use crate::control::history::Change;
use crate::dataplane::ipvs::IpvsError;
use crate::dataplane::xdp::XdpError;
use crate::events::Journal;
use crate::health::{Checks, Verdict};
use crate::netlink::{Netlink, hosts, monitor, nftables};
use crate::track::Trackers;
use crate::vrrp;

mod accept;
mod addresses;
mod answer;
pub mod cleanup;
mod devices;
mod end;
mod event;
mod handle;
mod lock;
mod log;
mod memory;
mod notify;
mod opened;
mod orders;
mod planes;
mod policy;
mod reload;
mod repairs;
mod settle;
mod signals;
mod switch;
mod systemd;
mod through;
mod trace;
mod track;
mod unrest;

use accept::Accept;
use addresses::Guard;
use devices::Devices;
use event::Event;
use lock::Lock;
use notify::Notify;
use orders::Orders;
use planes::Kernel;
use repairs::Pace;
use systemd::Systemd;
use through::Opening;
use unrest::Unrest;

/// Events that may wait; the senders wait beyond that.
const BACKLOG: usize = 1024;
/// The same of verdicts, apart from the others: ten thousand servers may fail at once, VRRP shall
/// find room nevertheless, and the checks shall go on.
const VERDICTS: usize = 16 << 10;
/// Between two looks for what others changed in our data planes.
const AUDIT: Duration = Duration::from_millis(500);
/// Between two looks at what the program says.
const PROGRAM_LOG: Duration = Duration::from_millis(200);

/// Notify scripts that run at the end are not waited for any longer.
const NOTIFY_LIMIT: Duration = Duration::from_secs(3);
/// Messages that leave at the end are not waited for any longer.
const ALERT_LIMIT: Duration = Duration::from_secs(2);

/// Why an instance takes no part.
const NO_PLANE: &str = "no data plane of this director can serve any of its services";

/// Why the daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error("{0}")]
    Config(#[from] config::Errors),
    #[error(
        "this lvx was built without the XDP program: build it with `cargo xtask build`, which \
         sets up the BPF toolchain"
    )]
    Stub,
    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },
    #[error("interface {0} does not exist: see `ip link`")]
    NoInterface(String),
    #[error("virtual_mac: {0}")]
    Device(String),
    #[error("data plane: {0}")]
    Xdp(#[from] XdpError),
    #[error("data plane: {0}")]
    Ipvs(#[from] IpvsError),
    #[error("no data plane: {0}")]
    NoPlane(String),
}

impl DaemonError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}

/// The configuration file as `status` shows it.
struct Source {
    path: PathBuf,
    loaded_at: SystemTime,
    error: Option<String>,
}

struct Daemon {
    source: Source,
    control: Control,
    orders: Orders,
    kernel: Kernel,
    /// Where the services that are ours in IPVS are written down.
    record: PathBuf,
    /// Virtual addresses on the interfaces, as far as they are ours.
    held: BTreeSet<(u32, InterfaceAddress)>,
    guard: Guard,
    devices: Devices,
    accept: Accept,
    pace: Pace,
    systemd: Systemd,
    netlink: Netlink,
    vrrp: Arc<vrrp::Handle>,
    checks: Checks<Event>,
    opening: Opening,
    hosts: watch::Sender<hosts::Wanted>,
    unrest: Unrest,
    /// Nothing was brought to the kernel yet.
    fresh: bool,
    /// First verdicts are awaited.
    warming: bool,
    /// Verdicts that are not in the kernel yet.
    verdicts: Vec<Verdict>,
    /// What followed for real servers, and is not in the kernel yet.
    changes: Vec<Change>,
    retry_at: Option<Instant>,
    /// It was told to stop, and does not wait for a successor beyond this.
    deadline: Option<Instant>,
    /// Instances that refuse mastership, as was said.
    unfit: BTreeSet<String>,
    trace: Option<trace::Trace>,
    journal: Journal,
    trackers: Trackers<Event>,
    /// What the protocol was told of tracking.
    standings: BTreeMap<String, vrrp::Standing>,
    notify: Notify,
    alerts: Alerts,
    started_at: SystemTime,
}

/// Runs the director until it is told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// It cannot start. Once it runs, failures are reported and tried again.
pub async fn run(path: &Path) -> Result<(), DaemonError> {
    let config = config::load(path)?;
    memory::trim();
    let lock = Lock::take(&config.global.runtime_dir)?;
    let socket = lock.directory().join("lvx.sock");
    let socket = Socket::bind(&socket).map_err(DaemonError::io(socket.display().to_string()))?;
    let (events, inbox) = mpsc::channel(BACKLOG);
    let (verdicts, judged) = mpsc::channel(VERDICTS);
    let directory = lock.directory().to_owned();
    let mut daemon = start(path, config, directory, events.clone(), verdicts).await?;
    let api = tokio::spawn(async move { socket.serve(events).await });
    let worked = daemon.work(inbox, judged).await;
    api.abort();
    // Its socket goes with the task.
    let _ = api.await;
    let finished = daemon.finish().await;
    worked.and(finished)?;
    tracing::info!("stopped");
    Ok(())
}

async fn start(
    path: &Path,
    config: Config,
    directory: PathBuf,
    events: mpsc::Sender<Event>,
    verdicts: mpsc::Sender<Event>,
) -> Result<Daemon, DaemonError> {
    let now = Instant::now();
    let netlink = Netlink::connect().map_err(DaemonError::io("netlink"))?;
    let links = netlink
        .links()
        .await
        .map_err(DaemonError::io("list of interfaces"))?;
    let left = netlink.addresses().await;
    let left = left.map_err(DaemonError::io("list of addresses"))?;
    let left = left.iter().filter(|one| one.own);
    let left: Vec<_> = left.map(|one| (one.ifindex, one.address)).collect();
    let mut control = Control::new(config, now);
    control.set_links(links);
    if let Some(name) = control.missing_interface() {
        return Err(DaemonError::NoInterface(name.to_owned()));
    }
    devices::refusal(&control)?;
    control.inherit(&left);
    let journal = Journal::default();
    let orders = Orders::restore(&directory, &mut control, &journal);
    let record = directory.join("ipvs");
    let kernel = Kernel::get(&mut control, &record, journal.clone()).await?;
    let (hosts, wanted) = watch::channel(control.wanted_hosts());
    tokio::spawn(hosts::run(netlink.clone(), wanted, events.clone()));
    tokio::spawn(monitor::run(events.clone()));
    tokio::spawn(nftables::run(events.clone()));
    let emit = events.clone();
    let vrrp = vrrp::Handle::spawn(control.config().global.realtime, move |event| {
        // On the protocol's own thread: it must not wait for us.
        if emit.try_send(Event::Vrrp(event)).is_err() {
            tracing::error!("the daemon does not keep up with VRRP events");
        }
    });
    let vrrp = Arc::new(vrrp.map_err(DaemonError::io("VRRP thread"))?);
    signals::watch(Arc::clone(&vrrp), events.clone())?;
    Ok(Daemon {
        source: Source {
            path: path.to_owned(),
            loaded_at: SystemTime::now(),
            error: None,
        },
        control,
        orders,
        kernel,
        record,
        held: left.iter().copied().collect(),
        guard: Guard::default(),
        devices: Devices::new(&directory),
        accept: Accept::default(),
        pace: Pace::default(),
        systemd: Systemd::new(),
        netlink,
        vrrp,
        opening: Opening::new(journal.clone()),
        checks: Checks::new(verdicts, journal.clone())
            .map_err(DaemonError::io("thread of the checks"))?,
        hosts,
        unrest: Unrest::default(),
        fresh: true,
        warming: true,
        verdicts: Vec::new(),
        changes: Vec::new(),
        retry_at: None,
        deadline: None,
        unfit: BTreeSet::new(),
        trace: None,
        notify: Notify::new(journal.clone()),
        alerts: Alerts::new(journal.clone()),
        journal,
        trackers: Trackers::new(events),
        standings: BTreeMap::new(),
        started_at: SystemTime::now(),
    })
}

impl Daemon {
    /// Hands the configuration in force to the parts that run by themselves.
    fn configure(&mut self) {
        self.unrest.stir();
        self.open_checks();
        let config = self.control.config();
        self.checks.configure(&config.services);
        self.vrrp.send(vrrp::Command::Configure {
            instances: config.vrrp.clone(),
            groups: config.sync_groups.clone(),
        });
        self.trackers.configure(&config.vrrp);
        self.notify.configure(config);
        self.alerts.configure(config);
        self.standings.clear();
        self.stand();
        self.follow_log();
    }

    async fn work(
        &mut self,
        mut inbox: mpsc::Receiver<Event>,
        mut judged: mpsc::Receiver<Event>,
    ) -> Result<(), DaemonError> {
        // What an earlier daemon left forwards until the new tables are filled.
        if self.held.is_empty() {
            self.open_planes()?;
        }
        // Instances advertise through them.
        self.follow_devices().await;
        self.configure();
        let mut hangup = listen(SignalKind::hangup())?;
        self.journal.tell(log::started(&self.source.path));
        systemd::ready();
        let mut audit = interval(AUDIT);
        audit.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut program_log = interval(PROGRAM_LOG);
        program_log.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.settle().await?;
            if let Some(deadline) = self.deadline
                && (Instant::now() >= deadline || self.control.has_handed_over())
            {
                return Ok(());
            }
            let wake = self.control.next_timeout(Instant::now());
            let wake = wake.into_iter().chain(self.deadline).chain(self.retry_at);
            let wake = wake.min();
            tokio::select! {
                // The tasks hold senders, so the channels never end.
                Some(event) = inbox.recv() => self.handle(event).await,
                Some(event) = judged.recv() => self.handle(event).await,
                () = sleep_until(wake) => {
                    self.retry_at = None;
                    self.unrest.stir();
                }
                _ = audit.tick() => self.audit().await,
                _ = program_log.tick(), if self.has_log() => self.flush_log(),
                _ = hangup.recv() => {
                    // Logged, and kept for `status`.
                    let _ = self.reload().await;
                }
            }
            // What has come in meanwhile goes into the same change of the kernel.
            for channel in [&mut inbox, &mut judged] {
                while let Ok(event) = channel.try_recv() {
                    self.handle(event).await;
                }
            }
        }
    }

    async fn audit(&mut self) {
        let kernel = self.kernel.version();
        self.beat();
        self.expire_trace();
        self.refresh_links().await;
        self.audit_parents();
        self.audit_checks();
        // Tracked interfaces: the protocol does not wait for the planes.
        self.stand();
        self.kernel.tick(Instant::now());
        self.follow_opened();
        self.kernel.audit(&mut self.control, &self.record).await;
        self.unrest.stir_if(self.kernel.version() != kernel);
    }

    async fn refresh_links(&mut self) {
        match self.netlink.links().await {
            Ok(links) => self.control.set_links(links),
            Err(error) => tracing::warn!(%error, "cannot list the interfaces"),
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal, DaemonError> {
    signal(kind).map_err(DaemonError::io("signal handler"))
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
