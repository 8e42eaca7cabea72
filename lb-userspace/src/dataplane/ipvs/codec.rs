//! The messages of the generic netlink family "IPVS" (include/uapi/linux/ip_vs.h). PURE.

use super::attribute::{Attribute, Attributes, Writer};
use super::frame::Message;
use super::plan::{Change, Operation};
use super::table::ServiceKey;

mod daemon;
mod destination;
mod service;
mod statistics;

pub(super) use daemon::{get_daemons, new_daemon, read_daemon, remove_daemon};
pub(super) use destination::{DestinationEntry, read_destination};
pub(super) use service::read_service;

/// `IPVS_CMD_*`
const NEW_SERVICE: u8 = 1;
const SET_SERVICE: u8 = 2;
const DEL_SERVICE: u8 = 3;
const GET_SERVICE: u8 = 4;
const NEW_DEST: u8 = 5;
const SET_DEST: u8 = 6;
const DEL_DEST: u8 = 7;
const GET_DEST: u8 = 8;
const NEW_DAEMON: u8 = 9;
const DEL_DAEMON: u8 = 10;
const GET_DAEMON: u8 = 11;
const SET_CONFIG: u8 = 12;
const GET_CONFIG: u8 = 13;
const GET_INFO: u8 = 15;
const ZERO: u8 = 16;

/// `IPVS_CMD_ATTR_*`
const SERVICE: u16 = 1;
const DEST: u16 = 2;
const DAEMON: u16 = 3;
const TIMEOUT_TCP: u16 = 4;
const TIMEOUT_TCP_FIN: u16 = 5;
const TIMEOUT_UDP: u16 = 6;

/// `IPVS_INFO_ATTR_*`
const INFO_VERSION: u16 = 1;
const INFO_CONNECTION_TABLE: u16 = 2;

/// `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_*` (include/uapi/linux/genetlink.h)
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;

pub(super) const AF_INET: u16 = 2;
pub(super) const AF_INET6: u16 = 10;

/// Why an answer of the kernel could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("a netlink message does not fit into its {bytes} bytes")]
    Header { bytes: usize },
    #[error("a netlink attribute does not fit into its {bytes} bytes")]
    Attribute { bytes: usize },
    #[error("attribute {attribute} has {length} bytes")]
    Value { attribute: u16, length: usize },
    #[error("no {what} in the message")]
    Missing { what: &'static str },
    #[error("unknown address family {0}")]
    AddressFamily(u16),
}

/// Idle times after which the kernel forgets a connection, in seconds; 0 in a request leaves one
/// as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    pub tcp: u32,
    pub tcp_fin: u32,
    pub udp: u32,
}

/// The kernel's IPVS itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Three bytes, the highest first.
    pub version: u32,
    /// Buckets of the connection table.
    pub connection_table: u32,
}

fn message(command: u8, fill: impl FnOnce(&mut Writer)) -> Message {
    let mut attributes = Writer::default();
    fill(&mut attributes);
    Message {
        command,
        attributes: attributes.finish(),
    }
}

/// Asks the controller for a family's number.
pub(super) fn get_family(name: &str) -> Message {
    message(GET_FAMILY, |out| {
        out.text(FAMILY_NAME, name);
    })
}

pub(super) fn read_family(message: &Message) -> Result<u16, DecodeError> {
    find(&message.attributes, FAMILY_ID, "family number")?.u16()
}

/// The request that carries out `operation`.
pub(super) fn operation(operation: &Operation) -> Message {
    let key = &operation.service;
    let of_service = |command, options| {
        message(command, |out| {
            out.nested(SERVICE, |out| service::write(out, key, options));
        })
    };
    let of_destination = |command, target, settings| {
        message(command, |out| {
            out.nested(SERVICE, |out| service::write(out, key, None));
            out.nested(DEST, |out| destination::write(out, target, settings));
        })
    };
    match &operation.change {
        Change::AddService(options) => of_service(NEW_SERVICE, Some(options)),
        Change::EditService(options) => of_service(SET_SERVICE, Some(options)),
        Change::RemoveService => of_service(DEL_SERVICE, None),
        Change::AddDestination(target, settings) => {
            of_destination(NEW_DEST, target, Some(settings))
        }
        Change::EditDestination(target, settings) => {
            of_destination(SET_DEST, target, Some(settings))
        }
        Change::RemoveDestination(target) => of_destination(DEL_DEST, target, None),
    }
}

pub(super) fn get_services() -> Message {
    message(GET_SERVICE, |_| {})
}

pub(super) fn get_destinations(key: &ServiceKey) -> Message {
    message(GET_DEST, |out| {
        out.nested(SERVICE, |out| service::write(out, key, None));
    })
}

/// Sets a service's counters and its destinations' to 0.
pub(super) fn zero(key: &ServiceKey) -> Message {
    message(ZERO, |out| {
        out.nested(SERVICE, |out| service::write(out, key, None));
    })
}

pub(super) fn get_timeouts() -> Message {
    message(GET_CONFIG, |_| {})
}

pub(super) fn set_timeouts(timeouts: Timeouts) -> Message {
    message(SET_CONFIG, |out| {
        let values = [
            (TIMEOUT_TCP, timeouts.tcp),
            (TIMEOUT_TCP_FIN, timeouts.tcp_fin),
            (TIMEOUT_UDP, timeouts.udp),
        ];
        for (kind, value) in values.into_iter().filter(|&(_, value)| value > 0) {
            out.u32(kind, value);
        }
    })
}

/// A protocol that the kernel was built without has a timeout of 0.
pub(super) fn read_timeouts(message: &Message) -> Result<Timeouts, DecodeError> {
    let mut timeouts = Timeouts::default();
    for attribute in Attributes::new(&message.attributes) {
        let attribute = attribute?;
        match attribute.kind {
            TIMEOUT_TCP => timeouts.tcp = attribute.u32()?,
            TIMEOUT_TCP_FIN => timeouts.tcp_fin = attribute.u32()?,
            TIMEOUT_UDP => timeouts.udp = attribute.u32()?,
            _ => {}
        }
    }
    Ok(timeouts)
}

pub(super) fn get_info() -> Message {
    message(GET_INFO, |_| {})
}

pub(super) fn read_info(message: &Message) -> Result<Info, DecodeError> {
    let table = "connection table size";
    Ok(Info {
        version: find(&message.attributes, INFO_VERSION, "version")?.u32()?,
        connection_table: find(&message.attributes, INFO_CONNECTION_TABLE, table)?.u32()?,
    })
}

/// The first attribute of a kind.
fn find<'a>(
    attributes: &'a [u8],
    kind: u16,
    what: &'static str,
) -> Result<Attribute<'a>, DecodeError> {
    for attribute in Attributes::new(attributes) {
        let attribute = attribute?;
        if attribute.kind == kind {
            return Ok(attribute);
        }
    }
    Err(DecodeError::Missing { what })
}

#[cfg(test)]
mod tests;
