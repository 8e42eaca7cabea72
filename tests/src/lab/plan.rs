//! The configuration of both directors.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::lab::real_server::{ECHO_PORT, WEB_PORT};
use crate::lab::topology::{INTERFACE, VIP, server_address};

/// Time between two VRRP advertisements.
pub const ADVERT_INTERVAL: Duration = Duration::from_millis(100);
/// VRRP priorities of director 1 and 2.
pub const PRIORITIES: [u8; 2] = [200, 150];

/// What the directors' configuration files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Numbers of real servers, 1 is `rs1`, and their weights.
    pub servers: Vec<(u8, u16)>,
    /// `dataplane` of director 1 and 2.
    pub dataplanes: [&'static str; 2],
    /// `scheduler` of the echo service.
    pub echo_scheduler: &'static str,
    /// More lines of the echo service.
    pub echo_lines: &'static str,
    /// More services.
    pub services: &'static str,
    /// More lines of the VRRP instance.
    pub vrrp_lines: &'static str,
}

impl Plan {
    /// Real servers 1 to `count` with weight 1.
    #[must_use]
    pub fn equal(count: u8) -> Self {
        Self {
            servers: (1..=count).map(|number| (number, 1)).collect(),
            dataplanes: ["xdp-native"; 2],
            echo_scheduler: "mh",
            echo_lines: "",
            services: "",
            vrrp_lines: "",
        }
    }

    /// The configuration file of director `number`, 1 or 2.
    pub(crate) fn toml(&self, number: u8, runtime_dir: &Path, bpffs: &Path) -> String {
        let index = usize::from(number != 1);
        let (priority, dataplane) = (PRIORITIES[index], self.dataplanes[index]);
        let mut text = format!(
            r#"[global]
router_id   = "lb{number}"
dataplane   = "{dataplane}"
runtime_dir = "{}"
state_dir   = "{}"
bpffs       = "{}"

[[vrrp]]
name              = "VI_1"
interface         = "{INTERFACE}"
virtual_router_id = 51
version           = 3
priority          = {priority}
advert_interval   = "{}ms"
addresses         = ["{VIP}/24"]
{}
"#,
            runtime_dir.display(),
            // A power cut does not take it away.
            runtime_dir.with_file_name("state").display(),
            bpffs.display(),
            ADVERT_INTERVAL.as_millis(),
            self.vrrp_lines
        );
        let services = [
            ("web", WEB_PORT, "mh", ""),
            ("echo", ECHO_PORT, self.echo_scheduler, self.echo_lines),
        ];
        for (name, port, scheduler, lines) in services {
            let _ = write!(
                text,
                r#"
[[service]]
name     = "{name}"
address  = "{VIP}:{port}"
protocol = "tcp"
scheduler = "{scheduler}"
check    = {{ type = "tcp", interval = "200ms", timeout = "200ms", rise = 2, fall = 2 }}
{lines}
"#
            );
            for (server, weight) in &self.servers {
                let address = server_address(*server);
                let _ = write!(
                    text,
                    "\n[[service.real_server]]\naddress = \"{address}\"\nweight  = {weight}\n"
                );
            }
        }
        text + self.services
    }
}

/// Time after the last advertisement of a dead master in which the VIP must be served again:
/// Master_Down_Interval of the backup (RFC 9568 section 6.1) and 200 ms for everything else.
#[must_use]
pub fn failover_limit() -> Duration {
    let skew = ADVERT_INTERVAL * (256 - u32::from(PRIORITIES[1])) / 256;
    3 * ADVERT_INTERVAL + skew + Duration::from_millis(200)
}

#[cfg(test)]
mod tests {
    use lb_userspace::config;

    use super::*;

    #[test]
    fn both_directors_configurations_are_good_and_differ_only_in_name_and_priority() {
        let texts = [1, 2]
            .map(|number| Plan::equal(3).toml(number, Path::new("/run/x"), Path::new("/bpf/x")));
        for text in &texts {
            let config = config::parse(Path::new("lvx.toml"), text).unwrap();
            assert_eq!(config.services.len(), 2);
            assert_eq!(config.services[0].real_servers.len(), 3);
        }
        let lines = texts[0].lines().zip(texts[1].lines());
        assert_eq!(lines.filter(|(a, b)| a != b).count(), 2);
    }

    #[test]
    fn failover_limit_is_three_intervals_and_the_backups_skew_and_200_ms() {
        assert_eq!(failover_limit().as_millis(), 300 + 41 + 200);
    }
}
