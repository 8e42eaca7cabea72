//! `lvx plane`: the operator's choice of planes, over the configuration.

use crate::api::shape::PlaneName;
use crate::control::plane::{Override, Planes};

use super::Daemon;

impl Daemon {
    /// Goes over to the planes asked for, or refuses and changes nothing.
    pub(super) fn switch(&mut self, name: PlaneName) -> Result<(), String> {
        let now = self.control.planes();
        let wanted = Planes {
            by_hand: match name {
                PlaneName::Auto => None,
                PlaneName::Xdp => Some(Override::Xdp),
                PlaneName::Ipvs => Some(Override::Ipvs),
            },
            ..now.clone()
        };
        for service in &self.control.config().services {
            let (before, after) = (now.assign(service), wanted.assign(service));
            if before.plane.is_some() && after.plane.is_none() {
                return Err(format!(
                    "service {} could not be served: {}",
                    service.name, after.reason
                ));
            }
        }
        tracing::info!(by_hand = ?wanted.by_hand, "data plane switched");
        *self.control.planes_mut() = wanted;
        Ok(())
    }
}
