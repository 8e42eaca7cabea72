//! The kernels and the emulators that run them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::packages::{self, Unpacked};

/// A kernel with IP_VS in an emulated machine.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kernel {
    /// User-mode Linux 6.1: fast, one processor, BPF interpreter
    Uml,
    /// Debian's 6.1 in QEMU
    #[value(name = "6.1")]
    V6_1,
    /// Debian's 6.12 in QEMU
    #[value(name = "6.12")]
    V6_12,
}

impl Kernel {
    pub(super) const ALL: [Self; 3] = [Self::Uml, Self::V6_1, Self::V6_12];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Uml => "uml",
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
        }
    }
}

/// What is needed to start a machine with one kernel.
pub(super) struct Boot {
    /// As `uname -r` says it.
    pub(super) release: String,
    /// The directory of the modules.
    pub(super) modules: PathBuf,
    /// The kernel's configuration, compressed or not.
    pub(super) config: PathBuf,
    image: PathBuf,
    emulator: Option<Unpacked>,
}

/// How the virtual processors count time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// As the host does, on two processors.
    Host,
    /// One processor, and each instruction takes a nanosecond.
    Instructions,
}

impl Boot {
    /// Fetches what is not there.
    pub(super) fn ensure(cache: &Path, kernel: Kernel) -> Result<Self> {
        let meta = match kernel {
            Kernel::Uml => return Self::user_mode(cache),
            Kernel::V6_1 => "linux-image-cloud-amd64",
            Kernel::V6_12 => "linux-image-6.12-cloud-amd64",
        };
        let package = packages::behind(meta, "linux-image-")?;
        let unpacked = Unpacked::ensure(cache, &package, &[])?;
        let release = package.trim_start_matches("linux-image-").to_owned();
        let image = unpacked.file(&[&format!("boot/vmlinuz-{release}")])?;
        let config = unpacked.file(&[&format!("boot/config-{release}")])?;
        let more = ["qemu-system-common", "qemu-system-data", "seabios"];
        let emulator = Unpacked::ensure(cache, "qemu-system-x86", &more)?;
        Ok(Self {
            modules: unpacked.root.join("lib/modules").join(&release),
            release,
            config,
            image,
            emulator: Some(emulator),
        })
    }

    fn user_mode(cache: &Path) -> Result<Self> {
        let unpacked = Unpacked::ensure(cache, "user-mode-linux", &[])?;
        let modules = unpacked.root.join("usr/lib/uml/modules");
        let entry = fs::read_dir(&modules)?.next();
        let release = entry.context("no modules for User-mode Linux")??;
        Ok(Self {
            release: release.file_name().to_string_lossy().into_owned(),
            modules: release.path(),
            config: unpacked.file(&["usr/share/doc/user-mode-linux/config.gz"])?,
            image: unpacked.file(&["usr/bin/linux.uml"])?,
            emulator: None,
        })
    }

    /// How long a machine may take to its first line: a few seconds, on a quiet host.
    pub(super) fn limit(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// The machine as a command. Its script's output is the command's standard output; the
    /// kernel's messages go into the file `log`, or to standard output where there is no choice.
    pub(super) fn command(&self, image: &Path, log: &Path, clock: Clock) -> Command {
        match &self.emulator {
            None => self.user_mode_command(image, log),
            Some(emulator) => self.qemu_command(emulator, image, log, clock),
        }
    }

    fn user_mode_command(&self, image: &Path, log: &Path) -> Command {
        let mut command = Command::new(&self.image);
        let scratch = log.parent().unwrap_or(Path::new("/tmp"));
        command
            // It keeps the machine's memory in a file in there, and its control socket.
            .env("TMPDIR", scratch)
            .arg(format!("uml_dir={}", scratch.display()))
            .arg("umid=uml")
            .arg(format!("initrd={}", image.display()))
            .args(["mem=1024M", "con=null", "con0=null,fd:1", "quiet"])
            .args(["oops=panic", "panic=-1"]);
        command
    }

    fn qemu_command(&self, emulator: &Unpacked, image: &Path, log: &Path, clock: Clock) -> Command {
        let root = &emulator.root;
        // Zeroing pages is one instruction for a processor, and thousands for this clock.
        let mut arguments = "console=ttyS0 loglevel=4 oops=panic panic=-1 mitigations=off \
            random.trust_cpu=on"
            .to_owned();
        if clock == Clock::Instructions {
            arguments.push_str(" init_on_alloc=0 init_on_free=0");
        }
        let mut command = Command::new(root.join("usr/bin/qemu-system-x86_64"));
        command.env("LD_LIBRARY_PATH", emulator.library_path()).env(
            "QEMU_MODULE_DIR",
            root.join("usr/lib/x86_64-linux-gnu/qemu"),
        );
        for firmware in ["usr/share/qemu", "usr/share/seabios"] {
            command.arg("-L").arg(root.join(firmware));
        }
        // Machine type q35: with microvm one boot in twelve hung. Never KVM: it may hang on
        // hosts that offer it from inside a virtual machine.
        command
            .args(["-M", "q35", "-cpu", "max", "-m", "1024"])
            .args(["-nodefaults", "-display", "none", "-no-reboot"]);
        match clock {
            Clock::Host => command.args(["-accel", "tcg,thread=multi", "-smp", "2"]),
            Clock::Instructions => command
                .args(["-accel", "tcg,thread=single", "-smp", "1"])
                .args(["-icount", "shift=0,sleep=off"]),
        };
        command
            .arg("-kernel")
            .arg(&self.image)
            .arg("-initrd")
            .arg(image)
            .arg("-append")
            .arg(arguments)
            .arg("-serial")
            .arg(format!("file:{}", log.display()))
            .args(["-chardev", "stdio,id=out,signal=off"])
            .args(["-device", "virtio-serial-pci"])
            .args(["-device", "virtconsole,chardev=out"]);
        command
    }
}
