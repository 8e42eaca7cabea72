//! A lab: a switch, a client, two directors and real servers, each in a network namespace.
//!
//! Nothing of it is in the host's own namespace and no name is shared by two labs. Dropping it
//! removes all of it; what a killed owner left is removed when the next lab is made.

pub(crate) mod device;
mod director;
mod explain;
mod links;
pub mod plan;
mod programs;
pub(crate) mod real_server;
pub(crate) mod remains;
pub mod topology;
mod wire;

pub use device::leave_out_checksums;
pub use director::Director;
pub use programs::Programs;
pub(crate) use real_server::spawn_logged;
pub use real_server::{ECHO_PORT, RealServer, WEB_PORT};
pub use remains::sweep;
pub use wire::Wire;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::client::{self, TIMEOUT};
use crate::lab::plan::Plan;
use crate::lab::remains::Remains;
use crate::lab::topology::{Role, VIP, client_addresses, make_host, make_switch};
use crate::netns::Netns;
use crate::wait::{catch_signals, wait_until};

/// See the module's description.
#[derive(Debug)]
pub struct Lab {
    pub client: Netns,
    /// `lb1` with the higher priority, then `lb2`.
    pub directors: [Director; 2],
    pub servers: Vec<RealServer>,
    switch: Netns,
    programs: Programs,
    plan: Plan,
    remains: Remains,
    /// Labs of one process follow each other: side by side they would spoil each other's times.
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// Makes the hosts and starts the real servers, `servers` of them, and no daemon yet. The
    /// directors' configuration has the first `configured` of them.
    ///
    /// # Errors
    /// Not root, or something the lab needs is missing.
    pub fn new(programs: Programs, servers: u8, configured: u8) -> Result<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        catch_signals()?;
        sweep(false)?;
        let remains = Remains::create()?;
        let netns = |role: Role| Netns::new(format!("{}-{}", remains.name, role.name()));
        let switch = Netns::new(format!("{}-switch", remains.name));
        let stub = remains.bpffs().join("switch_port");
        device::pin_pass_program(&stub)?;
        make_switch(&switch)?;

        let client = netns(Role::Client);
        make_host(Role::Client, &client, &switch, None)?;
        let director = |number| -> Result<Director> {
            let role = Role::Director(number);
            make_host(role, &netns(role), &switch, Some(&stub))?;
            let (dir, bpffs) = (&remains.dir, &remains.bpffs());
            Director::new(netns(role), number, dir, bpffs, &programs.lvx)
        };
        let directors = [director(1)?, director(2)?];
        let servers = (1..=servers)
            .map(|number| {
                let role = Role::RealServer(number);
                make_host(role, &netns(role), &switch, None)?;
                let mut server = RealServer::new(netns(role), number, &remains.dir)?;
                server.start(&programs)?;
                Ok(server)
            })
            .collect::<Result<Vec<_>>>()?;
        let mut lab = Self {
            client,
            directors,
            servers,
            switch,
            programs,
            plan: Plan::equal(configured),
            remains,
            _turn: turn,
        };
        for server in &lab.servers {
            lab.wait_serving(server)?;
        }
        lab.set_plan(Plan::equal(configured))?;
        Ok(lab)
    }

    /// [`Self::new`], and both daemons started, `lb1` MASTER, and the VIP serving.
    ///
    /// # Errors
    /// As [`Self::new`], or the directors do not come up.
    pub fn with_daemons(programs: Programs, servers: u8, configured: u8) -> Result<Self> {
        let mut lab = Self::new(programs, servers, configured)?;
        lab.start_daemons()?;
        Ok(lab)
    }

    /// Starts both daemons and waits until they serve.
    ///
    /// # Errors
    /// The directors do not come up; with what they say.
    pub fn start_daemons(&mut self) -> Result<()> {
        let mut start = || -> Result<()> {
            for director in &mut self.directors {
                director.start()?;
            }
            self.wait_ready()
        };
        start().map_err(|error| anyhow::anyhow!("{error:#}\n{}", self.explain()))
    }

    /// Starts the daemon of `lb1` alone and waits until it serves.
    ///
    /// # Errors
    /// It does not come up; with what it says.
    pub fn start_one_daemon(&mut self) -> Result<()> {
        let mut start = || -> Result<()> {
            self.directors[0].start()?;
            self.wait_one_ready()
        };
        start().map_err(|error| anyhow::anyhow!("{error:#}\n{}", self.explain()))
    }

    /// Waits until `lb1` is MASTER, sees all configured real servers up, and the VIP serves.
    ///
    /// # Errors
    /// That does not come about in time.
    pub fn wait_one_ready(&self) -> Result<()> {
        self.directors[0].wait_vrrp_state("MASTER")?;
        for (number, _) in &self.plan.servers {
            self.directors[0].wait_server(topology::server_address(*number), true)?;
        }
        self.wait_vip()
    }

    /// Waits until `lb1` is MASTER, `lb2` BACKUP, both see all configured real servers up, and
    /// the VIP serves.
    ///
    /// # Errors
    /// That does not come about in time.
    pub fn wait_ready(&self) -> Result<()> {
        self.directors[0].wait_vrrp_state("MASTER")?;
        self.directors[1].wait_vrrp_state("BACKUP")?;
        for director in &self.directors {
            for (number, _) in &self.plan.servers {
                director.wait_server(topology::server_address(*number), true)?;
            }
        }
        self.wait_vip()
    }

    /// Waits until a request through the VIP is answered.
    ///
    /// # Errors
    /// That does not come about in time.
    pub fn wait_vip(&self) -> Result<()> {
        self.client.run(|| {
            wait_until("the VIP to serve", Duration::from_secs(5), || {
                client::get(
                    client_addresses()[0],
                    SocketAddrV4::new(VIP, WEB_PORT),
                    TIMEOUT,
                )?;
                Ok(true)
            })
        })?
    }

    /// The configuration that the directors' files have now.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Writes both directors' configuration files. Running daemons want a reload.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn set_plan(&mut self, plan: Plan) -> Result<()> {
        for (director, number) in self.directors.iter().zip(1..) {
            let text = plan.toml(number, &director.runtime_dir(), director.bpffs());
            director.write_config(&text)?;
        }
        self.plan = plan;
        Ok(())
    }

    /// Starts the servers of real server `number` again and waits until they serve.
    ///
    /// # Errors
    /// They do not serve in time.
    pub fn start_server(&mut self, number: u8) -> Result<()> {
        let server = &mut self.servers[usize::from(number) - 1];
        server.start(&self.programs)?;
        self.wait_serving(&self.servers[usize::from(number) - 1])
    }

    /// The directory of everything the lab has in files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.remains.dir
    }

    /// The name of the real server that has `address`.
    #[must_use]
    pub fn server_name(&self, address: Ipv4Addr) -> Option<String> {
        let server = self.servers.iter().find(|it| it.address() == address)?;
        Some(server.name())
    }

    fn wait_serving(&self, server: &RealServer) -> Result<()> {
        let address = server.address();
        let what = format!("the servers of {} to serve", server.name());
        self.client
            .run(move || {
                wait_until(&what, Duration::from_secs(10), || {
                    let from = client_addresses()[0];
                    client::get(from, SocketAddrV4::new(address, WEB_PORT), TIMEOUT)?;
                    client::connect(from, SocketAddrV4::new(address, ECHO_PORT), TIMEOUT)?;
                    Ok(true)
                })
            })?
            .context("a real server of the lab")
    }
}
