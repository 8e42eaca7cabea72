//! What kernels before 6.6 have in the place of links.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use lb_tests::harness::{skip, usable};
use lb_tests::lab::topology::{INTERFACE, VIP};
use lb_tests::lab::{ECHO_PORT, Lab};
use lb_tests::netns::{Netns, output_of};
use lb_tests::sandbox::ifindex;
use lb_userspace::dataplane::probe::{Hook, Probes, detach_left, room_for};
use lb_userspace::object::probe_object;
use socket2::{Domain, Socket, Type};

use super::{DEMO, give_vip, take_vip};

fn cookie(socket: &Socket) -> Result<u64> {
    let mut cookie = 0_u64;
    let mut size = libc::socklen_t::try_from(size_of_val(&cookie))?;
    // SAFETY: the descriptor is open, and the option's value is a u64.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut size,
        )
    };
    ensure!(result == 0, "{}", std::io::Error::last_os_error());
    Ok(cookie)
}

/// Whether a connection opens through the VIP.
fn answers(probes: &Probes, server: IpAddr) -> Result<bool> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    probes.cookies().ask(cookie(&socket)?, VIP.into())?;
    let to = SocketAddr::new(server, ECHO_PORT);
    let limit = Duration::from_millis(500);
    Ok(socket.connect_timeout(&to.into(), limit).is_ok())
}

fn attach(probes: &mut Probes) -> Result<()> {
    let index = ifindex(INTERFACE)?;
    let attached = probes.attach_as(Hook::Filter, index, INTERFACE);
    attached.map_err(|why| anyhow!(why))
}

/// Somebody takes the filters off; what an audit makes of that.
fn lost_and_found(director: &Netns, mut probes: Probes, how: &[&str]) -> Result<Probes> {
    let mut probes = director.run(move || {
        ensure!(probes.cookies().are_all_there());
        ensure!(probes.audit().is_empty(), "something is lost");
        anyhow::Ok(probes)
    })??;
    output_of(director.command("tc").args(how))?;
    director.run(move || {
        ensure!(!probes.cookies().are_all_there(), "all is there");
        let lost = probes.audit();
        ensure!(lost == [INTERFACE], "{lost:?} is lost");
        ensure!(probes.audit().is_empty(), "it is lost twice");
        attach(&mut probes)?;
        ensure!(probes.cookies().are_all_there());
        Ok(probes)
    })?
}

#[test]
fn filters_do_the_same_and_what_a_killed_daemon_left_is_removed() {
    let Some(programs) = usable(DEMO) else {
        return;
    };
    let Some(object) = probe_object() else {
        return skip("built without the programs of checks");
    };
    let lab = Lab::new(programs, 1, 1).expect("a lab");
    let server = &lab.servers[0];
    let load = move || {
        let mut probes = Probes::load(object, room_for(1)).map_err(|why| anyhow!(why))?;
        attach(&mut probes)?;
        anyhow::Ok(probes)
    };
    let director = &lab.directors[0].netns;
    let mut probes = director.run(load).expect("a thread").expect("filters");
    let address = server.address().into();
    let asked = |probes: Probes| {
        let asked = director.run(move || {
            let answered = answers(&probes, address)?;
            anyhow::Ok((probes, answered))
        });
        asked.expect("a thread").expect("a probe")
    };
    let answered;
    (probes, answered) = asked(probes);
    assert!(answered);
    take_vip(server).expect("ip");
    let answered;
    (probes, answered) = asked(probes);
    assert!(!answered);
    give_vip(server).expect("ip");
    for how in [
        &["qdisc", "del", "dev", INTERFACE, "clsact"][..],
        &["filter", "del", "dev", INTERFACE, "ingress"],
        &["filter", "del", "dev", INTERFACE, "egress"],
    ] {
        let found = lost_and_found(director, probes, how);
        probes = found.unwrap_or_else(|error| panic!("{how:?}: {error:#}"));
        let answered;
        (probes, answered) = asked(probes);
        assert!(answered, "{how:?}");
    }
    // As SIGKILL leaves them.
    std::mem::forget(probes);
    let left = || director.run(|| detach_left(INTERFACE)).expect("a thread");
    assert!(left());
    assert!(!left());
    // A second one replaces what the first one left.
    for _ in 0..2 {
        std::mem::forget(director.run(load).expect("a thread").expect("filters"));
    }
    assert!(left());
    assert!(!left());
}
