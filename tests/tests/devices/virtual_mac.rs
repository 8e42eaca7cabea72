//! Virtual MACs: who has the addresses changes, and no client has to learn anything.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lb_tests::client::survey;
use lb_tests::harness::{with_one_director, with_planned_lab};
use lb_tests::lab::topology::{INTERFACE, VIP};
use lb_tests::lab::{Director, Lab, WEB_PORT};
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;

use super::{DEMO, PATIENCE, REPAIR, plan, repairs};

const LINES: &str = "virtual_mac = \"vmac\"\ngarp = { count = 1 }";
const MAC: &str = "00:00:5e:00:01:33";
const MAC_BYTES: [u8; 6] = [0, 0, 0x5e, 0, 1, 0x33];

/// What the client believes.
fn mac_of_vip(lab: &Lab) -> Result<Option<String>> {
    let mut command = lab.client.command("ip");
    let entry = output_of(command.args(["neigh", "show", &VIP.to_string()]))?;
    let mut words = entry.split_whitespace();
    let mac = words.find(|word| *word == "lladdr").and(words.next());
    Ok(mac.map(str::to_owned))
}

fn forget_vip(lab: &Lab) -> Result<()> {
    let mut command = lab.client.command("ip");
    output_of(command.args(["neigh", "flush", "dev", INTERFACE]))?;
    Ok(())
}

/// Packets that the program sent on.
fn forwarded(director: &Director) -> Result<u64> {
    let service = director.service("web")?;
    let servers = service["real_servers"].as_array().context("real servers")?;
    Ok(servers.iter().filter_map(|it| it["packets"].as_u64()).sum())
}

fn has_device(director: &Director) -> Result<bool> {
    Ok(director.ip("link show")?.contains("vmac@"))
}

#[test]
fn clients_see_the_virtual_mac_and_the_program_forwards() {
    with_planned_lab(DEMO, &plan(LINES), |lab| {
        for director in &lab.directors {
            ensure!(has_device(director)?, "{} has no device", director.name());
            let addresses = director.ip("-6 addr show dev vmac");
            // Without IPv6 on the host, `ip` shows nothing at all.
            ensure!(!addresses?.contains("fe80"), "a link-local address");
        }
        let addresses = lab.directors[0].ip("addr show dev vmac")?;
        ensure!(addresses.contains(&format!("{VIP}/24")), "{addresses}");
        forget_vip(lab)?;
        lab.wait_vip()?;
        let mac = mac_of_vip(lab)?;
        ensure!(mac.as_deref() == Some(MAC), "{mac:?}");
        let before = forwarded(&lab.directors[0])?;
        let survey = survey(lab, WEB_PORT, 1)?;
        let spread = survey.spread();
        ensure!(spread.len() == 3, "{spread:?}");
        wait_until("the program to have forwarded", PATIENCE, || {
            Ok(forwarded(&lab.directors[0])? > before + 500)
        })?;
        Ok(())
    });
}

/// After a crash the device and its address are those of the next daemon.
#[test]
fn the_next_daemon_takes_the_device_over() {
    with_one_director(DEMO, &plan(LINES), |lab| {
        let director = &mut lab.directors[0];
        let before = director.ip_json(&["link", "show", "vmac"])?;
        director.kill()?;
        ensure!(has_device(director)? && director.has_vip()?, "nothing left");
        director.start()?;
        director.wait_vrrp_state("MASTER")?;
        let after = director.ip_json(&["link", "show", "vmac"])?;
        ensure!(
            before[0]["ifindex"] == after[0]["ifindex"],
            "another device"
        );
        ensure!(repairs(director)? == 0, "something was repaired");
        lab.wait_vip()
    });
}

/// The switch learns where the MAC is from frames: what a backup sends with it would take the
/// master's traffic away.
#[test]
fn a_backup_sends_nothing_with_the_virtual_mac() {
    with_planned_lab(DEMO, &plan(LINES), |lab| {
        let mut wire = lab.listen(2)?;
        let with_it = |frame: &[u8]| (frame.get(6..12)? == MAC_BYTES).then(|| frame.to_vec());
        let found = wire.next(Duration::from_secs(3), with_it)?;
        ensure!(found.is_none(), "{found:?}");
        // Nor after it was MASTER.
        lab.set_link(1, false)?;
        lab.directors[1].wait_vrrp_state("MASTER")?;
        lab.set_link(1, true)?;
        lab.directors[1].wait_vrrp_state("BACKUP")?;
        wait_until("the address to go", PATIENCE, || {
            Ok(!lab.directors[1].has_vip()?)
        })?;
        let mut wire = lab.listen(2)?;
        let found = wire.next(Duration::from_secs(3), with_it)?;
        ensure!(found.is_none(), "{found:?}");
        Ok(())
    });
}

