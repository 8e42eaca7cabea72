//! Life of the program on an interface: modes, foreign programs, replacement, leaving no trace.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use aya::programs::links::{FdLink, PinnedLink};
use lb_common::maglev::TableSize;
use lb_tests::sandbox::{Sandbox, command, ifindex, in_sandbox};
use lb_userspace::dataplane::xdp::{Mode, ModeChoice, Nic, Xdp};

const MAPS: [&str; 17] = [
    "counters",
    "cursors",
    "entries",
    "exceptions",
    "flows",
    "interfaces",
    "loads",
    "notes",
    "opened",
    "persistence",
    "real_servers",
    "reasons",
    "service_index",
    "services",
    "settings",
    "tables",
    "tx_ports",
];

fn load(sandbox: &Sandbox, directory: &Path) -> Result<Xdp> {
    let xdp = Xdp::load(sandbox.object, directory, TableSize::DEFAULT);
    xdp.context("loading the program")
}

/// Makes a pair of NICs; the first of them.
fn nic(name: &str) -> Result<Nic> {
    let peer = format!("{name}p");
    command(
        "ip",
        &["link", "add", name, "type", "veth", "peer", "name", &peer],
    )?;
    Ok(Nic {
        name: name.to_owned(),
        index: ifindex(name)?,
        mtu: 1500,
        attached: None,
    })
}

fn names(directory: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(directory)?;
    let name = |entry: std::io::Result<fs::DirEntry>| Ok(entry?.file_name().display().to_string());
    entries.map(name).collect()
}

/// What `ip` says of the program on an interface.
fn attached(name: &str) -> Result<Option<String>> {
    let shown = command("ip", &["-o", "link", "show", "dev", name])?;
    let words = shown.split_whitespace();
    Ok(words
        .into_iter()
        .find(|word| word.starts_with("xdp"))
        .map(str::to_owned))
}

fn link_ids(pin: &Path) -> Result<u32> {
    let link = FdLink::from(PinnedLink::from_pin(pin)?);
    Ok(link.info()?.id())
}

#[test]
fn a_nic_carries_the_program_until_it_is_removed_and_nothing_stays() {
    in_sandbox(|sandbox| {
        let directory = sandbox.bpffs.join("lvx");
        // bpffs refuses dots in names.
        let nic = nic("eth0.5")?;
        let mut xdp = load(sandbox, &directory)?;
        let got = xdp.attach(&nic, ModeChoice::Best)?;
        ensure!((got.mode, got.refused) == (Mode::Native, None));
        xdp.publish()?;
        let mut expected: BTreeSet<String> = MAPS.map(str::to_owned).into();
        expected.insert("link_eth0_5".to_owned());
        ensure!(names(&directory)? == expected, "{:?}", names(&directory)?);
        ensure!(attached(&nic.name)?.is_some(), "not attached");
        xdp.remove()?;
        ensure!(!directory.exists(), "the pin directory stays");
        ensure!(attached(&nic.name)?.is_none(), "the program stays");
        Ok(())
    });
}

#[test]
fn a_driver_without_xdp_gets_the_generic_mode_and_says_why() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox, &sandbox.bpffs.join("lvx"))?;
        let lo = Nic {
            name: "lo".to_owned(),
            index: 1,
            mtu: 1500,
            attached: None,
        };
        let native = ModeChoice::Only(Mode::Native);
        let error = xdp
            .attach(&lo, native)
            .err()
            .context("lo has no native XDP")?;
        ensure!(
            error
                .to_string()
                .contains("xdp-native: the driver does not support it"),
            "{error}"
        );
        let got = xdp.attach(&lo, ModeChoice::Best)?;
        ensure!(got.mode == Mode::Generic, "{got:?}");
        let why = got.refused.context("a reason")?;
        ensure!(why.contains("xdp-native"), "{why}");
        ensure!(
            attached("lo")?.as_deref() == Some("xdpgeneric"),
            "{:?}",
            attached("lo")
        );
        Ok(())
    });
}

#[test]
fn a_foreign_program_is_reported_and_left_alone() {
    in_sandbox(|sandbox| {
        let nic = nic("veth0")?;
        let mut foreign = load(sandbox, &sandbox.bpffs.join("foreign"))?;
        foreign.attach(&nic, ModeChoice::Best)?;
        let before = attached(&nic.name)?;
        let mut xdp = load(sandbox, &sandbox.bpffs.join("lvx"))?;
        let error = xdp
            .attach(&nic, ModeChoice::Best)
            .err()
            .context("the NIC is taken")?;
        let (error, id) = (error.to_string(), program_id(&mut foreign));
        let id = id.context("the foreign program's id")?;
        ensure!(
            error.contains(&format!("another XDP program is attached: lvx, id {id}")),
            "{error}"
        );
        ensure!(
            attached(&nic.name)? == before,
            "the foreign program was touched"
        );
        // What the error tells to do is enough.
        follow_advice(&error)?;
        xdp.attach(&nic, ModeChoice::Best)?;
        Ok(())
    });
}

/// The kernel's id of a program, attached or not.
fn program_id(xdp: &mut Xdp) -> Option<u32> {
    Some(xdp.program().ok()?.info().ok()?.id())
}

