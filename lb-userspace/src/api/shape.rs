//! What goes over the control socket, and what `--json` prints. Fields are added, not changed.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    Status,
    Reload,
    Where {
        service: String,
        client: IpAddr,
        /// The client's port; some services need it.
        #[serde(default)]
        port: Option<u16>,
    },
    Plane {
        plane: PlaneName,
    },
    Drain {
        service: String,
        server: IpAddr,
        /// Seconds, from 1 to 30 days.
        #[serde(default)]
        deadline: Option<u64>,
    },
    Undrain {
        service: String,
        server: IpAddr,
    },
    TraceStart(TraceWanted),
    /// Packets since the last time. A trace that nobody reads ends by itself.
    TraceRead {
        trace: u64,
    },
    TraceStop {
        trace: u64,
    },
}

/// Which packets `lvx trace` shows; without any wishes all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceWanted {
    /// Name of a service.
    pub service: Option<String>,
    pub client: Option<Network>,
    /// Only packets that are left to the kernel.
    pub drops: bool,
    /// Packets per second.
    pub rate: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub address: IpAddr,
    pub prefix_len: u8,
}

/// `lvx plane`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum PlaneName {
    /// What the configuration says.
    Auto,
    /// XDP alone, without IPVS as a standby.
    Xdp,
    /// IPVS alone; the XDP program stays attached and passes everything.
    Ipvs,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Status(Box<Status>),
    Reloaded(Reloaded),
    Where(Where),
    /// The planes were switched.
    Switched,
    Drained(Drained),
    /// The real server gets clients again.
    Undrained,
    /// By this number the trace is read and stopped.
    TraceStarted(u64),
    Traced(Traced),
    TraceStopped,
    /// The request failed; in words for the operator.
    Error(String),
}

