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

    /// The `T`, made of integers, at `offset`.
    #[inline(always)]
    #[must_use]
    pub const fn read<T: Integers>(&self, offset: usize) -> Option<T> {
        let Some(pointer) = self.at::<T>(offset) else {
            return None;
        };
        // SAFETY: inside the frame, and every pattern of bits is a value of integers.
        Some(unsafe { pointer.read_unaligned() })
    }
}

/// Types without invalid values.
pub trait Integers: Copy {}

impl Integers for u8 {}
impl Integers for u16 {}
impl Integers for u32 {}
