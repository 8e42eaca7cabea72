//! The lab, its directors, and its traffic.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aya::maps::Array;
use aya::programs::xdp::XdpLinkId;
use aya::programs::{TestRunAttrs, TestRunOptions, Xdp as Program, XdpMode};
use aya::{Ebpf, TestRun};
use lb_common::feed::{Feed, TEMPLATE};
use lb_common::maglev::TableSize;
use lb_userspace::dataplane::table::service_key;
use lb_userspace::dataplane::xdp::{Mode, ModeChoice, Nic, Xdp};

use super::service::{LINKS, PORT, VIP, ipvs_commands, table, template};
use crate::sandbox::{Sandbox, command, ifindex};
use crate::wait::wait_until;

/// Client addresses, each with one connection; a power of two.
pub(super) const FLOWS: u32 = 4096;
/// Frames between two looks at what arrived: a veth's queue takes 256.
const BATCH: u32 = 64;

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
    programs: Ebpf,
    /// Index of the client's interface.
    client: u32,
}

/// Value of map `feed` as aya wants it.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct FeedPod(Feed);

// SAFETY: Feed is repr(C) without implicit padding.
unsafe impl aya::Pod for FeedPod {}

impl Rig {
    pub(super) fn new(sandbox: &Sandbox) -> Result<Self> {
        let path = std::env::var("LVX_FEEDER_OBJECT").context("LVX_FEEDER_OBJECT is not set")?;
        fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")?;
        command("sh", &["-c", LINKS])?;
        command("sh", &["-c", &ipvs_commands()]).context("is there IP_VS in this kernel?")?;
        let mut programs = Ebpf::load_file(&path).with_context(|| path.clone())?;
        for name in ["generator", "bare_drop", "bare_pass"] {
            program(&mut programs, name)?.load()?;
        }
        let mut ours = Xdp::load(
            sandbox.object,
            &sandbox.bpffs.join("lvx"),
            TableSize::DEFAULT,
        )?;
        ours.apply(&table(ifindex("d0")?, ifindex("d1")?))?;
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
            client: ifindex("c0")?,
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
            Director::Ours | Director::Nothing => Some(self.attach("bare_drop", "s0")?),
            Director::Ipvs | Director::IpvsWithoutGro => None,
        };
        let bare = match director {
            Director::Nothing => Some("bare_drop"),
            Director::IpvsWithoutGro => Some("bare_pass"),
            Director::Ours | Director::Ipvs => None,
        };
        let attach = |name| -> Result<_> { Ok((name, self.attach(name, "d0")?)) };
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
            program(&mut self.programs, name)?.detach(link)?;
        }
        if let Some(link) = sink {
            program(&mut self.programs, "bare_drop")?.detach(link)?;
        }
        done
    }

    fn attach(&mut self, name: &str, interface: &str) -> Result<XdpLinkId> {
        let index = ifindex(interface)?;
        let program = program(&mut self.programs, name)?;
        let attached = program.attach_to_if_index(index, XdpMode::Driver);
        attached.with_context(|| format!("{name} on {interface}"))
    }

    /// Sends packets from the client and waits until the director has had all of them.
    /// Nanoseconds per packet.
    fn send(&mut self, flags: u8, packets: u32) -> Result<f64> {
        let template = template(flags);
        let feed = Feed {
            counter: 0,
            mask: FLOWS - 1,
            client: FIRST_CLIENT.to_bits(),
            template,
            reserved: [0; 2],
        };
        let map = self.programs.map_mut("feed").context("map feed")?;
        Array::try_from(map)?.set(0, FeedPod(feed), 0)?;
        let context = context(self.client);
        let options = TestRunOptions {
            data_in: Some(&template),
            ctx_in: Some(&context),
            repeat: packets,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..TestRunOptions::default()
        };
        let before = arrived("d0")?;
        let result = program(&mut self.programs, "generator")?.test_run(options)?;
        wait_until("all packets to arrive", Duration::from_secs(5), || {
            Ok(arrived("d0")? - before >= u64::from(packets))
        })?;
        // From the first packet to the last. Our own clock would count the grace periods before
        // and after as well.
        Ok(result.duration.as_nanos() as f64)
    }
}

fn program<'a>(programs: &'a mut Ebpf, name: &str) -> Result<&'a mut Program> {
    let program = programs.program_mut(name);
    let program = program.with_context(|| format!("program {name}"))?;
    Ok(program.try_into()?)
}

/// Packets that an interface has received.
fn arrived(interface: &str) -> Result<u64> {
    let table = fs::read_to_string("/proc/thread-self/net/dev")?;
    let line = table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'));
    let mut words = line.context("the interface's line")?.split_whitespace();
    let packets = words.nth(1).context("its packets")?;
    Ok(packets.parse()?)
}

/// `struct xdp_md` of linux/bpf.h: all of the packet, received by `ifindex`.
fn context(ifindex: u32) -> [u8; 24] {
    let fields = [0, TEMPLATE as u32, 0, ifindex, 0, 0].map(u32::to_ne_bytes);
    let mut bytes = [0; 24];
    for (to, from) in bytes.chunks_exact_mut(4).zip(fields) {
        to.copy_from_slice(&from);
    }
    bytes
}