#[test]
fn a_failover_needs_no_other_arp_entry() {
    with_planned_lab(DEMO, &plan(LINES), |lab| {
        forget_vip(lab)?;
        lab.wait_vip()?;
        ensure!(mac_of_vip(lab)?.as_deref() == Some(MAC), "before");
        lab.directors[0].terminate()?;
        lab.directors[0].wait_stopped()?;
        lab.directors[1].wait_vrrp_state("MASTER")?;
        let mac = mac_of_vip(lab)?;
        ensure!(mac.as_deref() == Some(MAC), "{mac:?} after");
        lab.wait_vip()?;
        ensure!(mac_of_vip(lab)?.as_deref() == Some(MAC), "after traffic");
        ensure!(!has_device(&lab.directors[0])?, "lb1 left its device");
        Ok(())
    });
}

#[test]
fn a_device_that_somebody_removes_is_made_again() {
    with_one_director(DEMO, &plan(LINES), |lab| {
        let director = &lab.directors[0];
        for change in ["link del vmac", "link set vmac down"] {
            let before = repairs(director)?;
            director.ip(change)?;
            let removed = Instant::now();
            wait_until("the device and its address", REPAIR * 2, || {
                let link = director.ip("addr show dev vmac")?;
                Ok(link.contains(",UP") && link.contains(&format!("{VIP}/24")))
            })?;
            eprintln!("{change}: back after {:?}", removed.elapsed());
            wait_until("the repair to be counted", PATIENCE, || {
                Ok(repairs(director)? > before)
            })?;
            lab.wait_vip()?;
        }
        // The interface below loses a switch that the device needs.
        let before = repairs(director)?;
        let switch = format!("/proc/sys/net/ipv4/conf/{INTERFACE}/arp_ignore");
        let path = switch.clone();
        director.netns.run(move || std::fs::write(path, "0"))??;
        wait_until("the switch to be set again", PATIENCE, || {
            let path = switch.clone();
            let value = director
                .netns
                .run(move || std::fs::read_to_string(path))??;
            Ok(value.trim() == "1")
        })?;
        wait_until("the repair to be counted", PATIENCE, || {
            Ok(repairs(director)? > before)
        })
    });
}

#[test]
fn a_foreign_device_of_the_name_is_an_error_that_names_it() {
    with_planned_lab(DEMO, &plan(""), |lab| {
        let director = &lab.directors[0];
        director.ip("link add vmac type dummy").or_else(|_| {
            // A kernel without dummy devices.
            director.ip("link add vmac type veth peer name vmacp")
        })?;
        lab.set_plan(plan(LINES))?;
        let refused = lab.directors[0].reload()?;
        let words = refused.err().context("the reload was not refused")?;
        ensure!(
            words.contains("vmac") && words.contains("ip link del"),
            "{words}"
        );
        lab.directors[0].ip("link del vmac")?;
        ensure!(
            lab.directors[0].reload()?.is_ok(),
            "refused without the device"
        );
        wait_until("the address on the device", PATIENCE, || {
            let link = lab.directors[0].ip("addr show dev vmac")?;
            Ok(link.contains(&format!("{VIP}/24")))
        })?;
        // And back.
        lab.set_plan(plan(""))?;
        ensure!(
            lab.directors[0].reload()?.is_ok(),
            "refused without virtual_mac"
        );
        wait_until("the device to go", PATIENCE, || {
            Ok(!has_device(&lab.directors[0])?)
        })?;
        let path = format!("/proc/sys/net/ipv4/conf/{INTERFACE}/arp_ignore");
        let value = lab.directors[0]
            .netns
            .run(move || std::fs::read_to_string(path))??;
        ensure!(value.trim() == "0", "arp_ignore is {value}");
        wait_until("the address", PATIENCE, || lab.directors[0].has_vip())
    });
}
