//! What is wrong with a server, and what is said of it.

use anyhow::ensure;
use lb_tests::harness::{with_lab, with_one_director};
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{INTERFACE, VIP, director_address};
use lb_tests::lab::{ECHO_PORT, leave_out_checksums};

use super::{
    DEMO, NOT_ON_LO, check_again, echo_server, give_vip, nft, reconfigure, take_vip, wait_down,
    wait_up, with_web_check,
};

#[test]
fn a_server_without_the_vip_is_down_on_master_and_backup_until_it_has_it() {
    with_lab(DEMO, |lab| {
        let [sick, well] = [&lab.servers[1], &lab.servers[0]];
        take_vip(sick)?;
        for director in &lab.directors {
            for service in ["web", "echo"] {
                wait_down(director, service, sick.address(), NOT_ON_LO)?;
                wait_up(director, service, well.address())?;
            }
        }
        give_vip(sick)?;
        lab.wait_ready()
    });
}

/// Such a server sends the probe on to the director that leads, which would find another one.
#[test]
fn a_server_that_sends_probes_on_is_down_too() {
    with_lab(DEMO, |lab| {
        let sick = &lab.servers[1];
        sick.netns
            .run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))??;
        take_vip(sick)?;
        for director in &lab.directors {
            wait_down(director, "echo", sick.address(), NOT_ON_LO)?;
        }
        give_vip(sick)?;
        lab.wait_ready()
    });
}

#[test]
fn a_firewall_on_the_vip_is_found() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let (director, sick) = (&lab.directors[0], &lab.servers[0]);
        let table = [
            "add table ip cut",
            "add chain ip cut in { type filter hook input priority 0; }",
        ];
        let drop = format!("add rule ip cut in ip daddr {VIP} tcp dport 80 drop");
        nft(&sick.netns, &[table[0], table[1], &drop])?;
        wait_down(director, "web", sick.address(), NOT_ON_LO)?;
        wait_up(director, "echo", sick.address())?;
        nft(&sick.netns, &["delete table ip cut"])?;
        wait_up(director, "web", sick.address())?;
        let reject =
            format!("add rule ip cut in ip daddr {VIP} tcp dport 80 reject with tcp reset");
        nft(&sick.netns, &[table[0], table[1], &reject])?;
        let refused = "answers on its own address, but not for 10.77.0.100: does the program \
                       listen on the VIP, too, and does no firewall reject it? (connect to \
                       10.77.0.100:80: refused";
        wait_down(director, "web", sick.address(), refused)?;
        nft(&sick.netns, &["delete table ip cut"])?;
        wait_up(director, "web", sick.address())
    });
}

#[test]
fn a_program_on_the_vip_alone_is_named_and_can_be_accepted() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        lab.servers[2].kill();
        let (director, server) = (&lab.directors[0], &lab.servers[2]);
        wait_down(
            director,
            "echo",
            server.address(),
            "connect to 10.77.0.13:7000: refused",
        )?;
        let _echo = echo_server(&server.netns, &format!("{VIP}:{ECHO_PORT}"))?;
        // The first verdict after a reload says what it is now.
        let every = |interval: &str| {
            let interval = format!("interval = \"{interval}\"");
            reconfigure(director, |text| {
                text.replace("interval = \"200ms\"", &interval)
            })
        };
        every("210ms")?;
        let alone = "answers for 10.77.0.100, but not on its own address: `via = \"vip\"` checks \
                     only what clients use (connect to 10.77.0.13:7000: refused";
        wait_down(director, "echo", server.address(), alone)?;
        reconfigure(director, |text| {
            text.replace("rise = 2", "via = \"vip\", rise = 2")
        })?;
        wait_up(director, "echo", server.address())?;
        // And nothing else is asked for.
        wait_down(
            director,
            "web",
            server.address(),
            "does not answer for 10.77.0.100: does the program listen on the VIP",
        )
    });
}

#[test]
fn http_is_asked_through_the_vip() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let (director, server) = (&lab.directors[0], &lab.servers[1]);
        let check = "{ type = \"http\", path = \"dr\", interval = \"200ms\", timeout = \"200ms\", \
                     urls = [\"/\", { path = \"/x\", body = { contains = \"rs\" } }] }";
        reconfigure(director, |text| with_web_check(text, check))?;
        for server in &lab.servers[..3] {
            wait_up(director, "web", server.address())?;
        }
        take_vip(server)?;
        let reason = "does not answer for 10.77.0.100: is the VIP on its lo? (no answer from \
                      10.77.0.100:80 within 200ms";
        wait_down(director, "web", server.address(), reason)?;
        give_vip(server)?;
        wait_up(director, "web", server.address())
    });
}

/// Frames of this host, and of servers, whose checksums a NIC would fill in.
#[test]
fn checksums_may_be_left_to_the_nic() {
    with_lab(DEMO, |lab| {
        let directors = lab.directors.iter().map(|director| &director.netns);
        let servers = lab.servers.iter().map(|server| &server.netns);
        for host in directors.chain(servers) {
            leave_out_checksums(host, INTERFACE)?;
        }
        check_again(lab, "210ms")?;
        take_vip(&lab.servers[0])?;
        for director in &lab.directors {
            wait_down(director, "echo", lab.servers[0].address(), NOT_ON_LO)?;
        }
        give_vip(&lab.servers[0])?;
        lab.wait_ready()
    });
}

/// It would balance the probe, and is asked for its own address alone; so is this host.
#[test]
fn directors_may_be_servers() {
    with_lab(DEMO, |lab| {
        let [first, second] = &lab.directors;
        let _echo = echo_server(&first.netns, &format!("0.0.0.0:{ECHO_PORT}"))?;
        let address = director_address(1);
        let server = format!("[[service.real_server]]\naddress = \"{address}\"\n");
        for director in [first, second] {
            // `echo` is the last service.
            reconfigure(director, |text| format!("{text}\n{server}"))?;
        }
        for director in [first, second] {
            wait_up(director, "echo", address)?;
            let service = director.service("echo")?;
            ensure!(
                service["warnings"].as_array().is_some_and(Vec::is_empty),
                "{service}"
            );
        }
        Ok(())
    });
}
