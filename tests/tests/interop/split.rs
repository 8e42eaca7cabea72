//! Two masters, because the routers could not hear each other.

use anyhow::{Result, ensure};
use lb_tests::netns::output_of;
use lb_tests::vrrp_lab::{
    Host, PATIENCE, Role, Router, Settings, wait_role, wait_roles, with_vrrp_lab,
};
use lb_tests::wait::wait_until;

/// While keepalived is deaf both are master: lvx says so, and who the other is, and it says when
/// that is over.
#[test]
fn a_second_master_is_named_and_its_end_is_told() {
    with_vrrp_lab(&["keepalived", "nft"], |lab| {
        let settings = Settings::v3();
        let us = lab.ours(0, &settings.priority(200))?;
        let them = lab.keepalived(1, &settings.priority(150))?;
        wait_roles(&us, &them, &settings)?;
        let other = them.host().address(false);
        let says = |sentence: String| {
            wait_until(&sentence, PATIENCE, || Ok(us.output().contains(&sentence)))
        };

        set_deaf(them.host(), true)?;
        wait_role(&them, Role::Master)?;
        says(format!("two masters of VI_1: {other} advertises"))?;
        set_deaf(them.host(), false)?;
        wait_roles(&us, &them, &settings)?;
        says(format!("{other} is no second master of VI_1 any more"))?;

        let ever_backup = us.output().matches("state=BACKUP").count();
        ensure!(ever_backup <= 1, "lvx gave way:\n{}", us.log());
        Ok(())
    });
}

/// Whether a host hears advertisements.
fn set_deaf(host: &Host, deaf: bool) -> Result<()> {
    let rules = if deaf {
        "table ip deaf { chain c { type filter hook prerouting priority -400; \
         ip protocol 112 drop; }; }"
    } else {
        "delete table ip deaf"
    };
    output_of(host.netns.command("nft").arg(rules)).map(drop)
}

/// A whole network again: the lower priority gives way, here lvx.
#[test]
fn the_lower_priority_gives_way_when_the_network_is_whole_again() {
    with_vrrp_lab(&["keepalived", "bridge"], |lab| {
        let settings = Settings::v3();
        let them = lab.keepalived(1, &settings.priority(200))?;
        let us = lab.ours(0, &settings.priority(150))?;
        wait_roles(&them, &us, &settings)?;
        lab.set_partition(true)?;
        wait_role(&us, Role::Master)?;
        wait_role(&them, Role::Master)?;
        lab.set_partition(false)?;
        wait_roles(&them, &us, &settings)
    });
}
