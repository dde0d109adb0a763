//! Checks of the files in a folder: against each other, against Terraform's own record, and against
//! the cloud.
//!
//! No text contains the value of a credential: the reader does not keep them.

use crate::text::shell::shell_word;
use std::{collections::BTreeMap, path::Path};

use super::{Check, CheckResult, CheckedPlace, Verdict};
use crate::{
    engine::spec::UNKNOWN,
    terraform::{
        read::{
            ArgumentValue, ConfiguredBlock, EngineVersions, PartialFile, SavedBackend,
            SourcedArgument, WorkingDirectory,
        },
        write::{hcl, s3::S3BackendConfig},
    },
};

pub mod catalogue;
mod presence;
mod engine;
mod content;
mod agreement;
mod safety;
mod left_behind;

/// Runs all checks of `folder`. `cloud` is the environment's backend, if known; `key_said` is
/// true if its key was set, not derived.
///
/// Returns none for a folder without Terraform files ([`WorkingDirectory::is_terraform`]). A check
/// that depends on an unreadable file never passes.
pub fn check(
    folder: &WorkingDirectory,
    cloud: Option<&S3BackendConfig>,
    key_said: bool,
) -> Vec<CheckResult> {
    if !folder.is_terraform() {
        return vec![];
    }
    let files = FolderFiles::of(folder, cloud, key_said);
    [
        presence::check(&files),
        engine::check(&files),
        content::check(&files),
        agreement::check(&files),
        safety::check(&files),
        left_behind::check(&files),
    ]
    .concat()
}

/// The files of a folder and their relations.
struct FolderFiles<'a> {
    folder: &'a WorkingDirectory,
    cloud: Option<&'a S3BackendConfig>,
    key_said: bool,
    /// The effective block, if it is for the `s3` backend.
    block: Option<&'a ConfiguredBlock>,
    /// The partial configurations of an `s3` backend.
    partial: Vec<&'a PartialFile>,
    /// The complete configurations with which the folder can be initialized.
    setups: Vec<BackendSetup<'a>>,
}

/// A complete backend configuration: the block with a partial configuration, the block alone, or
/// the record of `init`.
#[derive(Clone)]
struct BackendSetup<'a> {
    /// The file that you would change.
    path: &'a Path,
    partial: Option<&'a PartialFile>,
    arguments: BTreeMap<&'a str, &'a SourcedArgument>,
    /// True if it is Terraform's own record, which must not be edited.
    is_saved: bool,
}

impl<'a> FolderFiles<'a> {
    fn of(
        folder: &'a WorkingDirectory,
        cloud: Option<&'a S3BackendConfig>,
        key_said: bool,
    ) -> Self {
        let chosen = folder.configuration.block();
        let block = chosen.filter(|block| block.is_s3());
        let is_other = chosen.is_some() && block.is_none();
        // Next to another backend, a partial configuration most likely belongs to that backend.
        let is_s3 = |partial: &&PartialFile| {
            !is_other || partial.owner.is_some() || partial.name().contains(".s3.")
        };
        let partial: Vec<&PartialFile> = folder.partial.iter().filter(is_s3).collect();
        // The effective block is only known if all files could be read.
        let is_clear =
            folder.configuration.unreadable.is_empty() && folder.configuration.blocks.len() <= 1;
        let setups = if is_clear {
            setups(block, &partial)
        } else {
            vec![]
        };
        Self {
            folder,
            cloud,
            key_said,
            block,
            partial,
            setups,
        }
    }

    /// Returns whether the folder is meant to store its state in an `s3` backend.
    fn is_remote(&self) -> bool {
        let saved = self
            .folder
            .saved
            .as_ref()
            .is_ok_and(|saved| saved.as_ref().is_some_and(SavedBackend::is_s3));
        saved
            || !self.partial.is_empty()
            || self
                .folder
                .configuration
                .blocks
                .iter()
                .any(ConfiguredBlock::is_s3)
    }

    /// Returns the record of `init` as a setup.
    fn saved(&self) -> Option<BackendSetup<'a>> {
        let saved = self
            .folder
            .saved
            .as_ref()
            .ok()?
            .as_ref()
            .filter(|saved| saved.is_s3())?;
        Some(BackendSetup {
            is_saved: true,
            ..BackendSetup::of(&saved.path, None, &[&saved.arguments])
        })
    }

    /// Returns the configurations in use: those of the files, or else the record of `init`.
    fn in_use(&self) -> Vec<BackendSetup<'a>> {
        if self.setups.is_empty() {
            self.saved().into_iter().collect()
        } else {
            self.setups.clone()
        }
    }

    /// The same, without those of another environment.
    fn of_cloud(&self, cloud: &S3BackendConfig) -> Vec<BackendSetup<'a>> {
        let mut all = self.in_use();
        let several = all.len() > 1;
        all.retain(
            |setup| match setup.partial.and_then(|partial| partial.owner.as_ref()) {
                Some(owner) => owner.project == cloud.project && owner.env == cloud.env,
                None => !several || setup.text("bucket") == Some(&cloud.bucket),
            },
        );
        all
    }

    /// Returns the instruction to set `name = value` in `setup`.
    fn set(&self, setup: &BackendSetup<'_>, name: &str, value: &str) -> String {
        if setup.is_saved {
            return format!(
                "{} with `{name} = {value}` in its configuration",
                self.init(setup)
            );
        }
        format!(
            "write `{name} = {value}` at {}, then {}",
            setup.spot(name),
            self.init(setup)
        )
    }

    /// Returns the command that initializes the folder again with `setup`.
    fn init(&self, setup: &BackendSetup<'_>) -> String {
        let program = self.folder.engine.program();
        match setup.partial {
            Some(partial) => format!(
                "`{program} init -reconfigure -backend-config={}`",
                shell_word(&self.relative(&partial.path))
            ),
            None => format!("`{program} init -reconfigure`"),
        }
    }

    /// Returns the ARN of the environment's key, if any and known.
    fn key(&self) -> Option<&'a str> {
        self.cloud?
            .kms_key_arn
            .as_deref()
            .filter(|arn| !arn.starts_with(UNKNOWN))
    }

    /// Returns the path relative to the folder.
    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.folder.dir)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// Returns the complete configurations: those with a bucket and a key.
