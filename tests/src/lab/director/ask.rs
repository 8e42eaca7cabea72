//! What a director's daemon says about itself, by the client commands of `lvx`.

use std::net::Ipv4Addr;
use std::process::{Command, Output};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::{Director, PATIENCE};
use crate::wait::wait_until;

impl Director {
    /// Runs a client command of lvx, such as `status`, against this director.
    ///
    /// # Errors
    /// It could not be started; its own failure is in the output.
    pub fn ask(&self, arguments: &[&str]) -> Result<Output> {
        Command::new(&self.lvx)
            .args(arguments)
            .arg("--socket")
            .arg(self.socket())
            .output()
            .context("starting lvx")
    }

    /// `lvx status --json`.
    ///
    /// # Errors
    /// The daemon cannot be reached, or the answer is not JSON.
    pub fn status(&self) -> Result<Value> {
        self.ask_json(&["status", "--json"])
    }

    /// `lvx where SERVICE CLIENT`: the real server, or none.
    ///
    /// # Errors
    /// The request failed or the answer has another shape.
    pub fn where_is(&self, service: &str, client: Ipv4Addr) -> Result<Option<Ipv4Addr>> {
        let answer = self.ask_json(&["where", service, &client.to_string(), "--json"])?;
        let server = answer
            .get("real_server")
            .ok_or_else(|| anyhow!("lvx where has no real_server: {answer}"))?;
        server
            .as_str()
            .map(|text| address_of(text).with_context(|| format!("lvx where: {answer}")))
            .transpose()
    }

    /// `lvx where SERVICE CLIENT --json`; the client may have a port.
    ///
    /// # Errors
    /// The request failed, or the answer is not JSON.
    pub fn where_json(&self, service: &str, client: &str) -> Result<Value> {
        self.ask_json(&["where", service, client, "--json"])
    }

    /// A service in the status.
    ///
    /// # Errors
    /// As [`Self::status`], or it is not there.
    pub fn service(&self, name: &str) -> Result<Value> {
        let status = self.status()?;
        let services = status["services"].as_array().context("services")?;
        let service = services.iter().find(|it| it["name"] == name);
        service
            .cloned()
            .with_context(|| format!("no {name}: {status}"))
    }

    /// A service's real server in the status.
    ///
    /// # Errors
    /// As [`Self::service`].
    pub fn real_server(&self, service: &str, server: Ipv4Addr) -> Result<Value> {
        let service = self.service(service)?;
        let servers = service["real_servers"].as_array().context("real_servers")?;
        let text = server.to_string();
        let found = servers.iter().find(|it| it["address"] == *text);
        found
            .cloned()
            .with_context(|| format!("no {server}: {service}"))
    }

    /// `lvx reload`: what it wrote if it was refused.
    ///
    /// # Errors
    /// It could not be started, or ended otherwise than by 0 (done) or 1 (refused).
    pub fn reload(&self) -> Result<std::result::Result<(), String>> {
        let output = self.ask(&["reload"])?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => Ok(Ok(())),
            Some(1) => Ok(Err(text)),
            Some(_) | None => bail!("lvx reload on {}: {}: {text}", self.name(), output.status),
        }
    }

    /// State of its only VRRP instance in capitals: `MASTER`, `BACKUP`, `INITIALIZE`.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn vrrp_state(&self) -> Result<String> {
        let status = self.status()?;
        let state = status["vrrp"][0]["state"].as_str();
        let state = state.ok_or_else(|| anyhow!("no VRRP state in {status}"))?;
        Ok(state.to_ascii_uppercase())
    }

    /// # Errors
    /// It is not in that state in time.
    pub fn wait_vrrp_state(&self, wanted: &str) -> Result<()> {
        let what = format!("{} to be {wanted}", self.name());
        wait_until(&what, PATIENCE, || Ok(self.vrrp_state()? == wanted))
    }

    /// Whether `server` is up in each service that has it; an error if none has it.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn sees_up(&self, server: Ipv4Addr) -> Result<bool> {
        let status = self.status()?;
        let states: Vec<&str> = status["services"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|service| service["real_servers"].as_array().into_iter().flatten())
            .filter(|it| it["address"].as_str().and_then(address_of) == Some(server))
            .filter_map(|it| it["state"].as_str())
            .collect();
        ensure!(!states.is_empty(), "{server} is in no service: {status}");
        Ok(states.iter().all(|state| state.eq_ignore_ascii_case("up")))
    }

    /// # Errors
    /// The daemon does not see it that way in time.
    pub fn wait_server(&self, server: Ipv4Addr, up: bool) -> Result<()> {
        let state = if up { "up" } else { "down" };
        let what = format!("{server} to be {state} on {}", self.name());
        wait_until(&what, PATIENCE, || Ok(self.sees_up(server)? == up))
    }

    fn ask_json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.ask(arguments)?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!(
                "lvx {arguments:?} on {}: {}: {errors}",
                self.name(),
                output.status
            );
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("JSON of {arguments:?}"))
    }
}

/// The address of `10.77.0.11` or `10.77.0.11:80`.
fn address_of(text: &str) -> Option<Ipv4Addr> {
    let (address, _) = text.split_once(':').unwrap_or((text, ""));
    address.parse().ok()
}
