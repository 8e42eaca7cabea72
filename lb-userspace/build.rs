//! Puts the BPF objects into `OUT_DIR`, where `src/object.rs` embeds them: the
//! file that `LVX_BPF_OBJECT` names, and `lvx-probe.o` beside it; or empty
//! stubs, so that clippy and most tests need no BPF toolchain. `cargo xtask
//! build` sets it.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LVX_BPF_OBJECT");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let out = Path::new(&out);
    let Some(object) = env::var_os("LVX_BPF_OBJECT").filter(|path| !path.is_empty()) else {
        fs::write(out.join("lvx-xdp.o"), [])?;
        fs::write(out.join("lvx-probe.o"), [])?;
        return Ok(());
    };
    let object = Path::new(&object);
    embed(object, &out.join("lvx-xdp.o"))?;
    let probe = object.with_file_name("lvx-probe.o");
    if probe.exists() {
        return embed(&probe, &out.join("lvx-probe.o"));
    }
    // It was built by itself: the daemon says what it cannot do.
    fs::write(out.join("lvx-probe.o"), [])?;
    Ok(())
}

fn embed(object: &Path, embedded: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", object.display());
    let bytes = fs::read(object)
        .map_err(|error| format!("LVX_BPF_OBJECT: cannot read {}: {error}", object.display()))?;
    if !bytes.starts_with(b"\x7fELF") {
        return Err(format!("LVX_BPF_OBJECT: {} is no ELF file", object.display()).into());
    }
    fs::write(embedded, bytes)?;
    Ok(())
}
