//! Array maps in this process's memory.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};

/// The values of an mmapable array map.
pub struct Mapping<T> {
    start: NonNull<T>,
    length: usize,
    values: PhantomData<T>,
}

// SAFETY: the memory belongs to the kernel's map and can be used from any thread.
unsafe impl<T: Send> Send for Mapping<T> {}

impl<T> Mapping<T> {
    /// # Errors
    /// The kernel does not map it.
    ///
    /// # Safety
    /// The map is an mmapable array of at least `length` values of type `T`, whose size is a
    /// multiple of 8, and all patterns of bits are values of `T`. Programs that write to it while
    /// it is mapped do so by atomic operations on what are atomics in `T`.
    pub unsafe fn new(map: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        // SAFETY: a fresh shared mapping of a map; nothing else points into it.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length * size_of::<T>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("mapped at 0"))?;
        Ok(Self {
            start,
            length,
            values: PhantomData,
        })
    }

    #[must_use]
    pub fn values(&self) -> &[T] {
        // SAFETY: `new` mapped as many; what its caller promised makes it a slice of T.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    pub fn values_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl<T> Drop for Mapping<T> {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and no reference outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length * size_of::<T>()) };
    }
}
