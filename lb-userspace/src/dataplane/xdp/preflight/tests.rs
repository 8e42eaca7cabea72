use super::*;

fn facts(driver: &str) -> Facts {
    Facts {
        interface: "eth0".to_owned(),
        driver: driver.to_owned(),
        mtu: 1500,
        features: [].into(),
        channels: Channels::default(),
        cpus: 4,
        vlans: Vec::new(),
        bond: None,
        slave_of: None,
    }
}

const fn channels(combined: u32, max_combined: u32) -> Channels {
    Channels {
        combined,
        max_combined,
    }
}

fn features(on: &[(&str, bool)]) -> std::collections::BTreeMap<String, Feature> {
    let feature = |&(name, fixed): &(&str, bool)| (name.to_owned(), Feature { on: true, fixed });
    on.iter().map(feature).collect()
}

/// The one finding, with its text.
fn one(facts: &Facts) -> (Severity, String) {
    let findings = findings(facts, true);
    assert_eq!(findings.len(), 1, "{findings:?}");
    (findings[0].severity, findings[0].to_string())
}

#[track_caller]
fn expect(facts: &Facts, severity: Severity, fix: &str) {
    let (found, text) = one(facts);
    assert_eq!(found, severity, "{text}");
    assert!(text.ends_with(fix), "{text}");
}

#[track_caller]
fn fine(facts: &Facts) {
    assert_eq!(findings(facts, true), []);
}

#[test]
fn a_driver_without_known_traps_is_left_alone() {
    for driver in ["", "veth", "e1000e", "virtio_net", "mlx5_core"] {
        let channels = channels(4, 8);
        fine(&Facts {
            channels,
            ..facts(driver)
        });
    }
}

#[test]
fn virtio_wants_a_queue_per_processor_besides_its_own() {
    let with = |combined, most| Facts {
        channels: channels(combined, most),
        ..facts("virtio_net")
    };
    fine(&with(4, 8));
    expect(&with(8, 8), Severity::Warn, "ethtool -L eth0 combined 4");
    expect(&with(5, 8), Severity::Warn, "ethtool -L eth0 combined 4");
    // Fewer queues of its own would not help.
    expect(
        &with(4, 4),
        Severity::Warn,
        "give the virtual machine 8 queues on this interface",
    );
}

#[test]
fn ena_wants_half_of_its_channels() {
    let with = |combined, most| Facts {
        channels: channels(combined, most),
        ..facts("ena")
    };
    fine(&with(4, 8));
    expect(&with(5, 8), Severity::Refuse, "ethtool -L eth0 combined 4");
    expect(&with(1, 1), Severity::Refuse, "ethtool -L eth0 combined 1");
}

#[test]
fn ixgbe_has_queues_for_so_many_processors() {
    let with = |cpus| Facts {
        cpus,
        ..facts("ixgbe")
    };
    fine(&with(64));
    assert_eq!(one(&with(65)).0, Severity::Warn);
    assert_eq!(one(&with(129)).0, Severity::Refuse);
}

#[test]
fn i40e_wants_a_queue_per_processor_if_it_can_have_them() {
    let with = |combined, most| Facts {
        channels: channels(combined, most),
        ..facts("i40e")
    };
    fine(&with(4, 8));
    fine(&with(2, 2));
    expect(&with(2, 8), Severity::Warn, "ethtool -L eth0 combined 4");
}

#[test]
fn each_driver_has_a_largest_mtu() {
    let with = |driver: &str, mtu| Facts {
        mtu,
        channels: channels(4, 8),
        ..facts(driver)
    };
    fine(&with("ena", 3498));
    expect(
        &with("ena", 3499),
        Severity::Refuse,
        "ip link set dev eth0 mtu 3498",
    );
    expect(
        &with("gve", 9000),
        Severity::Refuse,
        "ip link set dev eth0 mtu 2032",
    );
    // Others take frames of several buffers in newer kernels, if the program does.
    expect(
        &with("virtio_net", 9000),
        Severity::Warn,
        "ip link set dev eth0 mtu 3502",
    );
    let without = findings(&with("virtio_net", 9000), false);
    assert_eq!(without[0].severity, Severity::Refuse);
    fine(&with("unknown", 65_000));
}

#[test]
fn merging_of_packets_is_switched_off_where_it_can_be() {
    let with = |driver: &str, on: &[(&str, bool)]| Facts {
        features: features(on),
        channels: channels(4, 8),
        ..facts(driver)
    };
    expect(
        &with("mlx5_core", &[("rx-lro", false)]),
        Severity::Warn,
        "ethtool -K eth0 lro off",
    );
    fine(&with("mlx5_core", &[("rx-gro-hw", false)]));
    fine(&with(
        "virtio_net",
        &[("rx-gro-hw", false), ("rx-lro", false)],
    ));
    let (severity, text) = one(&with("virtio_net", &[("rx-gro-hw", true)]));
    assert_eq!(severity, Severity::Refuse);
    assert!(text.contains("guest_tso4"), "{text}");
}

#[test]
fn tags_must_be_in_the_frame_if_there_are_vlans() {
    let with = |driver: &str, vlans: &[&str]| Facts {
        features: features(&[("rx-vlan-hw-parse", false)]),
        channels: channels(4, 8),
        vlans: vlans.iter().map(|name| (*name).to_owned()).collect(),
        ..facts(driver)
    };
    fine(&with("mlx5_core", &[]));
    fine(&with("veth", &["eth0.5"]));
    let tagged = with("mlx5_core", &["eth0.5", "eth0.6"]);
    expect(&tagged, Severity::Refuse, "ethtool -K eth0 rxvlan off");
    assert!(one(&tagged).1.contains("eth0.5, eth0.6"));
    fine(&Facts {
        features: [].into(),
        ..tagged
    });
}

#[test]
fn bonds_forward_in_some_modes() {
    let with = |mode, by_vlan| Facts {
        bond: Some(Bond { mode, by_vlan }),
        ..facts("bonding")
    };
    for mode in ["active-backup", "balance-rr", "balance-xor", "802.3ad"] {
        fine(&with(mode, false));
    }
    fine(&with("active-backup", true));
    assert_eq!(one(&with("balance-alb", false)).0, Severity::Refuse);
    expect(
        &with("802.3ad", true),
        Severity::Refuse,
        "ip link set dev eth0 type bond xmit_hash_policy layer2+3",
    );
    let part = Facts {
        slave_of: Some("bond0".to_owned()),
        ..facts("e1000e")
    };
    expect(
        &part,
        Severity::Warn,
        "name bond0 in the configuration instead",
    );
}
