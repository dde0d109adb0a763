//! The `backend`, `cloud` and `state_store` blocks of the configuration files of a folder, as
//! Terraform or OpenTofu loads them.

use std::path::{Path, PathBuf};

use super::{
    bounded::{LinkBoundary, UnreadableFile},
    scan::{self, FoundBlock},
    value::{SourcePosition, SourcedArgument},
};

mod json_blocks;

/// Terraform or OpenTofu: they load different files, and support different arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerraformEngine {
    Terraform,
    OpenTofu,
}

/// The kind of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfiguredKind {
    /// `backend "s3"`, or another.
    Backend(String),
    /// HCP Terraform.
    Cloud,
    /// `state_store "aws_s3"`, or another: a backend that a provider implements.
    StateStore(String),
}

/// A block that chooses where the state is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredBlock {
    pub kind: ConfiguredKind,
    pub arguments: Vec<SourcedArgument>,
    pub at: SourcePosition,
}

/// Said of a `state_store` wherever one is found.
pub(crate) const NO_STATE_STORES: &str =
    "tfbackend does not support state stores, only `backend \"s3\"`";

/// The combined contents of the configuration files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderConfiguration {
    /// Those that are loaded, overrides last.
    pub files: Vec<PathBuf>,
    /// All blocks that count, in the order of loading; the engine stops at more than one.
    pub blocks: Vec<ConfiguredBlock>,
    /// Those that an override file takes the place of. It may be here only, and not where others
    /// run.
    pub overridden: Vec<ConfiguredBlock>,
    /// Each `required_version` that counts.
    pub required_versions: Vec<SourcedArgument>,
    /// Files that may have a block, and could not be understood.
    pub unreadable: Vec<UnreadableFile>,
}

/// The contents of one file.
#[derive(Debug, Default)]
struct FileContents {
    blocks: Vec<ConfiguredBlock>,
    required_versions: Vec<SourcedArgument>,
}

impl TerraformEngine {
    /// OpenTofu, if there is a file that only it loads.
    pub fn of(names: &[String]) -> Self {
        let is_tofu = |name: &String| {
            !is_ignored(name) && (name.ends_with(".tofu") || name.ends_with(".tofu.json"))
        };
        if names.iter().any(is_tofu) {
            Self::OpenTofu
        } else {
            Self::Terraform
        }
    }

    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::OpenTofu => "tofu",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::OpenTofu => "OpenTofu",
        }
    }
}

impl ConfiguredKind {
    /// That of a block by its name and its label.
    fn named(name: &str, label: String) -> Self {
        match name {
            "cloud" => Self::Cloud,
            "state_store" => Self::StateStore(label),
            _ => Self::Backend(label),
        }
    }

    pub fn is_s3(&self) -> bool {
        self.is_labelled("s3")
    }

    /// Returns whether it is a `backend` block with this label.
    pub fn is_labelled(&self, label: &str) -> bool {
        matches!(self, Self::Backend(kind) if kind == label)
    }

    pub fn is_local(&self) -> bool {
        matches!(self, Self::Backend(kind) if kind == "local")
    }

    pub fn is_state_store(&self) -> bool {
        matches!(self, Self::StateStore(_))
    }

    /// As in `backend "s3"`, or `cloud`.
    pub fn title(&self) -> String {
        match self {
            Self::Backend(kind) => {
                format!("backend {}", crate::terraform::write::hcl::quoted(kind))
            }
            Self::Cloud => "cloud".to_owned(),
            Self::StateStore(kind) => {
                format!("state_store {}", crate::terraform::write::hcl::quoted(kind))
            }
        }
    }
}

impl ConfiguredBlock {
    pub fn is_s3(&self) -> bool {
        self.kind.is_s3()
    }

    /// As in `backend "s3"`, or `cloud`.
    pub fn title(&self) -> String {
        self.kind.title()
    }
}

impl FolderConfiguration {
    /// Reads those of `names` in `dir` that `engine` loads.
    ///
    /// A block in an override file (`override.tf`, `*_override.tf`) takes the place of all before
    /// it, whole, as Terraform has it.
    pub fn read(
        dir: &Path,
        within: &LinkBoundary,
        names: &[String],
        engine: TerraformEngine,
    ) -> Self {
        let loaded: Vec<&String> = names
            .iter()
            .filter(|name| is_loaded(name, names, engine))
            .collect();
        let (overrides, primary): (Vec<&String>, Vec<&String>) =
            loaded.into_iter().partition(|name| is_override(name));
        let mut all = Self::default();
        for name in primary {
            all.add(dir.join(name), within, false);
        }
        for name in overrides {
            all.add(dir.join(name), within, true);
        }
        all
    }

