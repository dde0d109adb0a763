//! Terraform and OpenTofu on PATH, and the versions that they print.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use crate::{host::programs::on_path, terraform::read::TerraformEngine};

/// A program that does not print its version in this time is given up; it calls no server for it.
pub(crate) const VERSION_LIMIT: Duration = Duration::from_secs(5);

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

/// Returns the program of an engine that a shell would run.
pub(crate) fn program(engine: TerraformEngine, vars: &BTreeMap<String, String>) -> Option<PathBuf> {
    let path = vars.get("PATH").map(String::as_str);
    on_path(path, [engine.program()]).into_iter().next()
}

/// Returns what the program prints as its version.
///
/// It runs outside of the folder, because a version manager would act on the folder's files or
/// install versions, and without variables that it does not need.
///
/// # Errors
/// If it cannot run, fails, or takes longer than [`VERSION_LIMIT`].
pub(crate) async fn version_text(
    program: &Path,
    vars: &BTreeMap<String, String>,
) -> io::Result<String> {
    let needed = NEEDED
        .iter()
        .filter_map(|name| Some((name, vars.get(*name)?)));
    let mut command = Command::new(program);
    command
        .args(["version", "-json"])
        .current_dir(program.ancestors().last().unwrap_or(program))
        .env_clear()
        .envs(needed)
        .envs([
            ("CHECKPOINT_DISABLE", "1"),
            ("TFENV_AUTO_INSTALL", "false"),
            ("TENV_AUTO_INSTALL", "false"),
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(VERSION_LIMIT, command.output()).await??;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        return Err(io::Error::other(match first {
            Some(line) => format!("{} ({})", line, output.status),
            None => output.status.to_string(),
        }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads `{"terraform_version": "1.11.4"}`, or, of versions before 0.13, `Terraform v0.12.31`.
pub(crate) fn named_version(text: &str) -> Option<String> {
    let of_json = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|value| Some(value.get("terraform_version")?.as_str()?.to_owned()));
    let of_text = || {
        let (_, version) = text.lines().next()?.split_once(" v")?;
        Some(version.trim().to_owned())
    };
    of_json.or_else(of_text)
}
