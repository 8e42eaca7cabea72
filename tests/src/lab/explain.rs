//! What a lab tells people: why something failed, and how to look at a lab that is left up.

use std::fmt::Write as _;
use std::fs;

use anyhow::Result;

use super::{Director, Lab};

/// Lines of a log that [`Lab::explain`] shows.
const LOG_LINES: usize = 60;

impl Lab {
    /// All that helps to understand a failure: what both daemons say, and their logs' ends.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut text = String::new();
        for director in &self.directors {
            let name = director.name();
            for arguments in [&["status"][..], &["status", "--json"]] {
                let _ = writeln!(text, "---- {name}: lvx {}", arguments.join(" "));
                match director.ask(arguments) {
                    Ok(output) => {
                        text += &String::from_utf8_lossy(&output.stdout);
                        text += &String::from_utf8_lossy(&output.stderr);
                    }
                    Err(error) => text += &format!("{error:#}\n"),
                }
            }
            let _ = writeln!(text, "---- {name}: end of the log");
            let log = fs::read_to_string(director.log_file()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }

    /// Leaves the lab and everything in it running, and says how to look at it.
    ///
    /// # Errors
    /// The lab could not be marked as kept; then it is removed.
    pub fn keep(mut self) -> Result<String> {
        self.remains.keep()?;
        let demo = self.programs.demo.display();
        let mut lines = vec![format!("The lab {} is left up.", self.remains.name)];
        for director in &self.directors {
            lines.extend(self.ways_to_look_at(director));
        }
        lines.push("\n# a request from a client".to_owned());
        let client = self.client.path();
        let client = client.display();
        lines.push(format!(
            "nsenter --net={client} {demo} request --from 10.78.0.1"
        ));
        lines.push("\n# remove the lab; the next demo does so too".to_owned());
        lines.push(format!("{demo} --clean"));
        for director in &mut self.directors {
            director.forget();
        }
        for server in &mut self.servers {
            server.forget();
        }
        Ok(lines.join("\n"))
    }

    fn ways_to_look_at(&self, director: &Director) -> Vec<String> {
        let lvx = self.programs.lvx.display();
        let socket = director.socket();
        let socket = socket.display();
        let bpffs = director.bpffs().display();
        vec![
            format!("\n# director {}", director.name()),
            format!("{lvx} status --socket {socket}"),
            format!("{lvx} where web 10.78.0.1 --socket {socket}"),
            format!("bpftool map dump pinned {bpffs}/services"),
            format!("bpftool map dump pinned {bpffs}/real_servers"),
            format!("ip -n {} -details link show eth0", director.netns.name()),
            format!("less {}", director.log_file().display()),
        ]
    }
}
