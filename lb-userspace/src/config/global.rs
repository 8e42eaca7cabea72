//! `[global]`.

use std::num::NonZeroU8;
use std::path::PathBuf;

use lb_common::maglev::TableSize;
use lb_common::opened::{DEFAULT_SAMPLE, MAX_SAMPLE};

use super::block::{Block, Kind, Value};
use super::check::{SCRIPT_USER, duplicates};
use super::command::user;
use super::reader::{
    absolute_path, boolean, choice, integer, interface, list, name, one_of, or_off,
};
use super::report::Report;
use super::{Global, Maps, PlaneChoice, ProgramLog, Realtime, Sync};

const PLANES: &[(&str, PlaneChoice)] = &[
    ("auto", PlaneChoice::Auto),
    ("xdp", PlaneChoice::Xdp),
    ("xdp-native", PlaneChoice::XdpNative),
    ("xdp-generic", PlaneChoice::XdpGeneric),
    ("ipvs", PlaneChoice::Ipvs),
];
const LOG_LEVELS: &[(&str, ProgramLog)] = &[
    ("off", ProgramLog::Off),
    ("error", ProgramLog::Error),
    ("warn", ProgramLog::Warn),
    ("info", ProgramLog::Info),
    ("debug", ProgramLog::Debug),
];

const LEAST_ROOM: u32 = 1 << 10;
const MOST_ROOM: u32 = 1 << 24;

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
    let state_dir = b.default(
        report,
        "state_dir",
        PathBuf::from("/var/lib/lvx"),
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
    let maps = maps(report, b);
    let program_log = b.default(report, "program_log", ProgramLog::Off, choice(LOG_LEVELS));
    let passive_sample = b.default(
        report,
        "passive_sample",
        Some(DEFAULT_SAMPLE),
        or_off(|report, value| power_of_two(report, value, 1, MAX_SAMPLE)),
    );
    let realtime = realtime(report, b);
    let script_user = b.default(report, "script_user", SCRIPT_USER.to_owned(), user);
    let notify_fifo = b.optional(report, "notify_fifo", absolute_path);
    block.finish(report, None);
    Some(Global {
        router_id: router_id?.unwrap_or(host).to_owned(),
        dataplane: dataplane?,
        runtime_dir: runtime_dir?,
        state_dir: state_dir?,
        bpffs: bpffs?,
        interfaces: interfaces.into_iter().map(|i| i.value).collect(),
        table_size: table_size?,
        sync: sync?,
        maps: maps?,
        program_log: program_log?,
        passive_sample: passive_sample?,
        realtime: realtime?,
        script_user: script_user?,
        notify_fifo: notify_fifo?,
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

fn maps(report: &mut Report<'_>, global: &mut Block<'_>) -> Option<Maps> {
    let default = Maps::default();
    let Some(mut block) = global.block(report, "maps", Kind::Maps) else {
        return Some(default);
    };
    let b = &mut block;
    let exceptions = b.default(report, "exceptions", default.exceptions, room);
    let persistence = b.default(report, "persistence", default.persistence, room);
    let flows = b.default(report, "flows", default.flows, room);
    block.finish(report, Some(global));
    Some(Maps {
        exceptions: exceptions?,
        persistence: persistence?,
        flows: flows?,
    })
}

fn realtime(report: &mut Report<'_>, global: &mut Block<'_>) -> Option<Realtime> {
    let default = Realtime::default();
    let Some(mut block) = global.block(report, "realtime", Kind::Realtime) else {
        return Some(default);
    };
    let b = &mut block;
    let priority = b.default(
        report,
        "priority",
        default.priority,
        or_off(|report, value| NonZeroU8::new(integer(1, 99)(report, value)?)),
    );
    let lock_memory = b.default(report, "lock_memory", default.lock_memory, boolean);
    block.finish(report, Some(global));
    Some(Realtime {
        priority: priority?,
        lock_memory: lock_memory?,
    })
}

/// Records of a map.
fn room(report: &mut Report<'_>, value: Value<'_>) -> Option<u32> {
    power_of_two(report, value, LEAST_ROOM, MOST_ROOM)
}

fn power_of_two(report: &mut Report<'_>, value: Value<'_>, least: u32, most: u32) -> Option<u32> {
    let number: u32 = integer(least.into(), most.into())(report, value)?;
    if number.is_power_of_two() {
        return Some(number);
    }
    let above = number.next_power_of_two();
    let below = above / 2;
    let nearest = if number - below < above - number {
        below
    } else {
        above
    };
    let subject = value.subject();
    report
        .error(
            &value.span(),
            format!("{subject} must be a power of two, not {number}"),
        )
        .hint(format!("the nearest one is {nearest}"));
    None
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
