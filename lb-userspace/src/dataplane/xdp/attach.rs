//! Getting the program onto interfaces, and off them.

use std::io;
use std::os::fd::AsFd;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::XdpLink;
use aya::programs::{ProgramError, XdpMode};

use super::load::Loaded;
use super::preflight::{self, Finding};
use super::program::{Form, with_sources};
use super::{XdpError, foreign, sys};

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
    /// Frames of several buffers are handled, too.
    pub frags: bool,
    /// Better modes that were tried first, with the reasons against them.
    pub refused: Option<String>,
    /// What is known to trouble this driver, each with a way out. Those that forbid the native
    /// mode are in `refused`, too.
    pub findings: Vec<String>,
}

/// An interface to attach to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    pub name: String,
    pub index: u32,
    pub mtu: u32,
    /// How the program that it carries now is attached.
    pub attached: Option<Mode>,
}

impl Nic {
    /// Frames of this MTU fit into one page with what drivers keep beside them (headroom 256,
    /// `skb_shared_info` 320 bytes); veth takes up to 3520, virtio-net 3502, ENA 3498.
    const ONE_PAGE: u32 = 3498;

    /// The forms of the program to try, the better one first.
    const fn forms(&self) -> &'static [Form] {
        if self.mtu > Self::ONE_PAGE {
            &[Form::Frags, Form::Whole]
        } else {
            &[Form::Whole]
        }
    }
}

/// An interface's link to the program.
pub(super) struct Carrier {
    /// It is pinned, so it outlives this process.
    link: PinnedLink,
    /// The kernel's id of it.
    id: u32,
    form: Form,
}

impl Loaded {
    pub(super) fn attach(&mut self, nic: &Nic, choice: ModeChoice) -> Result<Attached, XdpError> {
        let interface = nic.name.as_str();
        if let Ok(left) = PinnedLink::from_pin(self.pins.link(interface)) {
            let mode = nic.attached.filter(|mode| choice.ladder().contains(mode));
            if let Some(mode) = mode
                && let Some(form) = self.take_over(nic, left)
            {
                return Ok(Attached {
                    mode,
                    frags: form == Form::Frags,
                    refused: None,
                    findings: texts(&self.look_at(nic, mode)),
                });
            }
            // Best effort: the attachment below reports what is in its way.
            let _ = std::fs::remove_file(self.pins.link(interface));
        }
        let mut refused = Vec::new();
        let native = self.look_at(nic, Mode::Native);
        for &mode in choice.ladder() {
            let findings: &[Finding] = match mode {
                Mode::Native => &native,
                Mode::Generic => &[],
            };
            if findings.iter().any(Finding::refuses) {
                refused.push(format!("{}: {}", mode.name(), texts(findings).join("; ")));
                continue;
            }
            for &form in nic.forms() {
                match self.attach_in(nic, mode, form) {
                    Ok(()) => {
                        let refused = (!refused.is_empty()).then(|| refused.join("; "));
                        return Ok(Attached {
                            mode,
                            frags: form == Form::Frags,
                            refused,
                            findings: texts(&native),
                        });
                    }
                    Err(reason) => refused.push(match form {
                        Form::Whole => format!("{}: {reason}", mode.name()),
                        Form::Frags => {
                            format!("{} for MTU {}: {reason}", mode.name(), nic.mtu)
                        }
                    }),
                }
            }
            // What was no more than a warning may have been the reason.
            refused.extend(texts(findings));
        }
        Err(XdpError::Attach {
            interface: interface.to_owned(),
            reason: refused.join("; "),
        })
    }

    /// What is known to trouble the driver in this mode.
    fn look_at(&self, nic: &Nic, mode: Mode) -> Vec<Finding> {
        if mode == Mode::Generic {
            return Vec::new();
        }
        let frags = nic.mtu > Nic::ONE_PAGE && self.program.without_frags.is_none();
        match preflight::Facts::read(&nic.name, nic.index) {
            Ok(facts) => preflight::findings(&facts, frags),
            Err(error) => {
                tracing::debug!(interface = nic.name, %error, "the driver cannot be looked at");
                Vec::new()
            }
        }
    }

    /// Puts the program into the link that an earlier daemon left. `None` if the link is dead.
    fn take_over(&mut self, nic: &Nic, left: PinnedLink) -> Option<Form> {
        let link = XdpLink::try_from(FdLink::from(left)).ok();
        let mut link = Some(link?);
        for &form in nic.forms() {
            let given = match link.take() {
                Some(link) => link,
                None => {
                    let left = PinnedLink::from_pin(self.pins.link(&nic.name)).ok()?;
                    XdpLink::try_from(FdLink::from(left)).ok()?
                }
            };
            if self.replace(&nic.name, given, form).is_some() {
                return Some(form);
            }
        }
        None
    }

