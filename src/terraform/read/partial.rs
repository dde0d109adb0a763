//! Partial configurations: the files for `terraform init -backend-config=FILE`, and what its other
//! form says.

use std::path::{Path, PathBuf};

use hcl_edit::structure::Body;
use serde_json::Value as Json;

use super::{
    COPIES,
    arguments::{self, ArgumentType},
    bounded::{self, LinkBoundary, UnreadableFile},
    configuration::is_json,
    json::JsonNode,
    scan,
    value::{self, ArgumentValue, SourcePosition, SourcedArgument},
};
use crate::terraform::write::header::{self, FileHeader, HeaderOwner};

/// In bytes: a partial configuration has a few lines.
const LIMIT: u64 = 256 << 10;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialFile {
    pub path: PathBuf,
    /// The owner, if tfbackend wrote the file and it is unchanged.
    pub owner: Option<HeaderOwner>,
    /// The environment it says it belongs to, also if it was changed by hand since.
    pub stated_owner: Option<HeaderOwner>,
    pub arguments: Result<Vec<SourcedArgument>, UnreadableFile>,
}

impl PartialFile {
    /// Reads one file, which must be there, and which was named: wherever it is.
    pub fn read(path: &Path) -> Self {
        // As with Terraform: nothing over the block. No other device is opened.
        if path == Path::new("/dev/null") {
            return Self::of(path, Ok(Some(vec![])));
        }
        Self::of(path, bounded::bytes_up_to(path, LIMIT))
    }

    fn of(path: &Path, bytes: Result<Option<Vec<u8>>, UnreadableFile>) -> Self {
        let bytes = bytes
            .and_then(|bytes| bytes.ok_or_else(|| UnreadableFile::new(path, "does not exist")));
        // Ours are UTF-8.
        let text = bytes
            .as_deref()
            .ok()
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        let owner = text.and_then(owner);
        let stated_owner = text.and_then(|text| header::stated_owner(&text.replace("\r\n", "\n")));
        Self {
            path: path.to_owned(),
            owner,
            stated_owner,
            arguments: bytes.and_then(|bytes| arguments_of(&bytes, path)),
        }
    }

    /// The last part of its path.
    pub fn name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Returns its readable arguments.
    pub fn said(&self) -> &[SourcedArgument] {
        self.arguments.as_deref().unwrap_or_default()
    }
}

fn owner(text: &str) -> Option<HeaderOwner> {
    // A checkout may have turned the ends of lines.
    let FileHeader::Intact(owner) = header::read(&text.replace("\r\n", "\n")) else {
        return None;
    };
    owner
}

/// `NAME=VALUE` of a command line, as Terraform takes it apart: what is text there is taken as it
/// is, and what is not is HCL. `None` without a `=`, which makes it the name of a file.
pub(crate) fn assignment(text: &str) -> Option<SourcedArgument> {
    let (name, written) = text.split_once('=')?;
    let name = name.trim();
    let value = match arguments::shape(name) {
        ArgumentType::Plain => ArgumentValue::of_record(name, &Json::String(written.to_owned())),
        ArgumentType::Compound => match format!("x = {}\n", written.trim()).parse::<Body>() {
            Ok(body) => body
                .get_attribute("x")
                .map_or(ArgumentValue::NotLiteral, |x| {
                    ArgumentValue::of_hcl(name, &x.value)
                }),
            Err(_) => ArgumentValue::NotLiteral,
        },
    };
    let at = SourcePosition {
        path: format!("-backend-config={name}=…").into(),
        line: None,
    };
    Some(SourcedArgument {
        name: name.to_owned(),
        value,
        at,
    })
}

/// The partial configurations among `names` in `dir`, and those that are `asked` for.
///
/// By their names: `*.tfbackend`, what tutorials call them, and whatever of the form `*.conf` has
/// our header. In a folder without configuration, a `backend.conf` may belong to another program.
pub(super) fn read(
    dir: &Path,
    within: &LinkBoundary,
    names: &[String],
    asked: &[PathBuf],
    has_configuration: bool,
) -> Vec<PartialFile> {
    let found = names
        .iter()
        .filter(|name| is_partial(dir, within, name, has_configuration));
    let mut paths: Vec<PathBuf> = found.map(|name| dir.join(name)).collect();
    for path in asked.iter().map(|path| dir.join(path)) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    // One elsewhere was named so.
    let is_here = |path: &Path| path.parent() == Some(dir);
    paths
        .iter()
        .map(|path| {
            if is_here(path) {
                PartialFile::of(path, within.bytes_up_to(path, LIMIT))
            } else {
                PartialFile::read(path)
            }
        })
        .collect()
}

/// The partial configurations in `dir` that tfbackend wrote, changed by hand since or not; one of
/// the name `named` too. None where the folder cannot be read.
pub(crate) fn ours(dir: &Path, named: Option<&str>) -> Vec<PartialFile> {
    let names = super::names(dir).unwrap_or_default();
    let asked: Vec<PathBuf> = names
        .iter()
        .filter(|name| named == Some(name))
        .map(PathBuf::from)
        .collect();
    let mut all = read(dir, &LinkBoundary::of(dir), &names, &asked, false);
    all.retain(|one| one.stated_owner.is_some());
    all
}

fn is_partial(dir: &Path, within: &LinkBoundary, name: &str, has_configuration: bool) -> bool {
    // A name that is nothing but the ending is that of the folder for copies, whatever is in its
    // place.
    if name.ends_with('~') || name == COPIES {
        return false;
    }
    let customary = [
        "backend.conf",
        "backend.hcl",
        "backend.config",
        "backend.tfvars",
    ]
    .contains(&name)
        && has_configuration;
    let ours = || {
        name.ends_with(".conf")
            && within
                .text_up_to(&dir.join(name), LIMIT)
                .is_ok_and(|text| text.is_some_and(|text| header::is_ours(&text)))
    };
    name.ends_with(".tfbackend") || name.ends_with(".tfbackend.json") || customary || ours()
}

fn arguments_of(text: &[u8], path: &Path) -> Result<Vec<SourcedArgument>, UnreadableFile> {
    if is_json(path) {
        let root = JsonNode::read(text, &[]).map_err(|error| UnreadableFile::new(path, error))?;
        if matches!(root, JsonNode::Plain(_)) {
            return Err(UnreadableFile::new(path, "is not a JSON object"));
        }
        return value::arguments_of_json(&root.object(), path);
    }
    let body = scan::partial(text)
        .map_err(|malformed| UnreadableFile::new(path, scan::error(text, malformed)))?;
    // Terraform stops: the block belongs into a `.tf` file, its arguments here.
    if body.has_block(text, &["terraform", "backend"]) {
        return Err(UnreadableFile::new(
            path,
            "has a block, but only arguments are allowed",
        ));
    }
    body.arguments(text, path)
}

#[cfg(test)]
mod tests;
