//! What depends on time: giving up, and a master with another interval.

use std::time::{Duration, Instant};

use anyhow::ensure;
use lb_tests::vrrp_lab::{PATIENCE, Role, Router, Settings, wait_role, wait_roles, with_vrrp_lab};
use lb_tests::wait::wait_until;

use crate::roles::stays_backup;

const TOOLS: &[&str] = &["keepalived"];

/// With 2 s and priority 250 a backup takes over 47 ms after a priority 0, and more than 4 s after
/// the last advertisement of a master that is silent.
const SLOW: Duration = Duration::from_secs(2);
const SKEW_NOT_SILENCE: Duration = Duration::from_secs(3);

#[test]
fn keepalived_takes_over_at_once_from_lvx() {
    with_vrrp_lab(TOOLS, |lab| {
        let settings = Settings::v3().interval(SLOW);
        let us = lab.ours(0, &settings.priority(254))?;
        let them = lab.keepalived(1, &settings.priority(250))?;
        wait_roles(&us, &them, &settings)?;
        let start = Instant::now();
        us.stop()?;
        wait_role(&them, Role::Master)?;
        let took = start.elapsed();
        ensure!(took < SKEW_NOT_SILENCE, "it took {took:?}");
        Ok(())
    });
}

#[test]
fn lvx_takes_over_at_once_from_keepalived() {
    with_vrrp_lab(TOOLS, |lab| {
        let settings = Settings::v3().interval(SLOW);
        let them = lab.keepalived(1, &settings.priority(254))?;
        let us = lab.ours(0, &settings.priority(250))?;
        wait_roles(&them, &us, &settings)?;
        // Without one it would only have its own timer from the start.
        wait_until("an advertisement", PATIENCE, || {
            Ok(us.adverts_received()? > 0)
        })?;
        let start = Instant::now();
        them.stop()?;
        wait_role(&us, Role::Master)?;
        let took = start.elapsed();
        ensure!(took < SKEW_NOT_SILENCE, "it took {took:?}");
        Ok(())
    });
}

/// RFC 9568 section 6.4.2: a backup takes the master's interval. By its own it would take over
/// between any two advertisements.
#[test]
fn a_backup_learns_a_slower_masters_interval() {
    with_vrrp_lab(TOOLS, |lab| {
        let slow = Settings::v3().interval(Duration::from_secs(1));
        let fast = Settings::v3().interval(Duration::from_millis(100));

        let them = lab.keepalived(1, &slow.priority(200))?;
        wait_role(&them, Role::Master)?;
        let us = lab.ours(0, &fast.priority(100))?;
        wait_until("an advertisement", PATIENCE, || {
            Ok(us.adverts_received()? > 0)
        })?;
        stays_backup(&us, &them, &fast)?;
        us.stop()?;
        them.stop()?;

        let us = lab.ours(0, &slow.priority(200))?;
        wait_role(&us, Role::Master)?;
        let them = lab.keepalived(1, &fast.priority(100))?;
        let first = us.adverts_sent()?;
        wait_until("an advertisement", PATIENCE, || {
            Ok(us.adverts_sent()? > first)
        })?;
        wait_roles(&us, &them, &fast)?;
        let masters = them.output().matches("Entering MASTER").count();
        let before = us.adverts_sent()?;
        wait_until("five advertisements", PATIENCE, || {
            Ok(us.adverts_sent()? >= before + 5)
        })?;
        wait_roles(&us, &them, &fast)?;
        let after = them.output().matches("Entering MASTER").count();
        ensure!(masters == after, "keepalived took over:\n{}", them.log());
        Ok(())
    });
}