/// Runs the first command that an error gives.
fn follow_advice(error: &str) -> Result<()> {
    let given = error.split('`').nth(1).context("a command in the error")?;
    let (program, arguments) = given.split_once(' ').context("arguments")?;
    let arguments: Vec<&str> = arguments.split(' ').collect();
    command(program, &arguments).map(drop)
}

/// Other tools attach by netlink: there is no link to detach.
#[test]
fn a_foreign_program_without_a_link_is_named_and_can_be_removed_too() {
    in_sandbox(|sandbox| {
        let nic = nic("veth0")?;
        let mut foreign = load(sandbox, &sandbox.bpffs.join("foreign"))?;
        let pin = sandbox.bpffs.join("foreign_program");
        foreign.program()?.pin(&pin)?;
        let id = program_id(&mut foreign).context("the foreign program's id")?;
        for kind in ["xdpdrv", "xdpgeneric"] {
            let pinned = pin.display().to_string();
            command(
                "bpftool",
                &["net", "attach", kind, "pinned", &pinned, "dev", &nic.name],
            )?;
            let mut xdp = load(sandbox, &sandbox.bpffs.join("lvx"))?;
            let error = xdp.attach(&nic, ModeChoice::Best).err();
            let error = error.context("the NIC is taken")?.to_string();
            ensure!(error.contains(&format!("lvx, id {id};")), "{error}");
            follow_advice(&error)?;
            xdp.attach(&nic, ModeChoice::Best)?;
            xdp.detach(&nic.name);
        }
        Ok(())
    });
}

/// As after `kill -9`: the next daemon's program takes the place of the last one's in one step.
#[test]
fn a_new_daemon_replaces_the_program_without_detaching() {
    in_sandbox(|sandbox| {
        let directory = sandbox.bpffs.join("lvx");
        let mut nic = nic("veth0")?;
        let mut old = load(sandbox, &directory)?;
        old.attach(&nic, ModeChoice::Best)?;
        old.publish()?;
        let pin = directory.join("link_veth0");
        let link = link_ids(&pin)?;
        let program = |xdp: &mut Xdp| -> Result<u32> { Ok(xdp.program()?.info()?.id()) };
        let old_program = program(&mut old)?;
        drop(old);
        ensure!(
            attached(&nic.name)?.is_some(),
            "the pinned program forwards on"
        );

        nic.attached = Some(Mode::Native);
        let mut new = load(sandbox, &directory)?;
        let got = new.attach(&nic, ModeChoice::Best)?;
        ensure!(got.mode == Mode::Native, "{got:?}");
        new.publish()?;
        ensure!(link_ids(&pin)? == link, "it is another link");
        let shown = command("ip", &["-d", "link", "show", "dev", &nic.name])?;
        let new_program = program(&mut new)?;
        // The kernel's BTF objects have numbers, too: `btf_id 48`.
        ensure!(shown.contains(&format!(" id {new_program} ")), "{shown}");
        ensure!(!shown.contains(&format!(" id {old_program} ")), "{shown}");
        new.remove()?;
        ensure!(attached(&nic.name)?.is_none(), "the program stays");
        Ok(())
    });
}

#[test]
fn an_interface_that_is_configured_no_more_is_cleaned_up() {
    in_sandbox(|sandbox| {
        let directory = sandbox.bpffs.join("lvx");
        let (gone, kept) = (nic("gone")?, nic("kept")?);
        let mut old = load(sandbox, &directory)?;
        old.attach(&gone, ModeChoice::Best)?;
        old.publish()?;
        drop(old);
        let mut new = load(sandbox, &directory)?;
        new.attach(&kept, ModeChoice::Best)?;
        new.publish()?;
        ensure!(attached("gone")?.is_none(), "the old program stays");
        ensure!(attached("kept")?.is_some(), "not attached");
        Ok(())
    });
}

#[test]
fn a_directory_that_is_not_on_a_bpffs_is_explained() {
    in_sandbox(|sandbox| {
        let directory = std::env::temp_dir().join(format!("lvx-no-bpffs-{}", std::process::id()));
        let error = Xdp::load(sandbox.object, &directory, TableSize::DEFAULT).err();
        let error = error.context("it is no bpffs")?.to_string();
        ensure!(error.contains("mount -t bpf bpf /sys/fs/bpf"), "{error}");
        ensure!(names(&directory)?.is_empty(), "something was left");
        fs::remove_dir(&directory)?;
        Ok(())
    });
}

#[test]
fn what_is_pinned_prints_with_field_names() {
    in_sandbox(|sandbox| {
        let directory = sandbox.bpffs.join("lvx");
        let mut xdp = load(sandbox, &directory)?;
        xdp.publish()?;
        let show = |map: &str| {
            let path = directory.join(map).display().to_string();
            command("bpftool", &["map", "show", "pinned", &path])
        };
        for map in MAPS {
            let shown = show(map)?;
            // Maps of maps and device maps have no types of their own in the kernel.
            let typed = !matches!(map, "service_index" | "tables" | "tx_ports");
            ensure!(shown.contains("btf_id") == typed, "{map}: {shown}");
        }
        Ok(())
    });
}
