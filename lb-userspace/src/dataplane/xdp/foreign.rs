//! Programs of others that are in our way.

use aya::programs::{loaded_links, loaded_programs};

use super::attach::Nic;
use super::preflight::program_on;

/// Which program keeps ours from an interface, and how to remove it.
pub(super) fn describe(nic: &Nic) -> String {
    let (id, generic) = match program_on(nic.index) {
        Ok(Some(found)) => found,
        Ok(None) => return "an interface above or below it carries an XDP program".to_owned(),
        Err(error) => {
            return format!("another XDP program is attached ({error}): see `bpftool net`");
        }
    };
    let name = loaded_programs()
        .filter_map(Result::ok)
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned));
    let link = loaded_links()
        .filter_map(Result::ok)
        .find(|link| link.program_id() == id);
    let remove = match link {
        Some(link) => format!("bpftool link detach id {}", link.id()),
        None if generic => format!("ip link set dev {} xdpgeneric off", nic.name),
        None => format!("ip link set dev {} xdpdrv off", nic.name),
    };
    let name = name.unwrap_or_else(|| "without name".to_owned());
    format!("another XDP program is attached: {name}, id {id}; `{remove}` removes it")
}
