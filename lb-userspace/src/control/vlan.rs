//! VLAN devices: the program is on the interface below them, and tags are its business. PURE.

use std::iter::successors;

use crate::netlink::Link;

use super::Control;

/// VLAN devices on each other; the kernel has a limit of its own (`MAX_NEST_DEV`).
const DEEPEST: usize = 8;

impl Control {
    /// The interfaces from this one down to the one that carries its frames.
    fn stack<'c>(&'c self, link: &'c Link) -> impl Iterator<Item = &'c Link> {
        let below = |link: &&'c Link| self.link(link.vlan?.parent);
        successors(Some(link), below).take(DEEPEST)
    }

    /// The interface that the program must be on to see this one's frames: itself, unless it is a
    /// VLAN device.
    pub(super) fn carrier<'c>(&'c self, link: &'c Link) -> &'c Link {
        self.stack(link).last().unwrap_or(link)
    }

    /// The VLANs of this interface's frames on its carrier, the outer one first; `None`: more than
    /// the program can tag.
    pub(super) fn vlans(&self, link: &Link) -> Option<[u16; 2]> {
        let tags: Vec<u16> = self
            .stack(link)
            .filter_map(|link| Some(link.vlan?.id))
            .collect();
        match tags[..] {
            [] => Some([0, 0]),
            [id] => Some([id, 0]),
            [inner, outer] => Some([outer, inner]),
            _ => None,
        }
    }

    pub(super) fn link(&self, index: u32) -> Option<&Link> {
        self.links.values().find(|link| link.index == index)
    }
}
