//! Why an order cannot be carried out: each names what there is, or the command that helps.

use std::net::IpAddr;

use crate::health::Subject;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("no service is called {name:?}; there are: {known}")]
    NoService { name: String, known: String },
    #[error("service {service} has no real server {address}; it has: {known}")]
    NoServer {
        service: String,
        address: IpAddr,
        known: String,
    },
    #[error("real server {address} of service {service} is not being drained")]
    NotDrained { service: String, address: IpAddr },
    #[error("real server {address} of service {service} is neither disabled nor being drained")]
    NotHeld { service: String, address: IpAddr },
    #[error(
        "real server {address} of service {service} is not being drained, but disabled: \
         `lvx enable {service} {address}` ends that"
    )]
    IsDisabled { service: String, address: IpAddr },
    #[error(
        "real server {address} of service {service} was not drained by hand: its weight is 0 in \
         the configuration; change it there, and reload"
    )]
    NoWeight { service: String, address: IpAddr },
    #[error(
        "real server {address} of service {service} was not drained by hand: its weight was set \
         to 0, and `lvx weight {service} {address} --clear` ends that"
    )]
    WeightSet { service: String, address: IpAddr },
    #[error(
        "no weight was set by hand for real server {address} of service {service}: the \
         configuration gives it {weight}"
    )]
    NoWeightSet {
        service: String,
        address: IpAddr,
        weight: u16,
    },
}

impl OrderError {
    pub(super) fn is_disabled(subject: &Subject) -> Self {
        let (service, address) = (subject.service.to_string(), subject.real_server);
        Self::IsDisabled { service, address }
    }

    /// Nothing that could be ended stands for a server of these weights, the configured one and
    /// the one that was set by hand.
    pub(super) fn nothing_to_end(
        subject: &Subject,
        weight: (u16, Option<u16>),
        drains_only: bool,
    ) -> Self {
        let (service, address) = (subject.service.to_string(), subject.real_server);
        match weight {
            (_, Some(0)) => Self::WeightSet { service, address },
            (0, None) => Self::NoWeight { service, address },
            (_, _) if drains_only => Self::NotDrained { service, address },
            (_, _) => Self::NotHeld { service, address },
        }
    }

    pub(super) fn no_weight_set(subject: &Subject, weight: u16) -> Self {
        Self::NoWeightSet {
            service: subject.service.to_string(),
            address: subject.real_server,
            weight,
        }
    }
}
