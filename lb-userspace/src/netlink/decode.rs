//! From netlink messages to what lvx wants to know of them.

use std::net::IpAddr;

use netlink_packet_route::link::{
    InfoData, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, LinkXdp, XdpAttached,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};

use crate::dataplane::table::Mac;
use crate::dataplane::xdp::Mode;

use super::macvlan;
use super::{AttachedProgram, Link, Neighbour, Resolution, Route, Vlan};

fn mac(bytes: &[u8]) -> Option<Mac> {
    bytes.try_into().ok().map(Mac)
}

pub(super) fn link(message: &LinkMessage) -> Link {
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mac: None,
        mtu: 0,
        up: is_up(message),
        xdp: None,
        vlan: vlan(message),
        macvlan: macvlan::decode(message),
    };
    for attribute in &message.attributes {
        if let LinkAttribute::IfName(name) = attribute {
            link.name.clone_from(name);
        } else if let LinkAttribute::Address(bytes) = attribute {
            link.mac = mac(bytes);
        } else if let LinkAttribute::Mtu(mtu) = attribute {
            link.mtu = *mtu;
        } else if let LinkAttribute::Xdp(xdp) = attribute {
            link.xdp = attached_program(xdp);
        }
    }
    link
}

fn is_up(message: &LinkMessage) -> bool {
    let running = LinkFlags::Up | LinkFlags::Running;
    message.header.flags.contains(running)
}

/// A VLAN device whose parent is in another network namespace stands for itself: the parent's
/// index means nothing here.
fn vlan(message: &LinkMessage) -> Option<Vlan> {
    let (mut parent, mut id) = (None, None);
    for attribute in &message.attributes {
        if let LinkAttribute::LinkNetNsId(_) = attribute {
            return None;
        } else if let LinkAttribute::Link(index) = attribute {
            parent = Some(*index);
        } else if let LinkAttribute::LinkInfo(infos) = attribute {
            id = infos.iter().find_map(vlan_id);
        }
    }
    Some(Vlan {
        parent: parent?,
        id: id?,
    })
}

/// Other kinds of devices, such as veth, have a link below them, too.
fn vlan_id(info: &LinkInfo) -> Option<u16> {
    let LinkInfo::Data(InfoData::Vlan(attributes)) = info else {
        return None;
    };
    attributes.iter().find_map(|attribute| {
        let InfoVlan::Id(id) = attribute else {
            return None;
        };
        Some(*id)
    })
}

fn attached_program(attributes: &[LinkXdp]) -> Option<AttachedProgram> {
    let mode = attributes.iter().find_map(xdp_mode)?;
    let id = |attribute: &LinkXdp| {
        let LinkXdp::ProgId(id) = attribute else {
            return None;
        };
        Some(*id)
    };
    let program = attributes.iter().find_map(id)?;
    Some(AttachedProgram { mode, program })
}

fn xdp_mode(attribute: &LinkXdp) -> Option<Mode> {
    let LinkXdp::Attached(attached) = attribute else {
        return None;
    };
    match attached {
        XdpAttached::None => None,
        XdpAttached::SocketBuffer => Some(Mode::Generic),
        XdpAttached::Driver | XdpAttached::Hardware | XdpAttached::Multiple => Some(Mode::Native),
        XdpAttached::Other(_) => None,
        other => {
            tracing::debug!(?other, "unknown way of attaching XDP");
            None
        }
    }
}

pub(super) fn route(message: &RouteMessage) -> Route {
    if message.header.kind == RouteType::Local {
        return Route::Local;
    }
    let mut ifindex = None;
    for attribute in &message.attributes {
        if let RouteAttribute::Gateway(RouteAddress::Inet(gateway)) = attribute {
            let gateway = (*gateway).into();
            return Route::Via { gateway };
        } else if let RouteAttribute::Gateway(RouteAddress::Inet6(gateway)) = attribute {
            let gateway = (*gateway).into();
            return Route::Via { gateway };
        } else if let RouteAttribute::Oif(index) = attribute {
            ifindex = Some(*index);
        }
    }
    match ifindex {
        Some(ifindex) => Route::OnLink { ifindex },
        None => Route::None {
            reason: format!("the route is of type {:?}", message.header.kind),
        },
    }
}

/// A message about an IP neighbour; `None` for bridges' tables and the like.
pub(super) fn neighbour(message: &NeighbourMessage) -> Option<Neighbour> {
    let mut address = None;
    let mut known = None;
    for attribute in &message.attributes {
        if let NeighbourAttribute::Destination(destination) = attribute {
            if let NeighbourAddress::Inet(v4) = destination {
                address = Some(IpAddr::V4(*v4));
            } else if let NeighbourAddress::Inet6(v6) = destination {
                address = Some(IpAddr::V6(*v6));
            }
        } else if let NeighbourAttribute::LinkLayerAddress(bytes) = attribute {
            known = mac(bytes);
        }
    }
    let state = match (message.header.state, known) {
        (NeighbourState::Failed, _) => Resolution::Failed,
        (NeighbourState::Incomplete | NeighbourState::None, _) | (_, None) => Resolution::Unknown,
        (NeighbourState::Permanent, Some(mac)) => Resolution::Fixed(mac),
        (_, Some(mac)) => Resolution::Known(mac),
    };
    Some(Neighbour {
        ifindex: message.header.ifindex,
        address: address?,
        state,
    })
}

#[cfg(test)]
mod tests;
