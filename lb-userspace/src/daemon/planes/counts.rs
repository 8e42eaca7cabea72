//! What the data planes counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use lb_common::reason::Reason;

use crate::api::shape::Count;
use crate::config;
use crate::control::{Control, ipvs_key};
use crate::dataplane::table::service_key;
use crate::dataplane::xdp::{ServiceCounters, Xdp};

use super::Kernel;

/// Counters by service's name.
pub(in crate::daemon) type Counts = BTreeMap<Arc<str>, ServiceCounters>;

impl Kernel {
    /// What both planes counted, by service's name.
    pub(in crate::daemon) async fn counts(&self, control: &Control) -> Counts {
        let mut by_ipvs = BTreeMap::new();
        if let Some(ipvs) = &self.ipvs {
            match ipvs.counters().await {
                Ok(counters) => by_ipvs = counters,
                Err(error) => tracing::warn!(%error, "cannot read the counters of IPVS"),
            }
        }
        let count = |service: &config::Service| {
            let key = service_key(service.address, service.protocol.number());
            let by_xdp = self.xdp.as_ref().map(|xdp| xdp.counters(&key));
            let mut counters = by_xdp.transpose().unwrap_or_else(|error| {
                tracing::warn!(%error, service = &*service.name, "cannot read counters");
                None
            });
            let counters = counters.get_or_insert_default();
            if let Some(more) = by_ipvs.get(&ipvs_key(service)) {
                for (address, one) in &more.destinations {
                    let sum = counters.real_servers.entry(*address).or_default();
                    sum.packets += one.packets;
                    sum.bytes += one.bytes;
                    sum.connections += one.connections;
                }
            }
            (service.name.clone(), counters.clone())
        };
        control.config().services.iter().map(count).collect()
    }

    /// Packets that the program left to the kernel, by reason.
    pub(in crate::daemon) fn passed(&self) -> Vec<Count> {
        let reasons = self.xdp.as_ref().map(Xdp::reasons);
        let reasons = reasons
            .unwrap_or_else(|| Ok(Vec::new()))
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot read the reason counters");
                Vec::new()
            });
        let count = |(reason, packets): (Reason, u64)| Count {
            name: reason.name().to_owned(),
            packets,
        };
        reasons.into_iter().map(count).collect()
    }
}
