//! The lab, its directors, and its traffic.

use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use lb_common::feed::Feed;
use lb_common::maglev::TableSize;
use lb_userspace::dataplane::table::service_key;
use lb_userspace::dataplane::xdp::{Mode, ModeChoice, Nic, Xdp};

use super::service::{EGRESS_MAC, LINKS, PORT, VIP, ipvs_commands, table, template};
use crate::feed::{Programs, arrived};
use crate::sandbox::{Sandbox, command, ifindex};

/// Client addresses, each with one connection; a power of two.
pub(super) const FLOWS: u32 = 4096;
const FIRST_CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 16, 0);

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// What the middle host does with packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Director {
    /// Drops all in the driver: what generator and driver cost.
    Nothing,
    Ours,
    /// Kernel IPVS, `mh`, direct routing, with receive offload as network cards have it.
    Ipvs,
    /// The same without receive offload.
    IpvsWithoutGro,
}

impl Director {
    pub(super) const ALL: [Self; 4] = [Self::Nothing, Self::Ours, Self::Ipvs, Self::IpvsWithoutGro];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "xdp-drop",
            Self::Ours => "lvx-xdp",
            Self::Ipvs => "ipvs-mh",
            Self::IpvsWithoutGro => "ipvs-mh-without-gro",
        }
    }
}

pub(super) struct Rig {
    ours: Xdp,
    nic: Nic,
    programs: Programs,
}

impl Rig {
    pub(super) fn new(sandbox: &Sandbox) -> Result<Self> {
        fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")?;
        command("sh", &["-c", LINKS])?;
        command("sh", &["-c", &ipvs_commands()]).context("is there IP_VS in this kernel?")?;
        let programs = Programs::load(&["generator", "bare_drop", "bare_pass"])?;
        let mut ours = Xdp::load(
            sandbox.object,
            &sandbox.bpffs.join("lvx"),
            TableSize::DEFAULT,
        )?;
        ours.apply(&table(ifindex("d0")?, (ifindex("d1")?, EGRESS_MAC)))?;
        let nic = Nic {
            name: "d0".to_owned(),
            index: ifindex("d0")?,
            mtu: 1500,
            attached: None,
        };
        let mut rig = Self {
            ours,
            nic,
            programs,
        };
        // From here on IPVS knows a connection of every client.
        rig.with(Director::Ipvs, |rig| rig.send(SYN, FLOWS))?;
        Ok(rig)
    }

    /// Nanoseconds per packet of the whole way.
    pub(super) fn measure(&mut self, director: Director, packets: u32) -> Result<f64> {
        self.with(director, |rig| {
            rig.send(ACK, FLOWS)?;
            let before = (arrived("s0")?, rig.forwarded_by_us()?);
            let taken = rig.send(ACK, packets)?;
            let delivered = arrived("s0")? - before.0;
            let forwarded = rig.forwarded_by_us()? - before.1;
            let expected = match director {
                Director::Nothing => 0,
                Director::Ours | Director::Ipvs | Director::IpvsWithoutGro => packets.into(),
            };
            ensure!(delivered == expected, "{delivered} of {packets} delivered");
            // What the program leaves to the kernel, IPVS would deliver as well.
            let ours = director == Director::Ours;
            ensure!(
                !ours || forwarded == expected,
                "{forwarded} forwarded by XDP"
            );
            Ok(taken)
        })
    }

    fn forwarded_by_us(&self) -> Result<u64> {
        let counters = self.ours.counters(&service_key((VIP, PORT).into(), 6))?;
        Ok(counters.total().packets)
    }

    /// Does `work` with a director in place.
    fn with<T>(
        &mut self,
        director: Director,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let offload = if director == Director::Ipvs {
            "on"
        } else {
            "off"
        };
        // Without a program it is what makes a veth take frames from XDP.
        command("ethtool", &["-K", "d0", "gro", offload])?;
        // A frame that an XDP program sends wants one at the other end; a stack's does not, and
        // turning it into one would cost more than the director.
        let sink = match director {
            Director::Ours | Director::Nothing => Some(self.programs.attach("bare_drop", "s0")?),
            Director::Ipvs | Director::IpvsWithoutGro => None,
        };
        let bare = match director {
            Director::Nothing => Some("bare_drop"),
            Director::IpvsWithoutGro => Some("bare_pass"),
            Director::Ours | Director::Ipvs => None,
        };
        let attach = |name| -> Result<_> { Ok((name, self.programs.attach(name, "d0")?)) };
        let front = bare.map(attach).transpose()?;
        if director == Director::Ours {
            let native = ModeChoice::Only(Mode::Native);
            self.ours.attach(&self.nic, native)?;
        }
        let done = work(self);
        if director == Director::Ours {
            self.ours.detach("d0");
        }
        if let Some((name, link)) = front {
            self.programs.detach(name, link)?;
        }
        if let Some(link) = sink {
            self.programs.detach("bare_drop", link)?;
        }
        done
    }

    /// Sends packets from the client and waits until the director has had all of them.
    /// Nanoseconds per packet.
    fn send(&mut self, flags: u8, packets: u32) -> Result<f64> {
        let headers = template(flags);
        let feed = Feed::new(FLOWS, FIRST_CLIENT.to_bits(), &headers);
        self.programs.set_feed(feed)?;
        self.programs.generate(("c0", "d0"), &headers, packets)
    }
}
