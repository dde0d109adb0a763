//! What else is in the folder that Terraform would mind: another `backend` block, or state that is still local.

use std::{fs, io, path::Path, path::PathBuf};

use hcl_edit::structure::Body;
use serde::{Deserialize, de::IgnoredAny};

use super::RenderError;

/// A file whose `backend` or `cloud` block contradicts ours: Terraform allows one per module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("{} has a {block} block too, and Terraform allows one", path.display())]
    Block {
        path: PathBuf,
        /// As in `backend "gcs"`, or `cloud`.
        block: String,
    },
    /// Speaks of a backend, and could not be understood.
    #[error("{} may have a backend block too: it could not be read", path.display())]
    Unclear { path: PathBuf },
}

/// Conflicts in the configuration files of `dir`, by name, those called `ours` left out.
///
/// Looked at are the files that Terraform and OpenTofu load: `*.tf`, `*.tofu` and their JSON forms, but
/// for hidden files and what editors leave behind.
///
/// # Errors
/// If the folder cannot be listed. A folder that is not there has none.
pub fn conflicts(dir: &Path, ours: &[&str]) -> Result<Vec<Conflict>, RenderError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(RenderError::io("list the folder", dir)(error)),
    };
    let mut names = vec![];
    for entry in entries {
        let entry = entry.map_err(RenderError::io("list the folder", dir))?;
        names.extend(entry.file_name().into_string().ok().filter(|name| is_loaded(name) && !ours.contains(&name.as_str())));
    }
    names.sort();
    Ok(names.iter().flat_map(|name| in_file(dir.join(name))).collect())
}

fn is_loaded(name: &str) -> bool {
    let ignored = name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
    !ignored && [".tf", ".tofu", ".tf.json", ".tofu.json"].iter().any(|ending| name.ends_with(ending))
}

fn in_file(path: PathBuf) -> Vec<Conflict> {
    // A pipe would be waited for.
    if !fs::metadata(&path).is_ok_and(|meta| meta.is_file()) {
        return vec![];
    }
    let Ok(bytes) = fs::read(&path) else { return vec![Conflict::Unclear { path }] };
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let blocks = if path.extension().is_some_and(|ending| ending == "json") { in_json(text) } else { in_hcl(text) };
    match blocks {
        Some(blocks) => blocks.into_iter().map(|block| Conflict::Block { path: path.clone(), block }).collect(),
        None if text.contains("backend") || text.contains("cloud") => vec![Conflict::Unclear { path }],
        None => vec![],
    }
}

fn in_hcl(text: &str) -> Option<Vec<String>> {
    let body: Body = text.parse().ok()?;
    let inside = body.get_blocks("terraform").flat_map(|terraform| terraform.body.blocks());
    let blocks = inside.filter_map(|block| match block.ident.as_str() {
        "cloud" => Some("cloud".to_owned()),
        "backend" => Some(block.labels.first().map_or("backend".to_owned(), |label| named(label.as_str()))),
        _ => None,
    });
    Some(blocks.collect())
}

/// Terraform's JSON syntax: objects, or lists of objects, for blocks.
fn in_json(text: &str) -> Option<Vec<String>> {
    let root: serde_json::Value = serde_json::from_str(text).ok()?;
    let each = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let mut blocks = vec![];
    for terraform in root.get("terraform").map(each).unwrap_or_default() {
        blocks.extend(terraform.get("cloud").map(|_| "cloud".to_owned()));
        for backend in terraform.get("backend").map(each).unwrap_or_default() {
            blocks.extend(backend.as_object().into_iter().flat_map(|kinds| kinds.keys()).map(|kind| named(kind)));
        }
    }
    Some(blocks)
}

fn named(kind: &str) -> String {
    format!("backend {}", super::hcl::quoted(kind))
}

/// Whether `dir` has state of Terraform's `local` backend that would be left behind: of the default
/// workspace or of any other.
///
/// As Terraform sees it, a state without resources and outputs is empty, and so is the file of zero
/// bytes that a migration leaves. What cannot be read or understood counts as state: OpenTofu may have
/// encrypted it. Nothing that is inside is kept.
pub fn local_state(dir: &Path) -> bool {
    if has_state(&dir.join("terraform.tfstate")) {
        return true;
    }
    match fs::read_dir(dir.join("terraform.tfstate.d")) {
        Ok(workspaces) => workspaces.flatten().any(|workspace| has_state(&workspace.path().join("terraform.tfstate"))),
        Err(error) => !is_absent(&error),
    }
}

#[derive(Deserialize)]
struct State {
    version: u64,
    resources: Vec<IgnoredAny>,
    #[serde(default)]
    outputs: std::collections::BTreeMap<String, IgnoredAny>,
}

fn has_state(path: &Path) -> bool {
    match fs::metadata(path) {
        Err(error) => return !is_absent(&error),
        Ok(meta) if !meta.is_file() => return false,
        Ok(_) => {}
    }
    let Ok(bytes) = fs::read(path) else { return true };
    if bytes.trim_ascii().is_empty() {
        return false;
    }
    match serde_json::from_slice::<State>(&bytes) {
        Ok(State { version: 4, resources, outputs }) => !resources.is_empty() || !outputs.is_empty(),
        Ok(_) | Err(_) => true,
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
