use std::fs;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::config::{self, Script, Track};

const PATIENCE: Duration = Duration::from_secs(10);

struct Bench {
    trackers: Trackers<Report>,
    reports: mpsc::Receiver<Report>,
}

impl Bench {
    fn new(tracked: &[Tracked]) -> Self {
        let (sender, reports) = mpsc::channel(100);
        let mut bench = Self {
            trackers: Trackers::new(sender),
            reports,
        };
        bench.configure(tracked);
        bench
    }

    /// Two instances that track the same.
    fn configure(&mut self, tracked: &[Tracked]) {
        let text = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
                    addresses = [\"192.0.2.10/24\"]\n";
        let config = config::parse(Path::new("test.toml"), text).unwrap();
        let mut instance = config.vrrp.into_iter().next().unwrap();
        instance.track = tracked
            .iter()
            .map(|what| Track {
                what: what.clone(),
                weight: None,
            })
            .collect();
        self.trackers.configure(&[instance.clone(), instance]);
    }

    async fn next(&mut self) -> Report {
        let report = timeout(PATIENCE, self.reports.recv()).await;
        report.expect("a report").expect("the channel is open")
    }

    /// What is seen next of the only thing that is tracked.
    async fn seen(&mut self, what: &Tracked) -> Seen {
        let report = self.next().await;
        assert_eq!(report.what, *what);
        report.seen
    }
}

fn path(test: &str) -> PathBuf {
    let name = format!("lvx-track-{}-{test}", std::process::id());
    std::env::temp_dir().join(name)
}

fn script(text: &str, interval: Duration, fall: u8) -> Tracked {
    let id = Command::new("id").arg("-un").output().unwrap().stdout;
    Tracked::Script(TrackedScript {
        script: Script {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), text.to_owned()],
            user: String::from_utf8(id).unwrap().trim().to_owned(),
            timeout: PATIENCE,
        },
        interval,
        rise: 1,
        fall,
    })
}

#[tokio::test]
async fn a_script_is_judged_by_its_ends() {
    let (sick, runs) = (path("sick"), path("runs"));
    let text = format!(
        "echo run >> {}; test ! -e {} || {{ echo sorry; exit 4; }}",
        runs.display(),
        sick.display()
    );
    let what = script(&text, Duration::from_millis(10), 3);
    let mut bench = Bench::new(std::slice::from_ref(&what));
    assert_eq!(bench.seen(&what).await, Seen::Well);
    fs::write(&sick, "").unwrap();
    let before = fs::read_to_string(&runs).unwrap().lines().count();
    let words = "exited with 4: sorry".to_owned();
    assert_eq!(bench.seen(&what).await, Seen::NotWell(words));
    let after = fs::read_to_string(&runs).unwrap().lines().count();
    assert!(after >= before + 2, "three in a row: {before} to {after}");
    fs::remove_file(&sick).unwrap();
    assert_eq!(bench.seen(&what).await, Seen::Well);
    bench.configure(&[]);
    fs::remove_file(runs).unwrap();
}

#[tokio::test]
async fn a_reload_starts_new_scripts_and_leaves_the_others_alone() {
    let (runs, marks) = (path("kept"), path("new"));
    let hour = Duration::from_secs(3600);
    let kept = script(&format!("echo run >> {}", runs.display()), hour, 1);
    let new = script(&format!("echo run >> {}", marks.display()), hour, 1);
    let mut bench = Bench::new(std::slice::from_ref(&kept));
    assert_eq!(bench.seen(&kept).await, Seen::Well);
    bench.configure(&[kept.clone(), new.clone()]);
    assert_eq!(bench.seen(&new).await, Seen::Well);
    // Two instances track it: it ran once all the same, and not again.
    assert_eq!(fs::read_to_string(&runs).unwrap(), "run\n");
    assert_eq!(fs::read_to_string(&marks).unwrap(), "run\n");
    bench.configure(&[new]);
    bench.configure(std::slice::from_ref(&kept));
    assert_eq!(bench.seen(&kept).await, Seen::Well);
    assert_eq!(fs::read_to_string(&runs).unwrap(), "run\nrun\n");
    fs::remove_file(runs).unwrap();
    fs::remove_file(marks).unwrap();
}

