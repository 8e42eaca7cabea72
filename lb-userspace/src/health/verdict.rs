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
        }
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
            return true;
        };
        if success == up {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let needed = if up { self.fall } else { self.rise };
        let changed = self.against >= needed;
        if changed {
            self.up = Some(success);
            self.against = 0;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes as `+` and `-`; in the result `!` stands where a verdict was given.
    fn run(rise: u8, fall: u8, probes: &str) -> String {
        let mut judge = Judge::new(rise, fall);
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
                run(rise, fall, probes),
                verdicts,
                "rise {rise}, fall {fall}: {probes}"
            );
        }
    }
}
