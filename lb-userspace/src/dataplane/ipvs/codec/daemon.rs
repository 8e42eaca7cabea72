//! Sync daemons in messages. PURE.

use super::{Attributes, DAEMON, DEL_DAEMON, DecodeError, GET_DAEMON, NEW_DAEMON, find, message};
use crate::dataplane::ipvs::frame::Message;
use crate::dataplane::ipvs::sync::{SyncDaemon, SyncRole};

/// `IPVS_DAEMON_ATTR_*`
const STATE: u16 = 1;
const MCAST_IFN: u16 = 2;
const SYNC_ID: u16 = 3;

/// `IP_VS_STATE_*`
const MASTER: u32 = 1;
const BACKUP: u32 = 2;

const fn state(role: SyncRole) -> u32 {
    match role {
        SyncRole::Master => MASTER,
        SyncRole::Backup => BACKUP,
    }
}

pub(in crate::dataplane::ipvs) fn new_daemon(daemon: &SyncDaemon) -> Message {
    message(NEW_DAEMON, |out| {
        out.nested(DAEMON, |out| {
            out.u32(STATE, state(daemon.role))
                .text(MCAST_IFN, &daemon.interface)
                .u32(SYNC_ID, u32::from(daemon.id));
        });
    })
}

pub(in crate::dataplane::ipvs) fn remove_daemon(role: SyncRole) -> Message {
    message(DEL_DAEMON, |out| {
        out.nested(DAEMON, |out| {
            out.u32(STATE, state(role));
        });
    })
}

pub(in crate::dataplane::ipvs) fn get_daemons() -> Message {
    message(GET_DAEMON, |_| {})
}

/// The daemon in a reply.
pub(in crate::dataplane::ipvs) fn read_daemon(
    message: &Message,
) -> Result<SyncDaemon, DecodeError> {
    let missing = |what| DecodeError::Missing { what };
    let (mut role, mut interface, mut id) = (None, None, None);
    let daemon = find(&message.attributes, DAEMON, "sync daemon")?;
    for attribute in Attributes::new(daemon.value) {
        let attribute = attribute?;
        match attribute.kind {
            STATE => {
                role = match attribute.u32()? {
                    MASTER => Some(SyncRole::Master),
                    BACKUP => Some(SyncRole::Backup),
                    _ => None,
                }
            }
            MCAST_IFN => interface = Some(attribute.text()),
            SYNC_ID => id = Some(attribute.u32()?),
            _ => {}
        }
    }
    Ok(SyncDaemon {
        role: role.ok_or(missing("sync daemon's role"))?,
        interface: interface.ok_or(missing("sync daemon's interface"))?,
        // The kernel lets in nothing above 255.
        id: id.ok_or(missing("sync daemon's id"))? as u8,
    })
}
