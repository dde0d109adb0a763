//! Which versions of Terraform or OpenTofu a folder is used with, as its files say:
//! `required_version`, and the files of version managers. Nothing is run.

use std::path::{Path, PathBuf};

use super::{
    bounded::{LinkBoundary, UnreadableFile},
    configuration::{FolderConfiguration, TerraformEngine},
    value::{SourcePosition, SourcedArgument},
};

/// In bytes: a name and a number.
const LIMIT: u64 = 64 << 10;
/// Majors, minors and patches up to this one are held against a constraint.
const MOST: u64 = 40;

/// Major, minor and patch.
pub(crate) type ReleaseNumber = (u64, u64, u64);

/// A version, or several, that one file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineVersions {
    pub engine: TerraformEngine,
    pub allowed: AllowedVersions,
    /// As it is written.
    pub text: String,
    pub at: SourcePosition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedVersions {
    One(ReleaseNumber),
    /// All of these at once, as in `required_version`.
    Constraint(Vec<(VersionOperator, ReleaseNumber)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionOperator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `~>` with major and minor: any later minor.
    AnyMinor,
    /// `~>` with a patch: any later patch.
    AnyPatch,
}

impl AllowedVersions {
    /// Returns whether no version is allowed but those of a kind.
    pub fn are_all(&self, of_kind: impl Fn(ReleaseNumber) -> bool) -> bool {
        let constraint = match self {
            Self::One(version) => return of_kind(*version),
            Self::Constraint(constraint) => constraint,
        };
        let takes = |version: &ReleaseNumber| {
            constraint
                .iter()
                .all(|(operator, bound)| operator.takes(*version, *bound))
        };
        let patches = |(major, minor)| (0..=MOST).map(move |patch| (major, minor, patch));
        let all = (0..=2)
            .flat_map(|major| (0..=MOST).map(move |minor| (major, minor)))
            .flat_map(patches);
        let mut allowed = all.filter(takes).peekable();
        allowed.peek().is_some() && allowed.all(of_kind)
    }
}

impl VersionOperator {
    fn takes(self, version: ReleaseNumber, bound: ReleaseNumber) -> bool {
        match self {
            Self::Equal => version == bound,
            Self::NotEqual => version != bound,
            Self::Greater => version > bound,
            Self::GreaterOrEqual => version >= bound,
            Self::Less => version < bound,
            Self::LessOrEqual => version <= bound,
            Self::AnyMinor => version >= bound && version.0 == bound.0,
            Self::AnyPatch => version >= bound && (version.0, version.1) == (bound.0, bound.1),
        }
    }
}

/// A version without a suffix; `None` of `latest`, of `1.15`, of a release candidate.
pub(crate) fn version(text: &str) -> Option<ReleaseNumber> {
    let mut parts = text
        .strip_prefix('v')
        .unwrap_or(text)
        .split('.')
        .map(|part| part.parse().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

/// `None` if any part is none that Terraform takes.
fn constraint(text: &str) -> Option<Vec<(VersionOperator, ReleaseNumber)>> {
    text.split(',').map(|part| one(part.trim())).collect()
}

fn one(text: &str) -> Option<(VersionOperator, ReleaseNumber)> {
    let digits = text.find(|c: char| c.is_ascii_digit() || c == 'v')?;
    let (operator, number) = (
        text[..digits].trim(),
        text[digits..].strip_prefix('v').unwrap_or(&text[digits..]),
    );
    let mut parts: Vec<u64> = number
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let said = parts.len();
    parts.resize(3, 0);
    let operator = match (operator, said) {
        ("" | "=", 1..=3) => VersionOperator::Equal,
        ("!=", 1..=3) => VersionOperator::NotEqual,
        (">", 1..=3) => VersionOperator::Greater,
        (">=", 1..=3) => VersionOperator::GreaterOrEqual,
        ("<", 1..=3) => VersionOperator::Less,
        ("<=", 1..=3) => VersionOperator::LessOrEqual,
        ("~>", 1..=2) => VersionOperator::AnyMinor,
        ("~>", 3) => VersionOperator::AnyPatch,
        _ => return None,
    };
    Some((operator, (parts[0], parts[1], parts[2])))
}

/// Reads the versions in the files of a folder, and of version managers in its parent folders, up
/// to the
/// root of the repository.
pub(super) fn read(
    dir: &Path,
    within: &LinkBoundary,
    configuration: &FolderConfiguration,
    engine: TerraformEngine,
) -> Vec<Result<EngineVersions, UnreadableFile>> {
    let required = configuration
        .required_versions
        .iter()
        .filter_map(|argument| required(argument, engine));
    let mut all: Vec<_> = required.map(Ok).collect();
    for name in [".terraform-version", ".opentofu-version", ".tool-versions"] {
        let nearest = folders(dir)
            .into_iter()
            .map(|folder| folder.join(name))
            .find(|path| path.exists());
        let Some(path) = nearest else { continue };
        match within.text_up_to(&path, LIMIT) {
            Ok(text) => all.extend(
                managed(name, &text.unwrap_or_default(), &path)
                    .into_iter()
                    .map(Ok),
            ),
            Err(unreadable) => all.push(Err(unreadable)),
        }
    }
    all
}

/// The folder, and those above it in its repository.
fn folders(dir: &Path) -> Vec<PathBuf> {
    let above: Vec<PathBuf> = dir.ancestors().map(Path::to_owned).collect();
    let root = above.iter().position(|folder| folder.join(".git").exists());
    above
        .into_iter()
        .take(root.map_or(1, |root| root + 1))
        .collect()
}

/// Returns the versions in a file of a version manager: tfenv, tenv, asdf or mise.
fn managed(name: &str, text: &str, path: &Path) -> Vec<EngineVersions> {
    let lines = text
        .lines()
        .zip(1..)
        .map(|(line, number)| (line.split('#').next().unwrap_or_default().trim(), number));
    let named = lines.filter_map(|(line, number)| {
        let mut words = line.split_whitespace();
        let engine = match name {
            ".terraform-version" => TerraformEngine::Terraform,
            ".opentofu-version" => TerraformEngine::OpenTofu,
            _ => match words.next()? {
                "terraform" => TerraformEngine::Terraform,
                "opentofu" | "tofu" => TerraformEngine::OpenTofu,
                _ => return None,
            },
        };
        let at = SourcePosition {
            path: path.to_owned(),
            line: Some(number),
        };
        let text = words.next()?.to_owned();
        Some(EngineVersions {
            engine,
            allowed: AllowedVersions::One(version(&text)?),
            text,
            at,
        })
    });
    named.collect()
}

/// Returns the versions that a `required_version` allows; none if Terraform does not accept it.
fn required(argument: &SourcedArgument, engine: TerraformEngine) -> Option<EngineVersions> {
    let text = argument.value.as_text()?.trim();
    Some(EngineVersions {
        engine,
        allowed: AllowedVersions::Constraint(constraint(text)?),
        text: text.to_owned(),
        at: argument.at.clone(),
    })
}

#[cfg(test)]
mod tests;
