//! An AWS emulator on loopback, to try the program out without an account.
//!
//! It is a real server with TLS and IAM, used like AWS by everything else here: no other module
//! knows that it exists. It keeps its state between runs; what it had not saved when it was
//! killed is lost.

pub mod admin;
pub mod certificate;
pub mod emulator;
mod error;
mod files;
mod process;
mod python;
pub(crate) mod running;
mod venv;

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use serde::Serialize;

use self::{
    admin::AwsProfileFiles,
    certificate::CertificateFiles,
    emulator::{ACCOUNT, EmulatorProcess, HealthCheck, PROGRAM},
    error::at,
    running::SandboxRecord,
};
pub use self::{error::SandboxError, running::RunningSandbox};
use crate::host::Host;

/// The region that its profile names; the emulator has every region.
pub const REGION: &str = "eu-west-1";

/// Tried in turn when no port was asked for; one of a range below the ephemeral ports, so that it
/// is free next time too.
const PORTS: std::ops::RangeInclusive<u16> = 14566..=14629;
const START_PATIENCE: Duration = Duration::from_secs(60);
const END_PATIENCE: Duration = Duration::from_secs(5);

/// All that the sandbox has in its directory, apart from the installed emulator.
const FILES: [&str; 9] = [
    "state",
    "tls",
    "credentials",
    "config",
    "sandbox.json",
    "emulator.log",
    "emulator.py",
    "lock",
    "running",
];
/// Files that hold a lock and are therefore not removed.
const LOCKS: [&str; 2] = ["lock", "running"];

/// A slow stage of starting the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SandboxStage {
    /// The emulator is installed into an environment of this Python; once only.
    Installing {
        python: PathBuf,
    },
    Starting,
}

/// The result of [`Sandbox::up`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedSandbox {
    pub running: RunningSandbox,
    /// It ran already, and nothing was done.
    pub already: bool,
}

/// How far a sandbox is from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SandboxReadiness {
    Running(RunningSandbox),
    /// The emulator is installed.
    Installed,
    /// `up` installs the emulator with this Python.
    Installable {
        python: PathBuf,
    },
}

/// The one sandbox of a directory.
#[derive(Clone, Debug)]
pub struct Sandbox {
    dir: PathBuf,
    /// The folder of the installed emulator, shared by all sandboxes of a user.
    cache: PathBuf,
    vars: BTreeMap<String, String>,
}

impl Sandbox {
    /// The sandbox in `TFBACKEND_SANDBOX_DIR`, or in the user's cache directory. Nothing is made.
    ///
    /// # Errors
    /// If the user has no cache directory.
    pub fn locate(host: &Host) -> Result<Self, SandboxError> {
        let absolute = |path: &str| host.cwd.join(path);
        let cache = host
            .var("XDG_CACHE_HOME")
            .map(absolute)
            .or_else(|| host.var("HOME").map(|home| absolute(home).join(".cache")));
        let own = host.var("TFBACKEND_SANDBOX_DIR").map(absolute);
        let cache = match (cache, &own) {
            (Some(cache), _) => cache.join("tfbackend"),
            (None, Some(own)) => own.clone(),
            (None, None) => return Err(SandboxError::NoHome),
        };
        Ok(Self {
            dir: own.unwrap_or_else(|| cache.join("sandbox")),
            cache,
            vars: host.vars.clone(),
        })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts the emulator unless it runs, and returns once it answers.
    ///
    /// `port` is where it is to listen; `None` is where it was last, or a free port. It goes on
    /// after this process has ended. If the future is dropped, the next call carries on.
    ///
    /// # Errors
    /// If there is no suitable Python, the emulator cannot be installed, its port is taken, or it
    /// does not answer.
    pub async fn up(
        &self,
        port: Option<u16>,
        on_stage: &mut (dyn FnMut(SandboxStage) + Send),
    ) -> Result<StartedSandbox, SandboxError> {
        self.claim()?;
        let _lock = files::lock(&self.file("lock")).await?;
        let certificate = CertificateFiles::ensure(&self.file("tls"))?;
        let ca = fs::read(&certificate.ca).map_err(at(&certificate.ca))?;
        let admin = self.profile().ensure_key()?;
        if let Some(running) = self.status()? {
            if let Some(asked) = port.filter(|asked| *asked != running.port) {
                return Err(SandboxError::OtherPort {
                    running: running.port,
                    asked,
                });
            }
            // One of another version may let in more callers than this one does.
            if fs::read(self.program()).is_ok_and(|program| program == PROGRAM.as_bytes()) {
                self.wait_until_healthy(&running, &ca, None).await?;
                self.profile()
                    .write_config(&running.endpoint, REGION, &certificate.ca)?;
                return Ok(StartedSandbox {
                    running,
                    already: true,
                });
            }
            self.end(&running).await?;
        }
        let python = venv::ensure(&self.cache, &self.vars, |python| {
            on_stage(SandboxStage::Installing {
                python: python.to_owned(),
            })
        })
        .await?;
        on_stage(SandboxStage::Starting);
        let ports = self.ports(port)?;
        let mut taken = Err(SandboxError::PortTaken { port: ports[0] });
        for port in ports {
            // It can still be taken by another at the same moment.
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
                continue;
            }
            let emulator = EmulatorProcess {
                port,
                certificate: &certificate,
                admin: &admin,
                keep: Some(self.file("state")),
            };
            taken = self.start(&python, &emulator, &ca).await;
            if !matches!(taken, Err(SandboxError::PortTaken { .. })) {
                break;
            }
        }
        let running = taken?;
        self.profile()
            .write_config(&running.endpoint, REGION, &certificate.ca)?;
        Ok(StartedSandbox {
            running,
            already: false,
        })
    }

