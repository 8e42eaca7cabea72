//! Words that the program and the daemon change at the same time.
//!
//! `core` has no read-modify-write operations for BPF, because the first version of its
//! instruction set had none; the third one, which kernels know since 5.12, has them all.

use core::sync::atomic::AtomicU64;
#[cfg(not(target_arch = "bpf"))]
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// A 64-bit word of a map.
#[repr(transparent)]
#[derive(Debug, Default)]
pub struct Word(AtomicU64);

impl Word {
    #[inline(always)]
    #[must_use]
    pub fn load(&self) -> u64 {
        // An atomic load, which LLVM has no instruction for, is a plain one in BPF.
        #[cfg(target_arch = "bpf")]
        // SAFETY: the pointer is that of a live, aligned word; reads of eight bytes are whole.
        return unsafe { self.0.as_ptr().read_volatile() };
        #[cfg(not(target_arch = "bpf"))]
        self.0.load(Relaxed)
    }

    #[inline(always)]
    pub fn store(&self, value: u64) {
        #[cfg(target_arch = "bpf")]
        // SAFETY: as above.
        unsafe {
            self.0.as_ptr().write_volatile(value);
        }
        #[cfg(not(target_arch = "bpf"))]
        self.0.store(value, Relaxed);
    }

    /// Puts `new` in the place of `seen`; `false` if it was something else. Nothing is moved
    /// across it, neither by the compiler nor by the processor.
    #[inline(always)]
    #[must_use]
    pub fn exchange(&self, seen: u64, new: u64) -> bool {
        #[cfg(not(target_arch = "bpf"))]
        {
            self.0.compare_exchange(seen, new, SeqCst, SeqCst).is_ok()
        }
        #[cfg(target_arch = "bpf")]
        {
            use core::intrinsics::{AtomicOrdering as Order, atomic_cxchg};
            let word = self.0.as_ptr();
            // SAFETY: the pointer is that of a live atomic.
            unsafe { atomic_cxchg::<_, { Order::SeqCst }, { Order::SeqCst }>(word, seen, new) }.1
        }
    }
}

/// Adds to a number that others change likewise, and gives what it was.
///
/// # Safety
/// The pointer is aligned, and everybody uses the number by atomic operations while this runs.
#[inline(always)]
pub unsafe fn add(number: *mut u32, by: u32) -> u32 {
    #[cfg(not(target_arch = "bpf"))]
    {
        use core::sync::atomic::AtomicU32;
        // SAFETY: as the caller says.
        unsafe { AtomicU32::from_ptr(number) }.fetch_add(by, Relaxed)
    }
    #[cfg(target_arch = "bpf")]
    {
        use core::intrinsics::{AtomicOrdering, atomic_xadd};
        // A relaxed one loses its result: LLVM 22 makes it the instruction that gives none.
        // SAFETY: as the caller says.
        unsafe { atomic_xadd::<_, _, { AtomicOrdering::SeqCst }>(number, by) }
    }
}

const _: () = assert!(size_of::<Word>() == 8);
