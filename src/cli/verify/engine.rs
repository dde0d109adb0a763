//! Which version of Terraform or OpenTofu is installed.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use crate::cli::wizard::InstalledEngine;
use crate::state::engine::knows_lock_files;
use crate::terraform::read::{
    EngineVersions, SourcePosition, TerraformEngine, WorkingDirectory,
    versions::{AllowedVersions, version},
};

/// Timeout of a program that prints its version, without calling a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// The environment variables that are passed to the program.
const NEEDED: [&str; 7] = [
    "PATH",
    "HOME",
    "USERPROFILE",
    "SYSTEMROOT",
    "TMPDIR",
    "TMP",
    "TEMP",
];

/// Adds the version that is installed to those that the folder names, unless a file of a version
/// manager says another.
pub(super) async fn add_installed(folder: &mut WorkingDirectory, vars: &BTreeMap<String, String>) {
    let is_chosen = folder
        .versions
        .iter()
        .flatten()
        .any(|versions| matches!(versions.allowed, AllowedVersions::One(_)));
    if is_chosen || !folder.is_terraform() {
        return;
    }
    let engines = match folder.engine {
        TerraformEngine::OpenTofu => &[TerraformEngine::OpenTofu][..],
        // A folder for either is used with the one that there is.
        TerraformEngine::Terraform => &[TerraformEngine::Terraform, TerraformEngine::OpenTofu],
    };
    let Some((engine, program)) = engines
        .iter()
        .find_map(|engine| Some((*engine, find(engine.program(), vars)?)))
    else {
        return;
    };
    let Some(text) = ask(&program, vars).await else {
        return;
    };
    let Some(allowed) = version(&text).map(AllowedVersions::One) else {
        return;
    };
    folder.versions.push(Ok(EngineVersions {
        engine,
        allowed,
        text,
        at: SourcePosition {
            path: program,
            line: None,
        },
    }));
}

/// Returns the engine on PATH with its version: Terraform, if there are both.
pub(in crate::cli) async fn installed(vars: &BTreeMap<String, String>) -> Option<InstalledEngine> {
    let engines = [TerraformEngine::Terraform, TerraformEngine::OpenTofu];
    let (engine, program) = engines
        .into_iter()
        .find_map(|engine| Some((engine, find(engine.program(), vars)?)))?;
    let text = ask(&program, vars).await?;
    let name = match engine {
        TerraformEngine::Terraform => "Terraform",
        TerraformEngine::OpenTofu => "OpenTofu",
    };
    Some(InstalledEngine {
        has_lock_files: knows_lock_files(&text).unwrap_or(false),
        name: format!("{name} {text}"),
    })
}

/// Returns the first match on PATH. Relative folders are skipped, because any user may have put
/// programs there.
fn find(name: &str, vars: &BTreeMap<String, String>) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let folders = env::split_paths(vars.get("PATH")?).filter(|folder| folder.is_absolute());
    folders
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}

/// Runs `version` outside of the folder, because a version manager would act on the folder's files
/// or install versions.
async fn ask(program: &Path, vars: &BTreeMap<String, String>) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(["version", "-json"])
        .current_dir(program.ancestors().last()?)
        .env_clear();
    command.envs(
        NEEDED
            .iter()
            .filter_map(|name| Some((name, vars.get(*name)?))),
    );
    command
        .env("CHECKPOINT_DISABLE", "1")
        .env("TFENV_AUTO_INSTALL", "false")
        .env("TENV_AUTO_INSTALL", "false");
    command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .ok()?
        .ok()?;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    said.get("terraform_version")?.as_str().map(str::to_owned)
}

#[cfg(all(test, unix))]
mod tests;
