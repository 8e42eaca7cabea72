//! Keeps routes and neighbour entries of the real servers fresh.
//!
//! The kernel resolves an address only when something is sent to it, and XDP sends past the
//! kernel: so the kernel is asked to use each real server's entry again and again. What it finds
//! out is reported by [`super::monitor`].

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Netlink, Route};

/// An entry in use is checked by the kernel some 30 to 60 s after its last confirmation; asking
/// much more often than that loses nothing.
const REFRESH: Duration = Duration::from_secs(5);
/// Pause between two rounds over hosts whose MAC is not certain.
const RETRY: Duration = Duration::from_secs(1);

/// What is known of a real server's MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    Unknown,
    Known,
    /// Known, but every check of the server fails: it may have another MAC by now, which the
    /// kernel would find out only after a minute.
    Doubtful,
}

/// The real servers' addresses.
pub type Wanted = BTreeMap<IpAddr, Knowledge>;

/// A route that is new or has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub host: IpAddr,
    pub route: Route,
}

/// Looks after the hosts in `wanted` until its sender is gone; reports each host's route when it
/// is first known and when it changes.
pub async fn run<T: From<Found>>(
    netlink: Netlink,
    mut wanted: watch::Receiver<Wanted>,
    routes_found: mpsc::Sender<T>,
) {
    let mut routes: BTreeMap<IpAddr, Route> = BTreeMap::new();
    let mut refreshed = Instant::now();
    let mut ticks = interval(RETRY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            _ = ticks.tick() => {}
        }
        let hosts = wanted.borrow_and_update().clone();
        routes.retain(|host, _| hosts.contains_key(host));
        let all = refreshed.elapsed() >= REFRESH;
        if all {
            refreshed = Instant::now();
        }
        let due: Vec<(IpAddr, Knowledge)> = hosts
            .iter()
            .filter(|(host, known)| {
                all || **known != Knowledge::Known || !routes.contains_key(host)
            })
            .map(|(host, known)| (*host, *known))
            .collect();
        for (host, known) in due {
            let route = match netlink.route(host).await {
                Ok(route) => route,
                Err(error) => Route::None {
                    reason: error.to_string(),
                },
            };
            if let Route::OnLink { ifindex } = route
                && let Err(error) = resolve(&netlink, ifindex, host, known).await
            {
                tracing::debug!(%host, %error, "the kernel refuses to resolve a real server");
            }
            if routes.get(&host) != Some(&route) {
                routes.insert(host, route.clone());
                if routes_found
                    .send(Found { host, route }.into())
                    .await
                    .is_err()
                {
                    return;
                }
            }
        }
    }
}

async fn resolve(
    netlink: &Netlink,
    ifindex: u32,
    host: IpAddr,
    known: Knowledge,
) -> io::Result<()> {
    if known == Knowledge::Doubtful {
        netlink.forget_neighbour(ifindex, host).await?;
    }
    netlink.use_neighbour(ifindex, host).await
}
