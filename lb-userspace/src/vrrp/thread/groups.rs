//! The sync groups among the routers.

use std::time::Instant;

use super::router::{Emit, Router};
use crate::config::SyncGroup;
use crate::vrrp::group::{Group, Member};

#[derive(Debug, Default)]
pub(super) struct Groups(Vec<(Group, Vec<String>)>);

impl Groups {
    /// Takes the groups that shall be, and tells the routers whether they are in one.
    pub(super) fn configure(
        &mut self,
        groups: Vec<SyncGroup>,
        routers: &mut [Router],
        now: Instant,
        emit: &mut Emit,
    ) {
        let mut known = std::mem::take(&mut self.0);
        for group in groups {
            let at = known.iter().position(|(one, _)| one.name() == group.name);
            let kept = at.map(|at| known.swap_remove(at).0);
            let kept = kept.unwrap_or_else(|| Group::new(group.name));
            self.0.push((kept, group.instances));
        }
        for router in routers {
            let name = &router.config.name;
            let grouped = self.0.iter().any(|(_, members)| members.contains(name));
            let effects = router.machine.set_grouped(grouped, now);
            router.carry_out(effects, now, emit);
        }
    }

    /// Makes the members of each group agree.
    pub(super) fn settle(&mut self, routers: &mut [Router], now: Instant, emit: &mut Emit) {
        for (group, names) in &mut self.0 {
            let mut routers: Vec<&mut Router> = routers
                .iter_mut()
                .filter(|router| names.contains(&router.config.name))
                .collect();
            let mut members: Vec<Member<'_>> = routers
                .iter_mut()
                .map(|router| Member {
                    name: &router.config.name,
                    machine: &mut router.machine,
                })
                .collect();
            for (at, effects) in group.settle(&mut members, now) {
                routers[at].carry_out(effects, now, emit);
            }
        }
    }
}
