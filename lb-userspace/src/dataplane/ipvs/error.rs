//! What can go wrong with IPVS, with the kernel's reason.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::client::RequestError;
use super::frame::Refusal;
use super::plan::{Change, Operation};
use super::sync::SyncDaemon;
use super::sysctl;
use super::table::ServiceKey;

#[derive(Debug, thiserror::Error)]
pub enum IpvsError {
    /// This kernel has no IPVS, or not for us.
    #[error("{reason}")]
    Unavailable { reason: String },
    #[error("IPVS service {service}: {what}: {error}")]
    Service {
        service: ServiceKey,
        what: &'static str,
        error: Refusal,
    },
    #[error("IPVS service {service}, destination {destination}: {what}: {error}")]
    Destination {
        service: ServiceKey,
        destination: IpAddr,
        what: &'static str,
        error: Refusal,
    },
    #[error("IPVS {daemon}: {what}: {error}")]
    SyncDaemon {
        daemon: SyncDaemon,
        what: &'static str,
        error: Refusal,
    },
    /// One that is not ours is in the way.
    #[error("IPVS {daemon}: there is another: {running}")]
    SyncDaemonInTheWay {
        daemon: SyncDaemon,
        running: SyncDaemon,
    },
    #[error("IPVS timeouts: {0}")]
    Timeouts(Refusal),
    #[error("{}: {error}", path.display())]
    Sysctl { path: PathBuf, error: io::Error },
    #[error("{}: {error}", path.display())]
    Record { path: PathBuf, error: io::Error },
    #[error("IPVS {what}: {error}")]
    Query {
        what: &'static str,
        error: RequestError,
    },
}

impl IpvsError {
    pub(super) fn unavailable(error: RequestError) -> Self {
        let reason = match error.errno() {
            Some(libc::ENOENT) => "this kernel has no IPVS (module ip_vs)".to_owned(),
            Some(libc::EPERM) => "IPVS needs the privilege CAP_NET_ADMIN".to_owned(),
            _ => format!("IPVS does not answer: {error}"),
        };
        Self::Unavailable { reason }
    }

    pub(super) fn query(what: &'static str, error: RequestError) -> Self {
        Self::Query { what, error }
    }

    pub(super) fn record(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        Self::Record { path, error }
    }

    pub(super) fn sysctl(name: &str, error: io::Error) -> Self {
        let path = sysctl::path(name);
        Self::Sysctl { path, error }
    }

    pub(super) fn operation(operation: &Operation, error: Refusal) -> Self {
        let service = operation.service;
        let of_service = |what, error| Self::Service {
            service,
            what,
            error,
        };
        let (what, target) = match &operation.change {
            Change::AddService(options) => {
                return of_service("adding it", explained(error, &options.scheduler));
            }
            Change::EditService(options) => {
                return of_service("changing it", explained(error, &options.scheduler));
            }
            Change::RemoveService => return of_service("removing it", error),
            Change::AddDestination(target, _) => ("adding it", target),
            Change::EditDestination(target, _) => ("changing it", target),
            Change::RemoveDestination(target) => ("removing it", target),
        };
        Self::Destination {
            service,
            destination: target.address,
            what,
            error,
        }
    }
}

/// The kernel has no words for what it was built without.
fn explained(mut error: Refusal, scheduler: &str) -> Refusal {
    if error.explanation.is_none() {
        error.explanation = match error.errno {
            libc::ENOENT => Some(format!(
                "no scheduler {scheduler} in this kernel (module ip_vs_{scheduler})"
            )),
            libc::EAFNOSUPPORT => {
                Some("no IPv6 in this kernel's IPVS (CONFIG_IP_VS_IPV6)".to_owned())
            }
            _ => None,
        };
    }
    error
}
