//! A lab of IPv6 alone: a switch, a client, one director and real servers.
//!
//! One layer-2 segment fd77::/64 with the VIP, and fd78::/32 behind the client as if it were a
//! router. Nobody has IPv4 but for `lo`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::client::TIMEOUT;
use crate::lab::device::{fill_in_checksums, pin_pass_program};
use crate::lab::real_server::spawn_logged;
use crate::lab::remains::Remains;
use crate::lab::topology::{INTERFACE, Role, ip_batch, make_switch};
use crate::lab::{Director, ECHO_PORT, Programs, sweep};
use crate::netns::{Netns, output_of};
use crate::wait::{catch_signals, wait_until};

/// The virtual service address.
pub const VIP: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x100);
/// The director's own address.
pub const DIRECTOR: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1);
const CLIENT_ROUTER: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x200);
const PATIENCE: Duration = Duration::from_secs(15);

/// Address of real server 1 to 99.
#[must_use]
pub fn server_address(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x10 + u16::from(number))
}

/// Addresses of the client namespace: four in each of 16 networks of length 64.
#[must_use]
pub fn client_addresses() -> Vec<Ipv6Addr> {
    let hosts = |network| (1..=4).map(move |host| (network, host));
    (1..=16)
        .flat_map(hosts)
        .map(|(network, host)| Ipv6Addr::new(0xfd78, 0, 0, network, 0, 0, 0, host))
        .collect()
}

/// See the module's description. Dropping it removes all of it.
#[derive(Debug)]
pub struct Lab6 {
    pub client: Netns,
    pub director: Director,
    servers: BTreeMap<String, Child>,
    _remains: Remains,
    /// Labs of one process follow each other.
    _turn: MutexGuard<'static, ()>,
}

impl Lab6 {
    /// Makes the hosts and starts `servers` real servers, and no daemon yet.
    ///
    /// # Errors
    /// Not root, or something the lab needs is missing.
    pub fn new(programs: &Programs, servers: u8) -> Result<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        catch_signals()?;
        sweep(false)?;
        let remains = Remains::create()?;
        let netns = |role: Role| Netns::new(format!("{}-{}", remains.name, role.name()));
        let switch = Netns::new(format!("{}-switch", remains.name));
        let stub = remains.bpffs().join("switch_port");
        pin_pass_program(&stub)?;
        make_switch(&switch)?;

        let client = netns(Role::Client);
        make_host(Role::Client, &client, &switch, None)?;
        let role = Role::Director(1);
        make_host(role, &netns(role), &switch, Some(&stub))?;
        let (dir, bpffs) = (&remains.dir, &remains.bpffs());
        let director = Director::new(netns(role), 1, dir, bpffs, &programs.lvx)?;
        let mut running = BTreeMap::new();
        for number in 1..=servers {
            let role = Role::RealServer(number);
            let host = netns(role);
            make_host(role, &host, &switch, None)?;
            let mut echo = host.command(&programs.demo);
            echo.args(["echo-server", "--name", &role.name()])
                .args(["--listen", &format!("[::]:{ECHO_PORT}")]);
            let log = remains.dir.join(format!("{}.out", role.name()));
            running.insert(role.name(), spawn_logged(&mut echo, &log)?);
        }
        let lab = Self {
            client,
            director,
            servers: running,
            _remains: remains,
            _turn: turn,
        };
        for number in 1..=servers {
            lab.wait_serving(server_address(number))?;
        }
        Ok(lab)
    }

    /// Starts the daemon with one VRRP instance, which holds the VIP, and `services`, and waits
    /// until it is MASTER.
    ///
    /// # Errors
    /// That does not come about.
    pub fn start(&mut self, services: &str) -> Result<()> {
        let director = &self.director;
        let global = format!(
            "[global]\ndataplane = \"xdp-native\"\nruntime_dir = \"{}\"\nstate_dir = \"{}\"\n\
             bpffs = \"{}\"\n",
            director.runtime_dir().display(),
            director.runtime_dir().with_file_name("state").display(),
            director.bpffs().display()
        );
        let instance = format!(
            "[[vrrp]]\nname = \"VI_6\"\ninterface = \"{INTERFACE}\"\nvirtual_router_id = 51\n\
             priority = 255\nadvert_interval = \"100ms\"\naddresses = [\"fe80::100/64\", \
             \"{VIP}/64\"]\n"
        );
        director.write_config(&format!("{global}{instance}{services}"))?;
        self.director.start()?;
        self.director.wait_vrrp_state("MASTER")
    }

    /// Kills a real server: its port answers with RST from now on.
    ///
    /// # Errors
    /// There is no such server.
    pub fn kill_server(&mut self, name: &str) -> Result<()> {
        let mut child = self.servers.remove(name).context("no such server")?;
        child.kill().context("killing a real server")?;
        child.wait().context("waiting for a real server")?;
        Ok(())
    }

    /// Waits until `service` has exactly these servers up, by their numbers.
    ///
    /// # Errors
    /// That does not come about in time.
    pub fn wait_up(&self, service: &str, numbers: &[u8]) -> Result<()> {
        let wanted: Vec<String> = numbers
            .iter()
            .map(|number| server_address(*number).to_string())
            .collect();
        wait_until(&format!("{wanted:?} to be up"), PATIENCE, || {
            let servers = self.director.service(service)?["real_servers"].take();
            let servers = servers.as_array().context("real servers")?;
            let up: Vec<&str> = servers
                .iter()
                .filter(|server| server["state"] == "up")
                .filter_map(|server| server["address"].as_str())
                .collect();
            ensure!(up == wanted, "up: {up:?}");
            Ok(true)
        })
    }

    /// The name of the real server that each client gets on a port of the VIP, each by a
    /// connection of its own.
    ///
    /// # Errors
    /// One gets none.
    pub fn servers_of(&self, clients: &[Ipv6Addr]) -> Result<BTreeMap<Ipv6Addr, String>> {
        let clients = clients.to_vec();
        self.client.run(move || {
            let ask = |client| Ok((client, greeting(client, VIP)?));
            clients.into_iter().map(ask).collect()
        })?
    }

    /// The name of the real server that `lvx where` says.
    ///
    /// # Errors
    /// The request failed, or there is none.
    pub fn where_is(&self, service: &str, client: Ipv6Addr) -> Result<String> {
        let found = self.director.where_json(service, &client.to_string())?;
        let server = found["real_server"].as_str().context("a real server")?;
        let server: Ipv6Addr = server.parse().context("an address")?;
        let mut numbers = 1..=99;
        let number = numbers.find(|number| server_address(*number) == server);
        Ok(Role::RealServer(number.context("a server of the lab")?).name())
    }

    /// The director's address of the interface, in the shape of `ip -json`.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn address(&self, address: Ipv6Addr) -> Result<Option<Value>> {
        let mut ip = Command::new("ip");
        ip.args(["-json", "-n", self.director.netns.name()]);
        let text = output_of(ip.args(["address", "show", "dev", INTERFACE]))?;
        let links: Value = serde_json::from_str(&text).context("JSON of ip")?;
        let addresses = links[0]["addr_info"].as_array().context("addresses")?;
        let found = addresses
            .iter()
            .find(|it| it["local"] == *address.to_string());
        Ok(found.cloned())
    }

    /// What the daemon says, for a failure.
    #[must_use]
    pub fn explain(&self) -> String {
        let status = self.director.ask(&["status"]);
        let status = status.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let log = std::fs::read_to_string(self.director.log_file()).unwrap_or_default();
        format!("{}\n{log}", status.unwrap_or_default())
    }

    fn wait_serving(&self, server: Ipv6Addr) -> Result<()> {
        let what = format!("{server} to serve");
        self.client.run(move || {
            wait_until(&what, PATIENCE, || {
                greeting(client_addresses()[0], server).map(|_| true)
            })
        })?
    }
}

