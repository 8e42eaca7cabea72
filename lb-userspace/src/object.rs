//! The XDP program's object file, embedded when `lvx` is built.
//!
//! A build without `LVX_BPF_OBJECT` (plain `cargo build`, `test`, `clippy`)
//! embeds an empty stub; `cargo xtask build` embeds the real one.

/// Gives the bytes the alignment of the ELF headers that are read in place.
#[repr(C, align(8))]
struct Aligned<B: ?Sized>(B);

static EMBEDDED: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/lvx-xdp.o")));

/// The object file as it was embedded, aligned to 8 bytes; empty in a build
/// with the stub. [`xdp_object`] is the one to ask.
pub static XDP_OBJECT: &[u8] = &EMBEDDED.0;

/// The ELF file of the XDP program, aligned to 8 bytes; `None` in a build with
/// the stub, which cannot forward anything.
#[must_use]
pub fn xdp_object() -> Option<&'static [u8]> {
    (!XDP_OBJECT.is_empty()).then_some(XDP_OBJECT)
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
    }
}
