//! Where things are in the repository and below its target directory.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Cargo profile of what is built for the host.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Paths of this checkout.
pub(crate) struct Workspace {
    /// Directory of the workspace's Cargo.toml.
    pub(crate) root: PathBuf,
    /// `CARGO_TARGET_DIR`, or `target` in the root.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// The workspace that this xtask belongs to.
    pub(crate) fn locate() -> Self {
        // Cargo sets the variable at run time too: it survives a moved checkout.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
        let root = Path::new(&manifest)
            .parent()
            .map_or_else(|| PathBuf::from("."), Path::to_owned);
        let target = match env::var_os("CARGO_TARGET_DIR") {
            // Cargo takes a relative one from the directory it is called in.
            Some(directory) => {
                let absolute = std::path::absolute(&directory);
                absolute.unwrap_or_else(|_| PathBuf::from(&directory))
            }
            None => root.join("target"),
        };
        Self { root, target }
    }

    /// The host's cargo, with its artifacts where this struct says they are.
    pub(crate) fn cargo(&self, verb: &str) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(&self.root)
            .env_remove("CARGO_BUILD_TARGET")
            .env("CARGO_TARGET_DIR", &self.target)
            .arg(verb);
        command
    }

    /// Tools that setup built or unpacked: below the target directory, so
    /// that nothing is put into the user's home.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The finished BPF object of the binary `name` of lb-ebpf.
    pub(crate) fn bpf_object(&self, name: &str) -> PathBuf {
        self.target.join("bpf").join(format!("{name}.o"))
    }

    /// The host binary `name`.
    pub(crate) fn binary(&self, profile: Profile, name: &str) -> PathBuf {
        let directory = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        self.target.join(directory).join(name)
    }

    /// What the lab's programs and tests are told: where `lvx`, the BPF
    /// objects and nginx are, and the caller's variables.
    pub(crate) fn lab_variables(
        &self,
        profile: Profile,
        nginx: &Path,
    ) -> Vec<(&'static str, OsString)> {
        let mut variables = vec![
            ("LVX_BPF_OBJECT", self.bpf_object("lvx-xdp").into()),
            ("LVX_BIN", self.binary(profile, "lvx").into()),
            ("LVX_NGINX", nginx.into()),
        ];
        let feeder = self.bpf_object("lvx-feeder");
        if feeder.is_file() {
            variables.push(("LVX_FEEDER_OBJECT", feeder.into()));
        }
        variables.extend(Self::callers_variables());
        variables
    }

    /// How the caller wants to be spoken to; sudo would drop it.
    pub(crate) fn callers_variables() -> Vec<(&'static str, OsString)> {
        ["CI", "RUST_LOG", "RUST_BACKTRACE"]
            .into_iter()
            .filter_map(|name| Some((name, env::var_os(name)?)))
            .collect()
    }
}
