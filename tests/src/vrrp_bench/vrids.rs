//! 255 virtual routers on one interface: what they cost, and how late their advertisements are.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::adverts::Adverts;
use super::{Daemon, Implementation};
use crate::vrrp_lab::keepalived;
use crate::vrrp_lab::ours;
use crate::vrrp_lab::process::{processor_time, scheduling};
use crate::vrrp_lab::{Keepalived, PATIENCE, Settings, VrrpLab};
use crate::wait::check_interrupted;

const INTERVAL: Duration = Duration::from_millis(100);

/// Of one implementation.
struct Figures {
    implementation: Implementation,
    scheduling: String,
    /// Processor time of the thread that speaks VRRP, of one processor.
    share: f64,
    adverts: u64,
    /// The longest time between two advertisements of a virtual router, less the interval.
    worst: Duration,
    /// The same of 99 % of them.
    usual: Duration,
}

/// Measures lvx and keepalived, one after the other, for `time` each; gives a table.
///
/// # Errors
/// They do not come up, or are not master of all.
pub fn vrids(lvx: &Path, time: Duration) -> Result<String> {
    let mut text = format!(
        "| 255 virtual routers, every {INTERVAL:?}, {time:?} | scheduling | share of a processor | advertisements | \
         99 % late by at most | worst |\n|---|---|---|---|---|---|"
    );
    for implementation in Implementation::ALL {
        let figures =
            measure(lvx, implementation, time).with_context(|| implementation.to_string())?;
        let _ = write!(
            text,
            "\n| {} | {} | {:.2} % | {} | {:.2} ms | {:.2} ms |",
            figures.implementation,
            figures.scheduling,
            figures.share * 100.0,
            figures.adverts,
            figures.usual.as_secs_f64() * 1e3,
            figures.worst.as_secs_f64() * 1e3
        );
    }
    Ok(text)
}

fn measure(lvx: &Path, implementation: Implementation, time: Duration) -> Result<Figures> {
    let lab = VrrpLab::new(lvx)?;
    let IpAddr::V4(own) = lab.client.address(false) else {
        bail!("the client has an IPv4 address");
    };
    let adverts = Adverts::listen(&lab.client.netns, own)?;
    let mut daemon = start(&lab, implementation)?;
    wait_masters(&adverts)?;
    let thread = daemon.protocol_thread().context("no protocol thread")?;

    adverts.forget()?;
    let before = (Instant::now(), processor_time(thread)?);
    let mut last = [None; 256];
    let mut gaps = Vec::new();
    while before.0.elapsed() < time {
        check_interrupted()?;
        let heard = adverts.next()?;
        let last = last[usize::from(heard.vrid)].replace(heard.at);
        gaps.extend(last.map(|last| heard.at.saturating_sub(last)));
    }
    let used = processor_time(thread)?.saturating_sub(before.1);
    gaps.sort_unstable();
    let late = |place: usize| {
        let gap = gaps.get(place.min(gaps.len().saturating_sub(1)));
        gap.map_or(Duration::MAX, |gap| gap.saturating_sub(INTERVAL))
    };
    Ok(Figures {
        implementation,
        scheduling: scheduling(thread),
        share: used.as_secs_f64() / before.0.elapsed().as_secs_f64(),
        adverts: gaps.len() as u64,
        worst: late(gaps.len()),
        usual: late(gaps.len() * 99 / 100),
    })
}

fn start(lab: &VrrpLab, implementation: Implementation) -> Result<Daemon> {
    let settings = Settings::v3().interval(INTERVAL).priority(200);
    let host = &lab.hosts[0];
    let block = match implementation {
        Implementation::Lvx => ours::instance,
        Implementation::Keepalived => keepalived::instance,
    };
    let blocks: String = (1..=u8::MAX)
        .map(|vrid| {
            let address = (Ipv4Addr::new(10, 98, 0, vrid).into(), 32);
            block(&format!("VI_{vrid}"), vrid, host, &settings, &[address])
        })
        .collect();
    Ok(match implementation {
        Implementation::Lvx => Daemon::Lvx(lab.ours_with(0, &blocks)?),
        Implementation::Keepalived => {
            Daemon::Keepalived(Keepalived::with_instances(host, &settings, &blocks)?)
        }
    })
}

/// Waits until each of the 255 was heard ten times: the takeover is over.
fn wait_masters(adverts: &Adverts) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut heard = [0_u32; 256];
    while heard[1..].iter().any(|count| *count < 10) {
        check_interrupted()?;
        if Instant::now() > deadline {
            let silent = heard[1..].iter().filter(|count| **count < 10).count();
            bail!("{silent} virtual routers are not advertised");
        }
        heard[usize::from(adverts.next()?.vrid)] += 1;
    }
    Ok(())
}
