//! Which version of Terraform or OpenTofu is installed.

use std::collections::BTreeMap;

use crate::{
    cli::installed_engine::{named_version, program, version_text},
    terraform::read::{
        EngineVersions, SourcePosition, TerraformEngine, WorkingDirectory,
        versions::{AllowedVersions, version},
    },
};

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
        .find_map(|engine| Some((*engine, program(*engine, vars)?)))
    else {
        return;
    };
    let printed = version_text(&program, vars).await.ok();
    let Some(text) = printed.as_deref().and_then(named_version) else {
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

#[cfg(all(test, unix))]
mod tests;
