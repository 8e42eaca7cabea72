//! FRR's vrrpd 8.4.

use lb_tests::vrrp_lab::{FRR_DIRECTORY, Frr, Settings, VrrpLab, with_vrrp_lab};

use crate::roles::{Other, both_ways};

const FRR: Other<Frr> = Other {
    start: VrrpLab::frr,
    stop: Frr::stop,
    heard_resignation: None,
};

fn with_frr(settings: &Settings) {
    let vrrpd = format!("{FRR_DIRECTORY}/vrrpd");
    with_vrrp_lab(&[&vrrpd, "vtysh"], |lab| {
        both_ways(lab, settings, settings, &FRR)
    });
}

#[test]
fn v2() {
    with_frr(&Settings::v2());
}

#[test]
fn v3() {
    with_frr(&Settings::v3());
}

#[test]
fn v3_over_ipv6() {
    with_frr(&Settings::v3_ipv6());
}
