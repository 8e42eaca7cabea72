//! Records of servers and services that come and go.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use lb_tests::records::records;
use lb_tests::sandbox::in_sandbox;
use lb_tests::segment::{ACK, Flow, SYN, destination};
use lb_userspace::dataplane::table::{ForwardingTable, Mac, Method, Service};
use lb_userspace::dataplane::xdp::Xdp;

use super::load;
use super::world::{SERVERS, World, key};

const CLIENTS: u16 = 100;
/// Enough for the end of a kernel's grace period to come in between.
const SWEEPS: usize = 300;

fn flow(client: u16) -> Flow {
    Flow {
        client: SocketAddr::new(Ipv4Addr::new(198, 51, 100, 1).into(), client),
        service: SocketAddr::new(Ipv4Addr::new(192, 0, 2, 0).into(), 80),
    }
}

/// The first service of the world, scheduled by `method`.
fn table(method: Method) -> Result<ForwardingTable> {
    let mut table = World::new().table(|_| true);
    table.services.retain(|found, _| *found == key(0));
    let service: &mut Service = table.services.get_mut(&key(0)).context("the service")?;
    service.method = method;
    Ok(table)
}

/// Where the clients' connections are opened.
fn open(xdp: &mut Xdp) -> Result<Vec<Option<Mac>>> {
    let ports = 1..=CLIENTS;
    ports
        .map(|port| destination(xdp.program()?, &flow(port).tcp(SYN)))
        .collect()
}

fn ensure_kept(xdp: &mut Xdp, opened: &[Option<Mac>]) -> Result<()> {
    for (port, server) in (1..).zip(opened) {
        let met = destination(xdp.program()?, &flow(port).tcp(ACK))?;
        ensure!(met == *server, "port {port}: {met:?}, not {server:?}");
    }
    Ok(())
}

#[test]
fn the_last_service_with_records_takes_them_with_it() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        xdp.apply(&table(Method::Rr)?)?;
        open(&mut xdp)?;
        let before = records(xdp.program()?, "flows")?.len();
        ensure!(before == usize::from(CLIENTS), "{before} records");
        xdp.apply(&ForwardingTable::default())?;
        let after = records(xdp.program()?, "flows")?.len();
        ensure!(after == 0, "{after} records of nobody");
        Ok(())
    });
}

#[test]
fn connections_made_right_after_a_change_of_the_scheduler_stay() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        xdp.apply(&table(Method::Wrr)?)?;
        xdp.apply(&table(Method::Mh { port: true })?)?;
        xdp.apply(&table(Method::Rr)?)?;
        let opened = open(&mut xdp)?;
        let servers: BTreeSet<_> = opened.iter().flatten().collect();
        ensure!(servers.len() == usize::from(SERVERS), "{servers:?}");
        for _ in 0..SWEEPS {
            xdp.sweep()?;
            ensure_kept(&mut xdp, &opened)?;
        }
        Ok(())
    });
}
