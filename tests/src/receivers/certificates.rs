//! Certificates of an authority of its own, made by openssl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::netns::output_of;

static NEXT: AtomicU32 = AtomicU32::new(0);

const KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
];

/// An authority, with a directory for all that it makes. The directory goes with it.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
}

/// Files in PEM.
#[derive(Debug, Clone)]
pub struct Certified {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// # Errors
    /// openssl failed.
    pub fn new() -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lvx-receivers-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).context("making a directory")?;
        let authority = Self { dir };
        // Two with one name would be taken for one with two keys.
        let names = format!("-keyout ca.key -out ca.pem -days 30 -subj /CN=lvx-test-ca-{number}");
        let mut words = vec!["req", "-x509"];
        words.extend(KEY);
        words.extend(names.split(' '));
        authority.openssl(&words)?;
        Ok(authority)
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A certificate for `names`, such as `DNS:mail.example.org`.
    ///
    /// # Errors
    /// openssl failed.
    pub fn certify(&self, file: &str, names: &str) -> Result<Certified> {
        let path = |end: &str| format!("{file}.{end}");
        let extensions = format!("subjectAltName = {names}\nbasicConstraints = CA:FALSE\n");
        fs::write(self.dir.join(path("ext")), extensions).context("extensions")?;
        let subject = format!("/CN={file}");
        let mut words = vec!["req"];
        words.extend(KEY);
        let (key, request) = (path("key"), path("csr"));
        words.extend(["-keyout", &key, "-out", &request, "-subj", &subject]);
        self.openssl(&words)?;
        let signed = format!(
            "x509 -req -in {request} -CA ca.pem -CAkey ca.key -CAcreateserial -out {file}.pem \
             -days 30 -extfile {file}.ext"
        );
        self.openssl(&signed.split_whitespace().collect::<Vec<_>>())?;
        Ok(Certified {
            certificate: self.dir.join(path("pem")),
            key: self.dir.join(key),
        })
    }

    fn openssl(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new("openssl");
        output_of(command.args(words).current_dir(&self.dir)).map(|_| ())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // What is left is in the directory for such things.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
