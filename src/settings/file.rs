//! `tfbackend.toml`, read strictly: unknown keys and invalid values are errors with their position.
//!
//! ```toml
//! format = 1                # may be left out
//! project = "acme"          # for every environment
//!
//! [env.prod]                # for this one
//! region = "eu-west-1"
//! tag = { Team = "platform" }
//! ```

use std::{
    collections::BTreeMap,
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{SettingsError, SettingsProblem},
    kinds::names_of,
    names::EnvName,
    options::{OptionInfo, SettingOptions, ValueType},
    variables::nearest,
};

#[cfg(unix)]
use crate::host::user;
use crate::{
    checks::accept::AcceptedFinding,
    host::bounded::{self, ReadGuard},
    kind::BackendKind,
    settings::names::FileName,
    text::lines::LineIndex,
};

pub(crate) mod ignored;
pub(crate) mod set;

/// The name that is searched for.
pub const FILE_NAME: &str = "tfbackend.toml";

/// In bytes: larger than any settings file written by hand. Each value of it is checked.
const LARGEST: u64 = 256 << 10;

/// One file, every value of it valid by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsFile {
    pub path: PathBuf,
    /// True if the caller named it, and did not only run a command near it.
    pub named: bool,
    /// For every environment.
    pub top: OptionTable,
    pub envs: BTreeMap<EnvName, OptionTable>,
    /// Findings that are accepted in every environment.
    pub ignored: Vec<AcceptedFinding>,
    /// Findings that are accepted in one.
    pub ignored_in: BTreeMap<EnvName, Vec<AcceptedFinding>>,
}

impl SettingsFile {
    /// Returns the backend kind that the file says for an environment, or for all.
    pub fn kind(&self, env: Option<&EnvName>) -> Option<BackendKind> {
        let said = |table: &OptionTable| table.get("backend")?.value.as_str()?.parse().ok();
        let own = env.and_then(|env| self.envs.get(env));
        own.and_then(said).or_else(|| said(&self.top))
    }

    /// Returns the acceptances of an environment, or, without one, the global ones.
    pub fn accepted(&self, env: Option<&EnvName>) -> Vec<AcceptedFinding> {
        let own = env.and_then(|env| self.ignored_in.get(env));
        self.ignored
            .iter()
            .chain(own.into_iter().flatten())
            .cloned()
            .collect()
    }
}

/// Values by option.
pub type OptionTable = BTreeMap<String, FileSetting>;

#[derive(Clone, Debug, PartialEq)]
pub struct FileSetting {
    pub value: Value,
    /// From 1.
    pub line: usize,
}

impl SettingsFile {
    /// The file that is `named`; else `tfbackend.toml` in `cwd` or the nearest folder above it, up
    /// to the root of the Git repository. Outside a repository, only in `cwd`.
    ///
    /// What is found so must belong to the user, to root, or to the user that `sudo_uid` names: in
    /// a shared folder, or above one, any user may have put it there.
    ///
    /// # Errors
    /// If the named file is not there, or one cannot be read or understood, or is another user's.
    pub fn find(
        cwd: &Path,
        named: Option<&Path>,
        sudo_uid: Option<&str>,
    ) -> FileResult<Option<Self>, SettingsError> {
        if let Some(named) = named {
            let path = cwd.join(named);
            let text =
                bounded::named_text(&path, LARGEST).map_err(|source| SettingsError::Read {
                    path: named.to_path_buf(),
                    source,
                })?;
            return Self::parse(named, &text).map(|file| {
                Some(Self {
                    named: true,
                    ..file
                })
            });
        }
        let _reading = ReadGuard::begin();
        let root = cwd
            .ancestors()
            .find(|folder| folder.join(".git").exists())
            .unwrap_or(cwd);
        for folder in cwd
            .ancestors()
            .take_while(|folder| folder.starts_with(root))
        {
            let path = folder.join(FILE_NAME);
            let shown = if folder == cwd {
                PathBuf::from(FILE_NAME)
            } else {
                path.clone()
            };
            if let Some(owner) = stranger(&path, sudo_uid) {
                return Err(SettingsError::NotYours { path: shown, owner });
            }
            match bounded::text_up_to(&path, LARGEST) {
                Ok(text) => return Self::parse(&shown, &text).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => {
                    return Err(SettingsError::Read {
                        path: shown,
                        source,
                    });
                }
            }
        }
        Ok(None)
    }

