//! `lvx vrrp resign` and `lvx vrrp claim`.

use std::time::Duration;

use crate::api::shape::Resigning;
use crate::control::Instance;
use crate::events::{Event, Kind};
use crate::vrrp::{Command, State};

use super::Daemon;

/// On top of the time in which a backup misses its master: for a loaded host.
const SLACK: Duration = Duration::from_secs(2);

impl Daemon {
    /// Makes a MASTER give way. Its services go on until another director leads.
    pub(super) fn resign(&mut self, name: &str) -> Result<Resigning, String> {
        let instance = self.known(name)?;
        if instance.state != State::Master {
            let leads = match instance.leader {
                Some(leader) => format!("{} leads", leader.source),
                None => "nobody is known to lead".to_owned(),
            };
            return Err(format!(
                "{name} is {} here and has nothing to give away: {leads}",
                instance.state
            ));
        }
        let after = self.order(name, "gives way by hand");
        self.vrrp.send(Command::Resign {
            instance: name.to_owned(),
        });
        // A sync group goes together.
        let intervals = self.control.config().vrrp.iter().map(|v| v.advert_interval);
        // Master_Down_Interval is below four intervals, RFC 9568 section 6.1.
        let within = 4 * intervals.max().unwrap_or_default() + SLACK;
        let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        Ok(Resigning { after, within })
    }

    pub(super) fn claim(&mut self, name: &str) -> Result<(), String> {
        self.known(name)?;
        self.order(name, "takes part with its priority again");
        self.vrrp.send(Command::Claim {
            instance: name.to_owned(),
        });
        self.control.claimed(name);
        Ok(())
    }

    fn order(&self, name: &str, what: &str) -> u64 {
        let event = Event::new(Kind::Order, format!("{name} {what}"));
        self.journal.tell(event.instance(name))
    }

    fn known(&self, name: &str) -> Result<&Instance, String> {
        self.control.instance(name).ok_or_else(|| {
            let instances = self.control.config().vrrp.iter();
            let names: Vec<&str> = instances.map(|vrrp| vrrp.name.as_str()).collect();
            let names = names.join(", ");
            format!("no VRRP instance is called {name:?}; there are: {names}")
        })
    }
}
