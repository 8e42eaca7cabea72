//! How the running kernel's IPVS was built.

use std::fs;
use std::path::Path;
use std::process::Command;

use lb_common::maglev::TableSize;

const OPTION: &str = "CONFIG_IP_VS_MH_TAB_INDEX=";
/// The index of the smallest table.
const FIRST_INDEX: usize = 8;

/// Slots of the kernel's `mh` tables; `None` if its configuration is nowhere to be found.
pub(super) fn mh_table_size() -> Option<TableSize> {
    configuration().and_then(|text| parse(&text))
}

fn configuration() -> Option<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let release = release.trim();
    let files = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
        format!("/usr/lib/modules/{release}/config"),
    ];
    files
        .iter()
        .find_map(|file| fs::read_to_string(file).ok())
        .or_else(compressed)
}

/// The configuration that a kernel carries with itself.
fn compressed() -> Option<String> {
    const FILE: &str = "/proc/config.gz";
    if !Path::new(FILE).exists() {
        return None;
    }
    let output = Command::new("gzip").args(["-dc", FILE]).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

fn parse(configuration: &str) -> Option<TableSize> {
    let mut lines = configuration.lines();
    let index = lines.find_map(|line| line.strip_prefix(OPTION))?;
    let index: usize = index.trim().parse().ok()?;
    let slots = TableSize::PRIMES.get(index.checked_sub(FIRST_INDEX)?)?;
    TableSize::new(*slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_names_a_prime() {
        let of = |index: &str| parse(&format!("CONFIG_IP_VS_MH=m\n{OPTION}{index}\nCONFIG_X=y\n"));
        assert_eq!(of("12"), Some(TableSize::DEFAULT));
        assert_eq!(of("8"), TableSize::new(251));
        assert_eq!(of("17"), TableSize::new(131_071));
        for wrong in ["7", "18", "-1", "y", ""] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(parse("# CONFIG_IP_VS_MH is not set\n"), None);
    }
}
