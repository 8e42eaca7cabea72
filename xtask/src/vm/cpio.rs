//! Writes the "newc" archive that a kernel unpacks as its first root.
//!
//! Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux. Each entry is a
//! header of 13 hexadecimal numbers, the name, and the data, both padded to four bytes.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Component, Path},
};

const MAGIC: &[u8; 6] = b"070701";
const END: &str = "TRAILER!!!";

const DIRECTORY: u32 = 0o040_755;
const SYMLINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o020_600;
const REGULAR: u32 = 0o100_000;

/// An archive under construction. Names are absolute paths of the machine; all belongs to root.
pub(super) struct Archive<W> {
    out: W,
    names: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            names: BTreeSet::new(),
        }
    }

    /// Whether the archive has something under this name.
    pub(super) fn contains(&self, path: &Path) -> bool {
        self.names.contains(&name(path))
    }

    pub(super) fn directory(&mut self, path: &Path) -> io::Result<()> {
        for ancestor in path.ancestors().collect::<Vec<_>>().iter().rev() {
            self.entry(&name(ancestor), DIRECTORY, (0, 0), &[])?;
        }
        Ok(())
    }

    /// A file with the permissions `mode`. What is there under its name already stays.
    pub(super) fn file(&mut self, path: &Path, mode: u32, data: &[u8]) -> io::Result<()> {
        self.parent(path)?;
        self.entry(&name(path), REGULAR | (mode & 0o7777), (0, 0), data)
    }

    pub(super) fn symlink(&mut self, path: &Path, target: &str) -> io::Result<()> {
        self.parent(path)?;
        self.entry(&name(path), SYMLINK, (0, 0), target.as_bytes())
    }

    pub(super) fn device(&mut self, path: &Path, numbers: (u32, u32)) -> io::Result<()> {
        self.parent(path)?;
        self.entry(&name(path), CHARACTER_DEVICE, numbers, &[])
    }

    /// Writes the end mark and gives the writer back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.write(END, 0, (0, 0), &[])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn parent(&mut self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |above| self.directory(above))
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), data: &[u8]) -> io::Result<()> {
        if name.is_empty() || !self.names.insert(name.to_owned()) {
            return Ok(());
        }
        self.write(name, mode, device, data)
    }

    fn write(&mut self, name: &str, mode: u32, device: (u32, u32), data: &[u8]) -> io::Result<()> {
        let too_large = |_| io::Error::new(io::ErrorKind::InvalidInput, "file beyond 4 GiB");
        let size = u32::try_from(data.len()).map_err(too_large)?;
        let name_size = u32::try_from(name.len() + 1).map_err(too_large)?;
        let inode = u32::try_from(self.names.len()).map_err(too_large)?;
        let (links, nobody, time) = (1, 0, 0);
        let numbers = [
            inode, mode, nobody, nobody, links, time, size, 0, 0, device.0, device.1, name_size, 0,
        ];
        self.out.write_all(MAGIC)?;
        for number in numbers {
            write!(self.out, "{number:08X}")?;
        }
        let header = MAGIC.len() + 8 * numbers.len();
        self.out.write_all(name.as_bytes())?;
        self.out.write_all(&[0])?;
        self.pad(header + name.len() + 1)?;
        self.out.write_all(data)?;
        self.pad(data.len())
    }

    fn pad(&mut self, written: usize) -> io::Result<()> {
        let missing = written.next_multiple_of(4) - written;
        self.out.write_all(&[0; 3][..missing])
    }
}

/// `path` as the archive has it: relative to the root.
fn name(path: &Path) -> String {
    let parts = path.components().filter_map(|component| match component {
        Component::Normal(part) => Some(part.to_string_lossy()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => {
            None
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_what_the_format_says() {
        let mut archive = Archive::new(Vec::new());
        archive
            .file(Path::new("/a/b"), 0o644, b"hello")
            .expect("memory takes it");
        archive
            .file(Path::new("/a/b"), 0o644, b"again")
            .expect("memory takes it");
        assert!(archive.contains(Path::new("/a/b")));
        let bytes = archive.finish().expect("memory takes it");
        let text = String::from_utf8(bytes).expect("ASCII");
        let expected = [
            "070701",
            "00000001000041ED00000000000000000000000100000000",
            "0000000000000000000000000000000000000000",
            "0000000200000000",
            "a\0",
        ]
        .concat();
        assert_eq!(&text[..expected.len()], expected);
        assert!(text.contains("hello\0\0\0"));
        assert!(!text.contains("again"));
        assert_eq!(text.len() % 4, 0);
        assert!(text.trim_end_matches('\0').ends_with(END));
    }
}
