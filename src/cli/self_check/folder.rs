//! The folder of the run, the folder of local states, and the sandbox.

use std::{io, path::Path, time::Duration};

use tokio::time::timeout;

use super::settings::SettingsSurvey;
use crate::{
    backend::local::file_system::{
        existing, network_file_system, open_parent, owner, repository, resolved, user, writable,
    },
    cli::{here, verify},
    host::Host,
    report::self_check::SelfCheckResult,
    sandbox::{Sandbox, SandboxError, SandboxReadiness},
    terraform::read::WorkingDirectory,
};

const FOLDER: &str = "folder";
const BACKEND: &str = "backend";
const STATES: &str = "state-folder";
const SANDBOX: &str = "sandbox";
/// A Python that does not print its version in this time is reported.
const SANDBOX_LIMIT: Duration = Duration::from_secs(5);

/// The folder and its `backend` block.
pub(super) fn check(host: &Host) -> Vec<SelfCheckResult> {
    let folder = match verify::read_folder_of(&host.cwd, &[], host) {
        Ok(folder) => folder,
        Err(failure) => {
            let next = "run it in a folder that exists and that you can read, or pass --chdir DIR";
            return vec![super::failed(FOLDER, &failure, next)];
        }
    };
    vec![of_run(&host.cwd), of_backend(&folder)]
}

fn of_run(dir: &Path) -> SelfCheckResult {
    let shown = dir.display();
    if let Err(error) = writable(dir) {
        return SelfCheckResult::failed(
            FOLDER,
            format!("{shown} is not writable: {error}"),
            "run it as a user who can write to it, or choose another folder: --chdir DIR",
        );
    }
    let git = match repository(&resolved(dir)) {
        Some(root) if root == resolved(dir) => "the root of a Git repository".to_owned(),
        Some(root) => format!("in the Git repository {}", root.display()),
        None => "not in a Git repository".to_owned(),
    };
    SelfCheckResult::ok(FOLDER, format!("{shown}, writable, {git}"))
}

fn of_backend(folder: &WorkingDirectory) -> SelfCheckResult {
    if let Some(error) = folder.configuration.unreadable.first() {
        return SelfCheckResult::failed(
            BACKEND,
            format!("the configuration cannot be read: {error}"),
            format!(
                "correct the file; `{} validate` says more",
                folder.engine.program()
            ),
        );
    }
    if let Err(error) = &folder.saved {
        return SelfCheckResult::failed(
            BACKEND,
            format!("what `init` saved cannot be read: {error}"),
            format!("run `{} init -reconfigure`", folder.engine.program()),
        );
    }
    let found = match (here::backend(folder), folder.is_terraform()) {
        (Some(backend), _) => backend,
        (None, true) => "a configuration without a `backend` block".to_owned(),
        (None, false) => "no Terraform configuration".to_owned(),
    };
    SelfCheckResult::ok(BACKEND, found)
}

/// The folder of the states of an environment of kind local.
pub(super) fn of_states(survey: &SettingsSurvey) -> SelfCheckResult {
    const ANOTHER: &str = "choose another folder: --state-dir DIR";
    let Some(dir) = &survey.merged.layer.state_dir else {
        return SelfCheckResult::warning(
            STATES,
            "unknown: it depends on the project and the environment",
            "pass --env and --project, or --state-dir",
        );
    };
    let dir = resolved(Path::new(dir.as_str()));
    let shown = dir.display();
    let fails = |what: String| SelfCheckResult::failed(STATES, what, ANOTHER);
    if let Some(root) = repository(&dir) {
        return fails(format!(
            "{shown} is in the Git repository {}",
            root.display()
        ));
    }
    if let Some(owner) = owner(&dir).filter(|owner| *owner != user()) {
        return fails(format!("{shown} belongs to another user (ID {owner})"));
    }
    let there = existing(&dir);
    if let Err(error) = writable(there) {
        return fails(format!("{} is not writable: {error}", there.display()));
    }
    let kind = match network_file_system(&dir) {
        Ok(Some(kind)) => {
            return fails(format!(
                "{shown} is on {kind}, where locks are not reliable"
            ));
        }
        Ok(None) => "on a local file system".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            "on a file system of unknown kind".to_owned()
        }
        Err(error) => return fails(format!("{shown}: {error}")),
    };
    if let Ok(Some(parent)) = open_parent(&dir) {
        return fails(format!(
            "other users can write to {}, above {shown}",
            parent.display()
        ));
    }
    let made = match there == dir {
        true => "writable",
        false => "does not exist yet, can be created",
    };
    SelfCheckResult::ok(STATES, format!("{shown}, {made}, {kind}"))
}

pub(super) async fn sandbox(host: &Host) -> SelfCheckResult {
    let readiness = async { Sandbox::locate(host)?.readiness().await };
    match timeout(SANDBOX_LIMIT, readiness).await {
        Ok(Ok(SandboxReadiness::Running(running))) => {
            SelfCheckResult::ok(SANDBOX, format!("running: {}", running.endpoint))
        }
        Ok(Ok(SandboxReadiness::Installed)) => SelfCheckResult::ok(
            SANDBOX,
            "installed, not running: `tfbackend sandbox up` starts it",
        ),
        Ok(Ok(SandboxReadiness::Installable { python })) => SelfCheckResult::ok(
            SANDBOX,
            format!(
                "not installed: `tfbackend sandbox up` installs it with {}",
                python.display()
            ),
        ),
        Ok(Err(error)) => unusable(&error),
        Err(_) => SelfCheckResult::warning(
            SANDBOX,
            format!(
                "Python does not print its version within {} seconds",
                SANDBOX_LIMIT.as_secs()
            ),
            "set TFBACKEND_PYTHON to another Python",
        ),
    }
}

/// Only `tfbackend sandbox` and `--sandbox` do not work then.
fn unusable(error: &SandboxError) -> SelfCheckResult {
    let (text, next) = (error.to_string(), error.remedy());
    let found = text
        .strip_suffix(next)
        .map_or(&*text, |found| found.trim_end().trim_end_matches(';'));
    SelfCheckResult::warning(SANDBOX, found, next)
}
