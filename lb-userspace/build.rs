//! Puts the BPF object into `OUT_DIR/lvx-xdp.o`, where `src/object.rs` embeds
//! it: the file that `LVX_BPF_OBJECT` names, or an empty stub, so that clippy
//! and most tests need no BPF toolchain. `cargo xtask build` sets it.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LVX_BPF_OBJECT");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let embedded = Path::new(&out).join("lvx-xdp.o");
    let Some(object) = env::var_os("LVX_BPF_OBJECT").filter(|path| !path.is_empty()) else {
        fs::write(embedded, [])?;
        return Ok(());
    };
    let object = Path::new(&object);
    println!("cargo::rerun-if-changed={}", object.display());
    let bytes = fs::read(object)
        .map_err(|error| format!("LVX_BPF_OBJECT: cannot read {}: {error}", object.display()))?;
    if !bytes.starts_with(b"\x7fELF") {
        return Err(format!("LVX_BPF_OBJECT: {} is no ELF file", object.display()).into());
    }
    fs::write(embedded, bytes)?;
    Ok(())
}
