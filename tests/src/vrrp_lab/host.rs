//! A host of the lab: a namespace with an interface, and its addresses.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::lab::topology::{INTERFACE, ip_batch};
use crate::netns::{Netns, output_of};

/// See the module's description.
#[derive(Debug, Clone)]
pub struct Host {
    pub netns: Netns,
    /// Last part of its addresses.
    number: u8,
    /// Of its switch port, too.
    name: &'static str,
    pub(super) dir: PathBuf,
}

impl Host {
    pub(super) fn new(
        netns: Netns,
        number: u8,
        name: &'static str,
        lab_dir: &Path,
    ) -> Result<Self> {
        let dir = lab_dir.join(name);
        fs::create_dir(&dir).with_context(|| format!("making {}", dir.display()))?;
        Ok(Self {
            netns,
            number,
            name,
            dir,
        })
    }

    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    #[must_use]
    pub fn address(&self, ipv6: bool) -> IpAddr {
        if ipv6 {
            Ipv6Addr::new(0xfd00, 0x99, 0, 0, 0, 0, 0, self.number.into()).into()
        } else {
            Ipv4Addr::new(10, 99, 0, self.number).into()
        }
    }

    /// The other router's address, on a router.
    pub(super) fn peer(&self, ipv6: bool) -> IpAddr {
        let other = Self {
            number: 3 - self.number,
            ..self.clone()
        };
        other.address(ipv6)
    }

    /// Makes the namespace, and a cable from it to the switch.
    pub(super) fn plug_into(&self, switch: &Netns) -> Result<()> {
        output_of(Command::new("ip").args(["netns", "add", self.netns.name()]))?;
        // Duplicate address detection would keep addresses from being used for a second.
        self.netns.run(|| {
            for which in ["all", "default"] {
                let path = format!("/proc/sys/net/ipv6/conf/{which}/accept_dad");
                fs::write(&path, "0").with_context(|| format!("writing {path}"))?;
            }
            Ok::<_, anyhow::Error>(())
        })??;
        let port = self.name;
        ip_batch(
            switch,
            &format!(
                "link add {port} type veth peer name {INTERFACE} netns {}\n\
                 link set {port} master br0 up\n",
                self.netns.name()
            ),
        )?;
        let (v4, v6) = (self.address(false), self.address(true));
        ip_batch(
            &self.netns,
            &format!(
                "link set lo up\nlink set {INTERFACE} up\naddr add {v4}/24 dev {INTERFACE}\n\
                 addr add {v6}/64 dev {INTERFACE}\n"
            ),
        )
    }

    /// Whether `address` is on an interface that is up; from the kernel.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn holds(&self, address: IpAddr) -> Result<bool> {
        let show = ["-n", self.netns.name(), "-json", "addr", "show"];
        let text = output_of(Command::new("ip").args(show))?;
        let links: Value = serde_json::from_str(&text).context("JSON of ip")?;
        let address = address.to_string();
        let has = |link: &Value| {
            let mut addresses = link["addr_info"].as_array().into_iter().flatten();
            addresses.any(|info| info["local"] == *address)
        };
        // FRR leaves the address on its device and takes that down.
        let links = links.as_array().into_iter().flatten();
        Ok(links.filter(|it| it["operstate"] == "UP").any(has))
    }

    /// Removes an address that a killed daemon left.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn drop_address(&self, address: IpAddr, length: u8) -> Result<()> {
        if !self.holds(address)? {
            return Ok(());
        }
        ip_batch(
            &self.netns,
            &format!("addr del {address}/{length} dev {INTERFACE}\n"),
        )
    }
}
