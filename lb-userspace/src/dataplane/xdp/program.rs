//! The program in the kernel: loading it, also anew with other constants.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader};
use lb_common::opened;

use super::XdpError;
use super::log::{LOGS, LogLevel, Messages};
use super::sizes::Sizes;
use super::trace::EVENTS;

/// What the program is loaded for: constants that the verifier prunes it by, so that what is
/// switched off costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// There are services on port 0.
    pub wildcards: bool,
    /// Decisions are shown to `lvx trace`.
    pub trace: bool,
    /// What the program says in the daemon's log.
    pub log: LogLevel,
}

/// Bytes of a ring buffer that nobody uses: it must be there, and no smaller than a page.
const LEAST_RING: u32 = 1 << 16;

/// A form of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For frames in one piece.
    Whole,
    /// For frames of several buffers.
    Frags,
}

impl Form {
    const fn name(self) -> &'static str {
        match self {
            Self::Whole => "lvx",
            Self::Frags => "lvx_frags",
        }
    }
}

/// The loaded object.
pub(super) struct Program {
    pub(super) ebpf: Ebpf,
    /// Why frames of several buffers cannot be handled, if so.
    pub(super) without_frags: Option<String>,
    messages: Option<Messages>,
}

impl Program {
    /// Loads the object. Maps that are pinned where `pins` says are used, the others created and
    /// pinned there.
    pub(super) fn load(
        object: &[u8],
        sizes: &Sizes,
        features: Features,
        pins: &BTreeMap<&'static str, PathBuf>,
    ) -> Result<Self, XdpError> {
        let slots = sizes.table.slots().get();
        let sample = opened::mask(sizes.sample);
        let wildcards = u32::from(features.wildcards);
        let trace = u32::from(features.trace);
        let level = features.log as u8;
        let log = u32::from(level);
        let buckets = sizes.buckets();
        let masks = buckets.map(|(_, buckets, _)| buckets - 1);
        let mut loader = EbpfLoader::new();
        loader.override_global("TABLE_SIZE", &slots, true);
        loader.override_global("SAMPLE_MASK", &sample, true);
        loader.override_global("WILDCARDS", &wildcards, true);
        loader.override_global("TRACE", &trace, true);
        loader.override_global("PROGRAM_LOG", &log, true);
        loader.override_global(aya_log::LEVEL, &level, true);
        for (map, used) in [(EVENTS, features.trace), (LOGS, level != 0)] {
            if !used {
                loader.map_max_entries(map, LEAST_RING);
            }
        }
        for ((map, buckets, constant), mask) in buckets.iter().zip(&masks) {
            loader.map_max_entries(map, *buckets);
            loader.override_global(constant, mask, true);
        }
        for (map, path) in pins {
            loader.map_pin_path(map, path);
        }
        let ebpf = loader.load(object).map_err(|error| refused(&error))?;
        let mut program = Self {
            ebpf,
            without_frags: None,
            messages: None,
        };
        let whole = program.get(Form::Whole)?;
        whole.load().map_err(|error| refused(&error))?;
        let frags = program.get(Form::Frags)?.load();
        program.without_frags = frags.err().map(|error| with_sources(&error));
        if features.log != LogLevel::Off {
            program.messages = Some(Messages::of(&mut program.ebpf)?);
        }
        Ok(program)
    }

    /// Puts what the program has said since the last time into the daemon's log.
    pub(super) fn flush_log(&mut self) {
        if let Some(messages) = &mut self.messages {
            messages.flush();
        }
    }

    pub(super) fn get(&mut self, form: Form) -> Result<&mut Xdp, XdpError> {
        let name = form.name();
        let program = self.ebpf.program_mut(name);
        program
            .and_then(|program| program.try_into().ok())
            .ok_or_else(|| XdpError::Load(format!("the object has no XDP program `{name}`")))
    }
}

fn refused(error: &dyn std::error::Error) -> XdpError {
    XdpError::Load(with_sources(error))
}

/// An error with all its causes in one line.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}
