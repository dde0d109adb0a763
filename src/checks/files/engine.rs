//! Checks that the folder is not used with a version of Terraform or OpenTofu that has a bug with
//! this backend.

use super::{FolderFiles, at, catalogue::ENGINE, fails, named_version, unreadable};
use crate::{
    checks::{CheckResult, Verdict},
    terraform::read::{ConfiguredBlock, EngineVersions, TerraformEngine},
};

/// Returns one check of the folder.
pub(super) fn check(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let known = files.folder.versions.iter().flatten();
    let (found, mut remediation): (Vec<String>, Vec<&str>) =
        known.filter_map(|versions| fault(files, versions)).unzip();
    let errors = files
        .folder
        .versions
        .iter()
        .filter_map(|versions| versions.as_ref().err());
    let errors: Vec<String> = errors.map(ToString::to_string).collect();
    remediation.dedup();
    let verdict = match (found.is_empty(), errors.is_empty()) {
        (false, _) => fails(found.join("; "), remediation.join("; ")),
        (true, false) => unreadable(errors.join("; ")),
        (true, true) => Verdict::Holds,
    };
    vec![at(&ENGINE, &files.folder.dir, verdict)]
}

/// Returns the bug of all versions that one file allows, and which version to use.
fn fault(files: &FolderFiles<'_>, versions: &EngineVersions) -> Option<(String, &'static str)> {
    let EngineVersions {
        engine, allowed, ..
    } = versions;
    let of = |found: &str| format!("{}: {found}", named_version(versions));
    match engine {
        TerraformEngine::Terraform => {
            (allowed.are_all(|version| version == (1, 15, 0)) && is_partial(files)).then(|| {
                (
                    of("its `validate` fails on the partial configuration"),
                    "use Terraform 1.15.1 or later",
                )
            })
        }
        TerraformEngine::OpenTofu if !locks_in_files(files) => None,
        TerraformEngine::OpenTofu if allowed.are_all(|version| version < (1, 10, 0)) => Some((
            of("it does not support lock files"),
            "use OpenTofu 1.10.2 or later",
        )),
        TerraformEngine::OpenTofu => allowed.are_all(|version| version < (1, 10, 2)).then(|| {
            (
                of("it writes lock files without the configured encryption"),
                "use OpenTofu 1.10.2 or later",
            )
        }),
    }
}

/// Returns whether the block leaves arguments to another file.
fn is_partial(files: &FolderFiles<'_>) -> bool {
    let lacks = |block: &ConfiguredBlock| {
        ["bucket", "key"].iter().any(|name| {
            block
                .arguments
                .iter()
                .all(|argument| argument.name != *name)
        })
    };
    !files.partial.is_empty() || files.block.is_some_and(lacks)
}

fn locks_in_files(files: &FolderFiles<'_>) -> bool {
    files
        .in_use()
        .iter()
        .any(|setup| setup.flag("use_lockfile") != Some(false))
}
