//! The `backend`, `cloud` and `state_store` blocks of the configuration files of a folder, as Terraform or OpenTofu loads them.

use std::path::{Path, PathBuf};

use hcl_edit::{Span, structure::Body};
use serde_json::Value as Json;

use super::{
    bounded::{Unreadable, Within},
    value::{self, Argument, Spot},
};
use crate::lines::LineIndex;

/// Who runs here: they load different files, and know different arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Terraform,
    OpenTofu,
}

/// What a block chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `backend "s3"`, or another.
    Backend(String),
    /// HCP Terraform.
    Cloud,
    /// `state_store "aws_s3"`, or another: a backend that a provider implements.
    StateStore(String),
}

/// A `backend`, `cloud` or `state_store` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub kind: Kind,
    pub arguments: Vec<Argument>,
    pub at: Spot,
}

/// What the configuration files say, together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Those that are loaded, overrides last.
    pub files: Vec<PathBuf>,
    /// All blocks that count, in the order of loading; the engine stops at more than one.
    pub blocks: Vec<Block>,
    /// Files that may have a block, and could not be understood.
    pub unreadable: Vec<Unreadable>,
}

impl Engine {
    /// OpenTofu, if there is a file that only it loads.
    pub fn of(names: &[String]) -> Self {
        let is_tofu = |name: &String| !is_ignored(name) && (name.ends_with(".tofu") || name.ends_with(".tofu.json"));
        if names.iter().any(is_tofu) { Self::OpenTofu } else { Self::Terraform }
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

impl Block {
    pub fn is_s3(&self) -> bool {
        matches!(&self.kind, Kind::Backend(kind) if kind == "s3")
    }

    /// As in `backend "s3"`, or `cloud`.
    pub fn title(&self) -> String {
        match &self.kind {
            Kind::Backend(kind) => format!("backend {}", crate::render::hcl::quoted(kind)),
            Kind::Cloud => "cloud".to_owned(),
            Kind::StateStore(kind) => format!("state_store {}", crate::render::hcl::quoted(kind)),
        }
    }
}

impl Configuration {
    /// Reads those of `names` in `dir` that `engine` loads.
    ///
    /// A block in an override file (`override.tf`, `*_override.tf`) takes the place of all before it,
    /// whole, as Terraform has it.
    pub fn read(dir: &Path, within: &Within, names: &[String], engine: Engine) -> Self {
        let loaded: Vec<&String> = names.iter().filter(|name| is_loaded(name, names, engine)).collect();
        let (overrides, primary): (Vec<&String>, Vec<&String>) = loaded.into_iter().partition(|name| is_override(name));
        let mut all = Self::default();
        for name in primary {
            all.add(dir.join(name), within, false);
        }
        for name in overrides {
            all.add(dir.join(name), within, true);
        }
        all
    }

    /// Whether there is any configuration: where there is none, nothing can be said to be missing.
    pub fn is_present(&self) -> bool {
        !self.files.is_empty()
    }

    /// The one block that counts. `None` if there is none, or if it is not clear which one.
    pub fn block(&self) -> Option<&Block> {
        match &self.blocks[..] {
            [block] if self.unreadable.is_empty() => Some(block),
            _ => None,
        }
    }

    fn add(&mut self, path: PathBuf, within: &Within, overriding: bool) {
        match blocks(&path, within) {
            Ok(Some(found)) => {
                if overriding && !found.is_empty() {
                    self.blocks.clear();
                }
                self.blocks.extend(found);
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

fn is_loaded(name: &str, names: &[String], engine: Engine) -> bool {
    if is_ignored(name) {
        return false;
    }
    let has = |twin: String| names.contains(&twin);
    match (engine, stem(name)) {
        (_, None) => false,
        (Engine::Terraform, Some((_, ending))) => matches!(ending, ".tf" | ".tf.json"),
        // Of two files of one name, OpenTofu takes its own.
        (Engine::OpenTofu, Some((stem, ".tf"))) => !has(format!("{stem}.tofu")),
        (Engine::OpenTofu, Some((stem, ".tf.json"))) => !has(format!("{stem}.tofu.json")),
        (Engine::OpenTofu, Some(_)) => true,
    }
}

fn is_override(name: &str) -> bool {
    stem(name).is_some_and(|(stem, _)| stem == "override" || stem.ends_with("_override"))
}

/// A name of a configuration file, and its ending.
fn stem(name: &str) -> Option<(&str, &'static str)> {
    [".tf.json", ".tofu.json", ".tf", ".tofu"].into_iter().find_map(|ending| Some((name.strip_suffix(ending)?, ending)))
}

fn blocks(path: &Path, within: &Within) -> Result<Option<Vec<Block>>, Unreadable> {
    let Some(text) = within.text(path)? else { return Ok(None) };
    if path.extension().is_some_and(|ending| ending == "json") {
        let root: Json = serde_json::from_str(&text).map_err(|error| Unreadable::new(path, value::json_error(&error)))?;
        return in_json(&root, path).map(Some);
    }
    // Their names cannot be written in another way: no need to understand all that is not about them.
    if !["backend", "cloud", "state_store"].iter().any(|name| text.contains(name)) {
        return Ok(Some(vec![]));
    }
    let body: Body = text.parse().map_err(|error| Unreadable::new(path, value::hcl_error(&error)))?;
    in_hcl(&body, &LineIndex::of(&text), path).map(Some)
}

fn in_hcl(body: &Body, lines: &LineIndex<'_>, path: &Path) -> Result<Vec<Block>, Unreadable> {
    let inside = body.get_blocks("terraform").flat_map(|terraform| terraform.body.blocks());
    let found = inside.filter_map(|block| {
        let kind = match block.ident.as_str() {
            "cloud" => Kind::Cloud,
            "backend" => Kind::Backend(block.labels.first().map_or(String::new(), |label| label.as_str().to_owned())),
            "state_store" => Kind::StateStore(block.labels.first().map_or(String::new(), |label| label.as_str().to_owned())),
            _ => return None,
        };
        let at = Spot { path: path.to_owned(), line: block.span().map(|span| lines.line(span.start)) };
        Some(value::arguments_of(&block.body, lines, path).map(|arguments| Block { kind, arguments, at }))
    });
    found.take(MOST_BLOCKS).collect()
}

/// Terraform's JSON syntax: objects, or lists of objects, for blocks.
fn in_json(root: &Json, path: &Path) -> Result<Vec<Block>, Unreadable> {
    let at = Spot { path: path.to_owned(), line: None };
    let block = |kind, body: &Json| {
        let arguments = body.as_object().map_or(Ok(vec![]), |body| value::arguments_of_json(body, path))?;
        Ok(Block { kind, arguments, at: at.clone() })
    };
    let mut found = vec![];
    for terraform in root.get("terraform").into_iter().flat_map(each) {
        for cloud in terraform.get("cloud").into_iter().flat_map(each).take(MOST_BLOCKS) {
            found.push(block(Kind::Cloud, cloud)?);
        }
        for name in ["backend", "state_store"] {
            let kind = |label: &String| if name == "backend" { Kind::Backend(label.clone()) } else { Kind::StateStore(label.clone()) };
            for all in terraform.get(name).into_iter().flat_map(each) {
                for (label, bodies) in all.as_object().into_iter().flatten() {
                    for body in each(bodies).iter().take(MOST_BLOCKS.saturating_sub(found.len())) {
                        found.push(block(kind(label), body)?);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// How many blocks of one file are kept: Terraform stops at the second.
const MOST_BLOCKS: usize = 100;

fn each(value: &Json) -> &[Json] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

#[cfg(test)]
mod tests;