    /// Returns the running sandbox, if any.
    ///
    /// # Errors
    /// If the directory belongs to another user, its files cannot be read, or an emulator runs of
    /// which nothing is known.
    pub fn status(&self) -> Result<Option<RunningSandbox>, SandboxError> {
        if !self.dir.exists() {
            return Ok(None);
        }
        // Credentials, and a process to end, are not taken from another user.
        files::must_be_own(&self.dir)?;
        if !process::runs(&self.file("running"))? {
            return Ok(None);
        }
        let record = self
            .record()?
            .and_then(|record| Some((record.port, record.pid?)));
        let Some((port, pid)) = record else {
            return Err(SandboxError::Unidentified {
                dir: self.dir.clone(),
                hint: "stop the `emulator.py` process that has its files open",
            });
        };
        Ok(Some(self.running(port, pid)))
    }

    /// Returns how far it is from running. Nothing is made.
    ///
    /// # Errors
    /// If `up` would fail.
    pub(crate) async fn readiness(&self) -> Result<SandboxReadiness, SandboxError> {
        if !cfg!(unix) {
            return Err(SandboxError::Unsupported);
        }
        if let Some(running) = self.status()? {
            return Ok(SandboxReadiness::Running(running));
        }
        if venv::is_installed(&self.cache) {
            return Ok(SandboxReadiness::Installed);
        }
        let python = python::find(&self.vars).await?;
        Ok(SandboxReadiness::Installable { python })
    }

    /// Ends the emulator, which saves its state; false if none ran.
    ///
    /// With `purge` its state, port, certificate and credentials are removed too; the installed
    /// emulator is kept.
    ///
    /// # Errors
    /// If the process cannot be ended, or a file cannot be removed.
    pub async fn down(&self, purge: bool) -> Result<bool, SandboxError> {
        if !self.file("lock").exists() {
            return Ok(false);
        }
        let _lock = files::lock(&self.file("lock")).await?;
        let running = self.status()?;
        if let Some(running) = &running {
            self.end(running).await?;
        }
        if purge {
            for name in FILES.iter().filter(|name| !LOCKS.contains(name)) {
                files::remove(&self.file(name))?;
            }
        }
        Ok(running.is_some())
    }

    /// Ends the emulator, which saves its state.
    async fn end(&self, running: &RunningSandbox) -> Result<(), SandboxError> {
        let (held, pid) = (self.file("running"), running.pid);
        process::signal(pid, false)?;
        if !process::ends(&held, END_PATIENCE).await? {
            process::signal(pid, true)?;
            if !process::ends(&held, END_PATIENCE).await? {
                return Err(SandboxError::WillNotEnd { pid });
            }
        }
        Ok(())
    }