/// `lvx status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub router_id: String,
    pub version: String,
    pub vrrp: Vec<Vrrp>,
    pub dataplane: Dataplane,
    pub services: Vec<Service>,
    pub config: ConfigFile,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vrrp {
    pub name: String,
    pub interface: String,
    /// `INIT`, `BACKUP` or `MASTER`.
    pub state: String,
    /// Why it is in this state, or why it cannot take part.
    pub reason: String,
    pub priority: u8,
    /// With prefix length, as configured.
    pub addresses: Vec<String>,
    pub adverts_sent: u64,
    pub adverts_received: u64,
    /// Advertisements that were not accepted, by cause; causes that never happened are left out.
    pub errors: Vec<Count>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub name: String,
    pub packets: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataplane {
    /// `xdp-native`, `xdp-generic`, `ipvs` or `none`.
    pub mode: String,
    /// Why it is not a better one; empty if it is the best.
    pub reason: String,
    /// `auto`, `xdp` or `ipvs`: what `lvx plane` asked for.
    pub by_hand: PlaneName,
    pub ipvs: IpvsPlane,
    /// Times the set of planes that can be used changed.
    pub switches: u64,
    /// What others changed in the planes and was put right.
    pub repairs: u64,
    /// The latest events, oldest first.
    pub events: Vec<PlaneEvent>,
    pub interfaces: Vec<Interface>,
    /// Packets left to the kernel, by reason, all of them.
    pub passed: Vec<Count>,
    /// Bytes of all maps of the program.
    #[serde(default)]
    pub memory: u64,
    /// Records of connections and clients, by map.
    #[serde(default)]
    pub records: Vec<Records>,
    /// Packets that were sent on although something was missing, by what it was, all of them.
    #[serde(default)]
    pub notes: Vec<Count>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// `exceptions`, `persistence` or `flows`.
    pub map: String,
    pub used: u64,
    /// `[global.maps]`
    pub room: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpvsPlane {
    /// This kernel has IPVS, and it can be used.
    pub available: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The services that XDP forwards are in IPVS, too, for what XDP passes.
    pub standby: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaneEvent {
    /// Seconds since 1970 (UTC).
    pub at: u64,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub name: String,
    pub ifindex: u32,
    pub mac: Option<String>,
    pub mode: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub address: SocketAddr,
    pub protocol: String,
    pub scheduler: String,
    pub vrrp: String,
    /// Its packets are forwarded by this director.
    pub active: bool,
    /// `xdp`, `ipvs` or `none`.
    pub plane: String,
    /// Why it is not a better one; empty for `xdp`.
    pub plane_reason: String,
    /// Sums since the daemon's start, over real servers that were removed, too.
    pub packets: u64,
    pub bytes: u64,
    pub connections: u64,
    /// The slots of its table, by state; `null` where XDP does not serve it.
    pub slots: Option<Slots>,
    pub real_servers: Vec<RealServer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    pub stable: u32,
    /// A change moved them less than the settling time ago.
    pub settling: u32,
    /// Connections stay that are not where the table sends them.
    pub exceptional: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealServer {
    pub address: IpAddr,
    pub weight: u16,
    /// `up`, `draining`, `drained`, `down`, `checking`, `no-mac` or `unreachable`.
    pub state: String,
    /// Why it takes no packets; `null` while it does.
    pub reason: Option<String>,
    /// Connections that it is known to have left while it is `draining`; `null` otherwise.
    pub remaining: Option<u64>,
    pub mac: Option<String>,
    pub packets: u64,
    pub bytes: u64,
    /// TCP SYNs.
    pub connections: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    pub path: String,
    /// Seconds since 1970 (UTC) at which the configuration in force was read.
    pub loaded_at: u64,
    /// Why the last reload failed; `null` if it did not.
    pub error: Option<String>,
}

/// `lvx reload`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The file says something else than before.
    pub changed: bool,
}

/// `lvx drain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Seconds for which the real server keeps its connections; `null`: as long as they live.
    pub deadline: Option<u64>,
}

/// `lvx where --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Where {
    pub service: String,
    pub client: IpAddr,
    pub port: Option<u16>,
    pub slot: u32,
    /// `stable`, `settling`, `exceptional` or `flow`.
    #[serde(default)]
    pub state: String,
    /// The slot's server before the change, while it is settling.
    pub previous: Option<IpAddr>,
    /// The server in the record of the client's connection.
    pub record: Option<IpAddr>,
    /// Why it is this real server; a sentence.
    #[serde(default)]
    pub why: String,
    /// `null` if no real server can take packets.
    pub real_server: Option<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    pub packets: Vec<TracedPacket>,
    /// Packets since the start that are not shown for the rate's sake.
    pub over_rate: u64,
    /// Packets since the start that were not read in time.
    pub lost: u64,
}

/// A line of `lvx trace --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedPacket {
    /// Nanoseconds since 1970 (UTC).
    pub at: u64,
    /// By which it came in.
    pub interface: String,
    /// `null` if its headers could not be read; port 0 in a fragment.
    pub client: Option<SocketAddr>,
    /// What it was sent to; the same.
    pub destination: Option<SocketAddr>,
    /// `tcp`, `udp`, `sctp`, or a number.
    pub protocol: String,
    pub fragment: bool,
    /// Name of the service with this destination.
    pub service: Option<String>,
    /// `open`, `data`, `close`, `datagram` or `quote` (an ICMP error).
    pub segment: String,
    /// IP length.
    pub bytes: u32,
    /// `transmitted`, `redirected` (to another interface) or `passed` (to the kernel).
    pub verdict: String,
    /// Why it was passed; `null` if it was not.
    pub reason: Option<String>,
    /// The chosen one; `null` if there was none.
    pub real_server: Option<IpAddr>,
    /// Of the service's table; `null` if the table was not asked.
    pub slot: Option<u32>,
    /// `stable`, `settling` or `exceptional`.
    pub slot_state: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients of an older version leave out what they do not know.
    #[test]
    fn older_requests_are_understood() {
        let client = "198.51.100.7".parse().unwrap();
        let service = || "web".to_owned();
        for (text, expected) in [
            (
                r#"{"request":"where","service":"web","client":"198.51.100.7"}"#,
                Request::Where {
                    service: service(),
                    client,
                    port: None,
                },
            ),
            (
                r#"{"request":"drain","service":"web","server":"198.51.100.7"}"#,
                Request::Drain {
                    service: service(),
                    server: client,
                    deadline: None,
                },
            ),
            (
                r#"{"request":"undrain","service":"web","server":"198.51.100.7"}"#,
                Request::Undrain {
                    service: service(),
                    server: client,
                },
            ),
        ] {
            let request: Request = serde_json::from_str(text).unwrap();
            assert_eq!(request, expected);
        }
    }
}
