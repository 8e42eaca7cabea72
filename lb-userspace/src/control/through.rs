//! Which real servers are to be asked for virtual addresses, and by which interfaces. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::config::Check;
use crate::netlink::Route;

use super::Control;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Through {
    /// By real server: the interface that leads to it; `None`: it can be asked for its own address
    /// alone. It is this host, or behind a router; or a director that leads, which would send the
    /// probe on to another server. One whose route is not known is not here.
    pub servers: BTreeMap<IpAddr, Option<u32>>,
    /// Names of the interfaces, by index: those with a MAC, as the programs want Ethernet.
    pub interfaces: BTreeMap<u32, String>,
    /// So many probes go through.
    pub checks: usize,
}

impl Control {
    #[must_use]
    pub fn through(&self) -> Through {
        let mut through = Through::default();
        let mut indexes = BTreeSet::new();
        let leaders = self.instances.values().filter_map(|it| it.leader);
        let leaders: BTreeSet<IpAddr> = leaders.map(|leader| leader.source).collect();
        for service in &self.config.services {
            for server in &service.real_servers {
                let check = service.check_of(server);
                let Some((probes, by_route)) = check.and_then(|it| self.opened(it, &mut indexes))
                else {
                    continue;
                };
                through.checks += probes;
                let index = match self.routes.get(&server.address) {
                    Some(Route::OnLink { .. }) if leaders.contains(&server.address) => None,
                    Some(Route::OnLink { ifindex }) => Some(*ifindex),
                    Some(Route::Local | Route::Via { .. } | Route::None { .. }) => None,
                    None => continue,
                };
                through.servers.insert(server.address, index);
                indexes.extend(index.filter(|_| by_route));
            }
        }
        let links = self.links.values();
        let wanted = links.filter(|link| indexes.contains(&link.index) && link.mac.is_some());
        through.interfaces = wanted.map(|link| (link.index, link.name.clone())).collect();
        through
    }

    /// How many of a check's probes go through the virtual address, and whether one of them goes
    /// by the route to the server; `None`: none at all. Notes the interfaces that they name.
    fn opened(&self, check: &Check, indexes: &mut BTreeSet<u32>) -> Option<(usize, bool)> {
        let (mut probes, mut by_route) = (0, false);
        for probe in check.probe.through_vip() {
            probes += 1;
            match &probe.origin.interface {
                Some(name) => indexes.extend(self.links.get(name).map(|link| link.index)),
                None => by_route = true,
            }
        }
        (probes > 0).then_some((probes, by_route))
    }
}
