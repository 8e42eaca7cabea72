//! The same over IPv6.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use lb_tests::harness::{skip, usable};
use lb_tests::lab::topology::INTERFACE;
use lb_tests::lab::{ECHO_PORT, leave_out_checksums};
use lb_tests::lab6::{Lab6, VIP, server_address};
use lb_tests::netns::Netns;
use lb_tests::wait::wait_until;

use super::{DEMO, PATIENCE, ip};

/// A real server's host.
fn host(lab: &Lab6, name: &str) -> Result<Netns> {
    let director = lab.director.netns.name();
    let lab = director.strip_suffix("lb1").context("a director's name")?;
    Ok(Netns::new(format!("{lab}{name}")))
}

fn reason(lab: &Lab6, number: u8) -> Result<String> {
    let service = lab.director.service("echo")?;
    let servers = service["real_servers"].as_array().context("real servers")?;
    let address = server_address(number).to_string();
    let server = servers.iter().find(|it| it["address"] == *address);
    let reason = server.context("the server")?["reason"].as_str();
    Ok(reason.context("a reason")?.to_owned())
}

fn finds_the_server_without_the_vip(lab: &mut Lab6) -> Result<()> {
    let servers: String = (1..=2)
        .map(|number| {
            format!(
                "[[service.real_server]]\naddress = \"{}\"\n",
                server_address(number)
            )
        })
        .collect();
    let check = |kind: &str| {
        format!("check = {{ type = \"{kind}\", interval = \"200ms\", timeout = \"200ms\" }}")
    };
    lab.start(&format!(
        "[[service]]\nname = \"echo\"\naddress = \"[{VIP}]:{ECHO_PORT}\"\n{}\n{servers}",
        check("tcp")
    ))?;
    lab.wait_up("echo", &[1, 2])?;
    let second = host(lab, "rs2")?;
    let deprive = || ip(&second, &format!("addr del {VIP}/128 dev lo"));
    let mend = || ip(&second, &format!("addr add {VIP}/128 dev lo"));
    deprive()?;
    lab.wait_up("echo", &[1])?;
    let words = format!(
        "answers on its own address, but not for {VIP}: is the VIP on its lo? (no answer from \
         [{VIP}]:{ECHO_PORT} within 200ms"
    );
    wait_until("the words", PATIENCE, || {
        let reason = reason(lab, 2)?;
        ensure!(reason.starts_with(&words), "{reason}");
        Ok(true)
    })?;
    mend()?;
    lab.wait_up("echo", &[1, 2])?;
    // And with checksums that a NIC fills in.
    for host in [&lab.director.netns, &second] {
        leave_out_checksums(host, INTERFACE)?;
    }
    deprive()?;
    lab.wait_up("echo", &[1])?;
    mend()?;
    lab.wait_up("echo", &[1, 2])
}

#[test]
fn a_server_without_the_vip_is_down_until_it_has_it() {
    let Some(programs) = usable(DEMO) else {
        return;
    };
    if !Path::new("/proc/net/if_inet6").exists() {
        return skip("this kernel has no IPv6");
    }
    let mut lab = match Lab6::new(&programs, 2) {
        Ok(lab) => lab,
        Err(error) => panic!("making the lab: {error:#}"),
    };
    if let Err(error) = finds_the_server_without_the_vip(&mut lab) {
        panic!("{error:#}\n{}", lab.explain());
    }
}
