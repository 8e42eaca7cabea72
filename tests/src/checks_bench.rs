//! Ten thousand health checks: what they cost, how late they are, and what VRRP feels of them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::lab::topology::ip_batch;
use crate::vrrp_bench::adverts::Adverts;
use crate::vrrp_lab::ours::{self, Ours};
use crate::vrrp_lab::process::{processor_time, thread_named};
use crate::vrrp_lab::{PATIENCE, Settings, VrrpLab};
use crate::wait::{check_interrupted, wait_for};

mod bare;
mod listeners;
mod proc;

use listeners::Listeners;
use proc::Usage;

/// Servers of a service, which are the same for all: addresses of the director itself.
pub(crate) const SERVERS: u8 = 100;
/// Ports of the services, one each.
const FIRST_PORT: u16 = 2000;
/// Between two probes of a server.
const INTERVAL: Duration = Duration::from_secs(1);
const ADVERT: Duration = Duration::from_millis(100);

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Each has [`SERVERS`] real servers.
    pub services: u16,
    pub time: Duration,
}

impl Plan {
    fn checks(self) -> u64 {
        u64::from(self.services) * u64::from(SERVERS)
    }
}

/// The address of a server, from 1.
pub(crate) const fn server(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 98, 0, number)
}

/// Measures the daemon; a Markdown table with what was wanted beside what was found.
///
/// # Errors
/// It does not come up, or a server of its own host is not up.
pub fn run(lvx: &Path, plan: Plan) -> Result<String> {
    let lab = VrrpLab::new(lvx)?;
    let director = lab.hosts[0].netns.clone();
    let IpAddr::V4(client) = lab.client.address(false) else {
        anyhow::bail!("the client has an IPv4 address");
    };
    let ports = FIRST_PORT..FIRST_PORT + plan.services;
    let addresses: String = (1..=SERVERS)
        .map(|number| format!("addr add {}/32 dev lo\n", server(number)))
        .collect();
    ip_batch(&director, &addresses)?;
    let listeners = Listeners::start(&director, ports.clone())?;
    let bare = bare::measure(&director, ports)?;
    let adverts = Adverts::listen(&lab.client.netns, client)?;
    // First without checks: what the host's other work costs VRRP.
    let alone = {
        let mut daemon = start(&lab, 0)?;
        master(&daemon)?;
        let late = worst_gap(&adverts, plan.time.min(Duration::from_secs(10)))?;
        daemon.process().kill();
        late
    };
    let began = Instant::now();
    let mut daemon = start(&lab, plan.services)?;
    master(&daemon)?;
    let ready = began.elapsed();
    let up = all_up(&daemon, plan)?;
    listeners.forget();
    let id = daemon.process().id();
    let thread = thread_named(id, "lvx-checks").context("no thread of the checks")?;
    let (before, checks_before) = (Usage::of(id)?, processor_time(thread)?);
    let probes = number(&daemon.whole_status()?, "probes")?;
    let late = worst_gap(&adverts, plan.time)?;
    let (after, checks_after) = (Usage::of(id)?, processor_time(thread)?);
    let asked = Instant::now();
    let status = daemon.whole_status()?;
    let answered = asked.elapsed();
    let seen = listeners.seen();
    let probes = number(&status, "probes")? - probes;
    let checks = checks_after.saturating_sub(checks_before);
    let used = after.since(&before);
    Ok(table(&Figures {
        plan,
        alone,
        late,
        ready,
        up,
        used,
        checks,
        probes,
        bare,
        answered,
        seen: seen.worst,
        status: status["checks"].clone(),
        protocol: status["protocol"]["worst_lateness"].as_u64().unwrap_or(0),
    }))
}

struct Figures {
    plan: Plan,
    /// The latest advertisement without checks, and with them.
    alone: Duration,
    late: Duration,
    /// From the start to mastership, and to the last verdict.
    ready: Duration,
    up: Duration,
    used: Usage,
    /// Processor time of the checks' thread.
    checks: Duration,
    probes: u64,
    /// Processor time of the system calls of one probe.
    bare: Duration,
    answered: Duration,
    /// As the servers see it: longest time between two connections, less the interval.
    seen: Duration,
    status: Value,
    protocol: u64,
}

