//! Every form of VRRP that keepalived 2.2 speaks.

use std::time::Duration;

use anyhow::{Context, ensure};
use lb_tests::vrrp_lab::{
    Keepalived, PATIENCE, Role, Router, Settings, VrrpLab, wait_role, wait_roles, with_vrrp_lab,
};
use lb_tests::wait::wait_until;

use crate::roles::{Other, both_ways, stays_backup};

const TOOLS: &[&str] = &["keepalived"];

const KEEPALIVED: Other<Keepalived> = Other {
    start: VrrpLab::keepalived,
    stop: Keepalived::stop,
    heard_resignation: Some("received priority 0"),
};

fn with_keepalived(ours: &Settings, theirs: &Settings) {
    with_vrrp_lab(TOOLS, |lab| both_ways(lab, ours, theirs, &KEEPALIVED));
}

#[test]
fn v2_without_authentication() {
    with_keepalived(&Settings::v2(), &Settings::v2());
}

#[test]
fn v2_with_a_password() {
    let settings = Settings {
        password: Some("s3cret"),
        ..Settings::v2()
    };
    with_keepalived(&settings, &settings);
}

#[test]
fn v3_with_the_checksum_over_the_pseudo_header() {
    with_keepalived(&Settings::v3(), &Settings::v3());
}

#[test]
fn v3_over_ipv6() {
    with_keepalived(&Settings::v3_ipv6(), &Settings::v3_ipv6());
}

#[test]
fn unicast() {
    let settings = Settings {
        unicast: true,
        ..Settings::v3()
    };
    with_keepalived(&settings, &settings);
}

#[test]
fn unicast_over_ipv6() {
    let settings = Settings {
        unicast: true,
        ..Settings::v3_ipv6()
    };
    with_keepalived(&settings, &settings);
}

#[test]
fn unicast_v2_with_a_password() {
    let settings = Settings {
        unicast: true,
        password: Some("s3cret"),
        ..Settings::v2()
    };
    with_keepalived(&settings, &settings);
}

#[test]
fn v3_every_100_ms() {
    let settings = Settings::v3().interval(Duration::from_millis(100));
    with_keepalived(&settings, &settings);
}

#[test]
fn v3_every_10_ms() {
    let settings = Settings::v3().interval(Duration::from_millis(10));
    with_keepalived(&settings, &settings);
}

/// A higher priority does not take over from a master without `preempt`, on either side.
#[test]
fn without_preempt_the_master_stays() {
    with_vrrp_lab(TOOLS, |lab| {
        let high = Settings {
            preempt: false,
            ..Settings::v3().priority(200)
        };
        let low = Settings::v3().priority(100);

        let them = lab.keepalived(1, &low)?;
        wait_role(&them, Role::Master)?;
        let us = lab.ours(0, &high)?;
        stays_backup(&us, &them, &high).context("lvx must not preempt")?;
        us.stop()?;
        them.stop()?;

        let us = lab.ours(0, &low)?;
        wait_role(&us, Role::Master)?;
        let them = lab.keepalived(1, &high)?;
        wait_roles(&us, &them, &high)?;
        let before = us.adverts_sent()?;
        wait_until("twenty advertisements", PATIENCE, || {
            Ok(us.adverts_sent()? >= before + 20)
        })?;
        wait_roles(&us, &them, &high)?;
        let masters = them.output().matches("Entering MASTER").count();
        ensure!(masters == 0, "keepalived must not preempt:\n{}", them.log());
        Ok(())
    });
}

/// With version 2 this cannot be seen from the protocol: both drop the other's advertisements, and
/// both are master. So the counter and the log must tell.
#[test]
fn v2_with_different_passwords_is_counted_and_named() {
    with_vrrp_lab(TOOLS, |lab| {
        let password = |password| Settings {
            password: Some(password),
            ..Settings::v2()
        };
        let them = lab.keepalived(1, &password("theirs"))?;
        let us = lab.ours(0, &password("ours"))?;
        wait_role(&them, Role::Master)?;
        wait_role(&us, Role::Master)?;
        wait_until("a wrong password to be counted", PATIENCE, || {
            Ok(us.errors("auth_data")? > 0)
        })?;
        let log = us.output();
        let named = log.lines().any(|line| {
            line.contains("wrong password")
                && line.contains(&them.host().address(false).to_string())
        });
        ensure!(
            named,
            "the log does not say who has another password:\n{log}"
        );
        ensure!(!log.contains("theirs"), "the log has a password in it");
        Ok(())
    });
}
