//! Services in messages. PURE.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::statistics::{self, Traffic};
use super::{AF_INET, AF_INET6, Attribute, DecodeError, SERVICE, Writer, find};
use crate::dataplane::ipvs::frame::Message;
use crate::dataplane::ipvs::state::Options;
use crate::dataplane::ipvs::table::ServiceKey;

/// `IPVS_SVC_ATTR_*`
const AF: u16 = 1;
const PROTOCOL: u16 = 2;
const ADDR: u16 = 3;
const PORT: u16 = 4;
const FWMARK: u16 = 5;
const SCHED_NAME: u16 = 6;
const FLAGS: u16 = 7;
const TIMEOUT: u16 = 8;
const NETMASK: u16 = 9;
const PE_NAME: u16 = 11;
const STATS64: u16 = 12;

/// A service in the kernel's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dataplane::ipvs) struct ServiceEntry {
    pub(in crate::dataplane::ipvs) key: ServiceKey,
    pub(in crate::dataplane::ipvs) options: Options,
    pub(in crate::dataplane::ipvs) traffic: Traffic,
}

/// The kernel's 16 bytes, IPv4 in the first four.
pub(super) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&v4.octets());
            bytes
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

pub(super) fn read_address(attribute: &Attribute<'_>, family: u16) -> Result<IpAddr, DecodeError> {
    match family {
        AF_INET => Ok(Ipv4Addr::from(attribute.array::<4>()?).into()),
        AF_INET6 => Ok(Ipv6Addr::from(attribute.array::<16>()?).into()),
        other => Err(DecodeError::AddressFamily(other)),
    }
}

/// Its name and, where given, its options.
pub(super) fn write(out: &mut Writer, key: &ServiceKey, options: Option<&Options>) {
    let v6 = key.is_v6();
    out.u16(AF, if v6 { AF_INET6 } else { AF_INET });
    match *key {
        ServiceKey::Address {
            address,
            port,
            protocol,
        } => {
            out.u16(PROTOCOL, u16::from(protocol))
                .bytes(ADDR, &address_bytes(address))
                .be16(PORT, port);
        }
        ServiceKey::Fwmark { mark, .. } => {
            out.u32(FWMARK, mark);
        }
    }
    let Some(options) = options else {
        return;
    };
    let [a, b, c, d] = options.flags.to_ne_bytes();
    let mask = match v6 {
        false => options.mask.to_be_bytes(),
        true => options.mask.to_ne_bytes(),
    };
    // After the flags the mask of those that are set: all of them.
    out.text(SCHED_NAME, &options.scheduler)
        .bytes(FLAGS, &[a, b, c, d, 0xff, 0xff, 0xff, 0xff])
        .u32(TIMEOUT, options.timeout)
        .bytes(NETMASK, &mask);
    if let Some(engine) = &options.engine {
        out.text(PE_NAME, engine);
    }
}

/// The service in a reply.
pub(in crate::dataplane::ipvs) fn read_service(
    message: &Message,
) -> Result<ServiceEntry, DecodeError> {
    let missing = |what| DecodeError::Missing { what };
    let (mut family, mut protocol, mut address, mut port) = (None, None, None, None);
    let (mut mark, mut scheduler, mut engine) = (None, None, None);
    let (mut flags, mut timeout, mut mask) = (0, 0, None);
    let mut traffic = Traffic::default();
    let service = find(&message.attributes, SERVICE, "service")?;
    for attribute in service.nested() {
        let attribute = attribute?;
        match attribute.kind {
            AF => family = Some(attribute.u16()?),
            PROTOCOL => protocol = Some(attribute.u16()?),
            ADDR => address = Some(attribute),
            PORT => port = Some(attribute.be16()?),
            FWMARK => mark = Some(attribute.u32()?),
            SCHED_NAME => scheduler = Some(attribute.text()),
            FLAGS => flags = attribute.u32()?,
            TIMEOUT => timeout = attribute.u32()?,
            NETMASK => mask = Some(attribute.array()?),
            PE_NAME => engine = Some(attribute.text()),
            STATS64 => traffic = statistics::read(&attribute)?,
            _ => {}
        }
    }
    let family = family.ok_or(missing("address family"))?;
    let v6 = match family {
        AF_INET => false,
        AF_INET6 => true,
        other => return Err(DecodeError::AddressFamily(other)),
    };
    let key = match mark {
        Some(mark) => ServiceKey::Fwmark { mark, v6 },
        None => ServiceKey::Address {
            address: read_address(&address.ok_or(missing("service address"))?, family)?,
            port: port.ok_or(missing("service port"))?,
            // The kernel keeps an IP protocol number in 16 bits.
            protocol: protocol.ok_or(missing("service protocol"))? as u8,
        },
    };
    let mask = mask.unwrap_or_default();
    let options = Options {
        scheduler: scheduler.ok_or(missing("scheduler"))?,
        flags,
        timeout,
        mask: match v6 {
            false => u32::from_be_bytes(mask),
            true => u32::from_ne_bytes(mask),
        },
        engine,
    };
    Ok(ServiceEntry {
        key,
        options,
        traffic,
    })
}

/// What [`read_service`] reads, for the tests.
#[cfg(test)]
pub(super) fn entry_message(entry: &ServiceEntry) -> Message {
    super::message(super::NEW_SERVICE, |out| {
        out.nested(SERVICE, |out| {
            write(out, &entry.key, Some(&entry.options));
            out.nested(STATS64, |out| statistics::write(out, entry.traffic));
        });
    })
}
