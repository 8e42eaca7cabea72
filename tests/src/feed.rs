//! The programs of lb-ebpf's `feeder.rs`, loaded, and the traffic that they make.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use aya::maps::{Array, ProgramArray};
use aya::programs::xdp::XdpLinkId;
use aya::programs::{ProgramFd, TestRunAttrs, TestRunOptions, Xdp as Program, XdpMode};
use aya::{Ebpf, TestRun};
use lb_common::feed::Feed;

use crate::sandbox::ifindex;
use crate::wait::wait_until;

/// Frames between two looks at what arrived: a veth's queue takes 256.
const BATCH: u32 = 64;

/// Value of map `feed` as aya wants it.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct FeedPod(Feed);

// SAFETY: Feed is repr(C) without implicit padding.
unsafe impl aya::Pod for FeedPod {}

/// The object file that `LVX_FEEDER_OBJECT` names.
pub struct Programs(Ebpf);

impl Programs {
    /// Loads the object, and these of its programs.
    ///
    /// # Errors
    /// `LVX_FEEDER_OBJECT` is not set, or the kernel refuses one of them.
    pub fn load(names: &[&str]) -> Result<Self> {
        let path = std::env::var("LVX_FEEDER_OBJECT")
            .context("LVX_FEEDER_OBJECT is not set: use `cargo xtask bench`")?;
        let ebpf = Ebpf::load_file(&path).with_context(|| path.clone())?;
        let mut programs = Self(ebpf);
        for name in names {
            programs
                .get(name)?
                .load()
                .with_context(|| (*name).to_owned())?;
        }
        Ok(programs)
    }

    /// One of the programs.
    ///
    /// # Errors
    /// The object has no such program.
    pub fn get(&mut self, name: &str) -> Result<&mut Program> {
        let program = self.0.program_mut(name);
        let program = program.with_context(|| format!("program {name}"))?;
        Ok(program.try_into()?)
    }

    /// What the feeders and the generator make from now on.
    ///
    /// # Errors
    /// The map cannot be written.
    pub fn set_feed(&mut self, feed: Feed) -> Result<()> {
        let map = self.0.map_mut("feed").context("map feed")?;
        Array::try_from(map)?.set(0, FeedPod(feed), 0)?;
        Ok(())
    }

    /// Hands frames of `feed` to a program, each of the next flow, through one of the feeders: what
    /// it did with the last one, and the time for each.
    ///
    /// # Errors
    /// The kernel refuses the run.
    pub fn feed(
        &mut self,
        feeder: &str,
        feed: Feed,
        headers: &[u8],
        packets: u32,
        program: &ProgramFd,
    ) -> Result<(u32, Duration)> {
        let map = self.0.map_mut("under_test").context("map under_test")?;
        ProgramArray::try_from(map)?.set(0, program, 0)?;
        self.set_feed(feed)?;
        let options = TestRunOptions {
            data_in: Some(headers),
            repeat: packets,
            ..TestRunOptions::default()
        };
        let result = self.get(feeder)?.test_run(options)?;
        Ok((result.return_value, result.duration))
    }

    /// Puts a program on an interface, in the driver.
    ///
    /// # Errors
    /// There is a program already, or no such interface.
    pub fn attach(&mut self, name: &str, interface: &str) -> Result<XdpLinkId> {
        let index = ifindex(interface)?;
        let attached = self.get(name)?.attach_to_if_index(index, XdpMode::Driver);
        attached.with_context(|| format!("{name} on {interface}"))
    }

    /// Takes it off again.
    ///
    /// # Errors
    /// The link is gone.
    pub fn detach(&mut self, name: &str, link: XdpLinkId) -> Result<()> {
        Ok(self.get(name)?.detach(link)?)
    }

    /// Sends packets with these headers out of `from` by program `generator`, and waits until `to`
    /// at the other end has had all of them. Nanoseconds per packet, from the first one to the
    /// last: our own clock would count the grace periods before and after as well.
    ///
    /// # Errors
    /// They do not arrive, or the kernel refuses the run.
    pub fn generate(
        &mut self,
        (from, to): (&str, &str),
        headers: &[u8],
        packets: u32,
    ) -> Result<f64> {
        let context = context(headers.len() as u32, ifindex(from)?);
        let options = TestRunOptions {
            data_in: Some(headers),
            ctx_in: Some(&context),
            repeat: packets,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..TestRunOptions::default()
        };
        let before = arrived(to)?;
        let result = self.get("generator")?.test_run(options)?;
        wait_until("all packets to arrive", Duration::from_secs(5), || {
            Ok(arrived(to)? - before >= u64::from(packets))
        })?;
        Ok(result.duration.as_nanos() as f64)
    }
}

/// Packets that an interface has received.
///
/// # Errors
/// There is no such interface.
pub fn arrived(interface: &str) -> Result<u64> {
    let table = fs::read_to_string("/proc/thread-self/net/dev")?;
    let line = table
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'));
    let mut words = line.context("the interface's line")?.split_whitespace();
    let packets = words.nth(1).context("its packets")?;
    Ok(packets.parse()?)
}

/// `struct xdp_md` of linux/bpf.h: all of the packet, received by `ifindex`.
fn context(length: u32, ifindex: u32) -> [u8; 24] {
    let fields = [0, length, 0, ifindex, 0, 0].map(u32::to_ne_bytes);
    let mut bytes = [0; 24];
    for (to, from) in bytes.chunks_exact_mut(4).zip(fields) {
        to.copy_from_slice(&from);
    }
    bytes
}
