//! The programs' object files, embedded when `lvx` is built.
//!
//! A build without `LVX_BPF_OBJECT` (plain `cargo build`, `test`, `clippy`)
//! embeds empty stubs; `cargo xtask build` embeds the real ones.

/// Gives the bytes the alignment of the ELF headers that are read in place.
#[repr(C, align(8))]
struct Aligned<B: ?Sized>(B);

static EMBEDDED: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/lvx-xdp.o")));

static PROBE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/lvx-probe.o")));

/// The object file as it was embedded, aligned to 8 bytes; empty in a build
/// with the stub. [`xdp_object`] is the one to ask.
pub static XDP_OBJECT: &[u8] = &EMBEDDED.0;

/// The ELF file of the XDP program, aligned to 8 bytes; `None` in a build with
/// the stub, which cannot forward anything.
#[must_use]
pub fn xdp_object() -> Option<&'static [u8]> {
    (!XDP_OBJECT.is_empty()).then_some(XDP_OBJECT)
}

/// The ELF file of the programs for checks through the virtual address, likewise.
#[must_use]
pub fn probe_object() -> Option<&'static [u8]> {
    (!PROBE.0.is_empty()).then_some(&PROBE.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedded_object_is_an_aligned_elf_file() {
        assert_eq!(XDP_OBJECT.as_ptr().addr() % 8, 0);
        match xdp_object() {
            Some(object) => assert!(object.starts_with(b"\x7fELF")),
            None => assert!(XDP_OBJECT.is_empty()),
        }
        if let Some(object) = probe_object() {
            assert_eq!(object.as_ptr().addr() % 8, 0);
            assert!(object.starts_with(b"\x7fELF"));
        }
    }
}
