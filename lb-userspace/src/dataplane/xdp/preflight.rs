//! What is known to stand in the way of native XDP on some drivers, looked at before it is tried:
//! the kernel's own word for all of it is `EINVAL`. The decision is PURE; `facts` reads.

use std::fmt;

mod ethtool;
mod facts;

pub(super) use facts::{Facts, program_on};

/// What the kernel says of an interface's feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Feature {
    on: bool,
    /// It cannot be switched.
    fixed: bool,
}

/// Numbers of queues, now and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Channels {
    combined: u32,
    max_combined: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bond {
    mode: &'static str,
    /// Interfaces are chosen by VLAN and source MAC.
    by_vlan: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Severity {
    /// Native XDP would be refused, or forward wrongly.
    Refuse,
    Warn,
}

/// Something that is in the way, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    severity: Severity,
    what: String,
    /// A command, or what else is to be done.
    fix: String,
}

impl Finding {
    /// Native XDP is not to be tried.
    pub(super) fn refuses(&self) -> bool {
        self.severity == Severity::Refuse
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.fix)
    }
}

/// What is in the way of native XDP. `frags`: the program takes frames of several buffers.
pub(super) fn findings(facts: &Facts, frags: bool) -> Vec<Finding> {
    let checks = [mtu(facts, frags), queues(facts)];
    let more = [offload(facts), vlans(facts), bond(facts), slave(facts)];
    checks.into_iter().chain(more).flatten().collect()
}

fn refuse(what: impl Into<String>, fix: String) -> Option<Finding> {
    let severity = Severity::Refuse;
    let what = what.into();
    Some(Finding {
        severity,
        what,
        fix,
    })
}

fn warn(what: impl Into<String>, fix: String) -> Option<Finding> {
    let finding = refuse(what, fix);
    finding.map(|finding| Finding {
        severity: Severity::Warn,
        ..finding
    })
}

/// Largest MTU for frames in one buffer, and whether no kernel's driver takes larger ones.
const MTUS: [(&str, u32, bool); 8] = [
    ("ena", 3498, true),
    ("gve", 2032, true),
    ("ixgbe", 3050, true),
    ("ice", 3046, false),
    ("i40e", 3046, false),
    ("bnxt_en", 3502, false),
    ("virtio_net", 3502, false),
    ("mlx5_core", 3498, false),
];

fn mtu(facts: &Facts, frags: bool) -> Option<Finding> {
    let (driver, most, always) = MTUS.into_iter().find(|(name, ..)| *name == facts.driver)?;
    if facts.mtu <= most {
        return None;
    }
    let what = format!(
        "MTU {} is too large for {driver}, which takes {most}",
        facts.mtu
    );
    let fix = format!("ip link set dev {} mtu {most}", facts.interface);
    if always || !frags {
        return refuse(what, fix);
    }
    warn(format!("{what} before newer kernels"), fix)
}

fn queues(facts: &Facts) -> Option<Finding> {
    let Facts {
        interface,
        channels,
        cpus,
        ..
    } = facts;
    let Channels {
        combined,
        max_combined,
    } = *channels;
    match facts.driver.as_str() {
        // drivers/net/virtio_net.c, virtnet_xdp_set: without them all CPUs share locked queues.
        "virtio_net" if combined + cpus > max_combined => {
            let what = format!(
                "virtio_net needs a transmit queue per CPU besides its own, {combined} + {cpus} of \
                 {max_combined}, to send without locks"
            );
            let fix = if max_combined > *cpus {
                let less = max_combined - cpus;
                format!("ethtool -L {interface} combined {less}")
            } else {
                let wanted = 2 * cpus;
                format!("give the virtual machine {wanted} queues on this interface")
            };
            warn(what, fix)
        }
        // drivers/net/ethernet/amazon/ena, ena_xdp_allowed.
        "ena" if combined * 2 > max_combined => refuse(
            format!("ena needs half of its {max_combined} channels for XDP, {combined} are in use"),
            format!(
                "ethtool -L {interface} combined {}",
                (max_combined / 2).max(1)
            ),
        ),
        // drivers/net/ethernet/intel/ixgbe, ixgbe_xdp_setup: one queue for two CPUs at least.
        "ixgbe" if *cpus > 128 => refuse(
            format!("ixgbe has XDP queues for 128 CPUs, this machine has {cpus}"),
            "start the kernel with nr_cpus=128".to_owned(),
        ),
        "ixgbe" if *cpus > 64 => warn(
            format!("ixgbe has 64 XDP queues for {cpus} CPUs: older kernels refuse"),
            "start the kernel with nr_cpus=64 if it does".to_owned(),
        ),
        // Redirects to it fail on CPUs without a queue of their own.
        "i40e" | "ice" if combined < *cpus && channels.max_combined >= *cpus => warn(
            format!("{} has {combined} queues for {cpus} CPUs", facts.driver),
            format!("ethtool -L {interface} combined {cpus}"),
        ),
        _ => None,
    }
}

fn offload(facts: &Facts) -> Option<Finding> {
    let interface = &facts.interface;
    for name in ["rx-gro-hw", "rx-lro"] {
        let Some(feature) = facts.features.get(name).filter(|feature| feature.on) else {
            continue;
        };
        if feature.fixed && facts.driver == "virtio_net" {
            return refuse(
                format!("the host merges this virtual machine's packets ({name}), for good"),
                "switch off guest_tso4, guest_tso6, guest_ecn, guest_ufo and guest_csum of the \
                 interface in the hypervisor"
                    .to_owned(),
            );
        }
        // virtio_net switches off by itself what can be switched.
        if name == "rx-lro" && !feature.fixed && facts.driver != "virtio_net" {
            return warn(
                "large receive offload merges packets before XDP sees them",
                format!("ethtool -K {interface} lro off"),
            );
        }
    }
    None
}

/// With the offload on, the NIC takes the tag off the frame, and a forwarded frame loses it.
fn vlans(facts: &Facts) -> Option<Finding> {
    let on = facts.features.get("rx-vlan-hw-parse")?;
    if !on.on || facts.vlans.is_empty() {
        return None;
    }
    let what = format!(
        "VLAN offload hides the tags of {} from XDP",
        facts.vlans.join(", ")
    );
    let fix = format!("ethtool -K {} rxvlan off", facts.interface);
    // A veth pair hands on what the sending end makes: this end's switch says nothing.
    if facts.driver == "veth" {
        return None;
    }
    refuse(what, fix)
}

/// drivers/net/bonding/bond_main.c, bond_xdp_check.
fn bond(facts: &Facts) -> Option<Finding> {
    let bond = facts.bond.as_ref()?;
    let interface = &facts.interface;
    let able = ["active-backup", "balance-rr", "balance-xor", "802.3ad"];
    if !able.contains(&bond.mode) {
        return refuse(
            format!("a bond in mode {} has no native XDP", bond.mode),
            format!("ip link set dev {interface} type bond mode 802.3ad (while it is down)"),
        );
    }
    if bond.by_vlan && matches!(bond.mode, "balance-xor" | "802.3ad") {
        return refuse(
            "a bond that hashes by vlan+srcmac has no native XDP",
            format!("ip link set dev {interface} type bond xmit_hash_policy layer2+3"),
        );
    }
    None
}

fn slave(facts: &Facts) -> Option<Finding> {
    let master = facts.slave_of.as_ref()?;
    warn(
        format!("it is part of {master}, whose other parts do not carry the program"),
        format!("name {master} in the configuration instead"),
    )
}

#[cfg(test)]
mod tests;
