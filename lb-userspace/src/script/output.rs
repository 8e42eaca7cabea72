//! What a program writes: the end of it is kept, all of it is read, so that it never blocks.

use std::io;

use tokio::net::unix::pipe;

/// Kept of the output.
const KEPT: usize = 4 << 10;
/// Longest line for a log.
const LINE: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Output(Vec<u8>);

impl Output {
    /// Reads once; whether there may be more to come.
    pub(super) fn read(&mut self, receiver: &pipe::Receiver) -> bool {
        let mut chunk = [0; KEPT];
        match receiver.try_read(&mut chunk) {
            Ok(0) => false,
            Ok(length) => {
                self.push(&chunk[..length]);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Reads what is there, and no more than a pipe holds: what a program left behind may write
    /// for ever.
    pub(super) fn drain(&mut self, receiver: &pipe::Receiver) {
        let mut chunk = [0; KEPT];
        for _ in 0..(64 << 10) / KEPT {
            match receiver.try_read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(length) => self.push(&chunk[..length]),
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        let over = self.0.len().saturating_sub(KEPT);
        self.0.drain(..over);
    }

    pub(super) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.0);
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let lines = text.lines().rev();
        let mut lines = lines.map(|line| line.chars().map(printable).collect::<String>());
        let last = lines.find(|line| !line.trim().is_empty())?;
        Some(last.trim().chars().take(LINE).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_says_anything_is_kept() {
        let long = "x".repeat(10_000);
        for (written, last) in [
            ("", None),
            (" \n\t\n", None),
            ("one\ntwo\n\n", Some("two")),
            ("one\ntwo", Some("two")),
            ("a\u{1b}[31mred", Some("a [31mred")),
            (&long, Some(&long[..LINE])),
        ] {
            let mut output = Output::default();
            output.push(written.as_bytes());
            assert_eq!(output.last_line().as_deref(), last, "{written:?}");
        }
        let mut output = Output::default();
        output.push(&[0xff, 0xfe, b'!']);
        assert_eq!(output.last_line().as_deref(), Some("\u{fffd}\u{fffd}!"));
    }

    #[test]
    fn only_the_end_is_kept() {
        let mut output = Output::default();
        output.push("first\n".as_bytes());
        output.push(&[b'x'; KEPT]);
        output.push("\nlast".as_bytes());
        assert_eq!(output.0.len(), KEPT);
        assert_eq!(output.last_line().as_deref(), Some("last"));
    }
}
