//! How services with a flow table spread new connections.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use lb_tests::sandbox::in_sandbox;
use lb_tests::segment::{ACK, FIN, Flow, SYN, destination};
use lb_userspace::dataplane::table::{ForwardingTable, Method};
use lb_userspace::dataplane::xdp::Xdp;

use super::load;
use super::world::{SERVERS, World, key, server_of};

fn flow(client: u16) -> Flow {
    Flow {
        client: SocketAddr::new(Ipv4Addr::new(198, 51, 100, 1).into(), client),
        service: SocketAddr::new(Ipv4Addr::new(192, 0, 2, 0).into(), 80),
    }
}

/// The first service of the world; its servers' weights.
fn table(method: Method, weights: [u16; SERVERS as usize]) -> Result<ForwardingTable> {
    let mut world = World::new();
    for (server, weight) in (0..).zip(weights) {
        world.server(0, server).weight = weight;
    }
    let mut table = world.table(|_| true);
    table.services.retain(|found, _| *found == key(0));
    let service = table.services.get_mut(&key(0)).context("the service")?;
    service.method = method;
    Ok(table)
}

/// Establishes connections from these ports; their servers.
fn establish(xdp: &mut Xdp, ports: impl Iterator<Item = u16>) -> Result<BTreeMap<u16, u8>> {
    let mut all = BTreeMap::new();
    for port in ports {
        let met = destination(xdp.program()?, &flow(port).tcp(SYN))?;
        let then = destination(xdp.program()?, &flow(port).tcp(ACK))?;
        ensure!(met == then, "port {port}: {met:?}, then {then:?}");
        let server = met.and_then(|mac| server_of(0, mac));
        all.insert(port, server.context("a server of the service")?);
    }
    Ok(all)
}

fn share<'a>(servers: impl IntoIterator<Item = &'a u8>) -> [usize; SERVERS as usize] {
    let mut share = [0; SERVERS as usize];
    for server in servers {
        share[*server as usize] += 1;
    }
    share
}

#[test]
fn rr_and_wrr_give_each_server_its_share() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        xdp.apply(&table(Method::Rr, [1, 3, 0, 1, 1])?)?;
        let found = share(establish(&mut xdp, 1..=40)?.values());
        ensure!(found == [10, 10, 0, 10, 10], "rr: {found:?}");
        xdp.apply(&table(Method::Wrr, [1, 3, 0, 2, 2])?)?;
        let found = share(establish(&mut xdp, 101..=180)?.values());
        ensure!(found == [10, 30, 0, 20, 20], "wrr: {found:?}");
        Ok(())
    });
}

/// Also after connections have ended, and the daemon has counted them.
#[test]
fn lc_and_wlc_level_the_servers() {
    in_sandbox(|sandbox| {
        for (method, weights, shares) in [
            (Method::Lc, [1, 3, 0, 1, 1], [10, 10, 0, 10, 10]),
            (Method::Wlc, [1, 2, 0, 1, 1], [8, 16, 0, 8, 8]),
        ] {
            let mut xdp = load(sandbox)?;
            xdp.apply(&table(method, weights)?)?;
            let mut open = establish(&mut xdp, 1..=40)?;
            let found = share(open.values());
            ensure!(found == shares, "{method:?}: {found:?}");
            let gone: Vec<u16> = open
                .extract_if(.., |_, server| *server == 3)
                .map(|(port, _)| port)
                .collect();
            for port in &gone {
                destination(xdp.program()?, &flow(*port).tcp(FIN))?;
            }
            xdp.set_now(xdp.now() + 121);
            xdp.sweep()?;
            open.extend(establish(&mut xdp, 101..101 + gone.len() as u16)?);
            let found = share(open.values());
            ensure!(
                found == shares,
                "{method:?}, after {} ended: {found:?}",
                gone.len()
            );
        }
        Ok(())
    });
}
