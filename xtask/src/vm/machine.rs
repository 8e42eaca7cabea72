//! Starts a machine, shows what its script prints, and judges how it ended.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// What the script of a machine prints when it starts, and in its last line.
const READY: &str = "VM-READY";
const EXIT: &str = "VM-EXIT ";

/// A kernel says one of them when it is broken.
const TROUBLE: [&str; 4] = ["Kernel panic", "kernel BUG at", "Oops:", "BUG: "];

/// How a machine ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The script's exit code.
    Exit(i32),
    /// It never came to its script.
    Silent,
    /// The script was still running after its time.
    TimeLimit,
    /// The machine stopped in the middle of the script.
    Lost,
    /// What the kernel said.
    Trouble(String),
}

/// Output of a machine's script, and how it ended.
pub(super) struct Outcome {
    pub(super) end: End,
    /// Everything, with what came before the script.
    pub(super) lines: Vec<String>,
}

/// Longest times from the start to the script, and of the script.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) boot: Duration,
    pub(super) script: Duration,
}

/// Runs the machine that `command` starts; the kernel's messages may be in the file `log`.
///
/// # Errors
/// It cannot be started.
pub(super) fn run(
    command: &Command,
    log: &Path,
    limits: Limits,
    show: impl Fn(&str),
) -> Result<Outcome> {
    let mut child = start(command, &log.with_file_name("emulator.log"))?;
    let stdout = child.stdout.take().context("stdout was asked for")?;
    let mut watch = Watch::new(limits);
    let found = watch.until_the_end(&lines_of(stdout), show);
    let end = match found {
        // Its last line is out: it is about to power off, or has nothing more to say.
        Some(end) => end,
        None if watch.ready => End::Lost,
        None => End::Silent,
    };
    end_group(&mut child);
    let kernel = fs::read(log).unwrap_or_default();
    let kernel = String::from_utf8_lossy(&kernel);
    let said = watch.lines.iter().map(String::as_str).chain(kernel.lines());
    let end = trouble(said).map_or(end, |line| End::Trouble(line.to_owned()));
    Ok(Outcome {
        end,
        lines: watch.lines,
    })
}

/// Starts the emulator so that it ends with us, whatever ends us.
fn start(command: &Command, errors: &Path) -> Result<Child> {
    let errors = File::create(errors).with_context(|| format!("writing {}", errors.display()))?;
    let mut wrapped = Command::new("setpriv");
    wrapped.args(["--pdeathsig", "TERM", "--"]);
    wrapped.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            wrapped.env(name, value);
        }
    }
    wrapped
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .process_group(0)
        .spawn()
        .context("setpriv cannot be started: install util-linux")
}

/// User-mode Linux is several processes: killing the first alone would leave some.
fn end_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    // There is nobody left to kill when it has powered off by itself.
    let _ = Command::new("kill")
        .args(["-KILL", "--", &group])
        .stderr(Stdio::null())
        .status();
    let _ = child.wait();
}

fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if sender.send(line.trim_end_matches('\r').to_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

struct Watch {
    limits: Limits,
    deadline: Instant,
    ready: bool,
    lines: Vec<String>,
}

impl Watch {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            deadline: Instant::now() + limits.boot,
            ready: false,
            lines: Vec::new(),
        }
    }

    /// `None` when the output ended without a word about it.
    fn until_the_end(&mut self, output: &Receiver<String>, show: impl Fn(&str)) -> Option<End> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let line = match output.recv_timeout(left) {
                Ok(line) => line,
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) if self.ready => return Some(End::TimeLimit),
                Err(mpsc::RecvTimeoutError::Timeout) => return Some(End::Silent),
            };
            let end = self.take(&line);
            if end.is_none() && self.ready && line != READY {
                show(&line);
            }
            self.lines.push(line);
            if end.is_some() {
                return end;
            }
        }
    }

    fn take(&mut self, line: &str) -> Option<End> {
        if line == READY {
            self.ready = true;
            self.deadline = Instant::now() + self.limits.script;
        }
        let code = line.strip_prefix(EXIT)?;
        code.parse().ok().map(End::Exit)
    }
}

fn trouble<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    lines.find(|line| TROUBLE.iter().any(|words| line.contains(words)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn machine(script: &str, limits: Limits) -> End {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lvx-xtask-test-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).expect("a new directory");
        let outcome = run(&command, &directory.join("kernel.log"), limits, |_| ());
        fs::remove_dir_all(&directory).expect("our directory");
        outcome.expect("sh and setpriv are there").end
    }

    const ENOUGH: Limits = Limits {
        boot: Duration::from_secs(20),
        script: Duration::from_secs(20),
    };

    #[test]
    fn the_last_line_is_the_result() {
        let script = "echo VM-READY; echo fine; printf 'VM-EXIT 7\\r\\n'; exec sleep 100";
        assert_eq!(machine(script, ENOUGH), End::Exit(7));
    }

    #[test]
    fn other_ends_are_told_apart() {
        assert_eq!(machine("echo noise", ENOUGH), End::Silent);
        assert_eq!(machine("echo VM-READY; echo half", ENOUGH), End::Lost);
        let panic = "echo VM-READY; echo 'Kernel panic - not syncing'; echo VM-EXIT 0";
        assert!(matches!(machine(panic, ENOUGH), End::Trouble(_)));
        let boot = Duration::from_millis(50);
        let hangs = machine("exec sleep 100", Limits { boot, ..ENOUGH });
        assert_eq!(hangs, End::Silent);
        let script = Duration::from_millis(50);
        let hangs = machine("echo VM-READY; exec sleep 100", Limits { script, ..ENOUGH });
        assert_eq!(hangs, End::TimeLimit);
    }
}
