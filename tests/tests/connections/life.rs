//! What others do to the program and its maps is put right.

use std::fs;
use std::mem::offset_of;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aya::maps::{Array, HashMap, Map, MapData};
use lb_common::layout;
use lb_tests::harness::{runs, skip, with_one_director};
use lb_tests::lab::Lab;
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;

use super::{DEMO, all_alive, hold, number, plan};

/// The daemon looks twice a second; the rest is for a machine that has other things to do.
const REPAIRED: Duration = Duration::from_secs(2);

type Key = [u8; size_of::<layout::ServiceKey>()];
type Service = [u8; size_of::<layout::Service>()];
type Server = [u8; size_of::<layout::RealServer>()];

fn repairs(lab: &Lab) -> Result<u64> {
    number(&lab.directors[0].status()?["dataplane"], "repairs")
}

/// Does harm that is to be repaired, counted `times` times, and told with these `words`.
fn repaired(
    lab: &Lab,
    times: u64,
    words: &str,
    harm: impl FnOnce(&Lab) -> Result<()>,
) -> Result<()> {
    let before = repairs(lab)?;
    harm(lab)?;
    wait_until(words, REPAIRED, || Ok(repairs(lab)? == before + times))?;
    let events = lab.directors[0].status()?["dataplane"]["events"].to_string();
    ensure!(events.contains(words), "no {words:?} in {events}");
    Ok(())
}

fn map(lab: &Lab, name: &str) -> Result<MapData> {
    let path = lab.directors[0].bpffs().join(name);
    MapData::from_pin(&path).with_context(|| path.display().to_string())
}

fn services(lab: &Lab) -> Result<HashMap<MapData, Key, Service>> {
    Ok(HashMap::try_from(Map::HashMap(map(lab, "services")?))?)
}

fn real_servers(lab: &Lab) -> Result<Array<MapData, Server>> {
    Ok(Array::try_from(Map::Array(map(lab, "real_servers")?))?)
}

fn snapshot(lab: &Lab) -> Result<(Vec<(Key, Service)>, Vec<Server>)> {
    let mut services: Vec<_> = services(lab)?.iter().collect::<Result<_, _>>()?;
    services.sort_unstable();
    let servers = real_servers(lab)?
        .iter()
        .take(16)
        .collect::<Result<_, _>>()?;
    Ok((services, servers))
}

#[test]
fn entries_that_others_change_are_written_again() {
    with_one_director(DEMO, &plan(""), |lab| {
        let held = hold(lab)?;
        let before = snapshot(lab)?;
        let (key, value) = before.0[0];
        repaired(lab, 1, "map services: 1 entries", |lab| {
            Ok(services(lab)?.remove(&key)?)
        })?;
        repaired(lab, 1, "map services: 1 entries", |lab| {
            let mut wrong = value;
            wrong[0] ^= 1;
            Ok(services(lab)?.insert(key, wrong, 0)?)
        })?;
        repaired(lab, 1, "map services: an entry of nobody", |lab| {
            let mut stranger = key;
            stranger[0] ^= 0xff;
            Ok(services(lab)?.insert(stranger, value, 0)?)
        })?;
        repaired(lab, 1, "map real_servers: 6 entries", |lab| {
            let mut servers = real_servers(lab)?;
            for (index, server) in (0..).zip(&before.1) {
                if server.iter().any(|byte| *byte != 0) {
                    let mut wrong = *server;
                    wrong[offset_of!(layout::RealServer, mac) + 5] ^= 0x55;
                    servers.set(index, wrong, 0)?;
                }
            }
            Ok(())
        })?;
        ensure!(snapshot(lab)? == before, "not as before");
        all_alive(held)
    });
}

#[test]
fn pins_that_others_remove_are_made_again() {
    with_one_director(DEMO, &plan(""), |lab| {
        let held = hold(lab)?;
        let mut before = lab.directors[0].pins()?;
        before.sort();
        let remove = |path: &std::path::Path| fs::remove_file(path).context("removing a pin");
        let link = lab.directors[0].bpffs().join("link_eth0");
        ensure!(before.contains(&link), "{before:?}");
        repaired(lab, 1, "pin tables: made again", |lab| {
            remove(&lab.directors[0].bpffs().join("tables"))
        })?;
        repaired(lab, 1, "pin of the program on eth0: made again", |_| {
            remove(&link)
        })?;
        repaired(
            lab,
            before.len() as u64,
            "pin settings: made again",
            |lab| fs::remove_dir_all(lab.directors[0].bpffs()).context("removing the pins"),
        )?;
        let mut after = lab.directors[0].pins()?;
        after.sort();
        ensure!(after == before, "{after:?}");

        // They are the pins of what is in use.
        lab.directors[0].kill()?;
        held.wait_exchanges(2)?;
        lab.directors[0].start()?;
        lab.wait_one_ready()?;
        all_alive(held)
    });
}

#[test]
fn a_program_that_others_detach_is_attached_again() {
    let bpftool = std::env::var_os("LVX_BPFTOOL").unwrap_or_else(|| "bpftool".into());
    if !runs(&bpftool) {
        skip("bpftool cannot be started");
        return;
    }
    with_one_director(DEMO, &plan(""), |lab| {
        repaired(lab, 1, "the program was detached from eth0", |lab| {
            let link = lab.directors[0].bpffs().join("link_eth0");
            let mut bpftool = Command::new(&bpftool);
            output_of(bpftool.args(["link", "detach", "pinned"]).arg(link))?;
            Ok(())
        })?;
        ensure!(lab.directors[0].has_xdp()?, "not attached");
        all_alive(hold(lab)?)?;
        let events = lab.directors[0].status()?["dataplane"]["events"].to_string();
        ensure!(events.contains("back on all interfaces"), "{events}");
        Ok(())
    });
}
