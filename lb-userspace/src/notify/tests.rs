use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

struct Bench {
    directory: PathBuf,
    scripts: Scripts,
    journal: Journal,
}

impl Bench {
    fn new(test: &str) -> Self {
        let name = format!("lvx-notify-{}-{test}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let journal = Journal::default();
        Self {
            scripts: Scripts::new(journal.clone()),
            directory,
            journal,
        }
    }

    /// `A`, unless told otherwise, is in a new state; `text` is a shell script that runs in the
    /// bench's directory.
    fn tell(&mut self, subject: &str, state: State, previous: State, text: &str) {
        let id = std::process::Command::new("id").arg("-un").output();
        let user = String::from_utf8(id.unwrap().stdout).unwrap();
        let text = format!("cd {}; {text}", self.directory.display());
        let change = Change {
            subject: Subject::Instance(subject.to_owned()),
            state,
            previous,
            priority: 100,
            cause: "a test".to_owned(),
            script: Some(Script {
                program: "/bin/sh".into(),
                arguments: vec!["-c".to_owned(), text, "sh".to_owned()],
                user: user.trim().to_owned(),
                timeout: PATIENCE,
            }),
            is_last: false,
        };
        self.scripts.tell(change, "lb1");
    }

    fn take(&mut self) -> Scripts {
        std::mem::replace(&mut self.scripts, Scripts::new(Journal::default()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A test that failed may have left less.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

async fn wait_for(path: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < deadline, "waited for {}", path.display());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_script_gets_four_words_and_six_variables() {
    let mut bench = Bench::new("words");
    let text = "echo \"$*|$LVX_NAME|$LVX_STATE|$LVX_PREVIOUS_STATE|$LVX_PRIORITY|$LVX_CAUSE|\
                $LVX_ROUTER_ID\" > out";
    bench.tell("A", State::Master, State::Backup, text);
    let scripts = bench.take();
    scripts.finish(PATIENCE).await;
    assert_eq!(
        fs::read_to_string(bench.file("out")).unwrap(),
        "INSTANCE A MASTER 100|A|MASTER|BACKUP|100|a test|lb1\n"
    );
    assert_eq!(bench.journal.excerpt(None, 10).last, 0);
}

/// The first run is held until there are newer states: of those only the last one is told, and
/// the runs do not overlap.
#[tokio::test]
async fn a_newer_state_supersedes_what_waits_and_runs_follow_each_other() {
    let mut bench = Bench::new("order");
    let text = "echo begin $3 after $LVX_PREVIOUS_STATE >> out; touch started; \
                while ! test -e go; do sleep 0.01; done; echo end $3 >> out";
    bench.tell("A", State::Backup, State::Initialize, text);
    wait_for(&bench.file("started")).await;
    bench.tell("A", State::Master, State::Backup, text);
    bench.tell("A", State::Fault, State::Master, text);
    bench.tell("A", State::Master, State::Fault, text);
    // Another instance does not wait for this one.
    let other = "echo $2 $3 > other.new; mv other.new other";
    bench.tell("B", State::Master, State::Backup, other);
    wait_for(&bench.file("other")).await;
    assert_eq!(
        fs::read_to_string(bench.file("out")).unwrap(),
        "begin BACKUP after INIT\n"
    );
    fs::write(bench.file("go"), "").unwrap();
    let scripts = bench.take();
    let counters = Arc::clone(&scripts.counters);
    scripts.finish(PATIENCE).await;
    assert_eq!(
        fs::read_to_string(bench.file("out")).unwrap(),
        "begin BACKUP after INIT\nend BACKUP\nbegin MASTER after BACKUP\nend MASTER\n"
    );
    assert_eq!(counters.runs.load(Ordering::Relaxed), 3);
    assert_eq!(counters.superseded.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_a_script_knows_already_is_not_told_again_unless_it_failed() {
    for (end, lines) in [("exit 0", "BACKUP\n"), ("exit 7", "BACKUP\nBACKUP\n")] {
        let mut bench = Bench::new(&end.replace(' ', "-"));
        let text = format!(
            "echo $3 >> out; touch started; while ! test -e go; do sleep 0.01; done; {end}"
        );
        bench.tell("A", State::Backup, State::Initialize, &text);
        wait_for(&bench.file("started")).await;
        bench.tell("A", State::Master, State::Backup, &text);
        bench.tell("A", State::Backup, State::Master, &text);
        fs::write(bench.file("go"), "").unwrap();
        let scripts = bench.take();
        scripts.finish(PATIENCE).await;
        assert_eq!(fs::read_to_string(bench.file("out")).unwrap(), lines);
        let told = bench.journal.excerpt(None, 10).entries;
        let failures = told.iter().filter(|entry| {
            let text = &entry.event.text;
            text == "notify script /bin/sh of A (BACKUP) exited with 7"
        });
        assert_eq!(failures.count(), if end == "exit 0" { 0 } else { 2 });
    }
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let mut bench = Bench::new("end");
    let text = "touch started; sleep 300";
    bench.tell("A", State::Initialize, State::Master, text);
    wait_for(&bench.file("started")).await;
    let scripts = bench.take();
    let start = Instant::now();
    scripts.finish(Duration::from_millis(50)).await;
    assert!(start.elapsed() < PATIENCE / 2);
    let told = bench.journal.excerpt(None, 10).entries;
    assert!(told[0].event.text.contains("killed"), "{told:?}");
}
