//! The data planes of this director: getting them, keeping them, writing to them.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::config::{PlaneChoice, Sync};
use crate::control::Control;
use crate::control::plane::{IpvsState, XdpState};
use crate::dataplane::ipvs::{self, Ipvs, SyncRole};
use crate::dataplane::opened::Windows;
use crate::dataplane::xdp::{self, Attached, Mode, ModeChoice, Nic, Sizes, Xdp, XdpError};
use crate::events::{Event, Journal, Kind};
use crate::object::xdp_object;

use super::{DaemonError, log};

mod audit;
mod clock;
mod counts;

use clock::Clock;
pub(super) use counts::Counts;

/// Events that `status` shows.
const HISTORY: usize = 50;
/// Between two looks for an IPVS that was not there: a module may be loaded later.
const IPVS_RETRY: Duration = Duration::from_secs(30);

/// Something that happened to a data plane.
#[derive(Debug, Clone)]
pub(super) struct PlaneEvent {
    pub(super) at: SystemTime,
    pub(super) text: String,
}

/// The planes in the kernel.
pub(super) struct Kernel {
    pub(super) xdp: Option<Xdp>,
    clock: Clock,
    /// What clients say about real servers.
    pub(super) opened: Windows,
    /// By interface.
    pub(super) attached: BTreeMap<String, Attached>,
    /// The maps are shown under their public names.
    published: bool,
    pub(super) ipvs: Option<Ipvs>,
    /// It is known what the real servers are worth: what an earlier daemon left may be replaced.
    pub(super) ready: bool,
    /// What IPVS was brought to last.
    standing: Option<ipvs::table::Table>,
    sync: Option<(Sync, SyncRole)>,
    ipvs_tried: Instant,
    journal: Journal,
    pub(super) history: VecDeque<PlaneEvent>,
    /// Times the set of planes that can be used changed.
    pub(super) switches: u64,
    /// What others changed in our planes and was put right.
    pub(super) repairs: u64,
    /// Times that anything else changed there by itself: IPVS appeared, slots became stable.
    moved: u64,
}

impl Kernel {
    /// Loads the program and looks for IPVS; tells `control` what there is.
    ///
    /// # Errors
    /// What the configuration insists on is not there, or nothing is.
    pub(super) async fn get(
        control: &mut Control,
        record: &Path,
        journal: Journal,
    ) -> Result<Self, DaemonError> {
        let mut kernel = Self {
            xdp: None,
            clock: Clock::default(),
            opened: Windows::default(),
            attached: BTreeMap::new(),
            published: false,
            ipvs: None,
            ready: false,
            standing: None,
            sync: None,
            ipvs_tried: Instant::now(),
            journal,
            history: VecDeque::new(),
            switches: 0,
            repairs: 0,
            moved: 0,
        };
        kernel.look_for_ipvs(control, record).await;
        let choice = control.config().global.dataplane;
        if choice == PlaneChoice::Ipvs {
            if let IpvsState::Missing { reason } = &control.planes().ipvs {
                return Err(DaemonError::NoPlane(format!("IPVS: {reason}")));
            }
            // An earlier daemon may have used the program.
            xdp::remove_left(&control.config().global.bpffs)?;
            return Ok(kernel);
        }
        match load(control) {
            Ok(xdp) => {
                kernel.clock = Clock::start(xdp.now(), Instant::now());
                kernel.xdp = Some(xdp);
            }
            Err(error) if choice == PlaneChoice::Auto && kernel.ipvs.is_some() => {
                kernel.xdp_state(control, missing(error.to_string()));
            }
            Err(error) => return Err(error),
        }
        Ok(kernel)
    }

    /// Removes everything of ours from the kernel.
    pub(super) async fn remove(self) -> Result<(), DaemonError> {
        let ipvs = match self.ipvs {
            Some(ipvs) => ipvs.remove().await,
            None => Ok(()),
        };
        if let Some(xdp) = self.xdp {
            xdp.remove()?;
        }
        Ok(ipvs?)
    }

    /// Another one whenever the planes changed otherwise than by [`Self::apply`].
    pub(super) const fn version(&self) -> u64 {
        self.switches + self.repairs + self.moved
    }

    /// Something of ours beside the planes was put right.
    pub(super) fn repaired(&mut self, what: &str) {
        self.repairs += 1;
        self.journal
            .tell(Event::new(Kind::Repair, format!("repaired: {what}")));
        self.remember(what.to_owned());
    }

    fn event(&mut self, kind: Kind, text: String) {
        self.journal
            .tell(Event::new(kind, format!("data plane: {text}")));
        self.remember(text);
    }

