//! What checks have seen of real servers besides whether they are healthy. PURE.

use std::collections::{BTreeMap, BTreeSet};

use crate::config;
use crate::health::{Certificate, Subject, Verdict, Weight};

use super::Control;

#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    weights: BTreeMap<Subject, Weight>,
    certificates: BTreeMap<Subject, Certificate>,
}

impl Seen {
    pub(super) fn take(&mut self, verdict: &Verdict) {
        let subject = &verdict.subject;
        match verdict.weight {
            Some(weight) => self.weights.insert(subject.clone(), weight),
            None => self.weights.remove(subject),
        };
        match verdict.certificate {
            Some(one) => self.certificates.insert(subject.clone(), one),
            None => self.certificates.remove(subject),
        };
    }

    /// Forgets the servers that are not among these.
    pub(super) fn retain(&mut self, subjects: &BTreeSet<Subject>) {
        self.weights.retain(|subject, _| subjects.contains(subject));
        self.certificates
            .retain(|subject, _| subjects.contains(subject));
    }

    /// The configured weight, or what the check makes of it.
    pub(super) fn weight(
        &self,
        service: &config::Service,
        server: &config::RealServer,
        subject: &Subject,
    ) -> u16 {
        let weight = self.weights.get(subject);
        // Of a check that was configured away nothing counts.
        let weight = weight.filter(|_| service.check_of(server).is_some());
        weight.map_or(server.weight, |weight| weight.of(server.weight))
    }
}

impl Control {
    /// The certificate that a real server showed to its check last.
    #[must_use]
    pub fn certificate(&self, subject: &Subject) -> Option<Certificate> {
        self.seen.certificates.get(subject).copied()
    }
}
