//! What all machines of one call have in common, and a machine's work from image to result.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use super::{
    Args, LIMIT,
    image::{self, Contents},
    kernel::{Boot, Clock, Kernel},
    machine::{self, End, Limits},
    packages::Unpacked,
    programs::{self, Call, Test},
    scratch::Scratch,
};
use crate::{
    sh,
    workspace::{Profile, Workspace},
};

/// What all machines of one call have in common.
pub(crate) struct Lab<'a> {
    pub(super) workspace: &'a Workspace,
    /// Where unpacked packages and logs are.
    cache: PathBuf,
    guest: Unpacked,
    nginx: PathBuf,
}

impl<'a> Lab<'a> {
    /// Why there can be no machines on this host.
    pub(crate) fn obstacle() -> Option<&'static str> {
        if env::consts::ARCH != "x86_64" {
            return Some("the machines are x86_64, and their programs come from this host");
        }
        if sh::find("apt-get").is_none() {
            return Some("the machines are made of Debian packages, and there is no apt-get");
        }
        None
    }

    /// Fetches the machines' tools. What is to run in them has to be built.
    ///
    /// # Errors
    /// There can be no machines here.
    pub(crate) fn new(workspace: &'a Workspace, nginx: &Path) -> Result<Self> {
        if let Some(why) = Self::obstacle() {
            bail!("{why}");
        }
        let cache = workspace.target.join("vm");
        let guest = Unpacked::ensure(&cache, "ipvsadm", &["busybox-static"])?;
        Ok(Self {
            workspace,
            guest,
            cache,
            nginx: nginx.to_owned(),
        })
    }

    /// The tests that CI runs on `kernel`.
    ///
    /// # Errors
    /// One fails, or there is no machine.
    pub(crate) fn default_tests(&self, kernel: Kernel) -> Result<()> {
        self.test(kernel, &Args::default(), LIMIT)
    }

    /// What `args` say, on `kernel`; without a test those that CI runs.
    pub(super) fn test(&self, kernel: Kernel, args: &Args, limit: Duration) -> Result<()> {
        let (program, tests);
        let given = args.arguments.iter().map(String::as_str).collect();
        let calls = match args.test.as_deref() {
            Some(path) if path.contains('/') => {
                program = Test {
                    name: path.to_owned(),
                    path: std::path::absolute(path)?,
                };
                vec![Call {
                    test: &program,
                    arguments: given,
                }]
            }
            Some(name) => {
                tests = programs::tests(self.workspace)?;
                vec![Call {
                    test: programs::find(&tests, name)?,
                    arguments: given,
                }]
            }
            None => {
                tests = programs::tests(self.workspace)?;
                programs::default_calls(kernel, &tests)?
            }
        };
        let mut programs = programs::companions(self.workspace, Profile::Dev)?;
        programs.extend(calls.iter().map(|call| call.test.path.clone()));
        programs.extend(args.more.iter().cloned());
        // Where cargo runs tests.
        let directory = self.workspace.root.join("tests");
        let script = programs::script(&directory, &calls);
        let job = Job {
            programs,
            files: vec![directory.join("Cargo.toml")],
            script,
            profile: Profile::Dev,
            clock: Clock::Host,
            limit,
        };
        self.run(kernel, job).map(drop)
    }

    /// Runs a job to its end; what its script printed.
    pub(super) fn run(&self, kernel: Kernel, job: Job) -> Result<Vec<String>> {
        let (name, start) = (kernel.name(), Instant::now());
        let boot = Boot::ensure(&self.cache, kernel)?;
        let scratch = Scratch::new(name)?;
        let (image, log) = (scratch.file("image"), scratch.file("kernel.log"));
        let variables = self.variables(job.profile);
        let mut contents = Contents {
            programs: job.programs,
            files: job.files,
            script: job.script,
            variables: &variables,
            guest: &self.guest,
        };
        contents.programs.push(self.nginx.clone());
        let feeder = self.workspace.bpf_object("lvx-feeder");
        contents
            .files
            .extend(Some(feeder).filter(|it| it.is_file()));
        image::write(&image, &boot, &contents, &self.cache)?;
        let limits = Limits {
            boot: boot.limit(),
            script: job.limit,
        };
        eprintln!("vm: {name}: starting Linux {}", boot.release);
        let command = boot.command(&image, &log, job.clock);
        let boot_once = || machine::run(&command, &log, limits, |line| eprintln!("{line}"));
        let mut outcome = boot_once()?;
        if outcome.end == End::Silent {
            eprintln!(
                "vm: {name}: it does not boot, once more {}",
                scratch.emulator_said()
            );
            outcome = boot_once()?;
        }
        let took = start.elapsed().as_secs_f64();
        if outcome.end == End::Exit(0) {
            eprintln!("vm: {name}: ok, {took:.1} s with the boot");
            return Ok(outcome.lines);
        }
        let kept = scratch.keep_logs(&self.cache, &outcome.lines)?;
        let what = describe(&outcome.end, &scratch.emulator_said());
        bail!("{what} after {took:.1} s; logs are in {}", kept.display())
    }

    /// The lab's, and CI=true: in here nothing has to be skipped.
    fn variables(&self, profile: Profile) -> Vec<(&'static str, OsString)> {
        let mut variables = vec![("RUST_BACKTRACE", OsString::from("1"))];
        variables.extend(self.workspace.lab_variables(profile, &self.nginx));
        variables.retain(|(name, _)| *name != "CI");
        variables.push(("CI", OsString::from("true")));
        variables
    }
}

/// Something to run in a machine.
pub(super) struct Job {
    pub(super) programs: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
    pub(super) script: String,
    pub(super) profile: Profile,
    pub(super) clock: Clock,
    pub(super) limit: Duration,
}

fn describe(end: &End, emulator_said: &str) -> String {
    match end {
        End::Exit(code) => format!("the script ended with {code}"),
        End::Silent => format!("the machine did not boot, twice ({emulator_said})"),
        End::TimeLimit => "the script came to its time limit".to_owned(),
        End::Lost => format!("the machine stopped before the script's end ({emulator_said})"),
        End::Trouble(line) => format!("the kernel broke ({line})"),
    }
}
