//! Reading what `preflight` decides by, in the calling thread's network namespace.

use std::collections::BTreeMap;
use std::io;

use netlink_packet_core::{NLM_F_DUMP, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    BondMode, BondXmitHashPolicy, InfoBond, InfoData, InfoKind, LinkAttribute, LinkInfo,
    LinkMessage, LinkXdp, XdpAttached,
};

use crate::netlink;

use super::ethtool::Ethtool;
use super::{Bond, Channels, Feature};

/// What is known of an interface. What a driver does not tell is as if it had none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dataplane::xdp) struct Facts {
    pub(super) interface: String,
    /// Of the kernel's module; empty if the interface has none.
    pub(super) driver: String,
    pub(super) mtu: u32,
    /// By the kernel's names: `rx-lro`.
    pub(super) features: BTreeMap<String, Feature>,
    pub(super) channels: Channels,
    pub(super) cpus: u32,
    /// VLAN devices on it.
    pub(super) vlans: Vec<String>,
    pub(super) bond: Option<Bond>,
    /// The bond that it is part of.
    pub(super) slave_of: Option<String>,
}

impl Facts {
    pub(in crate::dataplane::xdp) fn read(interface: &str, index: u32) -> io::Result<Self> {
        let ethtool = Ethtool::new(interface)?;
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let facts = Self {
            interface: interface.to_owned(),
            driver: ethtool.driver().unwrap_or_default(),
            mtu: 0,
            features: ethtool.features().unwrap_or_default(),
            channels: ethtool.channels().unwrap_or_default(),
            cpus: aya::util::nr_cpus().unwrap_or(cpus) as u32,
            vlans: Vec::new(),
            bond: None,
            slave_of: None,
        };
        let facts = facts.among(index, &links()?);
        facts.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))
    }

    /// With what the list of all interfaces says; `None`: it is not there.
    fn among(self, index: u32, links: &[LinkMessage]) -> Option<Self> {
        let own = links.iter().find(|link| link.header.index == index)?;
        let is_vlan = |link: &&LinkMessage| {
            kind(link) == Some(&InfoKind::Vlan)
                && link.attributes.contains(&LinkAttribute::Link(index))
        };
        let master = own.attributes.iter().find_map(|attribute| {
            let LinkAttribute::Controller(master) = attribute else {
                return None;
            };
            links.iter().find(|link| link.header.index == *master)
        });
        let slave_of = master.filter(|master| kind(master) == Some(&InfoKind::Bond));
        Some(Self {
            mtu: own.attributes.iter().find_map(mtu).unwrap_or_default(),
            vlans: links.iter().filter(is_vlan).map(name).collect(),
            bond: bond(own),
            slave_of: slave_of.map(name),
            ..self
        })
    }
}

/// The program that an interface carries: its id, and whether it is in the generic mode.
pub(in crate::dataplane::xdp) fn program_on(index: u32) -> io::Result<Option<(u32, bool)>> {
    let links = links()?;
    let own = links.iter().find(|link| link.header.index == index);
    let attributes = own.into_iter().flat_map(|link| &link.attributes);
    let mut programs = attributes.filter_map(|attribute| {
        let LinkAttribute::Xdp(xdp) = attribute else {
            return None;
        };
        let id = xdp.iter().find_map(|one| {
            let LinkXdp::ProgId(id) = one else {
                return None;
            };
            Some(*id)
        })?;
        Some((
            id,
            xdp.contains(&LinkXdp::Attached(XdpAttached::SocketBuffer)),
        ))
    });
    Ok(programs.next())
}

/// All interfaces, asked for without a runtime: this is in the middle of an attachment.
fn links() -> io::Result<Vec<LinkMessage>> {
    let all = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let socket = netlink::ask(all, NLM_F_DUMP)?;
    let mut links = Vec::new();
    loop {
        let (bytes, _) = socket.recv_from_full()?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                .map_err(io::Error::other)?;
            // Messages begin at multiples of four bytes.
            let length = (message.header.length as usize).next_multiple_of(4);
            rest = rest.get(length.max(4)..).unwrap_or_default();
            if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) =
                message.payload
            {
                links.push(link);
            } else if let NetlinkPayload::Error(error) = message.payload {
                return Err(error.to_io());
            } else if let NetlinkPayload::Done(_) = message.payload {
                return Ok(links);
            }
        }
    }
}

fn infos(link: &LinkMessage) -> impl Iterator<Item = &LinkInfo> {
    let infos = link.attributes.iter().filter_map(|attribute| {
        let LinkAttribute::LinkInfo(infos) = attribute else {
            return None;
        };
        Some(infos)
    });
    infos.flatten()
}

fn kind(link: &LinkMessage) -> Option<&InfoKind> {
    infos(link).find_map(|info| {
        let LinkInfo::Kind(kind) = info else {
            return None;
        };
        Some(kind)
    })
}

fn name(link: &LinkMessage) -> String {
    let names = link.attributes.iter().find_map(|attribute| {
        let LinkAttribute::IfName(name) = attribute else {
            return None;
        };
        Some(name.clone())
    });
    names.unwrap_or_default()
}

fn mtu(attribute: &LinkAttribute) -> Option<u32> {
    let LinkAttribute::Mtu(mtu) = attribute else {
        return None;
    };
    Some(*mtu)
}

