//! All pointer arithmetic on packets.

use core::marker::PhantomData;

/// The bytes of one frame, between two addresses.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    start: usize,
    end: usize,
    bytes: PhantomData<&'a [u8]>,
}

impl Frame<'_> {
    /// # Safety
    /// `start..end` must be readable (and writable, if the pointers of [`Self::at`] are written
    /// through) for the lifetime of the result.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            bytes: PhantomData,
        }
    }

    /// Where a `T` lies at `offset`, if all of it is inside the frame. Nothing says that it is
    /// aligned: `T` is an array of bytes, or the pointer is read unaligned.
    #[inline(always)]
    #[must_use]
    pub const fn at<T>(&self, offset: usize) -> Option<*mut T> {
        // The verifier learns the bound from this very comparison.
        if self.start + offset + size_of::<T>() > self.end {
            return None;
        }
        Some((self.start + offset) as *mut T)
    }

    /// The `T`, made of integers, at `offset`. A single byte only inside what was read before: the
    /// compiler makes `pointer < end` of its bound, which tells the verifier nothing.
    #[inline(always)]
    #[must_use]
    pub const fn read<T: Integers>(&self, offset: usize) -> Option<T> {
        let Some(pointer) = self.at::<T>(offset) else {
            return None;
        };
        // SAFETY: inside the frame, and every pattern of bits is a value of integers.
        Some(unsafe { pointer.read_unaligned() })
    }

    /// What follows the first `offset` bytes, if anything may. For offsets that a packet tells:
    /// reads in the result are bounded by themselves, whatever the compiler knows about sums.
    #[inline(always)]
    #[must_use]
    pub fn after(&self, offset: usize) -> Self {
        Self {
            start: opaque(self.start + offset),
            ..*self
        }
    }

    /// The 16 bytes of an IPv6 address at `offset`, as two words.
    #[inline(always)]
    #[must_use]
    pub fn words(&self, offset: usize) -> Option<[u64; 2]> {
        let pointer = self.at::<[u32; 4]>(offset)?.cast::<u32>();
        // SAFETY: inside the frame. BPF code needs no alignment; on the host, where this is
        // tested, the reads are unaligned ones. Volatile reads are not put together to wider
        // ones, which kernels without efficient unaligned access refuse (see `mac`).
        let [a, b, c, d] = unsafe {
            let word = |index: usize| read_piece(pointer.add(index));
            [word(0), word(1), word(2), word(3)]
        };
        Some([a | b << 32, c | d << 32])
    }

    #[inline(always)]
    #[must_use]
    pub const fn length(&self) -> usize {
        self.end.wrapping_sub(self.start)
    }
}

/// A number of which the verifier knows nothing any more: it checks what follows once, and not for
/// each way on which the number came about. Exported, because it looks at such functions by
/// themselves.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn forget_number(number: u32) -> u32 {
    opaque(number as usize) as u32
}

/// The same address, of which the compiler does not know where it comes from: else it computes the
/// bound and the access from different sums, and the verifier cannot tell that they belong together.
#[inline(always)]
pub fn opaque(address: usize) -> usize {
    #[cfg(target_arch = "bpf")]
    {
        let mut address = address;
        // SAFETY: it copies a register to itself. (With no instruction at all, its line number is
        // that of the next one, and the kernel wants one for each.)
        unsafe { core::arch::asm!("{0} = {0}", inout(reg) address, options(pure, nomem)) };
        address
    }
    #[cfg(not(target_arch = "bpf"))]
    address
}

/// Four bytes as they lie in memory.
///
/// # Safety
/// They can be read.
#[inline(always)]
unsafe fn read_piece(pointer: *const u32) -> u64 {
    // SAFETY: as the caller says.
    u64::from(unsafe {
        if cfg!(target_arch = "bpf") {
            pointer.read_volatile()
        } else {
            pointer.read_unaligned()
        }
    })
}

/// Types without invalid values.
pub trait Integers: Copy {}

impl Integers for u8 {}
impl Integers for u16 {}
impl Integers for u32 {}
