//! Writes answers to `tfbackend.toml`, so that the user is not asked again.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    context::Context, environment::ResolvedEnvironment, explain, failure::CliError,
    folder_defaults, wizard,
};
use crate::{
    host::{Host, PromptAnswer, Question, QuestionKind, bounded},
    settings::{
        file::{FILE_NAME, SettingsFile, set},
        merge::MergedSettings,
        names::EnvName,
    },
    terraform::read::LinkBoundary,
    text::shell::shell_word,
};

/// A file to write, and the contents that it must have until then.
#[derive(Clone, Debug)]
pub(crate) struct PendingFile {
    path: PathBuf,
    /// The path for messages.
    shown: String,
    before: Option<String>,
    after: String,
}

pub(crate) const GO_ON: &str = "continue without it: --save=false";

/// The settings of an environment that may be saved.
pub(crate) struct SaveRequest<'a> {
    pub env: &'a EnvName,
    pub merged: &'a MergedSettings,
    /// The settings file, if there is one.
    pub file: Option<&'a SettingsFile>,
    /// True if the user was asked for any setting.
    pub asked: bool,
    pub auto_approve: bool,
}

impl<'a> SaveRequest<'a> {
    pub(crate) fn of(resolved: &'a ResolvedEnvironment) -> Self {
        Self {
            env: &resolved.settings.common.env,
            merged: &resolved.merged,
            file: resolved.sources.file.as_ref(),
            asked: resolved.asked,
            auto_approve: resolved.settings.common.run.auto_approve,
        }
    }
}

/// Returns the text to write, if `wanted` or the user agrees. The user is asked only if there were
/// other questions.
pub(crate) fn offer(
    request: &SaveRequest<'_>,
    wanted: Option<bool>,
    cx: &mut Context<'_>,
) -> Result<Option<PendingFile>, CliError> {
    let SaveRequest { env, file, .. } = *request;
    if file.is_some_and(|file| file.envs.contains_key(env)) {
        return Ok(None);
    }
    let wanted = match wanted {
        Some(wanted) => wanted,
        None if !request.asked || request.auto_approve => false,
        None => {
            let shown = file.map_or(FILE_NAME.to_owned(), |file| file.path.display().to_string());
            let text = format!("Save the answers in {shown}");
            let question = Question {
                text,
                flag: "--save",
                kind: QuestionKind::YesNo { default: true },
            };
            cx.host
                .prompt
                .ask(&question)
                .map_err(|error| explain::prompt(&error))?
                == PromptAnswer::YesNo(true)
        }
    };
    if !wanted {
        return Ok(None);
    }
    prepare(request, cx.host)
        .map(Some)
        .map_err(|failure| failure.hint(GO_ON))
}

/// # Errors
/// If the file cannot be added to.
pub(crate) fn prepare(request: &SaveRequest<'_>, host: &Host) -> Result<PendingFile, CliError> {
    let shown = request.file.map_or(Path::new(FILE_NAME), |file| &file.path);
    let (path, before) = read(shown, host)?;
    let layer = folder_defaults::without(
        request.merged.not_in_file().without_run(),
        request.merged,
        host,
    );
    let env = request.env;
    let after =
        wizard::appended(before.as_deref().unwrap_or_default(), env, &layer).map_err(|error| {
            CliError::failed(format!(
                "cannot add [env.{env}] to {}; nothing was changed",
                shown.display()
            ))
            .because(&error)
        })?;
    Ok(PendingFile {
        path,
        shown: shown.display().to_string(),
        before,
        after,
    })
}

/// Returns the path of the file and its contents, if it exists.
fn read(shown: &Path, host: &Host) -> Result<(PathBuf, Option<String>), CliError> {
    let path = host.cwd.join(shown);
    target(&path, &shown.display().to_string())?;
    match bounded::text(&path) {
        Ok(text) => Ok((path, Some(text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path, None)),
        Err(error) => {
            Err(CliError::failed(format!("cannot read {}", shown.display())).because(&error))
        }
    }
}

/// Returns the file to write: a link is kept, and its target is replaced.
///
/// A checkout can contain links to any path. Therefore a link that leads out of its repository, or
/// out of its folder without a repository, is refused.
///
/// # Errors
/// If a link leads elsewhere, or to nothing.
fn target(path: &Path, shown: &str) -> Result<PathBuf, CliError> {
    let Ok(leads_to) = fs::read_link(path) else {
        return Ok(path.to_owned());
    };
    let refused = |what: &str, to: &Path| {
        CliError::refused(format!(
            "{shown} is a symbolic link to {}, {what}; nothing was changed",
            to.display()
        ))
    };
    let real = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(refused("which does not exist", &leads_to)
                .hint("remove the link, or create the file that it points to"));
        }
        Err(error) => {
            return Err(CliError::failed(format!(
                "cannot follow the symbolic link {shown}; nothing was changed"
            ))
            .because(&error));
        }
    };
    if LinkBoundary::of(path.parent().unwrap_or(Path::new("."))).has(&real) {
        return Ok(real);
    }
    let hint = format!(
        "name the file itself: --config {}; or put a file in place of the link",
        shell_word(&real.display().to_string())
    );
    Err(refused("which is not in its repository or folder", &real).hint(hint))
}