    /// Puts the program into a link, in one step.
    fn replace(&mut self, interface: &str, link: XdpLink, form: Form) -> Option<()> {
        let program = self.program.get(form).ok()?;
        let id = program.attach_to_link(link).ok()?;
        // The pin still names this very link, whoever else holds it open.
        drop(program.take_link(id).ok()?);
        let pin = self.pins.link(interface);
        let link = FdLink::from(PinnedLink::from_pin(&pin).ok()?);
        let id = link.info().ok()?.id();
        let link = PinnedLink::from_pin(pin).ok()?;
        self.carriers
            .insert(interface.to_owned(), Carrier { link, id, form });
        Some(())
    }

    /// Puts the program into all links.
    pub(super) fn replace_everywhere(&mut self) -> Result<(), XdpError> {
        let carriers: Vec<(String, Form)> = self
            .carriers
            .iter()
            .map(|(interface, carrier)| (interface.clone(), carrier.form))
            .collect();
        for (interface, form) in carriers {
            let pinned = PinnedLink::from_pin(self.pins.link(&interface)).ok();
            let link = pinned.and_then(|pinned| XdpLink::try_from(FdLink::from(pinned)).ok());
            let replaced = link.and_then(|link| self.replace(&interface, link, form));
            if replaced.is_none() {
                return Err(XdpError::Attach {
                    interface,
                    reason: "its program cannot be replaced".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn attach_in(&mut self, nic: &Nic, mode: Mode, form: Form) -> Result<(), String> {
        let flags = match mode {
            Mode::Native => XdpMode::Driver,
            Mode::Generic => XdpMode::Skb,
        };
        if form == Form::Frags
            && let Some(why) = &self.program.without_frags
        {
            return Err(format!("the kernel has no multi-buffer XDP: {why}"));
        }
        let program = self.program.get(form).map_err(|error| error.to_string())?;
        let id = program
            .attach_to_if_index(nic.index, flags)
            .map_err(|error| attach_reason(nic, &error))?;
        let link = program
            .take_link(id)
            .map_err(|error| with_sources(&error))?;
        // aya falls back to an attachment by netlink that ends with this process.
        let link = FdLink::try_from(link)
            .map_err(|_| "the kernel does not support bpf_link for XDP (needs 5.9)".to_owned())?;
        let id = link.info().map_err(|error| with_sources(&error))?.id();
        let link = link
            .pin(self.pins.link(&nic.name))
            .map_err(|error| with_sources(&error))?;
        let carrier = Carrier { link, id, form };
        self.carriers.insert(nic.name.clone(), carrier);
        Ok(())
    }

    /// Pins links again that somebody unpinned: the program would go with this process. Says
    /// which.
    pub(super) fn restore_links(&self) -> io::Result<Vec<String>> {
        let mut restored = Vec::new();
        for (interface, carrier) in &self.carriers {
            let pin = self.pins.link(interface);
            if !pin.exists() {
                sys::pin(sys::link_by_id(carrier.id)?.as_fd(), &pin)?;
                restored.push(format!("of the program on {interface}"));
            }
        }
        Ok(restored)
    }

    /// The kernel's id of the program in an interface's link.
    pub(super) fn program_id(&mut self, interface: &str) -> Option<u32> {
        let form = self.carriers.get(interface)?.form;
        Some(self.program.get(form).ok()?.info().ok()?.id())
    }

    pub(super) fn detach(&mut self, interface: &str) {
        if let Some(carrier) = self.carriers.remove(interface)
            && let Err(error) = carrier.link.unpin()
        {
            tracing::warn!(interface, %error, "cannot remove the pin of the XDP link");
        }
    }
}

fn texts(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// What stands in the way of an attachment, in words.
fn attach_reason(nic: &Nic, error: &ProgramError) -> String {
    let ProgramError::SyscallError(call) = error else {
        return with_sources(error);
    };
    match call.io_error.raw_os_error() {
        Some(libc::EBUSY | libc::EEXIST) => foreign::describe(nic),
        Some(libc::EOPNOTSUPP) => "the driver does not support it".to_owned(),
        Some(libc::EPERM) => "not permitted: lvx needs root, or CAP_BPF and CAP_NET_ADMIN".into(),
        Some(libc::ERANGE | libc::EINVAL) => {
            format!("the driver refuses, perhaps for its MTU: {}", call.io_error)
        }
        Some(_) | None => with_sources(error),
    }
}
