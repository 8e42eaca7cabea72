//! Checks that run only while this director is MASTER for their service.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

/// Whether a check may run now.
#[derive(Debug, Clone)]
pub(super) struct Gate(watch::Receiver<bool>);

impl Gate {
    /// Waits until it may; tells whether that took time.
    pub(super) async fn open(&mut self) -> bool {
        let waits = !*self.0.borrow();
        self.wait(true).await;
        waits
    }

    /// Waits until it may again, after it might not.
    pub(super) async fn reopened(&mut self) {
        self.wait(false).await;
        self.wait(true).await;
    }

    async fn wait(&mut self, open: bool) {
        if self.0.wait_for(|is_open| *is_open == open).await.is_err() {
            // Whoever opens it is gone: nothing will change any more.
            std::future::pending::<()>().await;
        }
    }
}

/// The gates, by VRRP instance.
#[derive(Debug, Default)]
pub(super) struct Gates {
    leading: BTreeSet<String>,
    gates: BTreeMap<String, watch::Sender<bool>>,
}

impl Gates {
    pub(super) fn of(&mut self, instance: &str) -> Gate {
        let leads = self.leading.contains(instance);
        let gate = self.gates.entry(instance.to_owned());
        let gate = gate.or_insert_with(|| watch::Sender::new(leads));
        Gate(gate.subscribe())
    }

    /// This director is MASTER of these instances, and no others.
    pub(super) fn lead(&mut self, instances: BTreeSet<String>) {
        if self.leading == instances {
            return;
        }
        for (name, gate) in &self.gates {
            let leads = instances.contains(name);
            gate.send_if_modified(|open| std::mem::replace(open, leads) != leads);
        }
        self.leading = instances;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn lead(gates: &mut Gates, names: &[&str]) {
        gates.lead(names.iter().map(|name| (*name).to_owned()).collect());
    }

    #[test]
    fn a_gate_opens_for_its_instance() {
        let mut gates = Gates::default();
        let mut gate = gates.of("A");
        assert!(gate.open().now_or_never().is_none());
        lead(&mut gates, &["B"]);
        assert!(gate.open().now_or_never().is_none());
        lead(&mut gates, &["A", "B"]);
        assert_eq!(gate.open().now_or_never(), Some(false));
        assert!(gates.of("B").open().now_or_never().is_some(), "a later one");
        lead(&mut gates, &["B"]);
        assert!(gate.open().now_or_never().is_none());
    }

    #[test]
    fn a_gate_tells_when_it_opens_again() {
        let mut gates = Gates::default();
        lead(&mut gates, &["A"]);
        let mut gate = gates.of("A");
        assert!(gate.reopened().now_or_never().is_none(), "it was not shut");
        lead(&mut gates, &[]);
        let mut reopened = Box::pin(gate.reopened());
        assert!(reopened.as_mut().now_or_never().is_none());
        lead(&mut gates, &["A"]);
        assert!(reopened.now_or_never().is_some());
    }
}
