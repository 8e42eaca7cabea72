//! A clean stop, and what systemd is told.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lb_tests::harness::{usable, with_one_director};
use lb_tests::lab::Lab;
use lb_tests::wait::{wait_for, wait_until};

use super::{DEMO, PATIENCE, plan};

const LIMIT: Duration = Duration::from_millis(5);

/// Whether it is an advertisement with priority 0 (RFC 9568 section 5).
fn gives_up(frame: &[u8]) -> Option<()> {
    const VRRP: u8 = 112;
    let header = frame.get(14..)?;
    let length = usize::from(header.first()? & 0xf) * 4;
    let ours = frame.get(12..14)? == [8, 0] && *header.get(9)? == VRRP;
    (ours && *header.get(length + 2)? == 0).then_some(())
}

/// From the signal to the frame at the switch.
fn stop(lab: &mut Lab, busy: bool) -> Result<Duration> {
    let mut wire = lab.listen(1)?;
    if busy {
        // The loop reads the file, and brings the kernel to it, when the other signal comes.
        let mut plan = lab.plan().clone();
        plan.servers = if plan.servers.len() == 3 {
            vec![(1, 1), (2, 1)]
        } else {
            vec![(1, 1), (2, 1), (3, 1)]
        };
        lab.set_plan(plan)?;
        lab.directors[0].signal(libc::SIGHUP)?;
    }
    let begin = Instant::now();
    lab.directors[0].terminate()?;
    let found = wire.next(PATIENCE, gives_up)?;
    let (_, at) = found.context("no advertisement with priority 0")?;
    ensure!(lab.directors[0].wait_stopped()?.success(), "lb1 failed");
    ensure!(!lab.directors[0].has_vip()?, "the address is left");
    Ok(at - begin)
}

#[test]
fn a_stop_gives_up_within_five_milliseconds() {
    with_one_director(DEMO, &plan(""), |lab| {
        for busy in [false, true] {
            let mut times = Vec::new();
            for _ in 0..5 {
                times.push(stop(lab, busy)?);
                lab.start_one_daemon()?;
            }
            times.sort();
            eprintln!("priority 0 after SIGTERM, busy {busy}: {times:?}");
            ensure!(times[2] < LIMIT, "busy {busy}: {times:?}");
        }
        Ok(())
    });
}

/// Reads what comes until a message has a line that begins with `wanted`.
fn told(socket: &UnixDatagram, wanted: &str) -> Result<String> {
    let mut buffer = [0; 4096];
    wait_for(wanted, PATIENCE, || {
        let length = socket.recv(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let found = text.lines().any(|line| line.starts_with(wanted));
        Ok(found.then_some(text))
    })
}

#[test]
fn systemd_is_told_of_start_reload_life_and_stop() {
    let Some(programs) = usable(DEMO) else {
        return;
    };
    let test = || -> Result<()> {
        let mut lab = Lab::new(programs, 3, 3)?;
        let path = lab.dir().join("notify");
        let socket = UnixDatagram::bind(&path)?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let path = path.to_str().context("a path")?.to_owned();
        lab.directors[0].start_with(&[("NOTIFY_SOCKET", &path), ("WATCHDOG_USEC", "3000000")])?;
        told(&socket, "READY=1")?;
        told(&socket, "STATUS=VI_1 MASTER")?;
        for _ in 0..3 {
            told(&socket, "WATCHDOG=1")?;
        }
        lab.directors[0].signal(libc::SIGHUP)?;
        let reloading = told(&socket, "RELOADING=1")?;
        ensure!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
        told(&socket, "READY=1")?;
        // A daemon that is stopped gives no sign of life.
        lab.directors[0].signal(libc::SIGSTOP)?;
        let mut buffer = [0; 4096];
        wait_until("silence", PATIENCE, || {
            Ok(socket.recv(&mut buffer).is_err())
        })?;
        let silent = Instant::now();
        while silent.elapsed() < Duration::from_secs(1) {
            let said = socket.recv(&mut buffer);
            ensure!(said.is_err(), "a stopped daemon spoke");
        }
        lab.directors[0].signal(libc::SIGCONT)?;
        told(&socket, "WATCHDOG=1")?;
        lab.directors[0].terminate()?;
        told(&socket, "STOPPING=1")?;
        lab.directors[0].wait_stopped()?;
        Ok(())
    };
    if let Err(error) = test() {
        panic!("{error:#}");
    }
}
