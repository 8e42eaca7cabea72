//! Where the XDP program sends a client, and why: what `lvx where` tells. PURE.

use std::fmt::Write;
use std::net::IpAddr;

/// State of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotPhase {
    /// The table alone decides.
    Stable,
    /// A change moved it a short time ago: older connections stay.
    Settling,
    /// There are connections that stay where the table does not send them.
    Exceptional,
    /// Every connection of the service has a record.
    Flow,
}

impl SlotPhase {
    /// Word in `lvx where --json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Settling => "settling",
            Self::Exceptional => "exceptional",
            Self::Flow => "flow",
        }
    }
}

/// What the program's maps say of a client's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub slot: u32,
    /// The slot's server; with a flow table whom the scheduler would choose now, if that is known.
    pub current: Option<IpAddr>,
    /// The slot's server before the change.
    pub previous: Option<IpAddr>,
    pub state: SlotPhase,
    /// The record that counts: its server, its state's name, seconds since its last packet.
    pub record: Option<(IpAddr, &'static str, u32)>,
    /// The server of the client's record in `persistence`.
    pub client_record: Option<IpAddr>,
}

/// Which packet is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// UDP: a packet does not say whether it begins something.
    pub datagram: bool,
    /// The client's port is known, or the service's records are per client.
    pub connection: bool,
}

impl Explained {
    /// Who gets the client's next packet, or its next connection if it has none, and why.
    #[must_use]
    pub fn outcome(&self, asked: Asked) -> (Option<IpAddr>, String) {
        if let Some((server, state, age)) = self.record {
            let why = format!("its connection has a record: {state}, last packet {age} s ago");
            return (Some(server), why);
        }
        let (server, mut why) = self.without_record(asked);
        let unstable = match self.state {
            SlotPhase::Settling | SlotPhase::Exceptional | SlotPhase::Flow => true,
            SlotPhase::Stable => false,
        };
        if unstable && !asked.connection {
            // Writing to a String cannot fail.
            let _ = write!(
                why,
                "; give the client's port to see one of its connections"
            );
        }
        (server, why)
    }

    fn without_record(&self, asked: Asked) -> (Option<IpAddr>, String) {
        let say = |server, why: &str| (server, why.to_owned());
        if self.current.is_none() && self.previous.is_none() && self.client_record.is_none() {
            return match self.state {
                SlotPhase::Flow => say(None, "it has no connection: the scheduler will choose"),
                SlotPhase::Stable | SlotPhase::Settling | SlotPhase::Exceptional => {
                    say(None, "no real server can take packets")
                }
            };
        }
        if let (true, SlotPhase::Settling, Some(previous)) =
            (asked.datagram, self.state, self.previous)
        {
            let why = "its slot is settling after a change: clients stay until it has";
            return say(Some(previous), why);
        }
        if let Some(server) = self.client_record {
            let why = "new connections go where its last one went: the service has persistence";
            return say(Some(server), why);
        }
        match (self.state, self.previous) {
            (SlotPhase::Stable, _) => say(self.current, "its slot is stable: the table decides"),
            (SlotPhase::Settling, Some(previous)) => {
                let why = format!(
                    "its slot is settling after a change: new connections go by the table, older \
                     ones stay with {previous}"
                );
                (self.current, why)
            }
            (SlotPhase::Settling, None) => say(
                self.current,
                "its slot is settling after a change, and its former server is gone: the table \
                 decides",
            ),
            (SlotPhase::Exceptional, _) => say(
                self.current,
                "other connections of its slot stay elsewhere; it has no record: the table decides",
            ),
            (SlotPhase::Flow, _) => say(
                self.current,
                "it has no connection: the scheduler's choice at this moment",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURRENT: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 21)));
    const PREVIOUS: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 22)));
    const THIRD: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 23)));
    const STREAM: Asked = Asked {
        datagram: false,
        connection: true,
    };

    fn explained(state: SlotPhase) -> Explained {
        Explained {
            slot: 7,
            current: CURRENT,
            previous: PREVIOUS.filter(|_| state == SlotPhase::Settling),
            state,
            record: None,
            client_record: None,
        }
    }

    #[test]
    fn a_record_comes_first() {
        for state in [SlotPhase::Settling, SlotPhase::Exceptional, SlotPhase::Flow] {
            let with_record = Explained {
                record: THIRD.map(|server| (server, "established", 12)),
                client_record: PREVIOUS,
                ..explained(state)
            };
            let (server, why) = with_record.outcome(STREAM);
            assert_eq!(server, THIRD);
            assert!(why.ends_with("established, last packet 12 s ago"), "{why}");
        }
    }

    #[test]
    fn new_connections_go_to_the_clients_server_else_by_the_table() {
        use SlotPhase::{Exceptional, Flow, Settling, Stable};
        for (state, words) in [
            (Stable, "stable"),
            (Settling, "older ones stay with 192.0.2.22"),
            (Exceptional, "it has no record"),
            (Flow, "scheduler"),
        ] {
            let (server, why) = explained(state).outcome(STREAM);
            assert_eq!(server, CURRENT, "{state:?}");
            assert!(why.contains(words), "{why}");
            let persistent = Explained {
                client_record: THIRD,
                ..explained(state)
            };
            let (server, why) = persistent.outcome(STREAM);
            assert_eq!(server, THIRD, "{state:?}");
            assert!(why.contains("persistence"), "{why}");
        }
    }

    #[test]
    fn a_udp_client_stays_while_its_slot_settles() {
        let asked = Asked {
            datagram: true,
            ..STREAM
        };
        assert_eq!(explained(SlotPhase::Settling).outcome(asked).0, PREVIOUS);
        assert_eq!(explained(SlotPhase::Exceptional).outcome(asked).0, CURRENT);
    }

    #[test]
    fn without_the_port_no_connection_is_seen() {
        let asked = Asked {
            connection: false,
            ..STREAM
        };
        for state in [SlotPhase::Settling, SlotPhase::Exceptional] {
            let (_, why) = explained(state).outcome(asked);
            assert!(why.contains("give the client's port"), "{why}");
        }
        let (_, why) = explained(SlotPhase::Stable).outcome(asked);
        assert!(!why.contains("port"), "{why}");
    }

    #[test]
    fn an_empty_table_sends_nobody_anywhere() {
        for state in [SlotPhase::Stable, SlotPhase::Exceptional] {
            let empty = Explained {
                current: None,
                ..explained(state)
            };
            let expected = (None, "no real server can take packets".to_owned());
            assert_eq!(empty.outcome(STREAM), expected);
        }
    }
}
