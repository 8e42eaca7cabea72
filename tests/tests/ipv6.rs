//! Services on IPv6 addresses, from the daemon's start to its end.

#[path = "ipv6/addresses.rs"]
mod addresses;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::harness::{skip, usable};
use lb_tests::lab::ECHO_PORT;
use lb_tests::lab6::{Lab6, VIP, client_addresses, server_address};
use lb_tests::wait::wait_until;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const SERVERS: u8 = 3;
const SOON: Duration = Duration::from_secs(5);

fn with_lab6(test: impl FnOnce(&mut Lab6) -> Result<()>) {
    let Some(programs) = usable(DEMO) else {
        return;
    };
    if !Path::new("/proc/net/if_inet6").exists() {
        return skip("this kernel has no IPv6");
    }
    let mut lab = match Lab6::new(&programs, SERVERS) {
        Ok(lab) => lab,
        Err(error) => panic!("making the lab: {error:#}"),
    };
    if let Err(error) = test(&mut lab) {
        panic!("{error:#}\n{}", lab.explain());
    }
}

/// The service `echo` with all servers.
fn echo(lines: &str) -> String {
    let servers: String = (1..=SERVERS)
        .map(|number| {
            let address = server_address(number);
            format!("[[service.real_server]]\naddress = \"{address}\"\n")
        })
        .collect();
    format!(
        "[[service]]\nname = \"echo\"\naddress = \"[{VIP}]:{ECHO_PORT}\"\n\
         check = {{ type = \"tcp\", interval = \"200ms\", timeout = \"200ms\" }}\n\
         {lines}\n{servers}"
    )
}

/// Each client gets the server that `lvx where` says; who got which.
fn as_said(lab: &Lab6) -> Result<BTreeMap<Ipv6Addr, String>> {
    let got = lab.servers_of(&client_addresses())?;
    for (client, server) in &got {
        let said = lab.where_is("echo", *client)?;
        ensure!(said == *server, "{client} is on {server}, not on {said}");
    }
    Ok(got)
}

fn names(servers: &BTreeMap<Ipv6Addr, String>) -> BTreeSet<&str> {
    servers.values().map(String::as_str).collect()
}

/// Packets of all real servers that the program forwarded.
fn forwarded(lab: &Lab6) -> Result<u64> {
    let service = lab.director.service("echo")?;
    let servers = service["real_servers"].as_array().context("real servers")?;
    Ok(servers.iter().filter_map(|it| it["packets"].as_u64()).sum())
}

#[test]
fn clients_are_on_the_servers_that_where_names() {
    for scheduler in ["mh", "sh"] {
        with_lab6(|lab| {
            lab.start(&echo(&format!("scheduler = \"{scheduler}\"")))?;
            lab.wait_up("echo", &[1, 2, 3])?;
            let before = forwarded(lab)?;
            let got = as_said(lab)?;
            ensure!(names(&got).len() == 3, "{scheduler}: {:?}", names(&got));
            // SYN, ACK, FIN and its ACK at least: the program forwards, not the kernel.
            let packets = forwarded(lab)? - before;
            ensure!(packets >= 4 * got.len() as u64, "{packets} packets");

            lab.kill_server("rs2")?;
            lab.wait_up("echo", &[1, 3])?;
            let after = as_said(lab)?;
            ensure!(names(&after) == BTreeSet::from(["rs1", "rs3"]));
            if scheduler == "mh" {
                let moved = after
                    .iter()
                    .filter(|(client, server)| got[*client] != "rs2" && got[*client] != **server);
                let moved = moved.count();
                ensure!(moved <= got.len() / 8, "{moved} clients of others moved");
            }
            Ok(())
        });
    }
}

#[test]
fn a_network_of_64_bits_is_one_client() {
    with_lab6(|lab| {
        lab.start(&echo(
            "persistence = { timeout = \"1m\", granularity = 64 }",
        ))?;
        lab.wait_up("echo", &[1, 2, 3])?;
        let got = as_said(lab)?;
        ensure!(names(&got).len() > 1, "{got:?}");
        let mut networks: BTreeMap<[u16; 4], BTreeSet<&str>> = BTreeMap::new();
        for (client, server) in &got {
            let [a, b, c, d, ..] = client.segments();
            networks.entry([a, b, c, d]).or_default().insert(server);
        }
        ensure!(networks.len() == 16);
        ensure!(networks.values().all(|it| it.len() == 1), "{networks:?}");
        Ok(())
    });
}

/// Drained by its address, it gets no new clients.
#[test]
fn a_drained_server_is_nobodys() {
    with_lab6(|lab| {
        lab.start(&echo(""))?;
        lab.wait_up("echo", &[1, 2, 3])?;
        let before = as_said(lab)?;
        let drained = server_address(1).to_string();
        let output = lab.director.ask(&["drain", "echo", &drained])?;
        ensure!(output.status.success(), "{output:?}");
        wait_until("no new clients on rs1", SOON, || {
            let after = lab.servers_of(&client_addresses())?;
            Ok(names(&after) == BTreeSet::from(["rs2", "rs3"]))
        })?;
        let output = lab.director.ask(&["undrain", "echo", &drained])?;
        ensure!(output.status.success(), "{output:?}");
        wait_until("all clients where they were", SOON, || {
            Ok(lab.servers_of(&client_addresses())? == before)
        })
    });
}

/// Round robin keeps a record for each connection.
#[test]
fn round_robin() {
    with_lab6(|lab| {
        lab.start(&echo("scheduler = \"rr\""))?;
        lab.wait_up("echo", &[1, 2, 3])?;
        let got = lab.servers_of(&client_addresses())?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for server in got.values() {
            *counts.entry(server).or_default() += 1;
        }
        let (least, most) = (counts.values().min(), counts.values().max());
        ensure!(counts.len() == 3, "{counts:?}");
        ensure!(
            most.zip(least).is_some_and(|(a, b)| a - b <= 2),
            "{counts:?}"
        );
        Ok(())
    });
}

/// The VIP is there while it is MASTER, never preferred as a sender, and gone after a clean stop.
#[test]
fn the_vip_comes_and_goes() {
    with_lab6(|lab| {
        ensure!(lab.address(VIP)?.is_none());
        lab.start(&echo(""))?;
        lab.wait_up("echo", &[1, 2, 3])?;
        let held = lab.address(VIP)?.context("the VIP")?;
        ensure!(held["prefixlen"] == 64, "{held}");
        ensure!(
            held["deprecated"] == true && held["tentative"].is_null(),
            "{held}"
        );
        lab.director.terminate()?;
        lab.director.wait_stopped()?;
        ensure!(lab.address(VIP)?.is_none());
        Ok(())
    });
}
