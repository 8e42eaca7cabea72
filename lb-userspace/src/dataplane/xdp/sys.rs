//! `bpf(2)` calls that aya 0.14 has no API for: maps of our own making, maps of maps, batches.
//! Sources: include/uapi/linux/bpf.h, kernel/bpf/syscall.c.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use aya_obj::generated::{bpf_attr, bpf_cmd, bpf_map_info, bpf_map_type};

/// The kernel's own "not supported", which has no name in libc.
const ENOTSUPP: i32 = 524;

/// A plain-old-data key or value: all bytes belong to fields.
///
/// # Safety
/// The type is `#[repr(C)]` or `#[repr(transparent)]` without padding.
pub(super) unsafe trait Pod: Copy {}

// SAFETY: integers have no padding.
unsafe impl Pod for u32 {}
macro_rules! pod {
    ($($layout:ty),*) => {$(
        // SAFETY: lb-common's layouts are repr(C) or transparent and pad by named fields only.
        unsafe impl Pod for $layout {}
    )*};
}
pod!(
    lb_common::layout::ServiceKey,
    lb_common::layout::Service,
    lb_common::layout::RealServer,
    lb_common::layout::Interface,
    lb_common::layout::Settings
);

fn empty_attr() -> bpf_attr {
    // SAFETY: all variants of the union are integers, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<i64> {
    // SAFETY: `attr` is a whole bpf_attr; the pointers in it are the callers' live slices.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            std::ptr::from_mut(attr),
            size_of::<bpf_attr>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

fn new_fd(fd: i64) -> OwnedFd {
    // SAFETY: bpf(2) returned it just now, so nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

/// Shape of a map.
pub(super) struct MapShape<'a> {
    pub(super) kind: bpf_map_type,
    pub(super) name: &'a str,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) flags: u32,
    /// Template of the inner maps of a map of maps.
    pub(super) inner: Option<BorrowedFd<'a>>,
}

/// Creates a map with `u32` keys.
pub(super) fn create_map(shape: &MapShape<'_>) -> io::Result<OwnedFd> {
    let mut attr = empty_attr();
    // SAFETY: all variants start zeroed.
    let create = unsafe { &mut attr.__bindgen_anon_1 };
    create.map_type = shape.kind as u32;
    create.key_size = size_of::<u32>() as u32;
    create.value_size = shape.value_size;
    create.max_entries = shape.max_entries;
    create.map_flags = shape.flags;
    create.inner_map_fd = shape.inner.map_or(0, |fd| fd.as_raw_fd() as u32);
    // The last byte stays the terminating zero.
    let room = create.map_name.len() - 1;
    for (to, from) in create.map_name[..room].iter_mut().zip(shape.name.bytes()) {
        *to = from as libc::c_char;
    }
    bpf(bpf_cmd::BPF_MAP_CREATE, &mut attr).map(new_fd)
}

/// Makes `fd` visible at `path`, which lies on a bpffs.
pub(super) fn pin(fd: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut attr = empty_attr();
    // SAFETY: all variants start zeroed.
    let object = unsafe { &mut attr.__bindgen_anon_4 };
    object.pathname = path.as_ptr() as u64;
    object.bpf_fd = fd.as_raw_fd() as u32;
    bpf(bpf_cmd::BPF_OBJ_PIN, &mut attr).map(drop)
}

/// Sets all keys in one call; one by one where the kernel knows no batches for this map.
pub(super) fn update_batch<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    entries: impl IntoIterator<Item = (K, V)>,
) -> io::Result<()> {
    let (keys, values): (Vec<K>, Vec<V>) = entries.into_iter().unzip();
    if keys.is_empty() {
        return Ok(());
    }
    let mut attr = empty_attr();
    attr.batch.keys = keys.as_ptr() as u64;
    attr.batch.values = values.as_ptr() as u64;
    // SAFETY: the variant in use.
    let batch = unsafe { &mut attr.batch };
    batch.count = keys.len() as u32;
    batch.map_fd = map.as_raw_fd() as u32;
    match bpf(bpf_cmd::BPF_MAP_UPDATE_BATCH, &mut attr) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | ENOTSUPP)) => keys
            .iter()
            .zip(&values)
            .try_for_each(|(key, value)| update(map, key, value)),
        Err(error) => Err(error),
    }
}

fn update<K: Pod, V: Pod>(map: BorrowedFd<'_>, key: &K, value: &V) -> io::Result<()> {
    let mut attr = element(map, key);
    // SAFETY: `element` filled this variant.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.__bindgen_anon_1.value = std::ptr::from_ref(value) as u64;
    bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attr).map(drop)
}

