//! What Wireshark makes of the advertisements on the wire.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use super::{Checksum, Host, Process};
use crate::lab::topology::INTERFACE;
use crate::netns::output_of;
use crate::wait::wait_until;

/// tcpdump, until it has seen some advertisements.
#[derive(Debug)]
pub struct Capture {
    file: PathBuf,
    process: Process,
}

/// One advertisement as `tshark` decodes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub source: String,
    pub version: u8,
    pub priority: u8,
    /// Whether Wireshark finds the VRRP checksum right.
    pub checksum_good: bool,
    /// Everything that it complains about.
    pub complaints: String,
}

impl Capture {
    /// Begins to listen on a host for `count` advertisements.
    ///
    /// # Errors
    /// tcpdump does not come up.
    pub fn start(host: &Host, count: usize) -> Result<Self> {
        let file = host.dir.join("capture.pcap");
        let mut command = host.netns.command("tcpdump");
        // As root until the end: the directory is not its user's.
        command
            .args(["-i", INTERFACE, "-U", "-Z", "root", "-c"])
            .arg(count.to_string())
            .arg("-w")
            .arg(&file)
            .arg("ip proto 112 or ip6 proto 112");
        let process = Process::start(&mut command, &host.dir.join("tcpdump.log"))?;
        wait_until("tcpdump to listen", Duration::from_secs(10), || {
            Ok(process.output().contains("listening on"))
        })
        .map_err(|error| anyhow!("{error:#}\n{}", process.log()))?;
        Ok(Self { file, process })
    }

    /// Waits for the advertisements and decodes them.
    ///
    /// Wireshark judges version 3 checksums over IPv4 with the pseudo-header unless told.
    ///
    /// # Errors
    /// They do not come, or tshark fails.
    pub fn decode(mut self, checksum: Checksum) -> Result<Vec<Decoded>> {
        self.process
            .wait_end(Duration::from_secs(30))
            .context("advertisements to capture")?;
        let as_in_v2 = checksum == Checksum::Message;
        let mut tshark = Command::new("tshark");
        tshark
            .args(["-n", "-r"])
            .arg(&self.file)
            .args(["-o", "ip.check_checksum:TRUE", "-o"])
            .arg(format!("vrrp.v3_checksum_as_in_v2:{as_in_v2}"))
            .args(["-T", "fields", "-E", "separator=/t"]);
        for field in [
            "ip.src",
            "ipv6.src",
            "vrrp.version",
            "vrrp.prio",
            "vrrp.checksum.status",
            "_ws.malformed",
            "_ws.expert.message",
        ] {
            tshark.args(["-e", field]);
        }
        let text = output_of(&mut tshark)?;
        text.lines().map(decoded).collect()
    }
}

fn decoded(line: &str) -> Result<Decoded> {
    let fields: Vec<&str> = line.split('\t').collect();
    ensure!(fields.len() == 7, "tshark: {line}");
    let number = |text: &str| text.parse().with_context(|| format!("tshark: {line}"));
    Ok(Decoded {
        source: format!("{}{}", fields[0], fields[1]),
        version: number(fields[2])?,
        priority: number(fields[3])?,
        // 1 is "good", as of all Wireshark's checksums.
        checksum_good: fields[4] == "1" || fields[4] == "Good",
        complaints: format!("{}{}", fields[5], fields[6]),
    })
}
