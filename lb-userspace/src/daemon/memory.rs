//! Memory that is free and that only the allocator knows to be.

/// Gives it back to the kernel: reading a file of ten thousand servers takes as much as running
/// with them. Later, when the memory is locked, it could not be given back any more.
pub(super) fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes an integer, the room to leave at the end of the heap.
    unsafe {
        libc::malloc_trim(0);
    }
}