    /// Returns whether there is any configuration: where there is none, nothing can be said to be
    /// missing.
    pub fn is_present(&self) -> bool {
        !self.files.is_empty()
    }

    /// The one block that counts. `None` if there is none, or if it is not clear which one.
    pub fn block(&self) -> Option<&ConfiguredBlock> {
        match &self.blocks[..] {
            [block] if self.unreadable.is_empty() => Some(block),
            _ => None,
        }
    }

    /// All blocks of one file, whether they count or not.
    pub fn blocks_in<'a>(&'a self, path: &Path) -> impl Iterator<Item = &'a ConfiguredBlock> {
        self.blocks
            .iter()
            .chain(&self.overridden)
            .filter(move |block| block.at.path == path)
    }

    fn add(&mut self, path: PathBuf, within: &LinkBoundary, overriding: bool) {
        match contents(&path, within) {
            Ok(Some(FileContents {
                blocks,
                required_versions,
            })) => {
                if overriding && !blocks.is_empty() {
                    self.overridden.append(&mut self.blocks);
                }
                if overriding && !required_versions.is_empty() {
                    self.required_versions.clear();
                }
                self.blocks.extend(blocks);
                self.required_versions.extend(required_versions);
            }
            // Gone since it was listed.
            Ok(None) => return,
            Err(unreadable) => self.unreadable.push(unreadable),
        }
        self.files.push(path);
    }
}

/// Hidden files, and what editors leave behind.
fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
}

fn is_loaded(name: &str, names: &[String], engine: TerraformEngine) -> bool {
    if is_ignored(name) {
        return false;
    }
    let has = |twin: String| names.contains(&twin);
    match (engine, stem(name)) {
        (_, None) => false,
        (TerraformEngine::Terraform, Some((_, ending))) => matches!(ending, ".tf" | ".tf.json"),
        // Of two files of one name, OpenTofu takes its own.
        (TerraformEngine::OpenTofu, Some((stem, ".tf"))) => !has(format!("{stem}.tofu")),
        (TerraformEngine::OpenTofu, Some((stem, ".tf.json"))) => !has(format!("{stem}.tofu.json")),
        (TerraformEngine::OpenTofu, Some(_)) => true,
    }
}

fn is_override(name: &str) -> bool {
    stem(name).is_some_and(|(stem, _)| stem == "override" || stem.ends_with("_override"))
}

/// A name of a configuration file, and its ending.
fn stem(name: &str) -> Option<(&str, &'static str)> {
    [".tf.json", ".tofu.json", ".tf", ".tofu"]
        .into_iter()
        .find_map(|ending| Some((name.strip_suffix(ending)?, ending)))
}

/// In bytes. A file that generators write is as large as they like; Terraform has no limit.
pub(crate) const LIMIT: u64 = 64 << 20;

fn contents(path: &Path, within: &LinkBoundary) -> Result<Option<FileContents>, UnreadableFile> {
    let Some(bytes) = within.bytes_up_to(path, LIMIT)? else {
        return Ok(None);
    };
    let read = if is_json(path) {
        json_blocks::contents(&bytes, path)
    } else {
        in_hcl(&bytes, path)
    };
    match read {
        Ok(contents) => Ok(Some(contents)),
        Err(_) if !may_have_block(&bytes) => Ok(Some(FileContents::default())),
        Err(unreadable) => Err(unreadable),
    }
}

/// Returns whether a file is JSON, by its name.
pub(crate) fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

/// Returns whether an invalid text could contain a block. Its names cannot be written
/// in another way, but for escapes in JSON.
fn may_have_block(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("\\u")
        || text.contains("terraform") && scan::NAMES.iter().any(|name| text.contains(name))
}

fn in_hcl(text: &[u8], path: &Path) -> Result<FileContents, UnreadableFile> {
    let found = scan::scan(text)
        .map_err(|malformed| UnreadableFile::new(path, scan::error(text, malformed)))?;
    let block = |block: &FoundBlock| {
        let at = SourcePosition {
            path: path.to_owned(),
            line: Some(block.line(text)),
        };
        Ok(ConfiguredBlock {
            kind: ConfiguredKind::named(block.name, block.label(text)),
            arguments: block.body.arguments(text, path)?,
            at,
        })
    };
    // Where it is not text, Terraform stops; a backend is one all the same.
    let required_versions = found
        .required_versions
        .arguments(text, path)
        .unwrap_or_default();
    Ok(FileContents {
        blocks: found.blocks.iter().map(block).collect::<Result<_, _>>()?,
        required_versions,
    })
}

#[cfg(test)]
mod tests;