fn table(f: &Figures) -> String {
    let percent = |time: Duration| time.as_secs_f64() / f.used.wall.as_secs_f64() * 100.0;
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let us = |key: &str| ms(Duration::from_micros(f.status[key].as_u64().unwrap_or(0)));
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f.probes.max(1) as f64;
    let rows = [
        (
            "lvx, of one core",
            format!("{:.1} %", percent(f.used.processor)),
            "< 30 %",
        ),
        (
            "its checks' thread",
            format!("{:.1} %", percent(f.checks)),
            "–",
        ),
        (
            "processor time of lvx per probe",
            format!("{:.1} µs", each(f.used.processor)),
            "–",
        ),
        (
            "bare system calls of such a probe",
            format!("{:.1} µs", f.bare.as_secs_f64() * 1e6),
            "–",
        ),
        ("probes in that time", f.probes.to_string(), "–"),
        (
            "latest probe, by lvx, since its start",
            us("worst_lateness"),
            "< 100 ms",
        ),
        ("99 % of them at most", us("usual_lateness"), "–"),
        ("latest probe, by the servers", ms(f.seen), "–"),
        (
            "memory, most",
            format!("{:.1} MiB", f.used.memory as f64 / 1024.0),
            "< 64 MiB",
        ),
        (
            "open files",
            format!(
                "{}, at most {} probes at once",
                f.used.files, f.status["limit"]
            ),
            "bounded",
        ),
        ("latest advertisement", ms(f.late), "as without"),
        ("the same without checks", ms(f.alone), "–"),
        (
            "latest timer of VRRP, by lvx",
            format!("{:.1} ms", f.protocol as f64 / 1e3),
            "–",
        ),
        ("MASTER after the start", ms(f.ready), "–"),
        ("all real servers up after", ms(f.up), "–"),
        ("`lvx status` takes", ms(f.answered), "–"),
    ];
    let mut text = format!(
        "| {} TCP checks every {INTERVAL:?}, {:?} | measured | goal |\n|---|---|---|",
        f.plan.checks(),
        f.plan.time
    );
    for (what, value, goal) in rows {
        let _ = write!(text, "\n| {what} | {value} | {goal} |");
    }
    text
}

fn start(lab: &VrrpLab, services: u16) -> Result<Ours> {
    let settings = Settings::v3().interval(ADVERT).priority(200);
    let vip = settings.vip();
    let host = &lab.hosts[0];
    let mut text = ours::instance("VI_1", 51, host, &settings, &settings.addresses());
    for service in 0..services {
        let port = FIRST_PORT + service;
        let _ = write!(
            text,
            "\n[[service]]\nname = \"s{port}\"\naddress = \"{vip}:{port}\"\n\
             check = {{ type = \"tcp\", interval = \"1s\", timeout = \"1s\", jitter = 0 }}\n"
        );
        for number in 1..=SERVERS {
            let address = server(number);
            let _ = write!(text, "[[service.real_server]]\naddress = \"{address}\"\n");
        }
    }
    lab.ours_with(0, &text)
}

fn master(daemon: &Ours) -> Result<()> {
    wait_for("mastership", PATIENCE, || {
        let status = daemon.status()?;
        Ok((status["state"] == "MASTER").then_some(()))
    })
}

/// How long it takes until every server is up.
fn all_up(daemon: &Ours, plan: Plan) -> Result<Duration> {
    let began = Instant::now();
    wait_for("all real servers to be up", PATIENCE, || {
        let status = daemon.whole_status()?;
        let services = status["services"].as_array().context("services")?;
        let servers = services
            .iter()
            .flat_map(|one| one["real_servers"].as_array());
        let up = servers.flatten().filter(|one| one["state"] == "up").count();
        Ok((up as u64 == plan.checks()).then_some(()))
    })?;
    Ok(began.elapsed())
}

fn number(status: &Value, key: &str) -> Result<u64> {
    let number = status["checks"][key].as_u64();
    number.with_context(|| format!("checks.{key}"))
}

/// The longest time between two advertisements, less their interval.
fn worst_gap(adverts: &Adverts, time: Duration) -> Result<Duration> {
    adverts.forget()?;
    let began = Instant::now();
    let (mut last, mut worst) = (None, Duration::ZERO);
    let mut count = 0;
    while began.elapsed() < time {
        check_interrupted()?;
        let heard = adverts.next()?;
        if let Some(last) = last.replace(heard.at) {
            worst = worst.max(heard.at.saturating_sub(last));
        }
        count += 1;
    }
    ensure!(count > 1, "no advertisements");
    Ok(worst.saturating_sub(ADVERT))
}
