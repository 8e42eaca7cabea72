//! Two masters, because the routers could not hear each other.

use anyhow::ensure;
use lb_tests::vrrp_lab::{PATIENCE, Role, Router, Settings, wait_role, wait_roles, with_vrrp_lab};
use lb_tests::wait::wait_until;

/// While the network is apart each is master. When it is whole again the one of lower priority
/// gives way, and lvx has said that there were two, and who the other was.
#[test]
fn a_second_master_is_named_and_its_end_is_told() {
    with_vrrp_lab(&["keepalived", "bridge"], |lab| {
        let settings = Settings::v3();
        let us = lab.ours(0, &settings.priority(200))?;
        let them = lab.keepalived(1, &settings.priority(150))?;
        wait_roles(&us, &them, &settings)?;
        lab.set_partition(true)?;
        wait_role(&them, Role::Master)?;
        wait_role(&us, Role::Master)?;
        lab.set_partition(false)?;
        wait_roles(&us, &them, &settings)?;
        let other = them.host().address(false).to_string();
        wait_until(
            "the second master in the log, come and gone",
            PATIENCE,
            || {
                let log = us.output();
                let told = log
                    .lines()
                    .filter(|line| line.contains("master") && line.contains(&other));
                Ok(told.count() >= 2)
            },
        )?;
        ensure!(us.role()? == Role::Master, "lvx has the higher priority");
        Ok(())
    });
}

/// The same the other way round: lvx gives way.
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
