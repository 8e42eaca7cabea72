//! Our advertisements as Wireshark sees them.

use anyhow::{Result, ensure};
use lb_tests::vrrp_lab::{Capture, Checksum, Decoded, Settings, VrrpLab, with_vrrp_lab};

const TOOLS: &[&str] = &["tcpdump", "tshark"];

/// The master's first advertisements and its last, of priority 0.
fn captured(lab: &VrrpLab, settings: &Settings, judged_as: Checksum) -> Result<Vec<Decoded>> {
    let capture = Capture::start(&lab.client, 4)?;
    let us = lab.ours(0, &settings.priority(200))?;
    lb_tests::wait::wait_until("three advertisements", lb_tests::vrrp_lab::PATIENCE, || {
        Ok(us.adverts_sent()? >= 3)
    })?;
    us.stop()?;
    capture.decode(judged_as)
}

fn decodes_without_a_complaint(settings: &Settings) {
    with_vrrp_lab(TOOLS, |lab| {
        let decoded = captured(lab, settings, settings.checksum)?;
        ensure!(decoded.len() == 4, "{decoded:?}");
        for advertisement in &decoded {
            ensure!(
                advertisement.version == settings.version
                    && advertisement.checksum_good
                    && advertisement.complaints.is_empty(),
                "{advertisement:?}"
            );
        }
        let first = decoded.first().map(|first| first.priority);
        ensure!(first == Some(200), "{decoded:?}");
        Ok(())
    });
}

#[test]
fn v2_decodes() {
    decodes_without_a_complaint(&Settings::v2());
}

#[test]
fn v2_with_a_password_decodes() {
    decodes_without_a_complaint(&Settings {
        password: Some("s3cret"),
        ..Settings::v2()
    });
}

#[test]
fn v3_decodes() {
    decodes_without_a_complaint(&Settings::v3());
}

#[test]
fn v3_over_ipv6_decodes() {
    decodes_without_a_complaint(&Settings::v3_ipv6());
}

/// Right by the preference `vrrp.v3_checksum_as_in_v2`, and, so that this says something, wrong
/// without it: Wireshark's default is the other form.
#[test]
fn v3_with_the_checksum_of_rfc_9568_decodes() {
    let settings = Settings {
        checksum: Checksum::Message,
        ..Settings::v3()
    };
    decodes_without_a_complaint(&settings);
    with_vrrp_lab(TOOLS, |lab| {
        let decoded = captured(lab, &settings, Checksum::PseudoHeader)?;
        ensure!(
            decoded.iter().all(|it| !it.checksum_good),
            "Wireshark cannot tell the forms apart: {decoded:?}"
        );
        Ok(())
    });
}
