//! The maps, as the daemon and bpftool see them by name.

use aya_ebpf::Global;
use aya_ebpf::bindings::BPF_F_MMAPABLE;
use aya_ebpf::btf_maps::{Array, ArrayOfMaps, DevMapHash, HashMap, PerCpuArray};
use aya_ebpf::macros::btf_map;
use lb_common::index::{IndexEntry, PLACES};
use lb_common::layout::{
    Counter, Interface, MAX_INTERFACES, MAX_REAL_SERVERS, MAX_SERVICES, RealServer, ReasonCount,
    Service, ServiceKey, Slot,
};
use lb_common::maglev::TableSize;
use lb_common::reason::Reason;

const SERVICES: usize = MAX_SERVICES as usize;
const SERVERS: usize = MAX_REAL_SERVERS as usize;
const INTERFACES: usize = MAX_INTERFACES as usize;
const INDEX_PLACES: usize = PLACES as usize;
const SLOTS: usize = TableSize::DEFAULT.slots().get() as usize;
const MMAPABLE: usize = BPF_F_MMAPABLE as usize;

/// Slots of every Maglev table; set by the daemon before loading, then a constant.
#[unsafe(no_mangle)]
pub(crate) static TABLE_SIZE: Global<u32> = Global::new(TableSize::DEFAULT.slots().get());

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
pub(crate) static REAL_SERVERS: Array<RealServer, SERVERS> = Array::new();

#[btf_map(name = "counters")]
pub(crate) static COUNTERS: PerCpuArray<Counter, SERVERS> = PerCpuArray::new();

#[btf_map(name = "reasons")]
pub(crate) static REASONS: PerCpuArray<ReasonCount, { Reason::ALL.len() }> = PerCpuArray::new();

#[btf_map(name = "interfaces")]
pub(crate) static INTERFACE_MAP: HashMap<u32, Interface, INTERFACES> = HashMap::new();

#[btf_map(name = "tx_ports")]
pub(crate) static TX_PORTS: DevMapHash<INTERFACES> = DevMapHash::new();
