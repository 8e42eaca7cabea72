//! One veth pair, one core: frames go out at one end, meet a director at the other, and come back.

use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use lb_common::feed::Feed;
use lb_common::maglev::TableSize;
use lb_userspace::dataplane::xdp::{Mode, ModeChoice, Nic, Xdp};

use crate::feed::{Programs, arrived};
use crate::plane_bench::service::{DIRECTOR_MAC, VIP, table, template};
use crate::sandbox::{Sandbox, command, ifindex};

const PACKETS: u32 = 300_000;
const WARM_UP: u32 = 1 << 16;
const FLOWS: u32 = 1 << 16;
const FIRST_CLIENT: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 0);
const ACK: u8 = 0x10;

const LINKS: &str = "\
    ip link add c0 type veth peer name d0 && ip link set d0 address 02:00:00:00:00:02 &&
    ip link set c0 up && ip link set d0 up && ip addr add 10.255.255.254/8 dev d0 &&
    ip neigh add 10.255.255.253 lladdr 02:00:00:00:00:05 dev d0 nud permanent &&
    ip route add 192.0.2.10/32 via 10.255.255.253 dev d0";

/// What the far end of the pair does with frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Director {
    Drop,
    Swap,
    Ours,
    /// Routes them back.
    Kernel,
}

impl Director {
    pub(super) const ALL: [Self; 4] = [Self::Drop, Self::Swap, Self::Ours, Self::Kernel];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Swap => "swap",
            Self::Ours => "lvx",
            Self::Kernel => "kernel forwarding",
        }
    }

    /// The bare program that takes our program's place. (A veth takes frames of an XDP program
    /// only where there is another one.)
    const fn bare(self) -> Option<&'static str> {
        match self {
            Self::Drop => Some("bare_drop"),
            Self::Swap => Some("bare_swap"),
            Self::Ours => None,
            Self::Kernel => Some("bare_pass"),
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
        // Frames that the hosts send by themselves would be counted, too.
        let settings = "/proc/sys/net";
        fs::write(format!("{settings}/ipv6/conf/default/disable_ipv6"), "1")?;
        fs::write(format!("{settings}/ipv4/conf/default/send_redirects"), "0")?;
        fs::write(format!("{settings}/ipv4/conf/all/send_redirects"), "0")?;
        fs::write(format!("{settings}/ipv4/ip_forward"), "1")?;
        command("sh", &["-c", LINKS]).with_context(|| format!("the way to {VIP}"))?;
        let names = ["generator", "bare_drop", "bare_swap", "bare_pass"];
        let mut programs = Programs::load(&names)?;
        programs.attach("bare_drop", "c0")?;
        let directory = sandbox.bpffs.join("end-to-end");
        let mut ours = Xdp::load(sandbox.object, &directory, TableSize::DEFAULT)?;
        let index = ifindex("d0")?;
        ours.apply(&table(index, (index, DIRECTOR_MAC)))?;
        let nic = Nic {
            name: "d0".to_owned(),
            index,
            mtu: 1500,
            attached: None,
        };
        Ok(Self {
            ours,
            nic,
            programs,
        })
    }

    /// Nanoseconds per frame that came back, or with [`Director::Drop`] that arrived.
    pub(super) fn measure(&mut self, director: Director) -> Result<f64> {
        let link = match director.bare() {
            Some(name) => Some((name, self.programs.attach(name, "d0")?)),
            None => {
                let native = ModeChoice::Only(Mode::Native);
                self.ours.attach(&self.nic, native)?;
                None
            }
        };
        let taken = self.send(director);
        match link {
            Some((name, link)) => self.programs.detach(name, link)?,
            None => self.ours.detach("d0"),
        }
        taken
    }

    fn send(&mut self, director: Director) -> Result<f64> {
        let headers = template(ACK);
        let feed = Feed::new(FLOWS, FIRST_CLIENT.to_bits(), &headers);
        self.programs.set_feed(feed)?;
        let way = ("c0", "d0");
        self.programs.generate(way, &headers, WARM_UP)?;
        let before = arrived("c0")?;
        let taken = self.programs.generate(way, &headers, PACKETS)?;
        let back = arrived("c0")? - before;
        if director == Director::Drop {
            ensure!(back == 0, "{back} frames came back");
            return Ok(taken);
        }
        ensure!(
            back > u64::from(PACKETS) / 2,
            "{back} of {PACKETS} frames came back"
        );
        Ok(taken * f64::from(PACKETS) / back as f64)
    }
}
