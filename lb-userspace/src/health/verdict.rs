//! From single probes to a verdict: rise and fall. PURE.

/// Judges one real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judge {
    rise: u8,
    fall: u8,
    /// The verdict; `None` before the first probe.
    up: Option<bool>,
    /// Probes in a row that contradict the verdict.
    against: u8,
    /// A verdict was given.
    given: bool,
}

impl Judge {
    /// `rise` successes in a row bring a server up, `fall` failures in a row take it down.
    #[must_use]
    pub const fn new(rise: u8, fall: u8) -> Self {
        Self {
            rise,
            fall,
            up: None,
            against: 0,
            given: false,
        }
    }

    /// The same of a server that is taken for up or down before it is probed; with `None` the
    /// first probe decides.
    #[must_use]
    pub const fn starting(self, up: Option<bool>) -> Self {
        Self { up, ..self }
    }

    /// Whether the verdict is that the server is up.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.up, Some(true))
    }

    /// Takes the outcome of a probe; tells whether it is the first verdict or a new one.
    pub fn observe(&mut self, success: bool) -> bool {
        let Some(up) = self.up else {
            self.up = Some(success);
            self.given = true;
            return true;
        };
        if success == up {
            self.against = 0;
            return !std::mem::replace(&mut self.given, true);
        }
        self.against += 1;
        let needed = if up { self.fall } else { self.rise };
        let changed = self.against >= needed;
        if changed {
            self.up = Some(success);
            self.against = 0;
            self.given = true;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes as `+` and `-`; in the result `!` stands where a verdict was given.
    fn run(rise: u8, fall: u8, initial: Option<bool>, probes: &str) -> String {
        let mut judge = Judge::new(rise, fall).starting(initial);
        let observe = |probe| {
            if judge.observe(probe == '+') {
                '!'
            } else {
                '.'
            }
        };
        probes.chars().map(observe).collect()
    }

    #[test]
    fn verdicts_follow_rise_and_fall() {
        for (rise, fall, probes, verdicts) in [
            (2, 2, "+", "!"),
            (2, 2, "-", "!"),
            (2, 2, "+-", "!."),
            (2, 2, "+--", "!.!"),
            (2, 2, "+-+--", "!...!"),
            (3, 1, "+-+++", "!!..!"),
            (1, 3, "-+---+", "!!..!!"),
            (1, 1, "+-+-", "!!!!"),
            (2, 2, "+----", "!.!.."),
            (255, 1, "-++++++++", "!........"),
        ] {
            assert_eq!(
                run(rise, fall, None, probes),
                verdicts,
                "rise {rise}, fall {fall}: {probes}"
            );
        }
    }

    #[test]
    fn what_a_server_is_taken_for_at_first_is_contradicted_by_rise_or_fall() {
        for (up, probes, verdicts) in [
            (true, "+--", "!.!"),
            (true, "--+", ".!."),
            (true, "-+--", ".!.!"),
            (false, "++-", ".!."),
            (false, "-++", "!.!"),
            (false, "+-++", ".!.!"),
        ] {
            let found = run(2, 2, Some(up), probes);
            assert_eq!(found, verdicts, "up {up}: {probes}");
        }
    }
}
