//! The first root of a machine: tools, lvx, tests, and their libraries, under the host's paths.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::BufWriter,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{cpio::Archive, kernel::Boot, modules, packages::Unpacked};
use crate::sh;

const INIT: &str = include_str!("init.sh");

/// The host's programs that the tests and the lab start.
const TOOLS: [&str; 8] = [
    "bash", "ip", "tc", "bpftool", "ethtool", "nsenter", "mount", "umount",
];

/// What busybox stands in for.
const BUSYBOX: &str = "cat ls mkdir rmdir rm ln cp mv chmod touch mknod insmod rmmod lsmod \
    hostname uname poweroff dmesg sysctl ps kill sleep date env id echo printf test true false \
    grep sed awk cut tr wc sort uniq head tail tee find seq zcat nc timeout";

const DIRECTORIES: [&str; 10] = [
    "/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/var/log", "/var/tmp", "/etc", "/lib64",
];

const USERS: &str = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n";
const GROUPS: &str = "root:x:0:\nnogroup:x:65534:\n";

/// What a machine is to run.
pub(super) struct Contents<'a> {
    /// Programs of ours, which are taken along under the host's paths.
    pub(super) programs: Vec<PathBuf>,
    /// Further files, likewise.
    pub(super) files: Vec<PathBuf>,
    /// The script that runs them.
    pub(super) script: String,
    pub(super) variables: &'a [(&'static str, OsString)],
    /// Packages that the machine has and the host need not have: ipvsadm, busybox.
    pub(super) guest: &'a Unpacked,
}

/// Writes the image for `boot` into the file `path`.
pub(super) fn write(path: &Path, boot: &Boot, contents: &Contents<'_>, cache: &Path) -> Result<()> {
    let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
    let mut image = Image {
        archive: Archive::new(BufWriter::new(file)),
        guest: contents.guest,
        stripped: cache.join("stripped"),
    };
    image.skeleton()?;
    for tool in TOOLS {
        let host = sh::find(tool).with_context(|| format!("no {tool}: run `cargo xtask setup`"))?;
        image.program(&host, &host)?;
    }
    let ipvsadm = contents.guest.file(&["sbin/ipvsadm", "usr/sbin/ipvsadm"])?;
    image.program(&ipvsadm, Path::new("/sbin/ipvsadm"))?;
    for program in &contents.programs {
        let stripped = image.strip(program)?;
        image.program(&stripped, program)?;
    }
    for file in &contents.files {
        image.copy(file, file)?;
    }
    image.modules(boot)?;
    let compressed = boot.config.extension().is_some_and(|end| end == "gz");
    let config = if compressed {
        gunzip(&boot.config)?
    } else {
        fs::read(&boot.config)?
    };
    let config_path = format!("/boot/config-{}", boot.release);
    let archive = &mut image.archive;
    archive.file(Path::new(&config_path), 0o644, &config)?;
    let script = script(contents);
    archive.file(Path::new("/vm/run"), 0o755, script.as_bytes())?;
    archive.file(Path::new("/init"), 0o755, INIT.as_bytes())?;
    image.archive.finish()?;
    Ok(())
}

/// The variables, then the script proper.
fn script(contents: &Contents<'_>) -> String {
    let mut script = String::new();
    for (name, value) in contents.variables {
        let value = sh::quote(value);
        script.push_str(&format!("export {name}={value}\n"));
    }
    script.push_str(&contents.script);
    script
}

struct Image<'a> {
    archive: Archive<BufWriter<File>>,
    guest: &'a Unpacked,
    /// Where stripped copies of our programs are kept.
    stripped: PathBuf,
}

