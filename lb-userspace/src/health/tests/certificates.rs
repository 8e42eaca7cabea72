//! Certificates, made by openssl.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::program::{Scratch, find};

/// An authority of its own.
pub(super) struct Authority {
    pub(super) scratch: Scratch,
    openssl: PathBuf,
}

/// Files in PEM.
pub(super) struct Certified {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Authority {
    /// `None`: there is no openssl, and that is said.
    pub(super) fn new() -> Option<Self> {
        let authority = Self {
            scratch: Scratch::new(),
            openssl: find("openssl")?,
        };
        authority.run(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "30",
            "-subj",
            "/CN=lvx test CA",
        ]);
        Some(authority)
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.scratch.path().join("ca.pem")
    }

    /// A certificate for the name; `days` may lie in the past.
    pub(super) fn certify(&self, file: &str, name: &str, days: i32) -> Certified {
        let path = |end| format!("{file}.{end}");
        let (key, request, certificate) = (path("key"), path("csr"), path("pem"));
        let subject = format!("/CN={name}");
        self.run(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &request,
            "-subj",
            &subject,
        ]);
        let kind = if name.starts_with("192.") {
            "IP"
        } else {
            "DNS"
        };
        let extensions = self.scratch.write(
            &path("ext"),
            &format!("subjectAltName = {kind}:{name}\nbasicConstraints = CA:FALSE\n"),
        );
        self.run(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            &certificate,
            "-days",
            &days.to_string(),
            "-extfile",
            extensions.to_str().unwrap(),
        ]);
        let full = |name: &str| self.scratch.path().join(name);
        Certified {
            certificate: full(&certificate),
            key: full(&key),
        }
    }

    /// A certificate for the name that was valid on the first day of 2020.
    pub(super) fn certify_in_2020(&self, file: &str, name: &str) -> Certified {
        let certified = self.certify(file, name, 1);
        self.scratch.write("index.txt", "");
        self.scratch.write("serial", "2020\n");
        self.scratch.write(
            "ca.conf",
            "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\n\
             new_certs_dir = .\ncertificate = ca.pem\nprivate_key = ca.key\n\
             default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n",
        );
        let path = |end| format!("{file}.{end}");
        self.run(&[
            "ca",
            "-batch",
            "-notext",
            "-config",
            "ca.conf",
            "-in",
            &path("csr"),
            "-out",
            &path("pem"),
            "-startdate",
            "20200101000000Z",
            "-enddate",
            "20200102000000Z",
            "-extfile",
            &path("ext"),
        ]);
        certified
    }

    fn run(&self, words: &[&str]) {
        let mut command = Command::new(&self.openssl);
        command.args(words).current_dir(self.scratch.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }
}

pub(super) fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}
