//! The emulator's Python environment: made once, from pinned files with known hashes.
//!
//! Its directory carries the hash of the requirements, so two versions of the program do not
//! undo each other's work, and a cut-off installation is told by the marker that it lacks.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::{
    error::{SandboxError, at},
    files, python,
};

const REQUIREMENTS: &str = include_str!("requirements.txt");
const MARKER: &str = "complete";

/// Settings that would make pip install somewhere else than into the environment.
const MISLEADING: [&str; 6] = [
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_PYTHON",
    "PIP_REQUIREMENT",
];

/// The interpreter in the environment under `cache`, which is made if it is not complete.
///
/// `on_install` is called before anything is installed, with the Python that it is made of.
pub(super) async fn ensure(
    cache: &Path,
    vars: &BTreeMap<String, String>,
    on_install: impl FnOnce(&Path),
) -> Result<PathBuf, SandboxError> {
    let dir = location(cache);
    files::create_dir(cache)?;
    // What is installed there is run.
    files::must_be_own(cache)?;
    if let Some(python) = complete(&dir) {
        return Ok(python);
    }
    let _lock = files::lock(&dir.with_extension("lock")).await?;
    // Another run may have made it in the meantime.
    if let Some(python) = complete(&dir) {
        return Ok(python);
    }
    let base = python::find(vars).await?;
    on_install(&base);
    files::remove(&dir)?;
    run(
        "python -m venv",
        Command::new(&base).args(["-I", "-m", "venv"]).arg(&dir),
        vars,
    )
    .await?;
    let requirements = dir.join("requirements.txt");
    files::write(&requirements, REQUIREMENTS.as_bytes())?;
    let python = interpreter(&dir);
    let mut pip = Command::new(&python);
    pip.args([
        "-I",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--no-input",
        "--disable-pip-version-check",
        "--require-hashes",
        "--requirement",
    ])
    .arg(&requirements);
    run("pip install", &mut pip, vars).await?;
    files::write(&dir.join(MARKER), b"")?;
    Ok(python)
}

/// Returns whether the environment is complete. Nothing is made.
pub(super) fn is_installed(cache: &Path) -> bool {
    complete(&location(cache)).is_some()
}

pub(super) fn location(cache: &Path) -> PathBuf {
    let hash = Sha256::digest(REQUIREMENTS);
    let short: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    cache.join(format!("emulator-{short}"))
}

/// The interpreter, if the installation was finished and the Python under it is still there.
fn complete(dir: &Path) -> Option<PathBuf> {
    let python = interpreter(dir);
    (dir.join(MARKER).is_file() && fs::metadata(&python).is_ok()).then_some(python)
}

fn interpreter(dir: &Path) -> PathBuf {
    dir.join("bin").join("python")
}

async fn run(
    step: &'static str,
    command: &mut Command,
    vars: &BTreeMap<String, String>,
) -> Result<(), SandboxError> {
    command.env_clear().envs(
        vars.iter()
            .filter(|(name, _)| !MISLEADING.contains(&name.as_str())),
    );
    command.stdin(Stdio::null()).kill_on_drop(true);
    let program = command.as_std().get_program().to_owned();
    let output = command.output().await.map_err(at(program))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    })
    .trim()
    .to_owned();
    Err(SandboxError::Install {
        step,
        status: output.status.to_string(),
        output: text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_pinned_with_hashes_and_comes_as_a_wheel() {
        let logical = REQUIREMENTS.replace("\\\n", " ");
        let lines: Vec<&str> = logical
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .collect();
        let (options, packages): (Vec<&str>, Vec<&str>) =
            lines.into_iter().partition(|line| line.starts_with("--"));
        assert_eq!(options, ["--only-binary :all:"]);
        assert!(
            packages
                .iter()
                .any(|line| line.starts_with("ministack==1.5.33 "))
        );
        for package in packages {
            assert!(
                package.contains("==") && package.contains(" --hash=sha256:"),
                "{package}"
            );
        }
    }

    #[test]
    #[cfg(unix)]
    fn an_environment_without_marker_or_python_is_not_complete() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("bin")).expect("made");
        std::os::unix::fs::symlink("/bin/sh", dir.path().join("bin/python")).expect("a Python");
        assert_eq!(complete(dir.path()), None);
        fs::write(dir.path().join(MARKER), "").expect("marked");
        assert_eq!(complete(dir.path()), Some(dir.path().join("bin/python")));

        fs::remove_file(dir.path().join("bin/python")).expect("removed");
        std::os::unix::fs::symlink("/nonexistent", dir.path().join("bin/python"))
            .expect("a Python that was removed");
        assert_eq!(complete(dir.path()), None);
    }
}
