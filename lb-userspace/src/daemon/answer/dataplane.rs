//! `dataplane` of `lvx status`.

use std::time::UNIX_EPOCH;

use crate::api::shape::{Dataplane, Interface, IpvsPlane, PlaneEvent, PlaneName};
use crate::control::plane::{Assignment, IpvsState, Override, Plane};
use crate::dataplane::xdp::{Attached, Mode};

use super::super::planes;
use super::Daemon;

impl Daemon {
    pub(super) fn dataplane_status(&self) -> Dataplane {
        let planes = self.control.planes();
        let ipvs_reason = match &planes.ipvs {
            IpvsState::Ready => None,
            IpvsState::Missing { reason } => Some(reason.clone()),
        };
        let (mode, reason) = self.mode();
        Dataplane {
            mode,
            reason,
            by_hand: match planes.by_hand {
                None => PlaneName::Auto,
                Some(Override::Xdp) => PlaneName::Xdp,
                Some(Override::Ipvs) => PlaneName::Ipvs,
            },
            ipvs: IpvsPlane {
                available: ipvs_reason.is_none(),
                reason: ipvs_reason,
                standby: planes.wants_ipvs() && planes.wants_xdp(),
            },
            switches: self.kernel.switches,
            repairs: self.kernel.repairs,
            events: self.kernel.history.iter().map(event).collect(),
            interfaces: self.interfaces_status(),
            passed: self.kernel.passed(),
            memory: self.memory(),
            records: self.records(),
            notes: self.notes(),
        }
    }

    /// The best plane in use, and why it is not a better one.
    fn mode(&self) -> (String, String) {
        let planes = self.control.planes();
        let attached = &self.kernel.attached;
        let refused = attached
            .iter()
            .filter_map(|(name, a)| Some(format!("{name}: {}", a.refused.as_ref()?)));
        let refused: Vec<String> = refused.collect();
        let generic = attached.values().any(|a| a.mode == Mode::Generic);
        let xdp = if generic { Mode::Generic } else { Mode::Native };
        match planes.without_service() {
            Assignment {
                plane: Some(Plane::Xdp),
                ..
            } if attached.is_empty() => ("none".to_owned(), "not attached yet".to_owned()),
            Assignment {
                plane: Some(Plane::Xdp),
                reason,
            } => {
                let reasons = refused
                    .into_iter()
                    .chain((!reason.is_empty()).then_some(reason));
                (
                    xdp.name().to_owned(),
                    reasons.collect::<Vec<_>>().join("; "),
                )
            }
            Assignment {
                plane: Some(Plane::Ipvs),
                reason,
            } => (Plane::Ipvs.name().to_owned(), reason),
            Assignment {
                plane: None,
                reason,
            } => ("none".to_owned(), reason),
        }
    }

    fn interfaces_status(&self) -> Vec<Interface> {
        let interface = |(name, attached): (&String, &Attached)| {
            let link = self.control.links().get(name);
            Interface {
                name: name.clone(),
                ifindex: link.map_or(0, |link| link.index),
                mac: link.and_then(|link| link.mac).map(|mac| mac.to_string()),
                mode: attached.mode.name().to_owned(),
            }
        };
        self.kernel.attached.iter().map(interface).collect()
    }
}

fn event(event: &planes::PlaneEvent) -> PlaneEvent {
    PlaneEvent {
        at: event
            .at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs(),
        text: event.text.clone(),
    }
}