    /// The backend kind that the file says for an environment (its only one, if none is named), and
    /// where; a quick look, before the file is read as a whole. A file that is not understood says
    /// nothing here, and a pipe is left for the one who reads all of it.
    pub fn stated_kind(
        cwd: &Path,
        named: Option<&Path>,
        env: Option<&str>,
    ) -> Option<(BackendKind, PathBuf)> {
        let path = match named {
            Some(named) => cwd.join(named),
            None => nearest_file(cwd)?,
        };
        if !std::fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let text = bounded::text_up_to(&path, LARGEST).ok()?;
        let table = DeTable::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)).ok()?;
        let said = |table: &DeTable<'_>| match table.get("backend")?.get_ref() {
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        let envs = match table.get_ref().get("env").map(Spanned::get_ref) {
            Some(DeValue::Table(envs)) => Some(envs),
            _ => None,
        };
        let own = envs.and_then(|envs| match env {
            Some(env) => envs.get(env),
            None if envs.len() == 1 => envs.values().next(),
            None => None,
        });
        let own = own.and_then(|own| match own.get_ref() {
            DeValue::Table(table) => said(table),
            _ => None,
        });
        let kind = own.or_else(|| said(table.get_ref()))?;
        Some((kind, named.map_or(path, Path::to_path_buf)))
    }

    /// Understands the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// The first thing that is not understood, with its line and column.
    pub fn parse(path: &Path, text: &str) -> FileResult<Self, SettingsError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let reader = SettingsReader {
            path,
            lines: LineIndex::of(text),
            options: SettingOptions::shared(),
        };
        let table = DeTable::parse(text).map_err(|error| {
            reader.error(
                &error.span().unwrap_or(0..0),
                SettingsProblem::Syntax(error.message().replace('\n', ", ")),
            )
        })?;
        reader.file(table.get_ref())
    }
}

/// The settings file in a folder or the nearest one above it, up to the root of the repository.
fn nearest_file(cwd: &Path) -> Option<PathBuf> {
    let root = cwd
        .ancestors()
        .find(|folder| folder.join(".git").exists())
        .unwrap_or(cwd);
    cwd.ancestors()
        .take_while(|folder| folder.starts_with(root))
        .map(|folder| folder.join(FILE_NAME))
        .find(|path| path.exists())
}

/// The owner of a file, or of the link to it, if that is a user who is not trusted.
#[cfg(unix)]
fn stranger(path: &Path, sudo_uid: Option<&str>) -> Option<u32> {
    use std::{fs, os::unix::fs::MetadataExt};
    let of = |meta: io::Result<fs::Metadata>| {
        meta.ok()
            .map(|meta| meta.uid())
            .filter(|owner| !user::is_trusted(*owner, sudo_uid))
    };
    of(fs::symlink_metadata(path)).or_else(|| of(fs::metadata(path)))
}

#[cfg(not(unix))]
fn stranger(_: &Path, _: Option<&str>) -> Option<u32> {
    None
}

struct SettingsReader<'a> {
    path: &'a Path,
    lines: LineIndex<'a>,
    options: &'static SettingOptions,
}

type FileResult<T, E = SettingsError> = Result<T, E>;

