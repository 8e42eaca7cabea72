//! What an operator sees with bpftool.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::ensure;
use lb_tests::harness::{runs, skip, with_lab};
use lb_tests::netns::output_of;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");

#[test]
fn bpftool_prints_the_fields_of_the_pinned_maps_by_name() {
    let bpftool = std::env::var_os("LVX_BPFTOOL").unwrap_or_else(|| "bpftool".into());
    if !runs(&bpftool) {
        skip("bpftool cannot be started");
        return;
    }
    with_lab(DEMO, |lab| {
        let bpffs = lab.directors[0].bpffs();
        let dump = |map: &str| {
            let path = bpffs.join(map);
            let arguments = ["map", "dump", "pinned"].map(OsStr::new);
            output_of(Command::new(&bpftool).args(arguments).arg(path))
        };
        let services = dump("services")?;
        for field in [
            "\"address\"",
            "\"port\": 80",
            "\"port\": 7000",
            "\"protocol\": 6",
        ] {
            ensure!(services.contains(field), "no {field} in {services}");
        }
        let servers = dump("real_servers")?;
        for field in ["\"mac\"", "\"ifindex\""] {
            ensure!(servers.contains(field), "no {field} in {servers}");
        }
        Ok(())
    });
}