impl PendingFile {
    /// Appends text to the file that was read, or to a new one. The rest is unchanged.
    ///
    /// # Errors
    /// If the file cannot be read, or would not be understood with it.
    pub(crate) fn appending(
        file: Option<&SettingsFile>,
        text: &str,
        host: &Host,
    ) -> Result<Self, CliError> {
        let shown = file.map_or(Path::new(FILE_NAME), |file| &file.path);
        let (path, before) = read(shown, host)?;
        let existing = before.as_deref().unwrap_or_default();
        let gap = if existing.is_empty() || existing.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let after = format!(
            "{existing}{gap}{}",
            if existing.is_empty() {
                text.trim_start()
            } else {
                text
            }
        );
        SettingsFile::parse(shown, &after).map_err(|error| {
            CliError::failed(format!(
                "cannot add to {}; nothing was changed",
                shown.display()
            ))
            .because(&error)
        })?;
        Ok(Self {
            path,
            shown: shown.display().to_string(),
            before,
            after,
        })
    }

    /// One value of an environment in the file that was read; `None` if it says so, or says nothing
    /// of the environment.
    ///
    /// # Errors
    /// If the file cannot be read, or not be edited without changing more.
    pub(crate) fn setting(
        file: &SettingsFile,
        env: &EnvName,
        name: &str,
        value: &str,
        host: &Host,
    ) -> Result<Option<Self>, CliError> {
        let (path, before) = read(&file.path, host)?;
        let shown = file.path.display().to_string();
        let text = before.as_deref().unwrap_or_default();
        let after = set::set(&file.path, text, env, name, value).map_err(|error| {
            CliError::failed(format!("cannot set `{name}` in {shown}")).because(&error)
        })?;
        Ok(after.map(|after| Self {
            path,
            shown,
            before,
            after,
        }))
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Writes it, and says so: before anything is created, so that an interrupted run continues
    /// without questions.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn keep(&self, cx: &mut Context<'_>) -> Result<(), CliError> {
        self.write().map_err(|failure| failure.hint(GO_ON))?;
        cx.status(&format!("written: {}", self.shown()));
        Ok(())
    }

    /// Writes the whole file or nothing, and only over what was read.
    ///
    /// # Errors
    /// If it cannot be written, or has changed meanwhile.
    pub(crate) fn write(&self) -> Result<(), CliError> {
        let shown = &self.shown;
        let failed = |error: &io::Error| {
            CliError::failed(format!("cannot write {shown}; nothing was changed")).because(error)
        };
        let target = target(&self.path, shown)?;
        let folder = target.parent().unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tfbackend-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut temp = builder
            .tempfile_in(folder)
            .map_err(|error| failed(&error))?;
        temp.write_all(self.after.as_bytes())
            .and_then(|()| temp.as_file().sync_all())
            .map_err(|error| failed(&error))?;
        self.put(temp, &target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CliError::refused(format!(
                "{shown} has changed meanwhile; nothing was changed"
            ))
            .hint("run the same command again"),
            _ => failed(&error),
        })
    }

    fn put(&self, temp: NamedTempFile, target: &Path) -> io::Result<()> {
        let Some(before) = &self.before else {
            return temp
                .persist_noclobber(target)
                .map(drop)
                .map_err(|error| error.error);
        };
        if bounded::text(target)? != *before {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        temp.as_file()
            .set_permissions(fs::metadata(target)?.permissions())?;
        temp.persist(target).map(drop).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(path: &Path, before: Option<&str>, after: &str) -> PendingFile {
        PendingFile {
            path: path.to_owned(),
            shown: FILE_NAME.to_owned(),
            before: before.map(str::to_owned),
            after: after.to_owned(),
        }
    }

    fn written(
        before: Option<&str>,
        meanwhile: Option<&str>,
    ) -> (Result<(), CliError>, Option<String>) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(FILE_NAME);
        if let Some(text) = meanwhile.or(before) {
            fs::write(&path, text).expect("written");
        }
        let save = save(&path, before, "after");
        let result = save.write();
        let left: Vec<_> = fs::read_dir(dir.path()).expect("a folder").collect();
        assert!(left.len() <= 1, "no temporary file is left");
        (result, fs::read_to_string(path).ok())
    }

    #[test]
    fn only_what_was_read_is_replaced() {
        for (before, meanwhile, left) in [
            (None, None, "after"),
            (Some("a"), None, "after"),
            (None, Some("b"), "b"),
            (Some("a"), Some("b"), "b"),
        ] {
            let (result, text) = written(before, meanwhile);
            assert_eq!(
                (result.is_ok(), text.as_deref()),
                (left == "after", Some(left)),
                "{before:?} {meanwhile:?}: {result:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let (real, link) = (dir.path().join("real.toml"), dir.path().join(FILE_NAME));
        fs::write(&real, "a").expect("written");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink(&real, &link).expect("a link");
        save(&link, Some("a"), "b").write().expect("written");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(
            fs::metadata(&real).expect("there").permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(fs::read_to_string(&real).expect("there"), "b");
    }
}