impl Image<'_> {
    fn skeleton(&mut self) -> Result<()> {
        for directory in DIRECTORIES {
            self.archive.directory(Path::new(directory))?;
        }
        // The kernel opens it for the first process, before anybody mounts /dev.
        self.archive.device(Path::new("/dev/console"), (5, 1))?;
        let passwd = Path::new("/etc/passwd");
        self.archive.file(passwd, 0o644, USERS.as_bytes())?;
        let group = Path::new("/etc/group");
        self.archive.file(group, 0o644, GROUPS.as_bytes())?;
        self.copy(&self.busybox()?, Path::new("/bin/busybox"))?;
        for tool in BUSYBOX.split_whitespace() {
            let link = Path::new("/bin").join(tool);
            self.archive.symlink(&link, "/bin/busybox")?;
        }
        // Scripts say #!/bin/bash, wherever the host has it. Busybox is no good as a shell: it
        // runs tools of its own instead of those on the PATH.
        let bash = sh::find("bash").context("no bash")?;
        self.copy(&bash, Path::new("/bin/bash"))?;
        Ok(self.archive.symlink(Path::new("/bin/sh"), "/bin/bash")?)
    }

    /// The host's path of it.
    fn busybox(&self) -> Result<PathBuf> {
        self.guest.file(&["bin/busybox", "usr/bin/busybox"])
    }

    /// A program and the libraries it is linked with.
    fn program(&mut self, host: &Path, machine: &Path) -> Result<()> {
        self.copy(host, machine)?;
        for library in self.libraries(host)? {
            let outside = library.strip_prefix(&self.guest.root);
            let place = outside.map_or(library.clone(), |path| Path::new("/").join(path));
            self.copy(&library, &place)?;
        }
        Ok(())
    }

    fn copy(&mut self, host: &Path, machine: &Path) -> Result<()> {
        if self.archive.contains(machine) {
            return Ok(());
        }
        let data = fs::read(host).with_context(|| format!("reading {}", host.display()))?;
        let mode = host.metadata()?.permissions().mode();
        Ok(self.archive.file(machine, mode, &data)?)
    }

    /// The files of the libraries that `program` is linked with; none for a static one.
    fn libraries(&self, program: &Path) -> Result<BTreeSet<PathBuf>> {
        let mut command = Command::new("ldd");
        command
            .env("LD_LIBRARY_PATH", self.guest.library_path())
            .arg(program);
        let output = command.output().context("ldd cannot be started")?;
        let shown = String::from_utf8_lossy(&output.stdout);
        if let Some(missing) = shown.lines().find(|line| line.contains("not found")) {
            bail!("{} lacks a library: {}", program.display(), missing.trim());
        }
        Ok(library_paths(&shown).collect())
    }

    /// `program` without debug information, which is most of it and costs the machine's memory.
    fn strip(&self, program: &Path) -> Result<PathBuf> {
        let name = program.file_name().context("a program has a name")?;
        let stripped = self.stripped.join(name);
        let modified = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
        if modified(&stripped) > modified(program) {
            return Ok(stripped);
        }
        fs::create_dir_all(&self.stripped)?;
        let mut command = Command::new("strip");
        command.args(["--strip-debug", "-o"]).arg(&stripped);
        let taken = sh::output(command.arg(program));
        // Scripts cannot be stripped, and some hosts have no strip.
        Ok(taken.map_or_else(|_| program.to_owned(), |_| stripped))
    }

    fn modules(&mut self, boot: &Boot) -> Result<()> {
        let directory = Path::new("/vm/modules");
        let mut order = String::new();
        for module in modules::load_order(&boot.modules, &self.busybox()?)? {
            let file = format!("{}.ko", module.name);
            let path = directory.join(&file);
            self.archive.file(&path, 0o644, &module.data)?;
            order.push_str(&file);
            order.push('\n');
        }
        let path = directory.join("order");
        Ok(self.archive.file(&path, 0o644, order.as_bytes())?)
    }
}

fn gunzip(path: &Path) -> Result<Vec<u8>> {
    let mut command = Command::new("gzip");
    Ok(sh::output(command.arg("-dc").arg(path))?.into_bytes())
}

/// The paths in what ldd says: `name => path (address)`, or the loader's `path (address)`.
fn library_paths(shown: &str) -> impl Iterator<Item = PathBuf> {
    shown.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let path = words.find(|word| word.starts_with('/'))?;
        Some(PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_in_the_words_of_ldd() {
        let shown = "\tlinux-vdso.so.1 (0x00007fff)\n\
                     \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                     \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let found: Vec<PathBuf> = library_paths(shown).collect();
        let expected = [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
        assert_eq!(library_paths("\tnot a dynamic executable\n").count(), 0);
    }
}