#[tokio::test]
async fn a_file_is_read_again_and_again() {
    let path = path("number");
    let what = Tracked::File(path.clone());
    let mut bench = Bench::new(std::slice::from_ref(&what));
    assert_eq!(bench.seen(&what).await, Seen::Number(0), "there is none");
    fs::write(&path, "-3\n").unwrap();
    assert_eq!(bench.seen(&what).await, Seen::Number(-3));
    fs::write(&path, "many").unwrap();
    let Seen::NotWell(words) = bench.seen(&what).await else {
        panic!("many is no number");
    };
    assert!(words.contains("\"many\""), "{words}");
    fs::remove_file(&path).unwrap();
    assert_eq!(bench.seen(&what).await, Seen::Number(0));
}

#[tokio::test]
async fn processes_are_found_by_the_name_they_were_called_by() {
    let name = format!("lvx-sleeper-{}", std::process::id());
    let what = Tracked::Process {
        name: name.clone(),
        at_least: NonZeroU16::new(2).unwrap(),
    };
    let sleeper = || {
        let mut command = Command::new("/bin/sleep");
        command.arg0(format!("/opt/{name}")).arg("300");
        command.spawn().unwrap()
    };
    let mut bench = Bench::new(std::slice::from_ref(&what));
    let none = Seen::NotWell("does not run".to_owned());
    assert_eq!(bench.seen(&what).await, none);
    let mut sleepers = [sleeper(), sleeper()];
    loop {
        // One look may find the first of them alone.
        let seen = bench.seen(&what).await;
        if seen == Seen::Well {
            break;
        }
        assert!(matches!(seen, Seen::NotWell(_)), "{seen:?}");
    }
    // A zombie is no process that runs.
    sleepers[0].kill().unwrap();
    let one = Seen::NotWell("runs 1 times, 2 times are wanted".to_owned());
    assert_eq!(bench.seen(&what).await, one);
    // After a reload all is reported anew.
    bench.configure(std::slice::from_ref(&what));
    assert_eq!(bench.seen(&what).await, one);
    for mut sleeper in sleepers {
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
}

/// Runs commands of `ip` in the calling thread's network namespace.
fn ip(commands: &[&str]) {
    for command in commands {
        let output = Command::new("ip").args(command.split(' ')).output();
        let output = output.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {command}: {errors}");
    }
}

async fn follow_routes() {
    ip(&[
        "link set lo up",
        "link add v0 type veth peer name v1",
        "link set v0 up",
        "link set v1 up",
        "addr add 192.0.2.1/24 dev v0",
        "route add 10.0.0.0/24 via 192.0.2.2",
    ]);
    let route = |address: [u8; 4], prefix_len| Tracked::Route {
        network: Ipv4Addr::from(address).into(),
        prefix_len,
    };
    let (what, wide) = (route([10, 0, 0, 0], 24), route([10, 0, 0, 0], 8));
    let default = Tracked::Route {
        network: std::net::Ipv6Addr::UNSPECIFIED.into(),
        prefix_len: 0,
    };
    let missing = || Seen::NotWell("is not in the kernel's main table".to_owned());
    let mut bench = Bench::new(&[what.clone(), wide.clone(), default.clone()]);
    let mut first = BTreeMap::new();
    for _ in 0..3 {
        let report = bench.next().await;
        first.insert(report.what, report.seen);
    }
    let expected = [
        (what.clone(), Seen::Well),
        (wide.clone(), missing()),
        (default.clone(), missing()),
    ];
    assert_eq!(first, BTreeMap::from(expected));
    ip(&["route add 10.0.0.0/8 via 192.0.2.2"]);
    assert_eq!(bench.seen(&wide).await, Seen::Well);
    ip(&["route add default via fe80::1 dev v0"]);
    assert_eq!(bench.seen(&default).await, Seen::Well);
    // A second route keeps it.
    ip(&[
        "route add 10.0.0.0/24 via 192.0.2.3 metric 7",
        "route del 10.0.0.0/24 via 192.0.2.2",
        "route del 10.0.0.0/8",
    ]);
    assert_eq!(bench.seen(&wide).await, missing());
    // IPv4 routes go with their interface without a word of the kernel's.
    ip(&["link set v0 down"]);
    let mut gone = BTreeSet::new();
    for _ in 0..2 {
        let report = bench.next().await;
        assert_eq!(report.seen, missing());
        gone.insert(report.what);
    }
    assert_eq!(gone, BTreeSet::from([what, default]));
}

#[test]
fn routes_come_and_go() {
    let thread = std::thread::spawn(|| {
        // SAFETY: unshare takes an integer, and moves this thread alone.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            return false;
        }
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(follow_routes());
        true
    });
    if !thread.join().unwrap() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "skipped with CI=true: network namespaces need root"
        );
        eprintln!("skipped: network namespaces need root");
    }
}
