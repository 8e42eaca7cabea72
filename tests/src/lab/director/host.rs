//! What the kernel of a director's host has, whatever the daemon says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Director;
use crate::lab::topology::{INTERFACE, Role, VIP, director_address, ip_batch};
use crate::netns::output_of;

impl Director {
    /// What a power cut leaves of the host's network: nothing but its own address.
    ///
    /// # Errors
    /// The interface or the pins could not be reset.
    pub fn reset_host(&self) -> Result<()> {
        ensure!(self.daemon.is_none(), "{} still runs", self.name());
        for dir in [&self.bpffs, &self.runtime_dir()] {
            if dir.exists() {
                fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
            }
        }
        ip_batch(
            &self.netns,
            &format!(
                "link set {INTERFACE} xdp off\naddr flush dev {INTERFACE}\n\
                 addr add {}/24 dev {INTERFACE}\nroute add 10.78.0.0/16 via {}\n",
                director_address(self.number),
                Role::Client.address()
            ),
        )
    }

    /// Whether the host has the VIP; from the kernel, not from the daemon.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn has_vip(&self) -> Result<bool> {
        let addresses = self.ip_json(&["addr", "show"])?;
        Ok(addresses.to_string().contains(&format!("\"{VIP}\"")))
    }

    /// Runs `ip` on the host.
    ///
    /// # Errors
    /// It failed.
    pub fn ip(&self, arguments: &str) -> Result<String> {
        let mut command = self.netns.command("ip");
        output_of(command.args(arguments.split(' ')))
    }

    /// Whether an XDP program is attached to the host's interface; from the kernel.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn has_xdp(&self) -> Result<bool> {
        let link = self.ip_json(&["link", "show", INTERFACE])?;
        Ok(link[0].get("xdp").is_some())
    }

    /// The name of that program.
    ///
    /// # Errors
    /// `ip` failed, or there is none.
    pub fn xdp_program(&self) -> Result<String> {
        let link = self.ip_json(&["link", "show", INTERFACE])?;
        let name = link[0]["xdp"]["prog"]["name"].as_str();
        Ok(name
            .with_context(|| format!("no program: {link}"))?
            .to_owned())
    }

    /// Files that are pinned below its directory on the bpffs.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn pins(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut left = vec![self.bpffs.clone()];
        while let Some(dir) = left.pop() {
            if !dir.exists() {
                continue;
            }
            for entry in fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))? {
                let path = entry.context("reading a directory")?.path();
                if path.is_dir() {
                    left.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }

    /// The interface's MAC, `02:…`.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn mac(&self) -> Result<String> {
        let link = self.ip_json(&["link", "show", INTERFACE])?;
        let mac = link[0]["address"].as_str().context("a link without MAC")?;
        Ok(mac.to_owned())
    }

    /// What `ip -json -details` says on the host.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn ip_json(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = Command::new("ip");
        command.args(["-json", "-details", "-n", self.netns.name()]);
        let text = output_of(command.args(arguments))?;
        serde_json::from_str(&text).with_context(|| format!("JSON of ip: {text}"))
    }
}
