//! Daemons follow one another while frames come in.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow, ensure};
use lb_common::feed::Feed;
use lb_tests::feed::Programs;
use lb_tests::forwarding::{flow, service, table, vip};
use lb_tests::harness::skip;
use lb_tests::sandbox::{command, ifindex, in_sandbox};
use lb_tests::segment::{ACK, TCP};
use lb_userspace::dataplane::table::service_key;
use lb_userspace::dataplane::xdp::{Mode, ModeChoice, Nic, Sizes};

use super::{HOST, load};

const DAEMONS: usize = 5;
/// Frames that are sent before anybody looks whether to stop.
const FRAMES: u32 = 1 << 12;
const FLOWS: u32 = 1 << 16;
const FIRST_CLIENT: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 0);

const LINKS: &str = "\
    ip link add c0 type veth peer name d0 && ip link set d0 address 02:00:00:00:00:02 &&
    ip link set c0 up && ip link set d0 up";

/// Every frame is counted by some daemon's program, and none is left to the kernel.
#[test]
fn no_frame_passes_while_one_daemon_follows_another() {
    if std::env::var_os("LVX_FEEDER_OBJECT").is_none() {
        return skip("LVX_FEEDER_OBJECT is not set: use `cargo xtask test`");
    }
    in_sandbox(|sandbox| {
        fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")?;
        command("sh", &["-c", LINKS])?;
        let index = ifindex("d0")?;
        let table = table(index, [(HOST, service(index, |_| 1))]);
        let mut programs = Programs::load(&["generator", "bare_drop"])?;
        // A veth takes frames of an XDP program only where there is another one.
        programs.attach("bare_drop", "c0")?;
        let mut nic = Nic {
            name: "d0".to_owned(),
            index,
            mtu: 1500,
            attached: None,
        };
        let native = ModeChoice::Only(Mode::Native);
        let mut xdp = load(sandbox, Sizes::default())?;
        xdp.apply(&table)?;
        xdp.attach(&nic, native)?;
        xdp.publish()?;
        nic.attached = Some(Mode::Native);

        let stop = AtomicBool::new(false);
        let sent = std::thread::scope(|scope| {
            let frames = scope.spawn(|| -> Result<u64> {
                let headers = flow(HOST, 0).tcp(ACK);
                let mut sent = 0;
                while !stop.load(Ordering::Relaxed) {
                    let feed = Feed::new(FLOWS, FIRST_CLIENT.to_bits(), &headers);
                    programs.set_feed(feed)?;
                    programs.generate(("c0", "d0"), &headers, FRAMES)?;
                    sent += u64::from(FRAMES);
                }
                Ok(sent)
            });
            let mut follow = || -> Result<()> {
                for _ in 1..DAEMONS {
                    let mut next = load(sandbox, Sizes::default())?;
                    ensure!(next.is_adopted(), "nothing was taken over");
                    next.attach(&nic, native)?;
                    next.publish()?;
                    next.apply(&table)?;
                    next.sweep()?;
                    // Whoever crashes leaves its program and its maps.
                    xdp = next;
                }
                Ok(())
            };
            let followed = follow();
            stop.store(true, Ordering::Relaxed);
            let sent = frames.join().map_err(|_| anyhow!("the frames' thread"))?;
            followed.and(sent)
        })?;

        let key = service_key(vip(HOST), TCP);
        let counted = xdp.counters(&key)?.total().packets;
        ensure!(counted == sent, "{counted} of {sent} frames were sent on");
        for (reason, passed) in xdp.reasons()? {
            ensure!(passed == 0, "{passed} frames passed: {}", reason.name());
        }
        eprintln!("{sent} frames, {DAEMONS} daemons, all sent on");
        xdp.remove()?;
        Ok(())
    });
}
