//! The engines on PATH, and what their versions cannot do.

use std::io;

use crate::{
    cli::installed_engine::{VERSION_LIMIT, named_version, program, version_text},
    host::Host,
    report::self_check::SelfCheckResult,
    state::engine::LOCK_FILES_SINCE,
    terraform::read::{TerraformEngine, versions::ReleaseNumber},
};

/// The first with states of format 4, the only one that is read.
const OLDEST: ReleaseNumber = (0, 12, 0);
/// OpenTofu before it writes lock files without the configured encryption.
const ENCRYPTED_LOCK_FILES: ReleaseNumber = (1, 10, 2);
/// `validate` of this version of Terraform, and of no other, fails on partial configurations.
const BROKEN_VALIDATE: ReleaseNumber = (1, 15, 0);

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
    let path = program(engine, &host.vars)?;
    let shown = path.display();
    let failed = |found: String, again: &str| {
        let next = format!("run `{name} version`, and install it again if {again}");
        Some(SelfCheckResult::failed(name, found, next))
    };
    let text = match version_text(&path, &host.vars).await {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let seconds = VERSION_LIMIT.as_secs();
            let found = format!("{shown} does not print its version within {seconds} seconds");
            return failed(found, "that hangs");
        }
        Err(error) => {
            let found = format!("{shown} does not print its version: {error}");
            return failed(found, "that fails");
        }
    };
    let Some((version, number)) = numbered(&text) else {
        return failed(format!("{shown} prints no version"), "it prints none");
    };
    let found = format!("{version}, {shown}");
    Some(match limit(engine, number) {
        None => SelfCheckResult::ok(name, found),
        Some((limit, next)) => SelfCheckResult::warning(name, format!("{found}: {limit}"), next),
    })
}

/// The version as it is printed, and its numbers.
fn numbered(text: &str) -> Option<(String, ReleaseNumber)> {
    let version = named_version(text)?;
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = plain.split('.').map(|number| number.parse::<u64>().ok());
    let number = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some((version, number))
}

/// What a version cannot do, and what to do about it.
fn limit(engine: TerraformEngine, version: ReleaseNumber) -> Option<(String, &'static str)> {
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
        let read = numbered;
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