/// Removes a key; one that is not there is no error.
pub(super) fn delete<K: Pod>(map: BorrowedFd<'_>, key: &K) -> io::Result<()> {
    match bpf(bpf_cmd::BPF_MAP_DELETE_ELEM, &mut element(map, key)) {
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The id of the inner map that a map of maps holds at `index` now.
pub(super) fn inner_id(outer: BorrowedFd<'_>, index: u32) -> io::Result<u32> {
    lookup(outer, &index)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

fn element<K: Pod>(map: BorrowedFd<'_>, key: &K) -> bpf_attr {
    let mut attr = empty_attr();
    // SAFETY: all variants start zeroed.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = map.as_raw_fd() as u32;
    element.key = std::ptr::from_ref(key) as u64;
    attr
}

/// The value of a key, if it is there.
pub(super) fn lookup<K: Pod, V: Pod + Default>(
    map: BorrowedFd<'_>,
    key: &K,
) -> io::Result<Option<V>> {
    let mut value = V::default();
    let mut attr = element(map, key);
    // SAFETY: `element` filled this variant.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.__bindgen_anon_1.value = std::ptr::from_mut(&mut value) as u64;
    match bpf(bpf_cmd::BPF_MAP_LOOKUP_ELEM, &mut attr) {
        Ok(_) => Ok(Some(value)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All keys of a hash map.
pub(super) fn keys<K: Pod + Default>(map: BorrowedFd<'_>) -> io::Result<Vec<K>> {
    let mut keys = Vec::new();
    loop {
        let mut next = K::default();
        let mut attr = empty_attr();
        // SAFETY: all variants start zeroed.
        let element = unsafe { &mut attr.__bindgen_anon_2 };
        element.map_fd = map.as_raw_fd() as u32;
        element.key = keys
            .last()
            .map_or(0, |last| std::ptr::from_ref(last) as u64);
        element.__bindgen_anon_1.next_key = std::ptr::from_mut(&mut next) as u64;
        match bpf(bpf_cmd::BPF_MAP_GET_NEXT_KEY, &mut attr) {
            Ok(_) => keys.push(next),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(keys),
            Err(error) => return Err(error),
        }
    }
}

/// The map that is pinned at `path`.
pub(super) fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut attr = empty_attr();
    // SAFETY: all variants start zeroed.
    let object = unsafe { &mut attr.__bindgen_anon_4 };
    object.pathname = path.as_ptr() as u64;
    bpf(bpf_cmd::BPF_OBJ_GET, &mut attr).map(new_fd)
}

/// The map with this id.
pub(super) fn map_by_id(id: u32) -> io::Result<OwnedFd> {
    let mut attr = empty_attr();
    // SAFETY: all variants start zeroed.
    let get = unsafe { &mut attr.__bindgen_anon_6 };
    get.__bindgen_anon_1.map_id = id;
    bpf(bpf_cmd::BPF_MAP_GET_FD_BY_ID, &mut attr).map(new_fd)
}

/// The link with this id.
pub(super) fn link_by_id(id: u32) -> io::Result<OwnedFd> {
    let mut attr = empty_attr();
    // SAFETY: all variants start zeroed.
    let get = unsafe { &mut attr.__bindgen_anon_6 };
    get.__bindgen_anon_1.link_id = id;
    bpf(bpf_cmd::BPF_LINK_GET_FD_BY_ID, &mut attr).map(new_fd)
}

/// What a map is, as far as two maps can be taken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MapInfo {
    pub(super) kind: u32,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
}

pub(super) fn map_info(map: BorrowedFd<'_>) -> io::Result<MapInfo> {
    let info = info(map)?;
    Ok(MapInfo {
        kind: info.type_,
        key_size: info.key_size,
        value_size: info.value_size,
        max_entries: info.max_entries,
    })
}

/// The kernel's id of a map.
pub(super) fn map_id(map: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(info(map)?.id)
}

fn info(map: BorrowedFd<'_>) -> io::Result<bpf_map_info> {
    // SAFETY: bpf_map_info is made of integers.
    let mut info: bpf_map_info = unsafe { std::mem::zeroed() };
    let mut attr = empty_attr();
    attr.info.bpf_fd = map.as_raw_fd() as u32;
    attr.info.info_len = size_of::<bpf_map_info>() as u32;
    attr.info.info = std::ptr::from_mut(&mut info) as u64;
    bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attr)?;
    Ok(info)
}
