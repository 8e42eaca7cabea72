//! Notifications, received by other people's servers: aiosmtpd, Python's web server, programs.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lb_tests::receivers::{Kind, Receiver, Reserved, python};
use lb_tests::wait::{wait_for, wait_until};
use lb_userspace::alert::{Alerts, Standing};
use lb_userspace::config;
use lb_userspace::events::{self, Event, Journal};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[path = "alerts/command.rs"]
mod command;
#[path = "alerts/daemon.rs"]
mod daemon;
#[path = "alerts/mail.rs"]
mod mail;
#[path = "alerts/tls.rs"]
mod tls;
#[path = "alerts/webhook.rs"]
mod webhook;

const PATIENCE: Duration = Duration::from_secs(15);
const SERVICE: &str = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 51\n\
                       addresses = [\"192.0.2.10/24\"]\n[[service]]\nname = \"web\"\n\
                       address = \"192.0.2.10:80\"\n";

/// Targets without a daemon around them.
struct Bench {
    runtime: Runtime,
    journal: Journal,
    alerts: Option<Alerts>,
}

impl Bench {
    /// `targets` are `[[notify]]` blocks.
    fn new(targets: &str) -> Result<Self> {
        let runtime = Runtime::new()?;
        let journal = Journal::default();
        let mut bench = Self {
            alerts: Some(Alerts::new(journal.clone())),
            runtime,
            journal,
        };
        bench.configure(targets)?;
        Ok(bench)
    }

    fn configure(&mut self, targets: &str) -> Result<()> {
        let text = format!("[global]\nrouter_id = \"lb1.example.org\"\n{SERVICE}{targets}");
        let config = config::parse(Path::new("test.toml"), &text)?;
        let _context = self.runtime.enter();
        self.alerts.as_mut().context("alerts")?.configure(&config);
        Ok(())
    }

    /// A real server, by the last number of its address, is in this state.
    fn server(&self, last: u8, state: &str) {
        let address = std::net::IpAddr::from([192, 0, 2, last]);
        let text = format!("real server {address} of web is {state}");
        let event = Event::new(events::Kind::Server, text).server("web", address);
        self.journal.tell(event.field("state", state));
    }

    fn order(&self, text: &str) {
        self.journal.tell(Event::new(events::Kind::Order, text));
    }

    fn standing(&self, name: &str) -> Result<Standing> {
        let alerts = self.alerts.as_ref().context("alerts")?;
        let all = alerts.standings();
        let found = all.into_iter().find(|one| one.name == name);
        found.with_context(|| format!("no {name}"))
    }

    fn wait(&self, name: &str, what: &str, is: impl Fn(&Standing) -> bool) -> Result<Standing> {
        wait_for(what, PATIENCE, || {
            let standing = self.standing(name)?;
            ensure!(is(&standing), "{standing:?}");
            Ok(Some(standing))
        })
    }

    /// What the journal has about telling others.
    fn told(&self) -> Vec<String> {
        let entries = self.journal.excerpt(None, usize::MAX).entries.into_iter();
        let about = entries.filter(|entry| entry.event.kind == events::Kind::Notify);
        about.map(|entry| entry.event.text).collect()
    }

    /// The outcome of `lvx notify test` for a target.
    fn test(&mut self, name: &str) -> Result<Result<(), String>> {
        let _context = self.runtime.enter();
        let alerts = self.alerts.as_mut().context("alerts")?;
        let begun = alerts.test(Some(name)).map_err(anyhow::Error::msg)?;
        let (number, within) = begun;
        wait_for("the test's end", within + PATIENCE, || {
            let verdicts = alerts.tested(number).map_err(anyhow::Error::msg)?;
            Ok(verdicts.into_iter().next().and_then(|one| one.ended))
        })
    }

    fn finish(&mut self, limit: Duration) -> Result<()> {
        let alerts = self.alerts.take().context("alerts")?;
        self.runtime.block_on(alerts.finish(limit));
        Ok(())
    }
}

fn mail_server(python: &str, options: &Value) -> Result<Receiver> {
    Receiver::start(&mut Command::new(python), Kind::Mail, options)
}

fn web_server(python: &str, options: &Value) -> Result<Receiver> {
    Receiver::start(&mut Command::new(python), Kind::Web, options)
}

/// Whose rights programs of the tests have: the test's own.
fn own_user() -> Result<String> {
    let output = Command::new("id").arg("-un").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
