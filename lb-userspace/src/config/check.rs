//! The whole file: reads its blocks and checks them against each other.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::de::DeTable;

use super::block::{Block, Kind};
use super::diagnostic::{Diagnostic, Errors};
use super::report::{Report, Span};
use super::service::Routers;
use super::{Config, compare, global, notify, service, sync_group, vrrp};

const HOST_NAME: &str = "/proc/sys/kernel/hostname";
const ANY_HOST: &str = "localhost";
/// Has as few rights as can be.
pub(super) const SCRIPT_USER: &str = "nobody";

/// Reads and checks a configuration file.
///
/// # Errors
/// Everything that is wrong in the file, or the reason why it cannot be read.
pub fn load(path: &Path) -> Result<Config, Errors> {
    let bytes = fs::read(path).map_err(|error| Errors::unreadable(path, &error))?;
    let text = match str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let text = String::from_utf8_lossy(&bytes);
            let message = "the file is not UTF-8 text".to_owned();
            let diagnostic = Diagnostic::new(&text, &(at..at + 1), message, None);
            return Err(Errors::new(path, vec![diagnostic]));
        }
    };
    let host = fs::read_to_string(HOST_NAME).unwrap_or_default();
    match host.trim() {
        "" => parse_on(ANY_HOST, path, text),
        host => parse_on(host, path, text),
    }
}

/// Checks the text of a configuration file; `path` is only named in errors. Pure, so that
/// `router_id` is `localhost` where the file has none.
///
/// # Errors
/// Everything that is wrong in the text.
pub fn parse(path: &Path, text: &str) -> Result<Config, Errors> {
    parse_on(ANY_HOST, path, text)
}

fn parse_on(host: &str, path: &Path, text: &str) -> Result<Config, Errors> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut report = Report::new(text);
    report.syntax(errors);
    let file = Block::new(Kind::File, document.span(), Some(document.get_ref()));
    let config = read(&mut report, file, host);
    report.finish(path)?;
    // A part that could not be read has been reported, so that `finish` failed before this.
    config.ok_or_else(|| {
        let message = "the file was not understood".to_owned();
        Errors::new(path, vec![Diagnostic::new(text, &(0..0), message, None)])
    })
}

fn read(report: &mut Report<'_>, mut file: Block<'_>, host: &str) -> Option<Config> {
    let global = file
        .block(report, "global", Kind::Global)
        .unwrap_or_else(|| Block::new(Kind::Global, 0..0, None));
    let global = global::read(report, global, host);

    let script_user = global.as_ref().map_or(SCRIPT_USER, |g| &g.script_user);
    let instances = file.blocks(report, "vrrp", Kind::Vrrp);
    let instances: Vec<_> = instances
        .into_iter()
        .map(|block| vrrp::read(report, block, script_user))
        .collect();
    compare::instances(report, &instances, global.as_ref());

    let certain = instances.iter().all(|d| d.name.is_some());
    let groups = file.blocks(report, "sync_group", Kind::SyncGroup);
    let groups: Vec<_> = groups
        .into_iter()
        .map(|block| sync_group::read(report, block, &instances, certain, script_user))
        .collect();
    compare::groups(report, &groups);

    let routers = Routers {
        drafts: &instances,
        certain: instances.iter().all(|d| d.name.is_some() && d.whole),
    };
    let services = file.blocks(report, "service", Kind::Service);
    let services: Vec<_> = services
        .into_iter()
        .map(|block| service::read(report, block, &routers, global.as_ref()))
        .collect();
    compare::services(report, &services);
    compare::tracked_services(report, &instances, &services);

    let around = notify::Around {
        router_id: global.as_ref().map_or(host, |g| &g.router_id),
        script_user: global.as_ref().map_or(SCRIPT_USER, |g| &g.script_user),
    };
    let targets = file.blocks(report, "notify", Kind::Target);
    let targets: Vec<_> = targets
        .into_iter()
        .map(|block| notify::read(report, block, &around))
        .collect();
    compare::targets(report, &targets, &instances, &services);
    file.finish(report, None);

    let instances = instances.into_iter().map(|draft| draft.instance);
    let groups = groups.into_iter().map(|draft| draft.group);
    let services = services.into_iter().map(|draft| draft.service);
    let targets = targets.into_iter().map(|draft| draft.target);
    Some(Config {
        global: global?,
        vrrp: instances.collect::<Option<_>>()?,
        sync_groups: groups.collect::<Option<_>>()?,
        services: services.collect::<Option<_>>()?,
        targets: targets.collect::<Option<_>>()?,
    })
}

/// Reports every key that is not the first of its kind, with the place of the first.
pub(super) fn duplicates<'s, K: Ord>(
    report: &mut Report<'_>,
    keys: impl IntoIterator<Item = (K, &'s Span)>,
    message: impl Fn(&K) -> String,
) {
    let mut seen: BTreeMap<K, &Span> = BTreeMap::new();
    for (key, span) in keys {
        match seen.get(&key) {
            Some(first) => {
                let other = report.other(first);
                report.error(span, message(&key)).hint(other);
            }
            None => {
                seen.insert(key, span);
            }
        }
    }
}

#[cfg(test)]
mod tests;
