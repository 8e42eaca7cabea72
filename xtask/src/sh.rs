//! Running other programs: every command is shown before it runs, and a
//! failure names the command.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Where administrators' tools live; not on the `PATH` of an ordinary user.
const SYSTEM_DIRECTORIES: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Shows `command` on stderr and runs it; anything but exit code 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    eprintln!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

/// Shows `command` and becomes it, so that signals and the exit code are its
/// own. Returns only when it could not be started.
pub(crate) fn become_command(command: &mut Command) -> Result<()> {
    let shown = show(command);
    eprintln!("$ {shown}");
    Err(command.exec()).with_context(|| format!("cannot start `{shown}`"))
}

/// Runs `command` quietly and returns its stdout.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed: {}\n{}", output.status, stderr.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The executable `name` on `PATH` or in the system directories.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|candidate| is_executable(candidate))
}

/// Whether `path` is a file that somebody may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// `PATH` with the system directories at its end, for programs that call
/// `ip` or `bpftool`.
pub(crate) fn path_with_system_directories() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from));
    // A directory that cannot be joined holds a ':' and was no entry of PATH.
    env::join_paths(directories).unwrap_or(path)
}

/// `program` as root: itself when we are root, else through sudo. The
/// variables are handed over as arguments of env(1), because sudo drops them.
pub(crate) fn as_root(program: &Path, variables: &[(&str, OsString)]) -> Result<Command> {
    if is_root() {
        let mut command = Command::new(program);
        command.env("PATH", path_with_system_directories());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        return Ok(command);
    }
    let Some(sudo) = find("sudo") else {
        bail!(
            "{} needs root: run this as root, or install sudo",
            program.display()
        );
    };
    let mut command = Command::new(sudo);
    command.arg("env");
    for (name, value) in variables {
        let mut assignment = OsStr::new(name).to_owned();
        assignment.push("=");
        assignment.push(value);
        command.arg(assignment);
    }
    command.arg(program);
    Ok(command)
}

/// Whether this process may do what root may.
pub(crate) fn is_root() -> bool {
    // /proc/self belongs to the effective user of the process.
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The command as one would type it: the variables it sets, then its words.
fn show(command: &Command) -> String {
    let mut shown = String::new();
    for (name, value) in command.get_envs() {
        let Some(value) = value else { continue };
        if name == "PATH" {
            continue;
        }
        shown.push_str(&name.to_string_lossy());
        shown.push('=');
        shown.push_str(&quote(value));
        shown.push(' ');
    }
    shown.push_str(&quote(command.get_program()));
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&quote(argument));
    }
    shown
}

/// `word` quoted for a shell, where it needs to be.
pub(crate) fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy().replace('\u{1f}', " ");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_one_would_type_them() {
        let mut command = Command::new("cargo");
        command
            .env("CARGO_ENCODED_RUSTFLAGS", "-C\u{1f}debuginfo=2")
            .args(["build", "it's", ""]);
        assert_eq!(
            show(&command),
            r"CARGO_ENCODED_RUSTFLAGS='-C debuginfo=2' cargo build 'it'\''s' ''"
        );
    }

    #[test]
    fn a_failure_names_the_command() {
        let error = run(&mut Command::new("false")).unwrap_err();
        assert!(error.to_string().contains("`false` failed"), "{error}");
        let error = run(&mut Command::new("/does/not/exist")).unwrap_err();
        assert!(
            error.to_string().contains("cannot start `/does/not/exist`"),
            "{error}"
        );
    }

    #[test]
    fn tools_are_found_on_the_path() {
        assert!(find("sh").is_some());
        assert!(find("no-such-tool-anywhere").is_none());
    }
}
