//! An AWS emulator of one's own for a test: TLS, IAM enforced, empty, and gone with the test.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use tfbackend::sandbox::{
    REGION, RunningSandbox,
    admin::AwsProfileFiles,
    certificate::CertificateFiles,
    emulator::{ACCOUNT, EmulatorProcess as Launch, HealthCheck, PROGRAM},
};

use super::{
    fork_server::{Forked, Program, Ran, run_script},
    ports::free_port,
    proxy::Upstream,
};

const NAME: &str = "emulator.py";

/// What receives the emulator's requests.
#[derive(Clone, Copy)]
enum Server {
    /// Takes half the time of the other.
    OfTheTests,
    OfASandbox,
}

/// Ended when dropped.
pub(crate) struct Emulator {
    /// Before the folder that it works in.
    _process: Forked,
    /// Holds its certificate, credentials and log, and is the `HOME` of what runs in it.
    dir: TempDir,
    running: RunningSandbox,
    plain_port: u16,
}

impl Emulator {
    /// Starts one, which takes half a second.
    pub(crate) async fn start() -> Self {
        Self::start_with(Server::OfTheTests).await
    }

    /// Starts one with the server of a sandbox, for tests of what that lets in.
    pub(crate) async fn start_as_a_sandbox() -> Self {
        Self::start_with(Server::OfASandbox).await
    }

    async fn start_with(server: Server) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let certificate = CertificateFiles::ensure(&dir.path().join("tls")).expect("a certificate");
        let ca = fs::read(&certificate.ca).expect("a CA");
        let profile = AwsProfileFiles::at(dir.path());
        let admin = profile.ensure_key().expect("a key");
        // Somebody who is no test may take the port between its choice and its use.
        for _ in 0..5 {
            let (port, plain_port) = (free_port(), free_port());
            let launch = Launch {
                port,
                certificate: &certificate,
                admin: &admin,
                keep: None,
            };
            let log_file = dir.path().join("emulator.log");
            let mut process = spawn(&launch, server, plain_port, dir.path(), &log_file);
            if !answers(
                &HealthCheck::new(&launch.endpoint(), &ca).expect("a CA"),
                &mut process,
            )
            .await
            {
                continue;
            }
            profile
                .write_config(&launch.endpoint(), REGION, &certificate.ca)
                .expect("a configuration");
            let AwsProfileFiles {
                credentials_file,
                config_file,
            } = profile;
            let running = RunningSandbox {
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
            return Self {
                _process: process,
                dir,
                running,
                plain_port,
            };
        }
        panic!(
            "the emulator does not start:\n{}",
            fs::read_to_string(dir.path().join("emulator.log")).unwrap_or_default()
        );
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.running.endpoint
    }

