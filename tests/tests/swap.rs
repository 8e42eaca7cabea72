//! Tables change as a whole while packets run.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use aya_obj::programs::XdpAttachType;
use lb_common::maglev::TableSize;
use lb_tests::sandbox::{Sandbox, in_sandbox};
use lb_tests::test_run::{XDP_PASS, XDP_TX, test_run};
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Path, RealServer, Service, service_key,
};
use lb_userspace::dataplane::xdp::{Outcome, Xdp};

const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const VIP: [u8; 4] = [192, 0, 2, 10];
const SWAPS: u32 = 4000;
/// DESIGN section 6: from a verdict to the kernel, with a thousand real servers.
const VERDICT_LIMIT: Duration = Duration::from_millis(10);

/// A service with servers whose MACs end in the numbers of `servers`.
fn service(servers: impl IntoIterator<Item = u8>) -> Service {
    let server = |last: u8| {
        let path = Path::Link {
            mac: Mac([2, 0, 0, 0, 1, last]),
            source_mac: OUR_MAC,
            ifindex: 1,
            vlans: [0; 2],
        };
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        let path = Some(path);
        (address, RealServer { weight: 1, path })
    };
    Service::mh(true, servers.into_iter().map(server).collect())
}

fn table(ports: impl IntoIterator<Item = u16>, service: &Service) -> ForwardingTable {
    let key = |port| service_key((Ipv4Addr::from(VIP), port).into(), 6);
    let services = ports.into_iter().map(|port| (key(port), service.clone()));
    ForwardingTable {
        services: services.collect(),
        interfaces: [(1, OUR_MAC)].into(),
    }
}

fn syn(port: u16) -> Vec<u8> {
    syn_from(40_000, port)
}

/// A connection of its own: after a change a SYN follows the record that an earlier one made.
fn syn_from(client_port: u16, port: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], OUR_MAC.0)
        .ipv4([198, 51, 100, 7], VIP, 64)
        .tcp(client_port, port, 1, 1024)
        .syn();
    builder
        .write(&mut frame, &[])
        .expect("a frame fits into memory");
    frame
}

/// Action, and last byte of the destination MAC, of a frame through the program.
fn run(program: &mut aya::programs::Xdp, frame: &[u8]) -> Result<(u32, u8)> {
    let (action, out) = test_run(program, frame)?;
    Ok((action, out[5]))
}

/// A second handle of the program, for another thread.
fn second_handle(xdp: &mut Xdp, pin: &FilePath) -> Result<aya::programs::Xdp> {
    if !pin.exists() {
        xdp.program()?.pin(pin)?;
    }
    Ok(aya::programs::Xdp::from_pin(pin, XdpAttachType::Interface)?)
}

/// Runs packets to `port` on another thread while `change` works; each packet's server must be
/// in `allowed`. Returns how many there were.
fn under_packets(
    xdp: &mut Xdp,
    pin: &FilePath,
    port: u16,
    allowed: &[u8],
    change: impl FnOnce(&mut Xdp) -> Result<()>,
) -> Result<u64> {
    let mut program = second_handle(xdp, pin)?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let packets = scope.spawn(|| -> Result<u64> {
            let frame = syn(port);
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                let (action, server) = run(&mut program, &frame)?;
                ensure!(action == XDP_TX, "packet {count} met action {action}");
                ensure!(allowed.contains(&server), "packet {count} went to {server}");
                count += 1;
            }
            Ok(count)
        });
        let changed = change(xdp);
        stop.store(true, Ordering::Relaxed);
        let count = packets
            .join()
            .map_err(|_| anyhow!("the packets' thread panicked"))?;
        changed.and(count)
    })
}

fn load(sandbox: &Sandbox) -> Result<(Xdp, PathBuf)> {
    let directory = sandbox.bpffs.join("lvx");
    let xdp = Xdp::load(sandbox.object, &directory, TableSize::DEFAULT)?;
    Ok((xdp, sandbox.bpffs.join("program")))
}

