//! Finds a Python that can run the emulator.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::error::SandboxError;
use crate::host::programs::on_path;

/// The first is what most systems have; the others are for those where it is too old.
const NAMES: [&str; 5] = [
    "python3",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
];
const OLDEST: (u32, u32) = (3, 10);
/// Names the interpreter to use instead of looking for one.
const VARIABLE: &str = "TFBACKEND_PYTHON";

pub(super) const HOW_TO_INSTALL: &str = "install it (`apt install python3 python3-venv`, `dnf \
                                         install python3`, `brew install python`) or set \
                                         TFBACKEND_PYTHON";
pub(super) const HOW_TO_INSTALL_VENV: &str =
    "install it (`apt install python3-venv`) or set TFBACKEND_PYTHON to another Python";

/// Prints the version, and fails after that if an environment cannot be made with this Python.
const PROBE: &str = "import sys; print(*sys.version_info[:2], flush=True); import venv, ensurepip";

/// An interpreter that is new enough and has `venv` and `pip`.
pub(super) async fn find(vars: &BTreeMap<String, String>) -> Result<PathBuf, SandboxError> {
    let var = |name| vars.get(name).filter(|value: &&String| !value.is_empty());
    let named = var(VARIABLE);
    let path = var("PATH").map(String::as_str);
    let candidates: Vec<PathBuf> = match named {
        Some(python) if python.contains('/') => vec![python.into()],
        Some(python) => on_path(path, [python.as_str()]),
        None => on_path(path, NAMES),
    };
    let mut found: Option<String> = None;
    let mut without_venv = None;
    for python in candidates {
        match probe(&python, vars).await {
            PythonProbe::Good => return Ok(python),
            PythonProbe::WithoutVenv => {
                without_venv.get_or_insert(python);
            }
            PythonProbe::TooOld(major, minor) => {
                found.get_or_insert(format!("{} is {major}.{minor}", python.display()));
            }
            PythonProbe::Broken => {}
        }
    }
    Err(match (without_venv, found, named) {
        (Some(python), ..) => SandboxError::NoVenv {
            python: python.display().to_string(),
        },
        (None, Some(found), _) => SandboxError::NoPython { found },
        (None, None, Some(named)) => SandboxError::NoPython {
            found: format!("{VARIABLE}={named} is not one"),
        },
        (None, None, None) => SandboxError::NoPython {
            found: "PATH has none".to_owned(),
        },
    })
}

enum PythonProbe {
    Good,
    WithoutVenv,
    TooOld(u32, u32),
    /// Not a Python, or a shim that stands for none.
    Broken,
}

async fn probe(python: &Path, vars: &BTreeMap<String, String>) -> PythonProbe {
    let mut command = Command::new(python);
    command
        .args(["-I", "-c", PROBE])
        .env_clear()
        .envs(vars)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let Ok(output) = command.output().await else {
        return PythonProbe::Broken;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let mut numbers = said
        .split_whitespace()
        .map_while(|word| word.parse::<u32>().ok());
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        return PythonProbe::Broken;
    };
    match (major, minor) {
        version if version < OLDEST => PythonProbe::TooOld(major, minor),
        _ if output.status.success() => PythonProbe::Good,
        _ => PythonProbe::WithoutVenv,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// A directory of programs that answer as the scripts say.
    fn programs(scripts: &[(&str, &str)]) -> (tempfile::TempDir, BTreeMap<String, String>) {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, script) in scripts {
            let path = dir.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        }
        let vars = BTreeMap::from([("PATH".to_owned(), dir.path().display().to_string())]);
        (dir, vars)
    }

    #[tokio::test]
    async fn takes_the_first_that_is_new_enough() {
        let (dir, vars) = programs(&[
            ("python3", "echo 3 9; exit 1"),
            ("python3.13", "exit 127"),
            ("python3.12", "echo 3 12"),
        ]);
        assert_eq!(
            find(&vars).await.expect("3.12"),
            dir.path().join("python3.12")
        );
    }

    #[tokio::test]
    async fn says_what_is_missing() {
        let (_dir, vars) = programs(&[]);
        let error = find(&vars).await.expect_err("no Python");
        assert!(
            error.to_string().starts_with(
                "the sandbox needs Python 3.10 or newer, and PATH has none; install it"
            ),
            "{error}"
        );

        let (dir, vars) = programs(&[("python3", "echo 3 8")]);
        let error = find(&vars).await.expect_err("too old").to_string();
        assert!(
            error.contains(&format!("{}/python3 is 3.8; install", dir.path().display())),
            "{error}"
        );

        let (_dir, vars) = programs(&[("python3", "echo 3 11; exit 1")]);
        let error = find(&vars).await.expect_err("no venv").to_string();
        assert!(
            error.contains("no working `venv` module")
                && error.contains("apt install python3-venv"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_named_python_is_the_only_one_tried() {
        let (_dir, mut vars) = programs(&[("python3", "echo 3 12")]);
        vars.insert(VARIABLE.to_owned(), "/nonexistent/python".to_owned());
        let error = find(&vars).await.expect_err("none").to_string();
        assert!(
            error.contains("TFBACKEND_PYTHON=/nonexistent/python is not one"),
            "{error}"
        );
    }
}