impl SettingsReader<'_> {
    fn file(&self, table: &DeTable<'_>) -> FileResult<SettingsFile> {
        let mut file = SettingsFile {
            path: self.path.to_path_buf(),
            ..SettingsFile::default()
        };
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "format" => self.format(value)?,
                ignored::TABLE => file.ignored = self.ignored(value)?,
                "env" => {
                    for (name, value) in in_order(self.table("env", value)?) {
                        let env = name.get_ref().parse::<EnvName>().map_err(|error| {
                            self.error(
                                &name.span(),
                                SettingsProblem::Value {
                                    name: format!("env.{}", name.get_ref().escape_debug()),
                                    reason: error.to_string(),
                                },
                            )
                        })?;
                        let mut said = OptionTable::new();
                        for (key, value) in in_order(self.table(&format!("env.{env}"), value)?) {
                            if key.get_ref() == ignored::TABLE {
                                file.ignored_in.insert(env.clone(), self.ignored(value)?);
                            } else {
                                self.option(
                                    &mut said,
                                    key.get_ref(),
                                    &key.span(),
                                    value,
                                    &[ignored::TABLE],
                                )?;
                            }
                        }
                        file.envs.insert(env, said);
                    }
                }
                name => self.option(
                    &mut file.top,
                    name,
                    &key.span(),
                    value,
                    &["env", "format", ignored::TABLE],
                )?,
            }
        }
        self.must_fit_their_kinds(table, &file)?;
        Ok(file)
    }

    /// In the table of an environment, an option of another kind has no effect. At the top level,
    /// it is for the environments of its kind.
    fn must_fit_their_kinds(&self, table: &DeTable<'_>, file: &SettingsFile) -> FileResult<()> {
        let Some(DeValue::Table(envs)) = table.get("env").map(Spanned::get_ref) else {
            return Ok(());
        };
        for (env, value) in in_order(envs) {
            let (Ok(env), DeValue::Table(options)) = (env.get_ref().parse(), value.get_ref())
            else {
                continue;
            };
            let kind = file.kind(Some(&env)).unwrap_or(BackendKind::S3);
            let other = in_order(options).into_iter().find(|(name, _)| {
                let name = name.get_ref().as_ref();
                self.options.get(name).is_some() && !kind.has_option(name)
            });
            if let Some((name, _)) = other {
                let problem = SettingsProblem::OtherKind {
                    name: name.get_ref().to_string(),
                    kinds: names_of(&BackendKind::with_option(name.get_ref())),
                    env: env.to_string(),
                    kind,
                };
                return Err(self.error(&name.span(), problem));
            }
        }
        Ok(())
    }

    fn format(&self, value: &Spanned<DeValue<'_>>) -> FileResult<()> {
        let found = match value.get_ref() {
            DeValue::Integer(number) if number.as_str() == "1" => return Ok(()),
            DeValue::Integer(number) => number.as_str().to_owned(),
            other => format!("{} and not a number", article(other)),
        };
        Err(self.error(&value.span(), SettingsProblem::Format { found }))
    }

    fn table<'t, 'i>(
        &self,
        name: &str,
        value: &'t Spanned<DeValue<'i>>,
    ) -> FileResult<&'t DeTable<'i>> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            other => Err(self.wrong_type(name, "a table", other, &value.span())),
        }
    }

    fn option(
        &self,
        said: &mut OptionTable,
        name: &str,
        at: &Range<usize>,
        value: &Spanned<DeValue<'_>>,
        besides: &[&str],
    ) -> FileResult<()> {
        let Some(option) = self.options.get(name) else {
            let names = self
                .options
                .all()
                .iter()
                .map(|option| option.name.as_str())
                .chain(besides.iter().copied());
            let problem = match nearest(name, names, 0) {
                None if besides.contains(&"env")
                    && matches!(value.get_ref(), DeValue::Table(_)) =>
                {
                    SettingsProblem::BareTable {
                        name: name.to_owned(),
                    }
                }
                nearest => SettingsProblem::Unknown {
                    name: name.to_owned(),
                    nearest,
                },
            };
            return Err(self.error(at, problem));
        };
        if option.is_of_the_caller() {
            return Err(self.error(
                at,
                SettingsProblem::OfTheCaller {
                    name: name.to_owned(),
                    variable: option.variable(),
                },
            ));
        }
        if let Some(other) = option
            .excludes
            .iter()
            .find(|other| said.contains_key(*other))
        {
            return Err(self.error(
                at,
                SettingsProblem::Conflict {
                    name: name.to_owned(),
                    other: other.clone(),
                },
            ));
        }
        let value = match option.shape {
            ValueType::List => {
                let mut all = vec![];
                for (text, at) in self.items(option, value)? {
                    match self.read(name, &[text], &at)? {
                        Value::Array(items) => all.extend(items),
                        other => all.push(other),
                    }
                }
                Value::Array(all)
            }
            ValueType::Flag | ValueType::Number | ValueType::Text => {
                self.read(name, &[self.scalar(option, value)?], &value.span())?
            }
        };
        if let Some(reason) = value.as_str().and_then(|text| unfit_for_a_file(name, text)) {
            return Err(self.error(
                at,
                SettingsProblem::Value {
                    name: name.to_owned(),
                    reason,
                },
            ));
        }
        said.insert(
            name.to_owned(),
            FileSetting {
                value,
                line: self.place(at.start).0,
            },
        );
        Ok(())
    }

    fn read(&self, name: &str, texts: &[String], at: &Range<usize>) -> FileResult<Value> {
        self.options.read(name, texts).map_err(|reason| {
            self.error(
                at,
                SettingsProblem::Value {
                    name: name.to_owned(),
                    reason,
                },
            )
        })
    }

    fn scalar(&self, option: &OptionInfo, value: &Spanned<DeValue<'_>>) -> FileResult<String> {
        let wanted = match (option.shape, value.get_ref()) {
            (ValueType::Flag, DeValue::Boolean(flag)) => return Ok(flag.to_string()),
            (ValueType::Number, DeValue::Integer(number)) => {
                let digits = number.as_str().replace('_', "");
                return Ok(i128::from_str_radix(&digits, number.radix())
                    .map_or(digits, |number| number.to_string()));
            }
            (ValueType::Text | ValueType::List, DeValue::String(text)) => {
                return Ok(text.to_string());
            }
            (ValueType::Flag, _) => "`true` or `false`",
            (ValueType::Number, _) => "a whole number",
            (ValueType::Text | ValueType::List, _) => "text in quotes",
        };
        Err(self.wrong_type(&option.name, wanted, value.get_ref(), &value.span()))
    }

    /// The items of a list with their places: `["a", "b"]`, and for tags also `{ Key = "value" }`.
    fn items(
        &self,
        option: &OptionInfo,
        value: &Spanned<DeValue<'_>>,
    ) -> FileResult<Vec<(String, Range<usize>)>> {
        match value.get_ref() {
            DeValue::Array(items) => items
                .iter()
                .map(|item| Ok((self.scalar(option, item)?, item.span())))
                .collect(),
            DeValue::Table(table) if option.name == "tag" => in_order(table)
                .into_iter()
                .map(|(key, value)| {
                    if key.get_ref().contains('=') {
                        let reason = "has a key with `=`".to_owned();
                        return Err(self.error(
                            &key.span(),
                            SettingsProblem::Value {
                                name: option.name.clone(),
                                reason,
                            },
                        ));
                    }
                    Ok((
                        format!("{}={}", key.get_ref(), self.scalar(option, value)?),
                        key.span().start..value.span().end,
                    ))
                })
                .collect(),
            other => Err(self.wrong_type(
                &option.name,
                "a list such as `[\"…\"]`",
                other,
                &value.span(),
            )),
        }
    }

    fn wrong_type(
        &self,
        name: &str,
        wanted: &'static str,
        found: &DeValue<'_>,
        at: &Range<usize>,
    ) -> SettingsError {
        self.error(
            at,
            SettingsProblem::Type {
                name: name.to_owned(),
                wanted,
                found: article(found),
            },
        )
    }

    fn error(&self, at: &Range<usize>, problem: SettingsProblem) -> SettingsError {
        let (line, column) = self.place(at.start);
        SettingsError::File {
            path: self.path.to_path_buf(),
            line,
            column,
            problem,
        }
    }

    /// Line and column, both from 1.
    fn place(&self, offset: usize) -> (usize, usize) {
        self.lines.place(offset)
    }
}

/// Returns the reason why a settings file, which may be part of a checkout, cannot set this path;
/// the
/// command line can.
fn unfit_for_a_file(name: &str, text: &str) -> Option<String> {
    match name {
        "out" if Path::new(text).has_root() => Some(
            "is an absolute path; in this file it must be relative, or pass `--dir`".to_owned(),
        ),
        "conf-file" | "tf-file" => text
            .parse::<FileName>()
            .ok()?
            .must_be_for_terraform()
            .err()
            .map(|wrong| {
                format!(
                    "{wrong}; in this file, a name must not begin with `.`, and must end in \
                     `.tf`, `.tofu`, `.tfbackend`, `.conf`, `.config`, `.hcl` or `.tfvars`; or \
                     pass `--{name}`"
                )
            }),
        _ => None,
    }
}

/// As written: of several mistakes, the first is told.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(
    &'t Spanned<toml::de::DeString<'i>>,
    &'t Spanned<DeValue<'i>>,
)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