    fn remember(&mut self, text: String) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        let at = SystemTime::now();
        self.history.push_back(PlaneEvent { at, text });
    }

    fn xdp_state(&mut self, control: &mut Control, state: XdpState) {
        let planes = control.planes_mut();
        if planes.xdp == state {
            return;
        }
        match &state {
            XdpState::Attached if planes.xdp != XdpState::Untried => {
                self.event(
                    Kind::Plane,
                    "the XDP program is back on all interfaces".to_owned(),
                );
            }
            XdpState::Untried | XdpState::Attached => {}
            XdpState::Partial { missing: reason } | XdpState::Missing { reason } => {
                self.event(Kind::Plane, format!("XDP is not available: {reason}"));
            }
        }
        self.switches += 1;
        planes.xdp = state;
    }

    async fn look_for_ipvs(&mut self, control: &mut Control, record: &Path) {
        self.ipvs_tried = Instant::now();
        control.planes_mut().ipvs = match Ipvs::connect(record).await {
            Ok(ipvs) => {
                self.ipvs = Some(ipvs);
                self.moved += 1;
                check_table_size(control);
                IpvsState::Ready
            }
            Err(error) => IpvsState::Missing {
                reason: error.to_string(),
            },
        };
    }

    /// Attaches the program wherever it belongs and is not yet, and shows its maps.
    ///
    /// # Errors
    /// An interface refuses; what could be attached is.
    pub(super) fn attach_all(&mut self, control: &mut Control) -> Result<(), XdpError> {
        let Some(xdp) = &mut self.xdp else {
            return Ok(());
        };
        let choice = mode_choice(control.config().global.dataplane);
        let mut refused = None;
        for name in control.interfaces() {
            let Some(link) = control.links().get(name) else {
                continue;
            };
            if self.attached.contains_key(name) {
                continue;
            }
            let nic = Nic {
                name: link.name.clone(),
                index: link.index,
                mtu: link.mtu,
                attached: link.xdp.map(|xdp| xdp.mode),
            };
            match tokio::task::block_in_place(|| xdp.attach(&nic, choice)) {
                Ok(attached) => {
                    log::attached(name, &attached);
                    self.attached.insert(name.to_owned(), attached);
                }
                Err(error) => refused = Some(error),
            }
        }
        if !self.published && !self.attached.is_empty() {
            xdp.publish()?;
            self.published = true;
        }
        let state = match (&refused, self.attached.is_empty()) {
            (None, _) => XdpState::Attached,
            (Some(error), true) => missing(error.to_string()),
            (Some(error), false) => XdpState::Partial {
                missing: error.to_string(),
            },
        };
        self.xdp_state(control, state);
        refused.map_or(Ok(()), Err)
    }

    /// Takes the program off an interface that is configured no more.
    pub(super) fn detach(&mut self, interface: &str) {
        if self.attached.remove(interface).is_some()
            && let Some(xdp) = &mut self.xdp
        {
            xdp.detach(interface);
            tracing::info!(interface, "XDP program detached");
        }
    }

    /// Brings both planes to what `control` wants.
    ///
    /// IPVS goes first where it gets more to do, and last where it gets less: packets always
    /// find one of the two.
    ///
    /// # Errors
    /// A plane refuses; the other one is served all the same.
    pub(super) async fn apply(&mut self, control: &Control) -> Result<(), DaemonError> {
        let wanted = control.ipvs_table();
        let standing = self.standing.as_ref();
        let stands = |key| standing.is_some_and(|table| table.services.contains_key(key));
        let grows = !wanted.services.keys().all(stands);
        if grows {
            let ipvs = self.apply_ipvs(wanted).await;
            return self.apply_xdp(control).and(ipvs);
        }
        let xdp = self.apply_xdp(control);
        self.apply_ipvs(wanted).await.and(xdp)
    }

    fn apply_xdp(&mut self, control: &Control) -> Result<(), DaemonError> {
        if let Some(xdp) = &mut self.xdp {
            // What an earlier daemon applied serves until it is known what servers are worth.
            if xdp.is_adopted() && !self.ready {
                return Ok(());
            }
            let table = control.table();
            let outcome = tokio::task::block_in_place(|| xdp.apply(&table))?;
            log::outcome(outcome);
        }
        Ok(())
    }

    async fn apply_ipvs(&mut self, wanted: ipvs::table::Table) -> Result<(), DaemonError> {
        if self.ready
            && self.standing.as_ref() != Some(&wanted)
            && let Some(ipvs) = &mut self.ipvs
        {
            ipvs.apply(&wanted).await?;
            self.standing = Some(wanted);
        }
        Ok(())
    }
}

fn load(control: &Control) -> Result<Xdp, DaemonError> {
    let object = xdp_object().ok_or(DaemonError::Stub)?;
    let global = &control.config().global;
    let sizes = Sizes {
        table: global.table_size,
        exceptions: global.maps.exceptions,
        persistence: global.maps.persistence,
        flows: global.maps.flows,
        sample: global.passive_sample.unwrap_or(0),
    };
    Ok(Xdp::load(object, &global.bpffs, sizes)?)
}

const fn missing(reason: String) -> XdpState {
    XdpState::Missing { reason }
}

const fn mode_choice(choice: PlaneChoice) -> ModeChoice {
    match choice {
        PlaneChoice::Auto | PlaneChoice::Xdp | PlaneChoice::Ipvs => ModeChoice::Best,
        PlaneChoice::XdpNative => ModeChoice::Only(Mode::Native),
        PlaneChoice::XdpGeneric => ModeChoice::Only(Mode::Generic),
    }
}

/// The same client gets the same server from both planes only if their tables are of one size.
fn check_table_size(control: &Control) {
    let ours = control.config().global.table_size;
    match Ipvs::mh_table_size() {
        Some(kernel) if kernel != ours => tracing::warn!(
            "this kernel's IPVS was built with mh tables of {0} slots, the configuration says \
             {1}: set [global] table_size = {0} on both directors, or a switch of planes moves \
             clients",
            kernel.slots(),
            ours.slots()
        ),
        Some(_) | None => {}
    }
}
