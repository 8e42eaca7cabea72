//! `lvx cleanup` after a crash.

use anyhow::{Result, ensure};
use lb_tests::harness::with_planned_lab;
use lb_tests::lab::Director;
use lb_tests::lab::topology::INTERFACE;

use super::{DEMO, PATIENCE, plan};

fn cleanup(director: &Director, more: &[&str]) -> Result<(Option<i32>, String)> {
    let config = director.config_file();
    let config = config.to_str().unwrap_or_default();
    let arguments = [&["cleanup", "-c", config], more].concat();
    let output = director.lvx(&arguments)?;
    let said = [output.stdout, output.stderr].concat();
    Ok((
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

fn sysctl(director: &Director) -> Result<String> {
    let path = format!("/proc/sys/net/ipv4/conf/{INTERFACE}/arp_ignore");
    Ok(director
        .netns
        .run(move || std::fs::read_to_string(path))??)
}

#[test]
fn cleanup_removes_what_is_ours_and_nothing_else() {
    let lines = "accept = false\nvirtual_mac = \"vmac\"";
    with_planned_lab(DEMO, &plan(lines), |lab| {
        let (first, _) = lab.directors.split_at_mut(1);
        let director = &mut first[0];
        director.ip(&format!("addr add 10.77.9.9/32 dev {INTERFACE}"))?;
        let device = |director: &Director| -> Result<bool> {
            Ok(director.ip("link show")?.contains("vmac@"))
        };
        let table = |director: &Director| -> Result<bool> {
            let mut command = director.netns.command("nft");
            let tables = lb_tests::netns::output_of(command.args(["list", "tables"]))?;
            Ok(tables.contains("inet lvx"))
        };
        lb_tests::wait::wait_until("the table", PATIENCE, || table(director))?;
        ensure!(sysctl(director)?.trim() == "1", "arp_ignore");

        let (code, said) = cleanup(director, &[])?;
        ensure!(
            code == Some(1) && said.contains("another lvx runs"),
            "{said}"
        );
        ensure!(
            director.has_vip()? && device(director)?,
            "it was cleaned up"
        );

        director.kill()?;
        ensure!(director.has_vip()? && director.has_xdp()?, "nothing left");
        let (code, said) = cleanup(director, &[])?;
        ensure!(code == Some(0), "{said}");
        for what in [
            "10.77.0.100/24 from vmac",
            "device vmac",
            "table inet lvx",
            "link_eth0",
        ] {
            ensure!(said.contains(what), "{what} is not in: {said}");
        }
        let addresses = director.ip("addr show")?;
        ensure!(
            !director.has_vip()? && addresses.contains("10.77.9.9"),
            "{addresses}"
        );
        ensure!(!device(director)? && !table(director)?, "something is left");
        ensure!(!director.has_xdp()?, "the program is left");
        ensure!(
            sysctl(director)?.trim() == "0",
            "arp_ignore was not set back"
        );
        ensure!(
            director
                .pins()?
                .iter()
                .any(|pin| pin.ends_with("exceptions")),
            "no maps"
        );

        let (code, said) = cleanup(director, &["--all"])?;
        ensure!(code == Some(0) && said.contains("maps"), "{said}");
        ensure!(director.pins()?.is_empty(), "pins are left");
        let (code, said) = cleanup(director, &[])?;
        ensure!(
            code == Some(0) && said.contains("nothing was left"),
            "{said}"
        );

        // The next one begins anew.
        director.start()?;
        lab.wait_ready()
    });
}

/// The daemon may have died of its file.
#[test]
fn cleanup_works_with_a_file_that_is_wrong_since() {
    with_planned_lab(DEMO, &plan(""), |lab| {
        let director = &mut lab.directors[0];
        director.kill()?;
        let text = std::fs::read_to_string(director.config_file())?;
        director.write_config(&text.replace("priority ", "no_such_key "))?;
        let (code, said) = cleanup(director, &[])?;
        ensure!(code == Some(0) && said.contains("10.77.0.100/24"), "{said}");
        ensure!(!director.has_vip()?, "the address is left");
        director.write_config("[global\n")?;
        let (code, said) = cleanup(director, &[])?;
        ensure!(code == Some(1) && said.contains("lvx.toml"), "{said}");
        Ok(())
    });
}
