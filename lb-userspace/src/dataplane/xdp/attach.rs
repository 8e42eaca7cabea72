//! Getting the program onto interfaces, and off them.

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::XdpLink;
use aya::programs::{ProgramError, XdpMode};

use super::XdpError;
use super::load::{Loaded, program, with_sources};

/// Where the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In the driver.
    Native,
    /// In the kernel's network stack, for drivers without XDP.
    Generic,
}

impl Mode {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "xdp-native",
            Self::Generic => "xdp-generic",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeChoice {
    /// Native, else generic.
    Best,
    Only(Mode),
}

impl ModeChoice {
    const fn ladder(self) -> &'static [Mode] {
        match self {
            Self::Best => &[Mode::Native, Mode::Generic],
            Self::Only(Mode::Native) => &[Mode::Native],
            Self::Only(Mode::Generic) => &[Mode::Generic],
        }
    }
}

/// How the program got onto an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    pub mode: Mode,
    /// Better modes that were tried first, with the reasons against them.
    pub refused: Option<String>,
}

/// An interface to attach to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    pub name: String,
    pub index: u32,
    /// How the program that it carries now is attached.
    pub attached: Option<Mode>,
}

impl Loaded {
    pub(super) fn attach(&mut self, nic: &Nic, choice: ModeChoice) -> Result<Attached, XdpError> {
        let interface = nic.name.as_str();
        if let Ok(left) = PinnedLink::from_pin(self.pins.link(interface)) {
            let mode = nic.attached.filter(|mode| choice.ladder().contains(mode));
            if let Some(mode) = mode
                && self.replace(interface, left).is_some()
            {
                return Ok(Attached {
                    mode,
                    refused: None,
                });
            }
            // Best effort: the attachment below reports what is in its way.
            let _ = std::fs::remove_file(self.pins.link(interface));
        }
        let mut refused = Vec::new();
        for &mode in choice.ladder() {
            match self.attach_in(interface, nic.index, mode) {
                Ok(()) => {
                    let refused = (!refused.is_empty()).then(|| refused.join("; "));
                    return Ok(Attached { mode, refused });
                }
                Err(reason) => refused.push(format!("{}: {reason}", mode.name())),
            }
        }
        Err(XdpError::Attach {
            interface: interface.to_owned(),
            reason: refused.join("; "),
        })
    }

    /// Puts the program into the link that an earlier daemon left, in one step. `None` if the
    /// link is dead.
    fn replace(&mut self, interface: &str, left: PinnedLink) -> Option<()> {
        let link = XdpLink::try_from(FdLink::from(left)).ok()?;
        let program = program(&mut self.ebpf).ok()?;
        let id = program.attach_to_link(link).ok()?;
        // The pin still names this very link, whoever else holds it open.
        let pinned = PinnedLink::from_pin(self.pins.link(interface)).ok()?;
        drop(program.take_link(id).ok()?);
        self.links.insert(interface.to_owned(), pinned);
        Some(())
    }

    fn attach_in(&mut self, interface: &str, ifindex: u32, mode: Mode) -> Result<(), String> {
        let flags = match mode {
            Mode::Native => XdpMode::Driver,
            Mode::Generic => XdpMode::Skb,
        };
        let program = program(&mut self.ebpf).map_err(|error| error.to_string())?;
        let id = program
            .attach_to_if_index(ifindex, flags)
            .map_err(|error| attach_reason(&error))?;
        let link = program
            .take_link(id)
            .map_err(|error| with_sources(&error))?;
        // aya falls back to an attachment by netlink that ends with this process.
        let link = FdLink::try_from(link)
            .map_err(|_| "the kernel does not support bpf_link for XDP (needs 5.9)".to_owned())?;
        let pinned = link
            .pin(self.pins.link(interface))
            .map_err(|error| with_sources(&error))?;
        self.links.insert(interface.to_owned(), pinned);
        Ok(())
    }

    pub(super) fn detach(&mut self, interface: &str) {
        if let Some(link) = self.links.remove(interface)
            && let Err(error) = link.unpin()
        {
            tracing::warn!(interface, %error, "cannot remove the pin of the XDP link");
        }
    }
}

/// What stands in the way of an attachment, in words.
fn attach_reason(error: &ProgramError) -> String {
    let ProgramError::SyscallError(call) = error else {
        return with_sources(error);
    };
    match call.io_error.raw_os_error() {
        Some(libc::EBUSY | libc::EEXIST) => {
            "another XDP program is attached; see `bpftool net` and remove it first".to_owned()
        }
        Some(libc::EOPNOTSUPP) => "the driver does not support it".to_owned(),
        Some(libc::EPERM) => "not permitted: lvx needs root, or CAP_BPF and CAP_NET_ADMIN".into(),
        Some(_) | None => with_sources(error),
    }
}
