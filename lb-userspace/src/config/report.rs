//! Collects the errors while a file is read.

use std::ops::Range;
use std::path::Path;

use super::diagnostic::{Diagnostic, Errors};

/// Bytes of the file.
pub(super) type Span = Range<usize>;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

pub(super) struct Report<'t> {
    text: &'t str,
    problems: Vec<Problem>,
    /// Where the first syntax error stands that leaves the tree behind it in doubt.
    unsound_from: Option<usize>,
    /// Something could not be read, so that what looks absent may be there after all.
    pub(super) incomplete: bool,
}

pub(super) struct Problem {
    span: Span,
    message: String,
    hint: Option<String>,
}

impl Problem {
    pub(super) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: Vec::new(),
            unsound_from: None,
            incomplete: false,
        }
    }

    pub(super) fn error(&mut self, span: &Span, message: impl Into<String>) -> &mut Problem {
        self.problems.push(Problem {
            span: span.clone(),
            message: message.into(),
            hint: None,
        });
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// An error about something that is not there, told only where the whole file was read.
    pub(super) fn absent(&mut self, span: &Span, message: impl Into<String>, hint: String) {
        if !self.incomplete {
            self.error(span, message).hint(hint);
        }
    }

    /// Takes over what the TOML parser complains about. It goes on after an error, but the tree
    /// it then makes has keys in wrong blocks.
    pub(super) fn syntax(&mut self, mut errors: Vec<toml::de::Error>) {
        errors.sort_by_key(|e| e.span().map_or(0, |s| s.start));
        let (mut last_line, mut bracket) = (0, false);
        for error in errors {
            let span = error.span().unwrap_or_default();
            let cause = Cause::of(error.message());
            let line = self.line(&span);
            self.incomplete = true;
            if cause != Cause::Duplicate && self.unsound_from.is_none() {
                self.unsound_from = Some(span.start);
            }
            // One slip brings several complaints in its line, and a bracket that is not closed
            // brings one for each line until the end of the file.
            let follows = line == last_line || (bracket && cause == Cause::Bracket);
            last_line = line;
            bracket |= cause == Cause::Bracket;
            if !follows {
                self.error(&span, format!("TOML syntax: {}", error.message()));
            }
        }
    }

    /// From 1.
    pub(super) fn line(&self, span: &Span) -> usize {
        let start = self.text.floor_char_boundary(span.start);
        self.text[..start].matches('\n').count() + 1
    }

    /// The first of two things that may not be equal, for a hint.
    pub(super) fn other(&self, span: &Span) -> String {
        format!("the other one is in line {}", self.line(span))
    }

    /// `Ok(())` if nothing was wrong.
    pub(super) fn finish(self, path: &Path) -> Result<(), Errors> {
        let sound_lines = self
            .unsound_from
            .map_or(usize::MAX, |at| self.line(&(at..at)));
        let diagnostics: Vec<_> = self
            .problems
            .into_iter()
            .map(|p| Diagnostic::new(self.text, &p.span, p.message, p.hint))
            .filter(|d| d.line < sound_lines || d.message.starts_with("TOML syntax:"))
            .collect();
        if diagnostics.is_empty() {
            return Ok(());
        }
        Err(Errors::new(path, diagnostics))
    }
}

/// Kinds of the TOML parser's complaints, which it tells apart by words alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The tree is sound, with the first of the two values.
    Duplicate,
    /// Something inside an array or an inline table that does not belong there.
    Bracket,
    Other,
}

impl Cause {
    fn of(message: &str) -> Self {
        let inside = ["array elements", "in array", "unclosed array,"];
        let inline = ["key-value pairs", "inline table"];
        if message == "duplicate key" {
            Self::Duplicate
        } else if inside.iter().chain(&inline).any(|w| message.contains(w)) {
            Self::Bracket
        } else {
            Self::Other
        }
    }
}
