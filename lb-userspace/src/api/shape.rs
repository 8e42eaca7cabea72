//! What goes over the control socket, and what `--json` prints. Fields are added, not changed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

mod dataplane;
mod done;
mod events;
mod history;
mod notify;
mod service;
mod status;
mod trace;
mod vrrp;

pub use dataplane::*;
pub use done::*;
pub use events::*;
pub use history::*;
pub use notify::*;
pub use service::*;
pub use status::*;
pub use trace::*;
pub use vrrp::*;

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
    /// The real server gets no packets at all.
    Disable {
        service: String,
        server: IpAddr,
        /// Why, for whoever looks at it later.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Ends what `Disable` or `Drain` did.
    Enable {
        service: String,
        server: IpAddr,
    },
    Weight {
        service: String,
        server: IpAddr,
        /// `None` ends what an earlier one did.
        #[serde(default)]
        weight: Option<u16>,
    },
    /// Of all real servers, those of a service, or one.
    History {
        #[serde(default)]
        service: Option<String>,
        #[serde(default)]
        server: Option<IpAddr>,
    },
    TraceStart(TraceWanted),
    /// Packets since the last time. A trace that nobody reads ends by itself.
    TraceRead {
        trace: u64,
    },
    TraceStop {
        trace: u64,
    },
    Events {
        /// Sequence number: later ones alone.
        #[serde(default)]
        after: Option<u64>,
        /// The latest ones, at most so many.
        #[serde(default)]
        count: Option<usize>,
    },
    /// A MASTER gives way to another director.
    Resign {
        instance: String,
    },
    /// Ends what `Resign` did.
    Claim {
        instance: String,
    },
    /// Sends a test to a target of notifications.
    NotifyTest {
        /// Its name; without one, to all.
        #[serde(default)]
        target: Option<String>,
    },
    /// What came of it so far.
    NotifyTested {
        test: u64,
    },
}

impl Request {
    /// Reads a line of the control socket.
    ///
    /// # Errors
    /// What is not understood, in words for its sender.
    pub fn read(line: &str) -> Result<Self, String> {
        serde_json::from_str(line)
            .map_err(|error| format!("the request is not understood: {error}"))
    }
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
    /// To `Disable`, `Enable` and `Weight`.
    Ordered(Ordered),
    History(History),
    /// By this number the trace is read and stopped.
    TraceStarted(u64),
    Traced(Traced),
    TraceStopped,
    Events(Events),
    Resigning(Resigning),
    /// The instance takes part with its priority again.
    Claimed,
    NotifyTest(NotifyTest),
    NotifyTested(Vec<NotifyTested>),
    /// The request failed; in words for the operator.
    Error(String),
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
