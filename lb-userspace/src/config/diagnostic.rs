//! What is wrong in a configuration file, where, and how it is shown to the operator.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One error of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// From 1; 0 when the file could not be read at all.
    pub line: usize,
    /// In characters, from 1; 0 when the file could not be read at all.
    pub column: usize,
    /// Characters to underline from `column` on, at least 1.
    pub width: usize,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The source line, passwords and control characters masked one for one.
    pub excerpt: String,
}

/// All errors of a configuration file, in the order of their places; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    path: PathBuf,
    diagnostics: Vec<Diagnostic>,
}

impl Errors {
    pub(super) fn new(path: &Path, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics
            .sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
        diagnostics.dedup();
        Self {
            path: path.to_owned(),
            diagnostics,
        }
    }

    pub(super) fn unreadable(path: &Path, reason: &std::io::Error) -> Self {
        let diagnostic = Diagnostic {
            line: 0,
            column: 0,
            width: 0,
            message: format!("cannot read the file: {reason}"),
            hint: None,
            excerpt: String::new(),
        };
        Self::new(path, vec![diagnostic])
    }

    /// The file the errors are in, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.diagnostics.iter()
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Errors {}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.diagnostics.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:", self.path.display())?;
            if d.line > 0 {
                write!(f, "{}:{}:", d.line, d.column)?;
            }
            write!(f, " error: {}", d.message)?;
            if d.line > 0 {
                let carets = "^".repeat(d.width);
                write!(f, "\n  | {}\n  | {}{carets}", d.excerpt, d.indent())?;
            }
            if let Some(hint) = &d.hint {
                write!(f, "\n  = help: {hint}")?;
            }
        }
        Ok(())
    }
}

impl Diagnostic {
    /// `span` in bytes of `text`; a span over several lines is cut at the end of its first.
    pub(super) fn new(
        text: &str,
        span: &Range<usize>,
        message: String,
        hint: Option<String>,
    ) -> Self {
        let start = text.floor_char_boundary(span.start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = &text[line_start..];
        let line = rest.lines().next().unwrap_or_default();
        let line_end = line_start + line.len();
        let end = text.floor_char_boundary(span.end.min(line_end)).max(start);
        Self {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            width: text[start..end].chars().count().max(1),
            message,
            hint,
            excerpt: printable(line),
        }
    }

    /// White space as wide as what stands before `column`, tabs kept.
    fn indent(&self) -> String {
        self.excerpt
            .chars()
            .take(self.column - 1)
            .map(|c| if c == '\t' { c } else { ' ' })
            .collect()
    }
}

/// `line` with passwords and what may be one starred out (errors go to logs and to `lvx status`) and without
/// characters that would move a terminal's cursor. As many characters as before.
fn printable(line: &str) -> String {
    let mut shown: Vec<char> = line
        .chars()
        .map(|c| match c {
            '\t' => c,
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    let mut at = 0;
    while at < shown.len() {
        at = match secret(&shown, at) {
            Some(range) => {
                shown[range.clone()].fill('*');
                range.end
            }
            None => at + 1,
        };
    }
    shown.into_iter().collect()
}

/// The value of the key at `at`, without its quotes, if the key looks like a password's. By the
/// text alone, so that it also holds in a line that TOML cannot parse.
fn secret(line: &[char], at: usize) -> Option<Range<usize>> {
    const KEYS: [&str; 4] = ["pass", "secret", "authorization", "url"];
    let begins = |key: &str| {
        let found = line[at..].iter().map(char::to_ascii_lowercase);
        key.len() <= line.len() - at && found.zip(key.chars()).all(|(a, b)| a == b)
    };
    if !KEYS.into_iter().any(begins) {
        return None;
    }
    let skip = |mut at: usize, wanted: fn(char) -> bool| {
        while line.get(at).is_some_and(|c| wanted(*c)) {
            at += 1;
        }
        at
    };
    let key_end = skip(at, |c| c.is_alphanumeric() || c == '_' || c == '-');
    // That of a webhook, not those of checks.
    if begins("url") && key_end > at + "url".len() {
        return None;
    }
    let equals = skip(key_end, |c| matches!(c, '"' | '\'') || c.is_whitespace());
    if line.get(equals) != Some(&'=') {
        return None;
    }
    let value = skip(equals + 1, char::is_whitespace);
    let (start, end) = match line.get(value) {
        Some(quote @ ('"' | '\'')) => {
            let start = skip(value, |c| matches!(c, '"' | '\''));
            (start, line[start..].iter().position(|c| c == quote))
        }
        Some(_) => {
            let end = line[value..].iter().position(|c| matches!(c, ',' | '}'));
            (value, end)
        }
        None => return None,
    };
    Some(start..end.map_or(line.len(), |n| start + n))
}

#[cfg(test)]
mod tests;