impl Drop for Lab6 {
    fn drop(&mut self) {
        for child in self.servers.values_mut() {
            // Either it is dead then, or it was before.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The name that the echo server at `server` says.
fn greeting(client: Ipv6Addr, server: Ipv6Addr) -> Result<String> {
    let to = SocketAddr::from((server, ECHO_PORT));
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None).context("making a socket")?;
    let from = SocketAddrV6::new(client, 0, 0, 0);
    socket
        .bind(&from.into())
        .with_context(|| format!("binding to {client}"))?;
    socket
        .connect_timeout(&to.into(), TIMEOUT)
        .with_context(|| format!("connecting to {to} from {client}"))?;
    let mut stream = TcpStream::from(socket);
    stream
        .set_read_timeout(Some(TIMEOUT))
        .context("a read timeout")?;
    let mut name = String::new();
    let mut byte = [0];
    while !name.ends_with('\n') {
        stream
            .read_exact(&mut byte)
            .with_context(|| format!("the name of {client}'s server"))?;
        name.push(char::from(byte[0]));
    }
    Ok(name.trim_end().to_owned())
}

fn address_of(role: Role) -> Ipv6Addr {
    match role {
        Role::Client => CLIENT_ROUTER,
        Role::Director(_) => DIRECTOR,
        Role::RealServer(number) => server_address(number),
    }
}

/// Makes a host and plugs it into the switch. `stub` is a pinned XDP program for its port.
fn make_host(role: Role, host: &Netns, switch: &Netns, stub: Option<&Path>) -> Result<()> {
    output_of(Command::new("ip").args(["netns", "add", host.name()]))?;
    host.run(set_sysctls)??;
    let port = role.name();
    let mut plug = format!(
        "link add {port} type veth peer name {INTERFACE} netns {}\n\
         link set {port} master br0 up\n",
        host.name()
    );
    if let Some(stub) = stub {
        let _ = writeln!(plug, "link set {port} xdpdrv pinned {}", stub.display());
    }
    ip_batch(switch, &plug)?;
    let mut batch = format!(
        "link set lo up\nlink set {INTERFACE} up\naddr add {}/64 dev {INTERFACE}\n",
        address_of(role)
    );
    let route = format!("route add fd78::/32 via {CLIENT_ROUTER}\n");
    match role {
        Role::Client => {
            for address in client_addresses() {
                let _ = writeln!(batch, "addr add {address}/128 dev lo");
            }
        }
        Role::Director(_) => batch += &route,
        Role::RealServer(_) => {
            // Neighbour solicitations for an address of `lo` are not answered anyway.
            let _ = writeln!(batch, "addr add {VIP}/128 dev lo");
            batch += &route;
        }
    }
    ip_batch(host, &batch)?;
    fill_in_checksums(host, INTERFACE)
}

/// Addresses work at once, and only those that are given.
fn set_sysctls() -> Result<()> {
    for (name, value) in [
        ("accept_dad", "0"),
        ("accept_ra", "0"),
        ("disable_ipv6", "0"),
    ] {
        for which in ["all", "default"] {
            let path = format!("/proc/sys/net/ipv6/conf/{which}/{name}");
            std::fs::write(&path, value).with_context(|| format!("writing {value} to {path}"))?;
        }
    }
    Ok(())
}
