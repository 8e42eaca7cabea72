//! Which data plane serves which service, and why: the ladder of DESIGN 4.4. PURE.

use crate::config::{PlaneChoice, Service};

/// What packets are forwarded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plane {
    Xdp,
    Ipvs,
}

impl Plane {
    /// Word in `lvx status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xdp => "xdp",
            Self::Ipvs => "ipvs",
        }
    }
}

/// What the XDP program can be used for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XdpState {
    /// It was not tried yet.
    Untried,
    /// On all interfaces.
    Attached,
    /// On some interfaces.
    Partial {
        missing: String,
    },
    Missing {
        reason: String,
    },
}

/// What the kernel's IPVS can be used for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IpvsState {
    Ready,
    Missing { reason: String },
}

/// What the operator asks for by hand, over the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Override {
    Xdp,
    Ipvs,
}

/// The planes of this director.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes {
    pub choice: PlaneChoice,
    pub by_hand: Option<Override>,
    pub xdp: XdpState,
    pub ipvs: IpvsState,
}

/// The plane of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// `None`: nothing here can serve it.
    pub plane: Option<Plane>,
    /// Why it is not a better one; empty for XDP.
    pub reason: String,
}

impl Planes {
    #[must_use]
    pub fn new(choice: PlaneChoice) -> Self {
        let untried = "not tried yet".to_owned();
        Self {
            choice,
            by_hand: None,
            xdp: XdpState::Untried,
            ipvs: IpvsState::Missing { reason: untried },
        }
    }

    /// Why XDP may not be used at all, if so.
    fn xdp_barred(&self) -> Option<&'static str> {
        match (self.by_hand, self.choice) {
            (Some(Override::Ipvs), _) => Some("switched to IPVS by hand"),
            (_, PlaneChoice::Ipvs) => Some("the configuration says dataplane = \"ipvs\""),
            (
                Some(Override::Xdp) | None,
                PlaneChoice::Auto
                | PlaneChoice::Xdp
                | PlaneChoice::XdpNative
                | PlaneChoice::XdpGeneric,
            ) => None,
        }
    }

    /// Why IPVS may not be used at all, if so.
    fn ipvs_barred(&self) -> Option<&'static str> {
        match (self.by_hand, self.choice) {
            (Some(Override::Xdp), _) => Some("switched to XDP by hand"),
            (_, PlaneChoice::Xdp | PlaneChoice::XdpNative | PlaneChoice::XdpGeneric) => {
                Some("the configuration allows XDP only")
            }
            (Some(Override::Ipvs) | None, PlaneChoice::Auto | PlaneChoice::Ipvs) => None,
        }
    }

    /// Why IPVS cannot be used, if so.
    fn ipvs_lacks(&self) -> Option<String> {
        if let Some(barred) = self.ipvs_barred() {
            return Some(barred.to_owned());
        }
        match &self.ipvs {
            IpvsState::Ready => None,
            IpvsState::Missing { reason } => Some(reason.clone()),
        }
    }

    /// Whether the program belongs on the interfaces.
    #[must_use]
    pub fn wants_xdp(&self) -> bool {
        self.choice != PlaneChoice::Ipvs
    }

    /// Whether active services belong into IPVS, XDP's own as a standby among them.
    #[must_use]
    pub fn wants_ipvs(&self) -> bool {
        self.ipvs_lacks().is_none()
    }

    /// The plane of `service`, by the ladder.
    #[must_use]
    pub fn assign(&self, service: &Service) -> Assignment {
        self.climb(program_lacks(service), ipvs_lacks(service))
    }

    /// The plane of a service that asks for nothing special.
    #[must_use]
    pub fn without_service(&self) -> Assignment {
        self.climb(None, None)
    }

    fn climb(&self, program_lacks: Option<String>, ipvs_lacks: Option<String>) -> Assignment {
        let able = program_lacks.is_none();
        let barred = self.xdp_barred().map(str::to_owned);
        let xdp_lacks = barred.or(program_lacks);
        let Some(reason) = xdp_lacks.or_else(|| self.xdp_impaired()) else {
            return Assignment {
                plane: Some(Plane::Xdp),
                reason: String::new(),
            };
        };
        let Some(ipvs) = self.ipvs_lacks().or(ipvs_lacks) else {
            return Assignment {
                plane: Some(Plane::Ipvs),
                reason,
            };
        };
        // Half of the interfaces are better than none.
        let partial = matches!(self.xdp, XdpState::Partial { .. });
        let usable = partial && able && self.xdp_barred().is_none();
        Assignment {
            plane: usable.then_some(Plane::Xdp),
            reason: format!("XDP: {reason}; IPVS: {ipvs}"),
        }
    }

    /// Why the program is not on all interfaces, if so.
    fn xdp_impaired(&self) -> Option<String> {
        match &self.xdp {
            // Until it is known better: what an earlier daemon left is replaced by filled tables.
            XdpState::Attached | XdpState::Untried => None,
            XdpState::Partial { missing } => Some(missing.clone()),
            XdpState::Missing { reason } => Some(reason.clone()),
        }
    }
}

/// What the XDP program cannot do that `service` needs, if there is anything.
#[must_use]
pub fn program_lacks(service: &Service) -> Option<String> {
    let limit = service.scheduler.program_limit()?;
    (service.real_servers.len() > limit).then(|| {
        format!(
            "scheduler {} chooses among {limit} real servers at most",
            service.scheduler.name()
        )
    })
}

/// What the kernel's IPVS cannot do that `service` needs, if there is anything.
#[must_use]
pub fn ipvs_lacks(service: &Service) -> Option<String> {
    let all_ports = service.address.port() == 0 && service.persistence.is_none();
    all_ports.then(|| "it serves all ports of an address only with persistence".to_owned())
}

#[cfg(test)]
mod tests;
