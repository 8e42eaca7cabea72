//! The pure parts of the programs: they compile and are tested on the host, too.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

pub mod frame;
pub mod mac;
pub mod parse;
pub mod translate;
pub mod vlan;

/// The license that helper functions of the kernel ask for, and what becomes of a panic.
#[macro_export]
macro_rules! program_object {
    () => {
        #[cfg(target_arch = "bpf")]
        #[panic_handler]
        fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
            loop {}
        }

        /// On the host this crate is only checked, never run.
        #[cfg(not(target_arch = "bpf"))]
        fn main() {}

        #[cfg(target_arch = "bpf")]
        #[unsafe(link_section = "license")]
        #[unsafe(no_mangle)]
        static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
    };
}