fn bond(link: &LinkMessage) -> Option<Bond> {
    let settings = infos(link).find_map(|info| {
        let LinkInfo::Data(InfoData::Bond(settings)) = info else {
            return None;
        };
        Some(settings)
    })?;
    let mut bond = Bond {
        mode: "unknown",
        by_vlan: false,
    };
    for setting in settings {
        if let InfoBond::Mode(mode) = setting {
            bond.mode = mode_name(*mode);
        } else if let InfoBond::XmitHashPolicy(policy) = setting {
            bond.by_vlan = *policy == BondXmitHashPolicy::VlanSrcMac;
        }
    }
    Some(bond)
}

const fn mode_name(mode: BondMode) -> &'static str {
    match mode {
        BondMode::BalanceRr => "balance-rr",
        BondMode::ActiveBackup => "active-backup",
        BondMode::BalanceXor => "balance-xor",
        BondMode::Broadcast => "broadcast",
        BondMode::Ieee8023Ad => "802.3ad",
        BondMode::BalanceTlb => "balance-tlb",
        BondMode::BalanceAlb => "balance-alb",
        BondMode::Other(_) | _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Runs `body` in a network namespace of its own; without root it says that it is skipped.
    fn in_namespace(body: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(|| {
            // SAFETY: changes this thread alone.
            if unsafe { libc::unshare(libc::CLONE_NEWNET) } < 0 {
                assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "needs root");
                eprintln!("skipped: network namespaces need root");
                return;
            }
            body();
        });
        thread.join().unwrap();
    }

    fn ip(arguments: &str) {
        let status = Command::new("ip").args(arguments.split(' ')).status();
        assert!(status.unwrap().success(), "ip {arguments}");
    }

    fn index(name: &str) -> u32 {
        let found = links()
            .unwrap()
            .into_iter()
            .find(|link| super::name(link) == name);
        found.unwrap().header.index
    }

    #[test]
    fn facts_of_a_veth_are_read() {
        in_namespace(|| {
            ip("link add veth0 mtu 1400 numrxqueues 2 numtxqueues 2 type veth peer name veth1");
            let facts = Facts::read("veth0", index("veth0")).unwrap();
            assert_eq!((facts.driver.as_str(), facts.mtu), ("veth", 1400));
            assert_eq!(
                (facts.vlans.len(), facts.bond, facts.slave_of),
                (0, None, None)
            );
            let on = |name: &str| facts.features.get(name).map(|feature| feature.on);
            assert_eq!(
                (on("rx-vlan-hw-parse"), on("rx-lro")),
                (Some(true), Some(false))
            );
            // No driver can have it changed.
            assert!(facts.features["rx-lro"].fixed);
            assert!(!facts.features["rx-gro"].fixed);
            assert_eq!(
                (facts.channels.combined, facts.channels.max_combined),
                (2, 2)
            );
            assert!(facts.cpus > 0);
            assert_eq!(program_on(index("veth0")).unwrap(), None);
        });
    }

    fn link(index: u32, name: &str, attributes: &[LinkAttribute]) -> LinkMessage {
        let mut link = LinkMessage::default();
        link.header.index = index;
        link.attributes = vec![LinkAttribute::IfName(name.to_owned())];
        link.attributes.extend_from_slice(attributes);
        link
    }

    fn of_kind(kind: InfoKind) -> LinkAttribute {
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)])
    }

    /// Not every kernel has these devices, so the list is made up.
    #[test]
    fn what_is_above_an_interface_is_known() {
        let bond = vec![
            InfoBond::Mode(BondMode::BalanceXor),
            InfoBond::XmitHashPolicy(BondXmitHashPolicy::VlanSrcMac),
        ];
        let bond = LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Bond),
            LinkInfo::Data(InfoData::Bond(bond)),
        ]);
        let vlan = || of_kind(InfoKind::Vlan);
        let links = [
            link(
                2,
                "eth0",
                &[LinkAttribute::Mtu(9000), LinkAttribute::Controller(4)],
            ),
            link(3, "eth1", &[LinkAttribute::Controller(5)]),
            link(4, "bond0", &[bond]),
            link(5, "br0", &[of_kind(InfoKind::Bridge)]),
            link(6, "bond0.5", &[LinkAttribute::Link(4), vlan()]),
            link(7, "eth1.5", &[LinkAttribute::Link(3), vlan()]),
            link(
                8,
                "macvlan0",
                &[LinkAttribute::Link(3), of_kind(InfoKind::MacVlan)],
            ),
        ];
        let facts = |index| {
            let nothing = Facts::read("lo", 1).unwrap();
            nothing.among(index, &links).unwrap()
        };
        let (eth0, eth1, bond0) = (facts(2), facts(3), facts(4));
        assert_eq!((eth0.mtu, eth0.slave_of.as_deref()), (9000, Some("bond0")));
        // A bridge is no bond, and a macvlan no VLAN.
        assert_eq!(
            (eth1.slave_of, eth1.vlans),
            (None, vec!["eth1.5".to_owned()])
        );
        let expected = Bond {
            mode: "balance-xor",
            by_vlan: true,
        };
        assert_eq!(
            (bond0.bond, bond0.vlans),
            (Some(expected), vec!["bond0.5".to_owned()])
        );
        assert_eq!(eth0.bond, None);
    }

    #[test]
    fn what_is_gone_is_an_error() {
        assert!(Facts::read("gone", u32::MAX).is_err());
    }
}
