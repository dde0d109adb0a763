//! The engines on PATH, and what their versions cannot do.

use std::{io, path::Path, process::Stdio};

use tokio::{process::Command, time::timeout};

use super::PROGRAM_LIMIT;
use crate::{
    host::{Host, programs::on_path},
    report::self_check::SelfCheckResult,
    state::engine::LOCK_FILES_SINCE,
    terraform::read::TerraformEngine,
};

/// The first with states of format 4, the only one that is read.
const OLDEST: EngineVersion = (0, 12, 0);
/// OpenTofu before it writes lock files without the configured encryption.
const ENCRYPTED_LOCK_FILES: EngineVersion = (1, 10, 2);
/// `validate` of this version of Terraform, and of no other, fails on partial configurations.
const BROKEN_VALIDATE: EngineVersion = (1, 15, 0);

type EngineVersion = (u64, u64, u64);

/// Returns one check for each engine on PATH, or one if there is none.
pub(super) async fn check(host: &Host) -> Vec<SelfCheckResult> {
    let (terraform, tofu) = tokio::join!(
        check_engine(TerraformEngine::Terraform, host),
        check_engine(TerraformEngine::OpenTofu, host)
    );
    let found: Vec<SelfCheckResult> = terraform.into_iter().chain(tofu).collect();
    if found.is_empty() {
        return vec![SelfCheckResult::warning(
            "engine",
            "neither `terraform` nor `tofu` is on PATH",
            "install Terraform (https://developer.hashicorp.com/terraform/install) or OpenTofu \
             (https://opentofu.org/docs/intro/install/), 1.11 or later",
        )];
    }
    found
}

async fn check_engine(engine: TerraformEngine, host: &Host) -> Option<SelfCheckResult> {
    let name = engine.program();
    let path = on_path(host.var("PATH"), [name]).into_iter().next()?;
    let shown = path.display();
    let text = match timeout(PROGRAM_LIMIT, version_text(&path, host)).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => {
            return Some(SelfCheckResult::failed(
                name,
                format!("{shown} does not print its version: {error}"),
                format!("run `{name} version`, and install it again if that fails"),
            ));
        }
        Err(_) => {
            return Some(SelfCheckResult::failed(
                name,
                format!(
                    "{shown} does not print its version within {} seconds",
                    PROGRAM_LIMIT.as_secs()
                ),
                format!("run `{name} version`, and install it again if that hangs"),
            ));
        }
    };
    let Some((version, number)) = named_version(&text) else {
        return Some(SelfCheckResult::failed(
            name,
            format!("{shown} prints no version"),
            format!("run `{name} version`, and install it again if it prints none"),
        ));
    };
    let found = format!("{version}, {shown}");
    Some(match limit(engine, number) {
        None => SelfCheckResult::ok(name, found),
        Some((limit, next)) => SelfCheckResult::warning(name, format!("{found}: {limit}"), next),
    })
}

/// What it prints. It is not to install another version, to ask for a newer one, or to take
/// arguments from variables.
async fn version_text(path: &Path, host: &Host) -> io::Result<String> {
    let vars = host
        .vars
        .iter()
        .filter(|(name, _)| !name.starts_with("TF_CLI_ARGS") && !name.starts_with("TF_LOG"));
    let output = Command::new(path)
        .args(["version", "-json"])
        .env_clear()
        .envs(vars)
        .envs([
            ("CHECKPOINT_DISABLE", "1"),
            ("TFENV_AUTO_INSTALL", "false"),
            ("TENV_AUTO_INSTALL", "false"),
        ])
        .current_dir(&host.cwd)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
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
fn named_version(text: &str) -> Option<(String, EngineVersion)> {
    let of_json = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|value| Some(value.get("terraform_version")?.as_str()?.to_owned()));
    let of_text = || {
        let (_, version) = text.lines().next()?.split_once(" v")?;
        Some(version.trim().to_owned())
    };
    let version = of_json.or_else(of_text)?;
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = plain.split('.').map(|number| number.parse::<u64>().ok());
    let number = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some((version, number))
}

/// What a version cannot do, and what to do about it.
fn limit(engine: TerraformEngine, version: EngineVersion) -> Option<(String, &'static str)> {
    let (major, minor) = LOCK_FILES_SINCE;
    let latest = "install 1.11 or later";
    let is_tofu = engine == TerraformEngine::OpenTofu;
    if version < OLDEST {
        let (major, minor, _) = OLDEST;
        return Some((
            format!("its states cannot be read; the oldest version that works is {major}.{minor}"),
            latest,
        ));
    }
    if version < (major, minor, 0) {
        return Some((
            format!(
                "too old for lock files ({major}.{minor} and later); it works with a lock table"
            ),
            "install 1.11 or later, or keep `--lock dynamodb`",
        ));
    }
    if is_tofu && version < ENCRYPTED_LOCK_FILES {
        return Some((
            "it writes lock files without the configured encryption".to_owned(),
            "install OpenTofu 1.10.2 or later",
        ));
    }
    if !is_tofu && version == BROKEN_VALIDATE {
        return Some((
            "its `validate` fails on every partial configuration".to_owned(),
            "install Terraform 1.15.1 or later",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_json_and_from_text() {
        let read = |text| named_version(text);
        for (text, version, number) in [
            ("{\"terraform_version\":\"1.11.4\"}", "1.11.4", (1, 11, 4)),
            (
                "{\"terraform_version\":\"1.15.0-rc1\"}",
                "1.15.0-rc1",
                (1, 15, 0),
            ),
            (
                "Terraform v0.12.31\n\nYour version …\n",
                "0.12.31",
                (0, 12, 31),
            ),
            ("OpenTofu v1.6.0\non linux_amd64\n", "1.6.0", (1, 6, 0)),
        ] {
            assert_eq!(read(text), Some((version.to_owned(), number)), "{text}");
        }
        for text in ["", "{}", "Terraform", "Terraform vnext", "Terraform v1.11"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn limits_are_those_of_the_version_and_the_engine() {
        use TerraformEngine::{OpenTofu, Terraform};
        for (engine, version, says) in [
            (
                Terraform,
                (0, 11, 15),
                Some("the oldest version that works is 0.12"),
            ),
            (
                Terraform,
                (0, 12, 0),
                Some("too old for lock files (1.10 and later)"),
            ),
            (
                Terraform,
                (1, 9, 8),
                Some("too old for lock files (1.10 and later)"),
            ),
            (Terraform, (1, 10, 0), None),
            (Terraform, (1, 15, 0), Some("its `validate` fails")),
            (Terraform, (1, 15, 1), None),
            (OpenTofu, (1, 9, 0), Some("too old for lock files")),
            (
                OpenTofu,
                (1, 10, 1),
                Some("without the configured encryption"),
            ),
            (OpenTofu, (1, 10, 2), None),
            (OpenTofu, (1, 15, 0), None),
        ] {
            let found = limit(engine, version).map(|(limit, _)| limit);
            let is_said = match (&found, says) {
                (Some(found), Some(says)) => found.contains(says),
                (None, None) => true,
                _ => false,
            };
            assert!(is_said, "{engine:?} {version:?}: {found:?}");
        }
    }
}
