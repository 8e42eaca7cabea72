//! All that can happen to a director.

use crate::api::server::Query;
use crate::health::Verdict;
use crate::netlink::{hosts, monitor};
use crate::track::Report;
use crate::vrrp;

pub(super) enum Event {
    Verdict(Verdict),
    Route(hosts::Found),
    Change(monitor::Change),
    Vrrp(vrrp::Event),
    Tracked(Report),
    Query(Query),
    /// A signal: the protocol has given up already.
    Stop,
}

impl From<Verdict> for Event {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl From<hosts::Found> for Event {
    fn from(found: hosts::Found) -> Self {
        Self::Route(found)
    }
}

impl From<monitor::Change> for Event {
    fn from(change: monitor::Change) -> Self {
        Self::Change(change)
    }
}

impl From<Report> for Event {
    fn from(report: Report) -> Self {
        Self::Tracked(report)
    }
}

impl From<Query> for Event {
    fn from(query: Query) -> Self {
        Self::Query(query)
    }
}
