//! The maps, as the daemon and bpftool see them by name.

use aya_ebpf::Global;
use aya_ebpf::bindings::BPF_F_MMAPABLE;
use aya_ebpf::btf_maps::{Array, ArrayOfMaps, DevMapHash, HashMap, PerCpuArray, RingBuf};
use aya_ebpf::macros::btf_map;
use lb_common::index::{IndexEntry, PLACES};
use lb_common::layout::{
    Counter, Interface, Load, MAX_INTERFACES, MAX_REAL_SERVERS, MAX_SERVICES, RealServer,
    ReasonCount, Service, ServiceKey, Settings, Slot,
};
use lb_common::maglev::TableSize;
use lb_common::opened;
use lb_common::reason::{Note, Reason};
use lb_common::record::Bucket;
use lb_common::trace::{Event, Filter, Unseen};

const SERVICES: usize = MAX_SERVICES as usize;
const SERVERS: usize = MAX_REAL_SERVERS as usize;
const INTERFACES: usize = MAX_INTERFACES as usize;
const INDEX_PLACES: usize = PLACES as usize;
const SLOTS: usize = TableSize::DEFAULT.slots().get() as usize;
const MMAPABLE: usize = BPF_F_MMAPABLE as usize;
/// Of the events that wait to be read.
const TRACE_BYTES: usize = 1 << 18;
const SAMPLES: usize = opened::PLACES as usize;
/// The daemon sets the configured number.
const BUCKETS: usize = 1;

/// Slots of every Maglev table; set by the daemon before loading, then a constant.
#[unsafe(no_mangle)]
pub(crate) static TABLE_SIZE: Global<u32> = Global::new(TableSize::DEFAULT.slots().get());
/// Buckets of the maps of records less one, likewise.
#[unsafe(no_mangle)]
pub(crate) static EXCEPTIONS_MASK: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static PERSISTENCE_MASK: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
pub(crate) static FLOWS_MASK: Global<u32> = Global::new(0);

/// Not 0: there are services on port 0, for all ports of an address.
#[unsafe(no_mangle)]
pub(crate) static WILDCARDS: Global<u32> = Global::new(0);

/// Not 0: somebody watches by `lvx trace`.
#[unsafe(no_mangle)]
pub(crate) static TRACE: Global<u32> = Global::new(0);

/// Not 0: the program says in the daemon's log what it leaves to the kernel.
#[unsafe(no_mangle)]
pub(crate) static PROGRAM_LOG: Global<u32> = Global::new(0);

/// Which connections are sampled ([`opened::mask`]).
#[unsafe(no_mangle)]
pub(crate) static SAMPLE_MASK: Global<u32> = Global::new(opened::NO_SAMPLE);

/// For people and `bpftool`: the program itself looks services up in `service_index`.
#[btf_map(name = "services")]
static SERVICE_MAP: HashMap<ServiceKey, Service, SERVICES> = HashMap::new();

/// One inner map, swapped as a whole.
#[btf_map(name = "service_index")]
pub(crate) static SERVICE_INDEX: ArrayOfMaps<Array<IndexEntry, INDEX_PLACES, MMAPABLE>, 1> =
    ArrayOfMaps::new();

/// One inner map per service. The daemon creates the outer map for the configured table size.
#[btf_map(name = "tables")]
pub(crate) static TABLES: ArrayOfMaps<Array<Slot, SLOTS, MMAPABLE>, SERVICES> = ArrayOfMaps::new();

#[btf_map(name = "real_servers")]
pub(crate) static REAL_SERVERS: Array<RealServer, SERVERS, MMAPABLE> = Array::new();

/// By a real server's id: where in `real_servers` it is now, 0 = it takes no packets.
#[btf_map(name = "entries")]
pub(crate) static ENTRIES: Array<u64, SERVERS, MMAPABLE> = Array::new();

/// By a real server's id.
#[btf_map(name = "loads")]
pub(crate) static LOADS: Array<Load, SERVERS, MMAPABLE> = Array::new();

/// By a service's table: connections that were handed out in turn.
#[btf_map(name = "cursors")]
pub(crate) static CURSORS: Array<u32, SERVICES> = Array::new();

#[btf_map(name = "exceptions")]
pub(crate) static EXCEPTIONS: Array<Bucket, BUCKETS, MMAPABLE> = Array::new();

#[btf_map(name = "persistence")]
pub(crate) static PERSISTENCE: Array<Bucket, BUCKETS, MMAPABLE> = Array::new();

#[btf_map(name = "flows")]
pub(crate) static FLOWS: Array<Bucket, BUCKETS, MMAPABLE> = Array::new();

#[btf_map(name = "opened")]
pub(crate) static OPENED: Array<opened::Place, SAMPLES, MMAPABLE> = Array::new();

#[btf_map(name = "settings")]
pub(crate) static SETTINGS: Array<Settings, 1, MMAPABLE> = Array::new();

#[btf_map(name = "counters")]
pub(crate) static COUNTERS: PerCpuArray<Counter, SERVERS> = PerCpuArray::new();

#[btf_map(name = "reasons")]
pub(crate) static REASONS: PerCpuArray<ReasonCount, { Reason::ALL.len() }> = PerCpuArray::new();

#[btf_map(name = "notes")]
pub(crate) static NOTES: PerCpuArray<ReasonCount, { Note::ALL.len() }> = PerCpuArray::new();

#[btf_map(name = "interfaces")]
pub(crate) static INTERFACE_MAP: HashMap<u32, Interface, INTERFACES> = HashMap::new();

#[btf_map(name = "tx_ports")]
pub(crate) static TX_PORTS: DevMapHash<INTERFACES> = DevMapHash::new();

#[btf_map(name = "trace_filter")]
pub(crate) static TRACE_FILTER: Array<Filter, 1, MMAPABLE> = Array::new();

/// Nobody reads it unless there is a `lvx trace`.
#[btf_map(name = "trace_events")]
pub(crate) static TRACE_EVENTS: RingBuf<Event, TRACE_BYTES> = RingBuf::new();

/// Packets that were to be shown and were not.
#[btf_map(name = "trace_unseen")]
pub(crate) static TRACE_UNSEEN: PerCpuArray<ReasonCount, { Unseen::COUNT as usize }> =
    PerCpuArray::new();
