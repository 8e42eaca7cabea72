//! Programs and maps of the benchmark.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use aya::maps::{Array, ProgramArray};
use aya::programs::{ProgramFd, TestRunOptions, Xdp as Program};
use aya::{Ebpf, TestRun};
use lb_common::feed::{Feed, TEMPLATE};
use lb_common::maglev::TableSize;
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Path, RealServer, Service, service_key,
};
use lb_userspace::dataplane::xdp::Xdp;

use crate::sandbox::Sandbox;

const PACKETS: u32 = 1_000_000;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;
const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// The address of the packets that are not for a service.
const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 99);
const FIRST_PORT: u16 = 1000;
const SERVERS: u8 = 10;

/// What is measured.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// A power of two.
    pub(super) flows: u32,
    pub(super) services: u32,
    destination: Ipv4Addr,
    /// TCP flags.
    flags: u8,
    /// What the program does with every packet.
    action: u32,
}

const ACK: u8 = 0x10;
const SYN: u8 = 0x02;

const fn established(flows: u32, services: u32) -> Case {
    Case {
        name: "ipv4-tcp-established",
        flows,
        services,
        destination: VIP,
        flags: ACK,
        action: XDP_TX,
    }
}

impl Case {
    pub(super) const ALL: [Self; 6] = [
        Self {
            name: "not-for-us",
            flows: 1 << 16,
            services: 1,
            destination: NOBODY,
            flags: ACK,
            action: XDP_PASS,
        },
        established(1, 1),
        established(1 << 16, 1),
        established(1 << 20, 1),
        established(1 << 16, 1000),
        Self {
            name: "ipv4-tcp-syn",
            flows: 1 << 20,
            services: 1,
            destination: VIP,
            flags: SYN,
            action: XDP_TX,
        },
    ];

    /// Headers of the case's packets: Ethernet, IPv4, TCP to the last of its services.
    fn template(&self) -> [u8; TEMPLATE] {
        let port = FIRST_PORT + self.services as u16 - 1;
        let mut bytes = [0; TEMPLATE];
        bytes[0..6].copy_from_slice(&OUR_MAC.0);
        bytes[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        bytes[12..16].copy_from_slice(&[8, 0, 0x45, 0]);
        bytes[16..18].copy_from_slice(&40u16.to_be_bytes());
        bytes[22..24].copy_from_slice(&[64, 6]);
        bytes[30..34].copy_from_slice(&self.destination.octets());
        bytes[34..36].copy_from_slice(&40_000u16.to_be_bytes());
        bytes[36..38].copy_from_slice(&port.to_be_bytes());
        bytes[46] = 0x50;
        bytes[47] = self.flags;
        bytes
    }
}

/// Our data plane and the feeder, loaded.
pub(super) struct Rig {
    /// Filled, by number of services.
    ours: BTreeMap<u32, Xdp>,
    feeder: Ebpf,
    bare_tx: ProgramFd,
    bare_pass: ProgramFd,
}

/// Value of map `feed` as aya wants it.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct FeedPod(Feed);

// SAFETY: Feed is repr(C) without implicit padding.
unsafe impl aya::Pod for FeedPod {}

impl Rig {
    pub(super) fn new(sandbox: &Sandbox) -> Result<Self> {
        let path = std::env::var("LVX_FEEDER_OBJECT")
            .context("LVX_FEEDER_OBJECT is not set: use `cargo xtask bench`")?;
        let mut feeder = Ebpf::load_file(&path).with_context(|| path.clone())?;
        let fd = |feeder: &mut Ebpf, name| -> Result<ProgramFd> {
            let program = load(feeder, name)?;
            Ok(program.fd()?.try_clone()?)
        };
        let bare_tx = fd(&mut feeder, "bare_tx")?;
        let bare_pass = fd(&mut feeder, "bare_pass")?;
        load(&mut feeder, "feeder")?;
        let mut ours = BTreeMap::new();
        for case in &Case::ALL {
            if let Entry::Vacant(entry) = ours.entry(case.services) {
                let directory = sandbox.bpffs.join(case.services.to_string());
                let mut xdp = Xdp::load(sandbox.object, &directory, TableSize::DEFAULT)?;
                xdp.apply(&table(case.services))?;
                entry.insert(xdp);
            }
        }
        Ok(Self {
            ours,
            feeder,
            bare_tx,
            bare_pass,
        })
    }

    /// Nanoseconds per packet of the bare program, feeder included.
    pub(super) fn measure_bare(&mut self, case: &Case) -> Result<f64> {
        let program = if case.action == XDP_TX {
            self.bare_tx.try_clone()?
        } else {
            self.bare_pass.try_clone()?
        };
        self.feed(case, &program)
    }

    /// Nanoseconds per packet of our program, feeder included.
    pub(super) fn measure(&mut self, case: &Case) -> Result<f64> {
        let ours = self
            .ours
            .get_mut(&case.services)
            .context("the case's rig")?;
        let program = ours.program()?.fd()?.try_clone()?;
        self.feed(case, &program)
    }

    fn feed(&mut self, case: &Case, program: &ProgramFd) -> Result<f64> {
        let map = self
            .feeder
            .map_mut("under_test")
            .context("map under_test")?;
        ProgramArray::try_from(map)?.set(0, program, 0)?;
        let map = self.feeder.map_mut("feed").context("map feed")?;
        let feed = Feed {
            counter: 0,
            mask: case.flows - 1,
            client: Ipv4Addr::new(10, 0, 0, 1).to_bits(),
            template: case.template(),
            reserved: [0; 2],
        };
        Array::try_from(map)?.set(0, FeedPod(feed), 0)?;
        let frame = case.template();
        let options = TestRunOptions {
            data_in: Some(&frame),
            repeat: PACKETS,
            ..TestRunOptions::default()
        };
        let result = program_of(&mut self.feeder, "feeder")?.test_run(options)?;
        let action = result.return_value;
        ensure!(
            action == case.action,
            "action {action}, not {}",
            case.action
        );
        Ok(result.duration.as_nanos() as f64)
    }
}

fn program_of<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Program> {
    let program = ebpf
        .program_mut(name)
        .with_context(|| format!("program {name}"))?;
    Ok(program.try_into()?)
}

fn load<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Program> {
    let program = program_of(ebpf, name)?;
    program.load()?;
    Ok(program)
}

/// `services` services on ports in a row, with ten servers each.
fn table(services: u32) -> ForwardingTable {
    let server = |last: u8| {
        let path = Path::Link {
            mac: Mac([2, 0, 0, 0, 1, last]),
            source_mac: OUR_MAC,
            // Test runs come in through the loopback device.
            ifindex: 1,
            vlans: [0; 2],
        };
        let path = Some(path);
        let address = Ipv4Addr::new(192, 0, 2, 100 + last).into();
        (address, RealServer { weight: 1, path })
    };
    let service = Service::mh(true, (1..=SERVERS).map(server).collect());
    let ports = FIRST_PORT..FIRST_PORT + services as u16;
    let key = |port| service_key((VIP, port).into(), 6);
    ForwardingTable {
        services: ports.map(|port| (key(port), service.clone())).collect(),
        interfaces: [(1, OUR_MAC)].into(),
    }
}
