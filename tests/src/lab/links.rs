//! Tampering with a lab's network.

use std::fs;

use anyhow::{Context, Result};

use super::Lab;
use super::wire::Wire;
use crate::lab::topology::{self, INTERFACE, Role, VIP, ip_batch};

impl Lab {
    /// Cuts or plugs in the cable of director `number`.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn set_link(&self, number: u8, up: bool) -> Result<()> {
        self.set_port(Role::Director(number), up)
    }

    /// The same of real server `number`.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn set_server_link(&self, number: u8, up: bool) -> Result<()> {
        self.set_port(Role::RealServer(number), up)
    }

    fn set_port(&self, role: Role, up: bool) -> Result<()> {
        let state = if up { "up" } else { "down" };
        let port = role.name();
        ip_batch(&self.switch, &format!("link set {port} {state}\n"))
    }

    /// Sets the MTU of all hosts and of their ports.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn set_mtu(&self, mtu: u16) -> Result<()> {
        let hosts = std::iter::once((Role::Client, &self.client));
        let directors = (1..).map(Role::Director);
        let directors = directors.zip(self.directors.iter().map(|it| &it.netns));
        let servers = (1..).map(Role::RealServer);
        let servers = servers.zip(self.servers.iter().map(|it| &it.netns));
        for (role, host) in hosts.chain(directors).chain(servers) {
            ip_batch(
                &self.switch,
                &format!("link set {} mtu {mtu}\n", role.name()),
            )?;
            ip_batch(host, &format!("link set {INTERFACE} mtu {mtu}\n"))?;
        }
        Ok(())
    }

    /// Listens to what director `number` sends, from now on.
    ///
    /// # Errors
    /// A packet socket cannot be opened.
    pub fn listen(&self, number: u8) -> Result<Wire> {
        Wire::open(&self.switch, Role::Director(number).name())
    }

    /// Makes the client send everything for the VIP to director `number`, master or not.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn misdirect_clients(&self, number: u8) -> Result<()> {
        let mac = self.directors[usize::from(number) - 1].mac()?;
        ip_batch(
            &self.client,
            &format!("neigh replace {VIP} lladdr {mac} dev {INTERFACE} nud permanent\n"),
        )
    }

    /// Makes the kernel of director `number` route what is for the VIP to one real server.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn route_vip_by_kernel(&self, number: u8, server: u8) -> Result<()> {
        let host = &self.directors[usize::from(number) - 1].netns;
        let via = topology::server_address(server);
        ip_batch(host, &format!("route add {VIP}/32 via {via}\n"))?;
        host.run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1"))?
            .context("switching on forwarding")
    }
}
