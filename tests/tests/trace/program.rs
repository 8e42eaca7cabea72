//! The program with and without tracing: its code, and where it is attached.

use anyhow::{Context, Result, ensure};
use aya::maps::MapInfo;
use lb_tests::sandbox::{command, ifindex, in_sandbox};
use lb_userspace::dataplane::xdp::{LogLevel, ModeChoice, Nic, Xdp};

use super::load;

/// The maps of this name that the program's code refers to, as bpftool shows it.
fn refers_to(xdp: &mut Xdp, map: &str) -> Result<bool> {
    let info = xdp.program()?.info()?;
    let ids = info.map_ids()?.context("the program's maps")?;
    let code = command(
        "bpftool",
        &["prog", "dump", "xlated", "id", &info.id().to_string()],
    )?;
    ensure!(code.contains("map[id:"), "no maps at all in {code}");
    for id in ids {
        let found = MapInfo::from_id(id)?;
        // The kernel keeps 15 characters.
        if found.name_as_str() == Some(&map[..map.len().min(15)]) {
            return Ok(code.contains(&format!("map[id:{id}]")));
        }
    }
    Ok(false)
}

/// What the verifier looked at, and what is left of the program.
fn size(xdp: &mut Xdp) -> Result<(u32, u32)> {
    let info = xdp.program()?.info()?;
    let looked_at = info.verified_instruction_count();
    let left = info.size_translated().context("the program's size")?;
    Ok((looked_at.context("the verifier's count")?, left))
}

#[test]
fn what_is_off_is_not_in_the_program() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        let off = size(&mut xdp)?;
        ensure!(!refers_to(&mut xdp, "trace_events")? && !refers_to(&mut xdp, "AYA_LOGS")?);
        xdp.start_trace()?;
        let tracing = size(&mut xdp)?;
        ensure!(refers_to(&mut xdp, "trace_events")? && !refers_to(&mut xdp, "AYA_LOGS")?);
        xdp.stop_trace()?;
        ensure!(
            size(&mut xdp)? == off,
            "{:?} is not {off:?}",
            size(&mut xdp)
        );
        xdp.set_log(LogLevel::Warn)?;
        let logging = size(&mut xdp)?;
        ensure!(!refers_to(&mut xdp, "trace_events")? && refers_to(&mut xdp, "AYA_LOGS")?);
        xdp.set_log(LogLevel::Debug)?;
        let talking = size(&mut xdp)?;
        xdp.set_log(LogLevel::Off)?;
        ensure!(!refers_to(&mut xdp, "AYA_LOGS")?);
        eprintln!(
            "instructions verified, bytes left: off {off:?}, trace {tracing:?}, warn {logging:?}, \
             debug {talking:?}"
        );
        // The path of nearly all packets is not in a program that is watched: its size says less.
        ensure!(off.0 < talking.0, "{off:?} {talking:?}");
        ensure!(logging.1 < talking.1, "{logging:?} {talking:?}");
        Ok(())
    });
}

fn program_on(name: &str) -> Result<String> {
    let shown = command("ip", &["-d", "link", "show", "dev", name])?;
    let mut words = shown.split_whitespace().skip_while(|word| *word != "id");
    let id = words.nth(1).context("no XDP program")?;
    Ok(id.to_owned())
}

#[test]
fn interfaces_get_the_tracing_program_and_lose_it() {
    in_sandbox(|sandbox| {
        command(
            "ip",
            &[
                "link", "add", "veth0", "type", "veth", "peer", "name", "veth1",
            ],
        )?;
        let nic = Nic {
            name: "veth0".to_owned(),
            index: ifindex("veth0")?,
            mtu: 1500,
            attached: None,
        };
        let mut xdp = load(sandbox)?;
        xdp.attach(&nic, ModeChoice::Best)?;
        let off = program_on("veth0")?;
        xdp.start_trace()?;
        let on = program_on("veth0")?;
        ensure!(on != off && Some(on.as_str()) == id(&mut xdp).as_deref());
        ensure!(xdp.features().trace);
        xdp.stop_trace()?;
        let after = program_on("veth0")?;
        ensure!(after != on && Some(after.as_str()) == id(&mut xdp).as_deref());
        ensure!(!refers_to(&mut xdp, "trace_events")?);
        Ok(())
    });
}

fn id(xdp: &mut Xdp) -> Option<String> {
    Some(xdp.program().ok()?.info().ok()?.id().to_string())
}
