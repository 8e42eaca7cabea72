//! A real server: nginx that answers with its name, and an echo server.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::lab::Programs;
use crate::lab::topology::{Role, server_address};
use crate::netns::Netns;

/// Port of the HTTP servers and of the service `web`.
pub const WEB_PORT: u16 = 80;
/// Port of the echo servers and of the service `echo`.
pub const ECHO_PORT: u16 = 7000;

/// A real server's host with its two servers, which can be killed and started again.
#[derive(Debug)]
pub struct RealServer {
    pub netns: Netns,
    number: u8,
    dir: PathBuf,
    running: Vec<Child>,
}

impl RealServer {
    pub(crate) fn new(netns: Netns, number: u8, lab_dir: &Path) -> Result<Self> {
        let dir = lab_dir.join(Role::RealServer(number).name());
        fs::create_dir(&dir).with_context(|| format!("making {}", dir.display()))?;
        let server = Self {
            netns,
            number,
            dir,
            running: Vec::new(),
        };
        fs::write(server.dir.join("nginx.conf"), server.nginx_conf())
            .context("writing a configuration of nginx")?;
        Ok(server)
    }

    /// `rs1`, `rs2`, …: what its servers answer with.
    #[must_use]
    pub fn name(&self) -> String {
        Role::RealServer(self.number).name()
    }

    #[must_use]
    pub fn address(&self) -> std::net::Ipv4Addr {
        server_address(self.number)
    }

    /// Starts the servers. They may not listen yet when this returns.
    ///
    /// # Errors
    /// A program is missing.
    pub fn start(&mut self, programs: &Programs) -> Result<()> {
        let mut nginx = self.netns.command(&programs.nginx);
        nginx
            .arg("-p")
            .arg(&self.dir)
            .arg("-c")
            .arg(self.dir.join("nginx.conf"))
            .arg("-e")
            .arg(self.dir.join("nginx.log"));
        let mut echo = self.netns.command(&programs.demo);
        echo.args(["echo-server", "--name", &self.name()])
            .args(["--listen", &format!("0.0.0.0:{ECHO_PORT}")]);
        for (name, command) in [("nginx", &mut nginx), ("echo", &mut echo)] {
            let child = spawn_logged(command, &self.dir.join(format!("{name}.out")))?;
            self.running.push(child);
        }
        Ok(())
    }

    /// Kills the servers with SIGKILL: their ports answer with RST from now on.
    pub fn kill(&mut self) {
        for mut child in self.running.drain(..) {
            // Either it is dead then, or it was before.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn forget(&mut self) {
        self.running.clear();
    }

    /// One process without workers, so that killing it kills the server.
    fn nginx_conf(&self) -> String {
        let name = self.name();
        let dir = self.dir.display();
        format!(
            "daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\n\
             events {{ worker_connections 2048; }}\n\
             http {{\n\
             access_log off;\nkeepalive_timeout 0;\ndefault_type text/plain;\n\
             client_body_temp_path {dir}/t1;\nproxy_temp_path {dir}/t2;\n\
             fastcgi_temp_path {dir}/t3;\nuwsgi_temp_path {dir}/t4;\nscgi_temp_path {dir}/t5;\n\
             server {{ listen {WEB_PORT} backlog=4096; location / {{ return 200 \"{name}\\n\"; }} }}\n\
             }}\n"
        )
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a program of the lab with its output in `log`, apart from the terminal's signals: the
/// owner of the lab decides what happens on Ctrl-C.
pub(crate) fn spawn_logged(command: &mut Command, log: &Path) -> Result<Child> {
    let out = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("opening {}", log.display()))?;
    let err = out.try_clone().context("duplicating a file")?;
    command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {command:?}"))
}
