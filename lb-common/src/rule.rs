//! The rule by which a packet finds its real server where the table alone does not say it
//! (DESIGN 4.2). PURE: the program and the model that it is tested against run this very code.

use crate::layout::Slot;
use crate::record::State;

/// What a packet says about its connection.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// TCP SYN without ACK; SCTP INIT.
    Open,
    /// In the middle of a connection.
    Data,
    /// TCP FIN or RST; SCTP SHUTDOWN or ABORT.
    Close,
    /// UDP: there is no beginning and no end.
    Datagram,
    /// An ICMP error that quotes a packet of the connection: it is no sign of life.
    Quote,
}

/// Seconds without a packet after which a record is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub opening: u32,
    pub established: u32,
    pub closing: u32,
}

impl Timeouts {
    /// Those of IPVS for TCP (net/netfilter/ipvs/ip_vs_proto_tcp.c): SYN_RECV, ESTABLISHED,
    /// FIN_WAIT.
    pub const TCP: Self = Self {
        opening: 60,
        established: 15 * 60,
        closing: 2 * 60,
    };
    /// That of IPVS for UDP.
    pub const UDP: Self = Self {
        opening: 5 * 60,
        established: 5 * 60,
        closing: 5 * 60,
    };

    #[inline(always)]
    #[must_use]
    pub const fn of(&self, state: State) -> u32 {
        match state {
            State::Opening => self.opening,
            State::Unconfirmed | State::Established => self.established,
            State::Closing => self.closing,
        }
    }
}

/// Who gets the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The slot's current server; with a flow table whom the scheduler chooses.
    Current,
    /// The slot's server before the change.
    Previous,
    /// The server of the connection's record.
    Recorded,
    /// The server of the client's record.
    Client,
}

/// What becomes of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Nothing,
    /// The record found gets this state, and the packet's time.
    Touch(State),
    /// A new one is stored, over whatever there was.
    Store(State),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub choice: Choice,
    pub write: Write,
}

/// State of a record after another packet.
#[inline(always)]
const fn after(state: State, segment: Segment) -> State {
    match segment {
        Segment::Close => State::Closing,
        Segment::Open | Segment::Quote => state,
        Segment::Data | Segment::Datagram => match state {
            State::Opening | State::Unconfirmed | State::Established => State::Established,
            State::Closing => State::Closing,
        },
    }
}

/// State of a record that starts with this packet.
#[inline(always)]
const fn first(segment: Segment) -> State {
    match segment {
        Segment::Open => State::Opening,
        Segment::Data | Segment::Datagram | Segment::Quote => State::Unconfirmed,
        Segment::Close => State::Closing,
    }
}

/// Whether the record decides. A connection that begins where another one has ended does not
/// follow it.
#[inline(always)]
const fn follow(segment: Segment, found: Option<State>) -> Option<Decision> {
    match found {
        None => None,
        Some(State::Closing) if matches!(segment, Segment::Open) => None,
        Some(state) => {
            let write = match segment {
                Segment::Quote => Write::Nothing,
                Segment::Open | Segment::Data | Segment::Close | Segment::Datagram => {
                    Write::Touch(after(state, segment))
                }
            };
            Some(Decision {
                choice: Choice::Recorded,
                write,
            })
        }
    }
}

/// A packet in a slot that is not stable.
///
/// `found` is the state of the connection's record, if there is one that counts; `stale` says that
/// there is one which does not: it is over, or its server is gone. `client`: the service is
/// persistent, and the client has a record that counts.
#[inline(always)]
#[must_use]
pub const fn unstable(
    slot: Slot,
    segment: Segment,
    found: Option<State>,
    stale: bool,
    client: bool,
) -> Decision {
    if let Some(decision) = follow(segment, found) {
        return decision;
    }
    let settling = slot.flags() & Slot::SETTLING != 0;
    if matches!(segment, Segment::Open) {
        let choice = if client {
            Choice::Client
        } else {
            Choice::Current
        };
        // Where packets without record go to `current`, a connection there needs none, unless
        // there is an old one that would mislead its next packets.
        let agrees = !settling && !client && !stale && found.is_none();
        let write = if agrees {
            Write::Nothing
        } else {
            Write::Store(State::Opening)
        };
        return Decision { choice, write };
    }
    if settling && slot.previous() != 0 {
        let write = match segment {
            Segment::Quote => Write::Nothing,
            Segment::Open | Segment::Data | Segment::Close | Segment::Datagram => {
                Write::Store(first(segment))
            }
        };
        return Decision {
            choice: Choice::Previous,
            write,
        };
    }
    let write = if stale && !matches!(segment, Segment::Quote) {
        Write::Store(first(segment))
    } else {
        Write::Nothing
    };
    Decision {
        choice: Choice::Current,
        write,
    }
}

/// A packet of a service with a flow table: `Current` is whom the scheduler chooses, for new
/// connections and for those that began with another director.
#[inline(always)]
#[must_use]
pub const fn scheduled(segment: Segment, found: Option<State>, client: bool) -> Decision {
    if let Some(decision) = follow(segment, found) {
        return decision;
    }
    let choice = if client {
        Choice::Client
    } else {
        Choice::Current
    };
    let write = match segment {
        Segment::Quote => Write::Nothing,
        Segment::Open | Segment::Data | Segment::Close | Segment::Datagram => {
            Write::Store(first(segment))
        }
    };
    Decision { choice, write }
}

/// What becomes of a client's record, after a packet that it was looked up for. `same`: it names
/// the server that the packet goes to.
#[inline(always)]
#[must_use]
pub const fn of_client(segment: Segment, choice: Choice, same: bool) -> Write {
    if same {
        return Write::Touch(State::Established);
    }
    // A connection that is older than the client's record: its server may have been taken out.
    if matches!(choice, Choice::Recorded) && matches!(segment, Segment::Open) {
        return Write::Nothing;
    }
    Write::Store(State::Unconfirmed)
}

#[cfg(test)]
mod tests;
