//! `[global]`.

use std::path::PathBuf;

use lb_common::maglev::TableSize;

use super::block::{Block, Kind, Value};
use super::check::duplicates;
use super::reader::{absolute_path, choice, integer, interface, list, name, one_of};
use super::report::Report;
use super::{Global, PlaneChoice, Sync};

const PLANES: &[(&str, PlaneChoice)] = &[
    ("auto", PlaneChoice::Auto),
    ("xdp", PlaneChoice::Xdp),
    ("xdp-native", PlaneChoice::XdpNative),
    ("xdp-generic", PlaneChoice::XdpGeneric),
    ("ipvs", PlaneChoice::Ipvs),
];

pub(super) fn read(report: &mut Report<'_>, mut block: Block<'_>, host: &str) -> Option<Global> {
    let b = &mut block;
    let router_id = b.optional(report, "router_id", name);
    let dataplane = b.default(report, "dataplane", PlaneChoice::Auto, choice(PLANES));
    let runtime_dir = b.default(
        report,
        "runtime_dir",
        PathBuf::from("/run/lvx"),
        absolute_path,
    );
    let bpffs = b.default(
        report,
        "bpffs",
        PathBuf::from("/sys/fs/bpf/lvx"),
        absolute_path,
    );
    let interfaces = b.optional(report, "interfaces", list(interface));
    let interfaces = interfaces.flatten().map_or(Vec::new(), |list| list.items);
    duplicates(
        report,
        interfaces.iter().map(|i| (i.value.as_str(), &i.span)),
        |interface| format!("`interfaces` has {interface:?} twice"),
    );
    let table_size = b.default(report, "table_size", TableSize::DEFAULT, table_size);
    let sync = sync(report, b);
    block.finish(report, None);
    Some(Global {
        router_id: router_id?.unwrap_or(host).to_owned(),
        dataplane: dataplane?,
        runtime_dir: runtime_dir?,
        bpffs: bpffs?,
        interfaces: interfaces.into_iter().map(|i| i.value).collect(),
        table_size: table_size?,
        sync: sync?,
    })
}

/// `Some(None)`: absent; `None`: wrong, and reported.
fn sync(report: &mut Report<'_>, global: &mut Block<'_>) -> Option<Option<Sync>> {
    let Some(mut block) = global.block(report, "sync", Kind::Sync) else {
        return Some(None);
    };
    let interface = block.required(report, "interface", interface);
    let id = block.required(report, "id", integer(0, 255));
    block.finish(report, Some(global));
    Some(Some(Sync {
        interface: interface?,
        id: id?,
    }))
}

fn table_size(report: &mut Report<'_>, value: Value<'_>) -> Option<TableSize> {
    let slots: u32 = integer(1, 131_071)(report, value)?;
    let size = TableSize::new(slots);
    if size.is_none() {
        let sizes = one_of(TableSize::PRIMES);
        report
            .error(
                &value.span(),
                format!("`table_size` must be {sizes}, not {slots}"),
            )
            .hint("the sizes that the kernel's ip_vs_mh can have; the same on both directors");
    }
    size
}