#[test]
fn every_packet_sees_the_table_before_or_after_a_swap() {
    in_sandbox(|sandbox| {
        let (mut xdp, pin) = load(sandbox)?;
        let tables = [table([80], &service([21])), table([80], &service([22]))];
        xdp.apply(&tables[0])?;
        let mut own = second_handle(&mut xdp, &pin)?;
        let packets = under_packets(&mut xdp, &pin, 80, &[21, 22], |xdp| {
            for (swap, expected) in (1..=SWAPS as usize).zip([22, 21].into_iter().cycle()) {
                let outcome = xdp.apply(&tables[swap % 2])?;
                ensure!(
                    matches!(outcome, Outcome::Written { tables: 1, .. }),
                    "{outcome:?}"
                );
                // In force as soon as `apply` has returned.
                let (_, server) = run(&mut own, &syn_from(swap as u16, 80))?;
                ensure!(server == expected, "swap {swap}: still at {server}");
            }
            Ok(())
        })?;
        ensure!(packets > u64::from(SWAPS), "only {packets} packets");
        eprintln!("{packets} packets during {SWAPS} swaps, each to a server of a whole table");
        Ok(())
    });
}

#[test]
fn a_reload_of_many_services_is_one_step_and_an_equal_one_is_none() {
    in_sandbox(|sandbox| {
        let (mut xdp, pin) = load(sandbox)?;
        let ports = 1000..1300u16;
        let old = table(ports.clone(), &service([21]));
        let new = table(ports.clone(), &service([22]));
        xdp.apply(&old)?;
        for reload in 0..10 {
            let (target, expected) = if reload % 2 == 0 {
                (&new, 22)
            } else {
                (&old, 21)
            };
            under_packets(&mut xdp, &pin, 1150, &[21, 22], |xdp| {
                let outcome = xdp.apply(target)?;
                ensure!(
                    matches!(outcome, Outcome::Written { tables: 300, .. }),
                    "{outcome:?}"
                );
                ensure!(
                    xdp.apply(target)? == Outcome::Unchanged,
                    "nothing was left to write"
                );
                Ok(())
            })?;
            for port in ports.clone() {
                let (action, server) = run(xdp.program()?, &syn_from(1000 + reload, port))?;
                ensure!(
                    (action, server) == (XDP_TX, expected),
                    "port {port}: {server}"
                );
            }
        }
        Ok(())
    });
}

#[test]
fn services_come_and_go_without_a_packet_in_between() {
    in_sandbox(|sandbox| {
        let (mut xdp, pin) = load(sandbox)?;
        let stays = service([21, 22]);
        xdp.apply(&table([80], &stays))?;
        under_packets(&mut xdp, &pin, 80, &[21, 22], |xdp| {
            for round in 0..300u16 {
                let others = (0..round % 7).map(|i| 1000 + round * 7 + i);
                xdp.apply(&table(others.chain([80]), &stays))?;
            }
            Ok(())
        })?;
        xdp.apply(&ForwardingTable::default())?;
        let (action, _) = run(xdp.program()?, &syn(80))?;
        ensure!(action == XDP_PASS, "action {action} without any service");
        Ok(())
    });
}

/// What is being replaced and what replaces it do not fit into the kernel together.
#[test]
fn a_table_that_fills_the_maps_can_be_replaced() {
    in_sandbox(|sandbox| {
        let (mut xdp, _) = load(sandbox)?;
        let many = 1..=64u16;
        for round in 0..4 {
            let macs = if round % 2 == 0 { 1..=200 } else { 50..=250 };
            xdp.apply(&table(many.clone(), &service(macs)))?;
        }
        Ok(())
    });
}

#[test]
fn with_a_thousand_servers_a_verdict_is_in_the_kernel_within_10_ms() {
    in_sandbox(|sandbox| {
        let (mut xdp, _) = load(sandbox)?;
        let up = table(1..=20, &service(1..=50));
        xdp.apply(&up)?;
        let key = *up.services.keys().next().context("a service")?;
        let mut down = up.clone();
        let service = down.services.get_mut(&key).context("the service")?;
        let server = service
            .real_servers
            .values_mut()
            .next()
            .context("a server")?;
        server.path = None;
        let mut times = Vec::new();
        for round in 0..40 {
            let target = if round % 2 == 0 { &down } else { &up };
            let Outcome::Written { after, .. } = xdp.apply(target)? else {
                anyhow::bail!("round {round} wrote nothing");
            };
            times.push(after);
        }
        times.sort();
        let (median, worst) = (times[20], times[39]);
        eprintln!("verdict to kernel, 1,000 real servers: median {median:?}, worst {worst:?}");
        ensure!(median < VERDICT_LIMIT, "median {median:?}");
        Ok(())
    });
}