    /// The same emulator without TLS, to see that it is refused.
    pub(crate) fn plain_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.plain_port)
    }

    pub(crate) fn ca_file(&self) -> &Path {
        &self.running.ca_file
    }

    pub(crate) fn credentials_file(&self) -> &Path {
        &self.running.credentials_file
    }

    pub(crate) fn region(&self) -> &str {
        &self.running.region
    }

    pub(crate) fn account(&self) -> &str {
        &self.running.account
    }

    /// The home folder of what runs in it.
    pub(crate) fn home(&self) -> &Path {
        self.dir.path()
    }

    /// Access key id and secret of its administrator.
    pub(crate) fn credentials(&self) -> (String, String) {
        let file = fs::read_to_string(&self.running.credentials_file).expect("credentials");
        let value = |name: &str| {
            file.lines()
                .find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(" = ")?.to_owned()))
                .expect(name)
        };
        (value("aws_access_key_id"), value("aws_secret_access_key"))
    }

    /// What it logged; for the message of a failed assertion.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.running.log_file).unwrap_or_default()
    }

    /// The whole environment for a process that is to work in it as its administrator: nothing of
    /// the developer's or CI's AWS settings, proxies and Terraform settings.
    pub(crate) fn aws_env(&self) -> BTreeMap<String, String> {
        let mut vars: BTreeMap<String, String> = ["PATH", "LANG", "TMPDIR"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?)))
            .collect();
        vars.insert("HOME".to_owned(), self.dir.path().display().to_string());
        // Terraform collects no garbage as long as it is small: a third of its time.
        vars.insert("GOGC".to_owned(), "off".to_owned());
        vars.insert("GOMEMLIMIT".to_owned(), "1GiB".to_owned());
        // As in a terminal of this width; without it, no line is broken.
        vars.insert("COLUMNS".to_owned(), "80".to_owned());
        self.running.environment(&vars)
    }

    /// Runs the real `terraform` in `dir` and returns what it said, whether or not it succeeded.
    pub(crate) fn terraform(&self, dir: &Path, args: &[&str]) -> Output {
        let mut command = Command::new("terraform");
        command
            .args(args)
            .current_dir(dir)
            .env_clear()
            .envs(self.aws_env());
        command.envs([
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_IN_AUTOMATION", "1"),
            ("TF_INPUT", "0"),
        ]);
        command.stdin(Stdio::null());
        command
            .output()
            .unwrap_or_else(|error| panic!("this test needs `terraform` on PATH: {error}"))
    }

    /// Runs a Python script (its path in this package) that may import boto3.
    ///
    /// # Panics
    /// If the script fails, with what it said.
    pub(crate) fn python(&self, script: &str, args: &[&str]) -> String {
        self.python_in(&self.aws_env(), script, args)
    }

    /// The same in another environment, such as another user's.
    pub(crate) fn python_in(
        &self,
        vars: &BTreeMap<String, String>,
        script: &str,
        args: &[&str],
    ) -> String {
        let Ran { status, out, err } = run_script(script, args, json!(vars));
        assert_eq!(status, 0, "{script}\n{out}\n{err}");
        out
    }

    /// For one that is talked to while it runs.
    pub(crate) fn python_command(
        &self,
        vars: &BTreeMap<String, String>,
        script: &str,
        args: &[&str],
    ) -> Command {
        let mut command = Command::new(python());
        command
            .arg("-I")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .args(args)
            .env_clear()
            .envs(vars);
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

/// The interpreter of the tests' own environment, which is made if need be.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-venv");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/venv.sh");
        let status = Command::new(&script)
            .arg(&venv)
            .status()
            .expect("tests/venv.sh");
        assert!(status.success(), "tests/venv.sh ended with {status}");
        venv.join("bin/python")
    })
}

fn spawn(launch: &Launch<'_>, server: Server, plain_port: u16, dir: &Path, log: &Path) -> Forked {
    fs::write(log, format!("{}\n", launch.endpoint())).expect("a log");
    const RUN: &str = "\nsys.argv = [\"hypercorn\"";
    let (guarded, run) = PROGRAM.split_once(RUN).expect("the last lines run it");
    let run = match server {
        Server::OfTheTests => include_str!("server.py").to_owned(),
        Server::OfASandbox => format!("{RUN}{run}"),
    };
    let text = format!("{guarded}\n\n{}\n\n{run}", include_str!("neighbours.py"));
    let plain = [
        "--insecure-bind".to_owned(),
        format!("127.0.0.1:{plain_port}"),
    ];
    // Without those of Python itself.
    let args: Vec<String> = launch
        .args(Path::new(NAME))
        .into_iter()
        .skip_while(|arg| arg != NAME)
        .skip(1)
        .chain(plain)
        .collect();
    Forked::start(&Program {
        name: NAME,
        text: &text,
        args: &args,
        vars: json!(launch.vars()),
        dir,
        log: Some(log),
    })
}

async fn answers(health: &HealthCheck, process: &mut Forked) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until && !process.has_ended() {
        if health.good().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
