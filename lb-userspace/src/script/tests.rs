use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

fn own_user() -> String {
    let id = std::process::Command::new("id").arg("-un").output();
    String::from_utf8(id.unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

fn is_root() -> bool {
    own_user() == "root"
}

/// A shell script, as ourselves.
fn shell(text: &str) -> Script {
    Script {
        program: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), text.to_owned(), "sh".to_owned()],
        user: own_user(),
        timeout: PATIENCE,
    }
}

async fn run(script: &Script) -> Ended {
    Runner::new(8).run(script, &[], &[]).await
}

fn file(test: &str) -> PathBuf {
    let name = format!("lvx-script-{}-{test}", std::process::id());
    std::env::temp_dir().join(name)
}

/// Whether a process is gone: one that is dead and waits for its parent is.
fn is_gone(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

async fn wait(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn skip_without_root() -> bool {
    if is_root() {
        return false;
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "skipped with CI=true: becoming another user needs root"
    );
    eprintln!("skipped: becoming another user needs root");
    true
}

#[tokio::test]
async fn ends_are_told_apart() {
    for (text, end, last) in [
        ("echo fine", End::Good, Some("fine")),
        ("echo one; echo two >&2; exit 3", End::Exit(3), Some("two")),
        ("kill -SEGV $$", End::Signal(libc::SIGSEGV), None),
        ("exit 127", End::Exit(127), None),
    ] {
        let ended = run(&shell(text)).await;
        assert_eq!((ended.end, ended.last_line.as_deref()), (end, last));
    }
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let not_executable = file("plain");
    fs::write(&not_executable, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&not_executable, fs::Permissions::from_mode(0o644)).unwrap();
    for (program, user, words) in [
        ("/nonexistent/check", own_user(), "No such file"),
        (
            not_executable.to_str().unwrap(),
            own_user(),
            "Permission denied",
        ),
        ("/bin/true", "lvx-nobody-at-all".to_owned(), "no user"),
        ("/tmp", own_user(), "Permission denied"),
    ] {
        let script = Script {
            program: program.into(),
            arguments: Vec::new(),
            user,
            timeout: PATIENCE,
        };
        let ended = run(&script).await;
        let End::NotStarted(why) = &ended.end else {
            panic!("{program}: {ended:?}");
        };
        assert!(why.contains(words) && why.contains(program), "{why}");
    }
    fs::remove_file(not_executable).unwrap();
}

#[tokio::test]
async fn one_that_ignores_sigterm_is_killed() {
    let script = Script {
        timeout: Duration::from_millis(200),
        ..shell("trap '' TERM; echo $$; while :; do sleep 0.05; done")
    };
    let start = Instant::now();
    let ended = run(&script).await;
    assert_eq!(ended.end, End::TimedOut(script.timeout));
    assert!(start.elapsed() >= script.timeout + GRACE);
    // Reaped, not only dead.
    let pid = ended.last_line.unwrap();
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[tokio::test]
async fn one_that_heeds_sigterm_has_its_last_word() {
    let script = Script {
        timeout: Duration::from_millis(200),
        ..shell("trap 'echo sorry; exit 1' TERM; while :; do sleep 0.05; done")
    };
    let start = Instant::now();
    let ended = run(&script).await;
    assert_eq!(ended.end, End::TimedOut(script.timeout));
    assert_eq!(ended.last_line.as_deref(), Some("sorry"));
    assert!(start.elapsed() < script.timeout + GRACE);
}

#[tokio::test]
async fn children_that_stay_behind_are_killed_and_not_waited_for() {
    let start = Instant::now();
    let ended = run(&shell("trap '' TERM; sleep 300 & echo $!")).await;
    assert_eq!(ended.end, End::Good);
    assert!(start.elapsed() < PATIENCE / 2);
    let child = ended.last_line.unwrap();
    wait("the child's end", || is_gone(&child)).await;
}

/// Neither the session nor the process group holds it, and its parent is dead.
#[tokio::test]
async fn a_child_in_a_session_of_its_own_is_killed_too() {
    if Cgroup::make().is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "skipped with CI=true: no control group can be made here"
        );
        eprintln!("skipped: no control group can be made here");
        return;
    }
    let pid = file("escaped");
    let escape = format!(
        "setsid sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 300' &\n\
                          while ! test -e {0}; do sleep 0.01; done",
        pid.display()
    );
    assert_eq!(run(&shell(&escape)).await.end, End::Good);
    let child = fs::read_to_string(&pid).unwrap();
    wait("the child's end", || is_gone(child.trim())).await;
    let hangs = Script {
        timeout: Duration::from_millis(500),
        ..shell(&format!(
            "rm {}; {escape}; trap '' TERM; while :; do sleep 0.05; done",
            pid.display()
        ))
    };
    assert_eq!(run(&hangs).await.end, End::TimedOut(hangs.timeout));
    let child = fs::read_to_string(&pid).unwrap();
    wait("the child's end", || is_gone(child.trim())).await;
    fs::remove_file(pid).unwrap();
}

#[tokio::test]
async fn one_that_eats_memory_gets_no_more() {
    // tail keeps all of a line.
    let ended = run(&shell("head -c 700M /dev/zero | tail -n 1 | wc -c")).await;
    let line = ended.last_line.unwrap_or_default();
    assert_ne!(line.trim(), "734003200", "all of it was kept");
    let ordinary = run(&shell(
        "test $(cat /proc/self/oom_score_adj) = 0 && ulimit -d",
    ))
    .await;
    assert_eq!(ordinary.last_line.as_deref(), Some("524288"));
}

#[tokio::test]
async fn a_flood_of_output_is_read_and_forgotten() {
    let flood = "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo end";
    let ended = run(&shell(flood)).await;
    assert_eq!(ended.end, End::Good);
    assert_eq!(ended.last_line.as_deref(), Some("end"));
    let endless = Script {
        timeout: Duration::from_millis(300),
        ..shell("while :; do echo flood; done")
    };
    let start = Instant::now();
    assert_eq!(run(&endless).await.end, End::TimedOut(endless.timeout));
    assert!(start.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn it_gets_its_arguments_and_nothing_else_of_ours() {
    let leak = fs::File::open("/dev/null").unwrap();
    // SAFETY: dup2 takes two integers; descriptor 200 is nobody's here.
    let copy = unsafe { libc::dup2(leak.as_raw_fd(), 200) };
    assert_eq!(copy, 200);
    let text = "test -e /proc/$$/fd/200 && echo leaked; \
                echo \"$1|$2|$LVX_NAME|${CARGO_PKG_NAME-unset}|$(pwd)|$(umask)|$(cat)|\
                $(ulimit -c)|$(ulimit -n)|$USER\"";
    let arguments = ["a b".to_owned(), "$(id)".to_owned()];
    let variables = [("LVX_NAME", "VI 1".to_owned())];
    let ended = Runner::new(1)
        .run(&shell(text), &arguments, &variables)
        .await;
    // SAFETY: closes the descriptor that was made above.
    unsafe { libc::close(200) };
    let expected = format!("a b|$(id)|VI 1|unset|/|0022||0|256|{}", own_user());
    assert_eq!(ended.last_line, Some(expected), "{ended:?}");
}

#[tokio::test]
async fn it_has_its_users_rights_and_groups() {
    if skip_without_root() {
        return;
    }
    let nobody = Script {
        user: "nobody".to_owned(),
        ..shell("echo $(id -un):$(id -ru):$(id -gn):$(id -Gn); test ! -r /etc/shadow")
    };
    let expected = std::process::Command::new("id").arg("nobody").output();
    let expected = String::from_utf8(expected.unwrap().stdout).unwrap();
    assert!(expected.contains("65534(nobody)"), "{expected}");
    let ended = run(&nobody).await;
    assert!(ended.is_good(), "{ended}");
    let line = ended.last_line.unwrap();
    assert_eq!(line, "nobody:65534:nogroup:nogroup");
}

#[tokio::test]
async fn a_program_that_others_can_change_is_refused_by_root() {
    if skip_without_root() {
        return;
    }
    let directory = file("trust");
    let program = directory.join("check");
    fs::create_dir(&directory).unwrap();
    fs::copy("/bin/true", &program).unwrap();
    let link = directory.join("link");
    std::os::unix::fs::symlink(&program, &link).unwrap();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let chown = |owner| std::os::unix::fs::chown(&program, Some(owner), Some(owner)).unwrap();
    for (file_mode, directory_mode, owner, user, words) in [
        (0o755, 0o755, 0, "root", None),
        (0o755, 0o755, 0, "nobody", None),
        (0o755, 0o755, 65_534, "nobody", None),
        (0o755, 0o1777, 0, "root", None),
        (0o757, 0o755, 0, "nobody", Some("everybody can write")),
        (
            0o775,
            0o755,
            65_534,
            "nobody",
            Some("its group can write to"),
        ),
        (
            0o755,
            0o777,
            0,
            "root",
            Some("everybody can write to /tmp/lvx"),
        ),
        (
            0o755,
            0o755,
            65_534,
            "root",
            Some("belongs to another user"),
        ),
    ] {
        set(&program, file_mode);
        set(&directory, directory_mode);
        chown(owner);
        for path in [&program, &link] {
            let script = Script {
                program: path.clone(),
                arguments: Vec::new(),
                user: user.to_owned(),
                timeout: PATIENCE,
            };
            let ended = run(&script).await;
            let end = ended.to_string();
            assert_eq!(ended.is_good(), words.is_none(), "{end}");
            assert!(end.contains(words.unwrap_or_default()), "{end}");
        }
    }
    fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn dropping_it_kills_all_of_it() {
    let pids = file("dropped");
    let shown = pids.display();
    let text =
        format!("trap '' TERM; sleep 300 & echo $$ $! > {shown}.new; mv {shown}.new {shown}; wait");
    let script = shell(&text);
    let task = tokio::spawn(async move { run(&script).await });
    wait("its start", || pids.exists()).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    let text = fs::read_to_string(&pids).unwrap();
    for pid in text.split_whitespace() {
        wait("its end", || is_gone(pid)).await;
    }
    fs::remove_file(pids).unwrap();
}

#[tokio::test]
async fn only_so_many_run_at_once() {
    let log = file("turns");
    let script = shell(&format!(
        "echo b >> {0}; sleep 0.05; echo e >> {0}",
        log.display()
    ));
    let runner = Runner::new(1);
    let both = tokio::join!(
        runner.run(&script, &[], &[]),
        runner.run(&script, &[], &[]),
        runner.run(&script, &[], &[])
    );
    assert!(both.0.is_good() && both.1.is_good() && both.2.is_good());
    assert_eq!(
        fs::read_to_string(&log).unwrap(),
        "b\ne\n".repeat(3),
        "one after the other"
    );
    fs::remove_file(log).unwrap();
}