    /// Makes the directory, for its owner only, whatever it was before; refuses one that belongs to
    /// another user, or that holds something else: its content is removed by [`Self::down`].
    fn claim(&self) -> Result<(), SandboxError> {
        files::create_dir(&self.dir)?;
        files::must_be_own(&self.dir)?;
        let mut entries = fs::read_dir(&self.dir).map_err(at(&self.dir))?;
        if !self.file("lock").exists() && entries.next().is_some() {
            return Err(SandboxError::NotOurs {
                dir: self.dir.clone(),
            });
        }
        #[cfg(unix)]
        fs::set_permissions(
            &self.dir,
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .map_err(at(&self.dir))?;
        FILES
            .iter()
            .try_for_each(|name| files::make_private(&self.file(name)))
    }

    /// Returns candidate ports, the best first; at least one.
    fn ports(&self, asked: Option<u16>) -> Result<Vec<u16>, SandboxError> {
        // Written files name the port: a sandbox does not move to another unasked.
        let only = asked.or(self.record()?.map(|record| record.port));
        Ok(only.map_or_else(|| PORTS.collect(), |port| vec![port]))
    }

    async fn start(
        &self,
        python: &Path,
        emulator: &EmulatorProcess<'_>,
        ca: &[u8],
    ) -> Result<RunningSandbox, SandboxError> {
        files::write(&self.program(), PROGRAM.as_bytes())?;
        let mut command = Command::new(python);
        command
            .args(emulator.args(&self.program()))
            .env_clear()
            .envs(emulator.vars())
            .current_dir(&self.dir);
        // The process id of an earlier run must not be taken for that of this one.
        let before = self.record()?;
        self.write_record(&SandboxRecord {
            port: emulator.port,
            pid: None,
        })?;
        let mut child = process::spawn(command, &self.file("running"), &self.log()).await?;
        let running = self.running(emulator.port, child.id());
        self.write_record(&running)?;
        if let Err(error) = self
            .wait_until_healthy(&running, ca, Some(&mut child))
            .await
        {
            process::signal(running.pid, true)?;
            // A port that could not be used is not remembered.
            match before {
                Some(before) => self.write_record(&before)?,
                None => files::remove(&self.file("sandbox.json"))?,
            }
            return Err(error);
        }
        Ok(running)
    }

    async fn wait_until_healthy(
        &self,
        running: &RunningSandbox,
        ca: &[u8],
        mut child: Option<&mut Child>,
    ) -> Result<(), SandboxError> {
        let health = HealthCheck::new(&running.endpoint, ca)?;
        let until = Instant::now() + START_PATIENCE;
        while !health.good().await {
            let status = child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = status {
                let tail = tail(&fs::read_to_string(self.log()).unwrap_or_default());
                return Err(
                    match tail.to_lowercase().contains("address already in use") {
                        true => SandboxError::PortTaken { port: running.port },
                        false => SandboxError::Ended {
                            status: status.to_string(),
                            log: self.log(),
                            tail,
                        },
                    },
                );
            }
            if Instant::now() > until {
                return Err(SandboxError::NotHealthy {
                    seconds: START_PATIENCE.as_secs(),
                    log: self.log(),
                });
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Ok(())
    }

    fn running(&self, port: u16, pid: u32) -> RunningSandbox {
        let AwsProfileFiles {
            credentials_file,
            config_file,
        } = self.profile();
        RunningSandbox {
            endpoint: emulator::endpoint(port),
            port,
            pid,
            ca_file: self.file("tls").join("ca.pem"),
            credentials_file,
            config_file,
            log_file: self.log(),
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
        }
    }

    fn record(&self) -> Result<Option<SandboxRecord>, SandboxError> {
        SandboxRecord::read(&self.file("sandbox.json"))
    }

    /// `sandbox.json`, from which [`Self::record`] reads back what it needs.
    fn write_record(&self, record: &impl Serialize) -> Result<(), SandboxError> {
        let json = serde_json::to_vec_pretty(record).expect("a record is plain data");
        files::write(&self.file("sandbox.json"), &json)
    }

    fn profile(&self) -> AwsProfileFiles {
        AwsProfileFiles::at(&self.dir)
    }

    fn program(&self) -> PathBuf {
        self.file("emulator.py")
    }

    fn log(&self) -> PathBuf {
        self.file("emulator.log")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
