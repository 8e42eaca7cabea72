//! Addresses that others remove or add.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lb_tests::harness::with_lab;
use lb_tests::lab::topology::{INTERFACE, VIP};
use lb_tests::wait::wait_until;
use lb_userspace::config::InterfaceAddress;
use lb_userspace::netlink::Netlink;

use super::{DEMO, PATIENCE, REPAIR, repairs};

/// Puts the VIP on the interface as a daemon would. (`ip addr add … proto` is newer than Debian 12.)
fn add_as_lvx() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let netlink = Netlink::connect()?;
        let links = netlink.links().await?;
        let link = links.iter().find(|link| link.name == INTERFACE);
        let index = link.context("no interface")?.index;
        let address = InterfaceAddress {
            address: VIP.into(),
            prefix_len: 24,
        };
        netlink.add_address(index, address, false).await?;
        Ok(())
    })
}

#[test]
fn an_address_that_somebody_removes_is_back_at_once() {
    with_lab(DEMO, |lab| {
        let director = &lab.directors[0];
        let before = repairs(director)?;
        let mut wire = lab.listen(1)?;
        director.ip(&format!("addr del {VIP}/24 dev {INTERFACE}"))?;
        let removed = Instant::now();
        wait_until("the address to be back", REPAIR, || director.has_vip())?;
        eprintln!("back after {:?}", removed.elapsed());
        wait_until("the repair to be counted", PATIENCE, || {
            Ok(repairs(director)? == before + 1)
        })?;
        // Those who asked meanwhile learned that nobody has it.
        let announced = wire.next(PATIENCE, |frame| is_announcement(frame).then_some(()))?;
        ensure!(announced.is_some(), "the address was not announced again");
        let status = director.status()?;
        let events = status["dataplane"]["events"].to_string();
        ensure!(events.contains("was removed from eth0"), "{events}");
        lab.wait_vip()
    });
}

/// A gratuitous ARP for the VIP.
fn is_announcement(frame: &[u8]) -> bool {
    let target = frame.get(38..42);
    frame.get(12..14) == Some(&[8, 6]) && target == Some(&VIP.octets())
}

/// Another program that removes it each time is not followed at its pace, and does not win.
#[test]
fn a_fight_for_an_address_is_slow_and_never_given_up() {
    with_lab(DEMO, |lab| {
        const FIGHT: Duration = Duration::from_secs(4);
        let director = &lab.directors[0];
        let before = repairs(director)?;
        let begin = Instant::now();
        let mut removed = 0;
        while begin.elapsed() < FIGHT {
            if director.has_vip()? {
                director.ip(&format!("addr del {VIP}/24 dev {INTERFACE}"))?;
                removed += 1;
            }
        }
        let made = repairs(director)? - before;
        // Five at once, and one each second.
        ensure!((6..=10).contains(&made), "{made} repairs of {removed}");
        wait_until("the address to be back", Duration::from_secs(2), || {
            director.has_vip()
        })?;
        lab.wait_vip()
    });
}

/// An address with our protocol number where it should not be: left by a daemon that died, or
/// added to the backup by hand.
#[test]
fn an_address_of_ours_that_does_not_belong_here_is_removed() {
    with_lab(DEMO, |lab| {
        let backup = &lab.directors[1];
        let before = repairs(backup)?;
        // The operator's own stays.
        backup.ip(&format!("addr add 10.77.9.9/32 dev {INTERFACE}"))?;
        backup.netns.run(add_as_lvx)??;
        wait_until("the address to be gone", REPAIR, || Ok(!backup.has_vip()?))?;
        wait_until("the repair to be counted", PATIENCE, || {
            Ok(repairs(backup)? == before + 1)
        })?;
        let all = backup.ip("addr show")?;
        ensure!(all.contains("10.77.9.9"), "{all}");
        Ok(())
    });
}
