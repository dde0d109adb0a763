//! An AWS emulator of one's own for a test: TLS, IAM enforced, empty, and gone with the test.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tfbackend::sandbox::{
    REGION, Running,
    admin::Profile,
    certificate::Certificate,
    emulator::{ACCOUNT, Emulator as Launch, Health, PROGRAM},
};

use super::{
    ports::free_port,
    proxy::Upstream,
    scripts::{self, Ran},
};

/// Ends the emulator when this process is gone, however that came about: nobody is left then to
/// hold the other end of its standard input. Goes before what runs it.
const UNTIL_INPUT_ENDS: &str = "
import os, sys, threading
def watch():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
";

/// Ended when dropped.
pub struct Emulator {
    process: Child,
    /// Holds its certificate, credentials and log, and is the `HOME` of what runs in it.
    dir: TempDir,
    running: Running,
    plain_port: u16,
}

impl Emulator {
    /// Starts one, which takes half a second.
    pub async fn start() -> Self {
        let python = python();
        let dir = tempfile::tempdir().expect("a directory");
        let certificate = Certificate::ensure(&dir.path().join("tls")).expect("a certificate");
        let ca = fs::read(&certificate.ca).expect("a CA");
        let profile = Profile::at(dir.path());
        let admin = profile.ensure_key().expect("a key");
        // Somebody who is no test may take the port between its choice and its use.
        for _ in 0..5 {
            let (port, plain_port) = (free_port(), free_port());
            let launch = Launch { port, certificate: &certificate, admin: &admin, keep: None };
            let log_file = dir.path().join("emulator.log");
            let mut process = spawn(python, &launch, plain_port, dir.path(), &log_file);
            if !answers(&Health::new(&launch.endpoint(), &ca).expect("a CA"), &mut process).await {
                continue;
            }
            profile.write_config(&launch.endpoint(), REGION, &certificate.ca).expect("a configuration");
            let Profile { credentials_file, config_file } = profile;
            let running = Running {
                endpoint: launch.endpoint(),
                port,
                pid: process.id(),
                ca_file: certificate.ca.clone(),
                credentials_file,
                config_file,
                log_file,
                region: REGION.to_owned(),
                account: ACCOUNT.to_owned(),
            };
            return Self { process, dir, running, plain_port };
        }
        panic!("the emulator does not start:\n{}", fs::read_to_string(dir.path().join("emulator.log")).unwrap_or_default());
    }

    pub fn endpoint(&self) -> &str {
        &self.running.endpoint
    }

    /// The same emulator without TLS, to see that it is refused.
    pub fn plain_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.plain_port)
    }

    pub fn ca_file(&self) -> &Path {
        &self.running.ca_file
    }

    pub fn credentials_file(&self) -> &Path {
        &self.running.credentials_file
    }

    pub fn region(&self) -> &str {
        &self.running.region
    }

    pub fn account(&self) -> &str {
        &self.running.account
    }

    /// The home folder of what runs in it.
    pub fn home(&self) -> &Path {
        self.dir.path()
    }

    /// Access key id and secret of its administrator.
    pub fn credentials(&self) -> (String, String) {
        let file = fs::read_to_string(&self.running.credentials_file).expect("credentials");
        let value = |name: &str| file.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(" = ")?.to_owned())).expect(name);
        (value("aws_access_key_id"), value("aws_secret_access_key"))
    }

    /// What it logged; for the message of a failed assertion.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.running.log_file).unwrap_or_default()
    }

    /// The whole environment for a process that is to work in it as its administrator: nothing of
    /// the developer's or CI's AWS settings, proxies and Terraform settings.
    pub fn aws_env(&self) -> BTreeMap<String, String> {
        let mut vars: BTreeMap<String, String> =
            ["PATH", "LANG", "TMPDIR"].iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?))).collect();
        vars.insert("HOME".to_owned(), self.dir.path().display().to_string());
        self.running.environment(&vars)
    }

    /// Runs the real `terraform` in `dir` and returns what it said, whether or not it succeeded.
    pub fn terraform(&self, dir: &Path, args: &[&str]) -> Output {
        let mut command = Command::new("terraform");
        command.args(args).current_dir(dir).env_clear().envs(self.aws_env());
        command.envs([("CHECKPOINT_DISABLE", "1"), ("TF_IN_AUTOMATION", "1"), ("TF_INPUT", "0")]);
        command.stdin(Stdio::null());
        command.output().unwrap_or_else(|error| panic!("this test needs `terraform` on PATH: {error}"))
    }

    /// Runs a Python script (its path in this package) that may import boto3.
    ///
    /// # Panics
    /// If the script fails, with what it said.
    pub fn python(&self, script: &str, args: &[&str]) -> String {
        self.python_in(&self.aws_env(), script, args)
    }

    /// The same in another environment, such as another user's.
    pub fn python_in(&self, vars: &BTreeMap<String, String>, script: &str, args: &[&str]) -> String {
        let Ran { status, out, err } = scripts::run(python(), script, args, vars);
        assert_eq!(status, 0, "{script}\n{out}\n{err}");
        out
    }

    /// For one that is talked to while it runs.
    pub fn python_command(&self, vars: &BTreeMap<String, String>, script: &str, args: &[&str]) -> Command {
        let mut command = Command::new(python());
        command.arg("-I").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).args(args).env_clear().envs(vars);
        command
    }
}

impl Upstream for Emulator {
    fn endpoint(&self) -> &str {
        Self::endpoint(self)
    }

    fn ca_file(&self) -> &Path {
        Self::ca_file(self)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The interpreter of the tests' own environment, which is made if need be.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-venv");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/venv.sh");
        let status = Command::new(&script).arg(&venv).status().expect("tests/venv.sh");
        assert!(status.success(), "tests/venv.sh ended with {status}");
        venv.join("bin/python")
    })
}

fn spawn(python: &Path, launch: &Launch<'_>, plain_port: u16, dir: &Path, log: &Path) -> Child {
    let mut log = fs::File::create(log).expect("a log");
    writeln!(log, "{}", launch.endpoint()).expect("a log");
    let program = dir.join("emulator.py");
    const RUN: &str = "\nsys.argv = [\"hypercorn\"";
    let (guarded, run) = PROGRAM.split_once(RUN).expect("the last lines run it");
    fs::write(&program, format!("{UNTIL_INPUT_ENDS}{guarded}\n\n{}{RUN}{run}", include_str!("neighbours.py"))).expect("a program");
    let mut command = Command::new(python);
    command.args(launch.args(&program));
    command.args(["--insecure-bind", &format!("127.0.0.1:{plain_port}")]).env_clear().envs(launch.vars()).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(log.try_clone().expect("a log")).stderr(log);
    command.spawn().expect("the tests' Python")
}

async fn answers(health: &Health, process: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until && process.try_wait().expect("a child").is_none() {
        if health.good().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let _ = process.kill();
    let _ = process.wait();
    false
}