fn setups<'a>(
    block: Option<&'a ConfiguredBlock>,
    partial: &[&'a PartialFile],
) -> Vec<BackendSetup<'a>> {
    let block_arguments: &[SourcedArgument] = block.map_or(&[], |block| &block.arguments);
    let over = |partial: &&'a PartialFile| {
        BackendSetup::of(
            &partial.path,
            Some(partial),
            &[block_arguments, partial.said()],
        )
    };
    let alone = block.map(|block| BackendSetup::of(&block.at.path, None, &[&block.arguments]));
    // The result of an unreadable partial configuration is unknown.
    let readable = partial.iter().filter(|partial| partial.arguments.is_ok());
    let all = if partial.is_empty() {
        alone.into_iter().collect()
    } else {
        readable.map(over).collect::<Vec<_>>()
    };
    all.into_iter()
        .filter(|setup| {
            setup.arguments.contains_key("bucket") && setup.arguments.contains_key("key")
        })
        .collect()
}

impl<'a> BackendSetup<'a> {
    fn of(
        path: &'a Path,
        partial: Option<&'a PartialFile>,
        layers: &[&'a [SourcedArgument]],
    ) -> Self {
        let mut arguments = BTreeMap::new();
        for argument in layers.iter().copied().flatten() {
            arguments.insert(argument.name.as_str(), argument);
        }
        // Terraform treats an empty text as unset, except for the prefix.
        let is_said = |name: &str, value: &ArgumentValue| {
            *value != ArgumentValue::Null
                && (value.as_text() != Some("") || name == "workspace_key_prefix")
        };
        arguments.retain(|name, argument| is_said(name, &argument.value));
        Self {
            path,
            partial,
            arguments,
            is_saved: false,
        }
    }

    fn value(&self, name: &str) -> Option<&'a ArgumentValue> {
        self.arguments.get(name).map(|argument| &argument.value)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(ArgumentValue::as_text)
    }

    /// Returns where `name` is set, or where it should be set.
    fn spot(&self, name: &str) -> String {
        self.arguments.get(name).map_or_else(
            || self.path.display().to_string(),
            |argument| argument.at.to_string(),
        )
    }

    /// Returns a boolean that defaults to false; `None` if its value cannot be determined.
    fn flag(&self, name: &str) -> Option<bool> {
        self.value(name).map_or(Some(false), ArgumentValue::as_bool)
    }
}

fn at(check: &'static Check, path: &Path, verdict: Verdict) -> CheckResult {
    CheckResult::new(
        check,
        CheckedPlace::named(path.display().to_string()),
        verdict,
    )
}

fn fails(found: impl Into<String>, remediation: impl Into<String>) -> Verdict {
    Verdict::Fails {
        found: found.into(),
        remediation: remediation.into(),
    }
}

fn unreadable(error: impl Into<String>) -> Verdict {
    Verdict::Unreadable {
        error: error.into(),
    }
}

/// The maximum number of characters of a value that are shown.
const SHOWN: usize = 200;

/// Returns a value as HCL, of bounded length, with special characters escaped.
fn shown(value: Option<&ArgumentValue>) -> String {
    match value {
        None | Some(ArgumentValue::Null) => "nothing".to_owned(),
        Some(ArgumentValue::Text(text)) => hcl::quoted(&shortened(text)),
        Some(ArgumentValue::Number(number)) => shortened(number),
        Some(ArgumentValue::Bool(value)) => value.to_string(),
        Some(ArgumentValue::List(items)) => format!(
            "[{}]",
            items
                .iter()
                .map(|item| shown(Some(item)))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Some(ArgumentValue::Object(_)) => "an object".to_owned(),
        Some(ArgumentValue::Secret(_)) => "a credential".to_owned(),
        Some(ArgumentValue::NotLiteral) => "an expression".to_owned(),
    }
}

/// Returns the version constraint of a file with its location.
fn named_version(versions: &EngineVersions) -> String {
    format!(
        "{} names {} {}",
        versions.at,
        versions.engine.title(),
        shortened(&versions.text.escape_debug().to_string())
    )
}

/// Returns the name of an argument, of bounded length, with special characters escaped.
fn named(name: &str) -> String {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if plain {
        format!("`{}`", shortened(name))
    } else {
        hcl::quoted(&shortened(name))
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
