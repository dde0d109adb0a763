//! Answers of a `bootstrap` that did not come to its end, for the next one in the same folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

#[cfg(unix)]
use crate::host::user::is_trusted;

use super::{WizardAnswers, toml_for, wrong_kind};
use crate::{
    host::{
        Host, Prompt, PromptAnswer, PromptError, Question, QuestionKind, bounded, private_file,
    },
    settings::{file::SettingsFile, merge::SettingsSources, names::EnvName},
};

/// The file for one folder, in the user's folder for the state of programs.
#[derive(Clone, Debug)]
pub(crate) struct UnfinishedAnswers {
    path: PathBuf,
    folder: PathBuf,
}

impl UnfinishedAnswers {
    /// `None` if the user has no such folder.
    pub(crate) fn of_folder(host: &Host) -> Option<Self> {
        // As the XDG Base Directory Specification says, a relative path is ignored.
        let folder = |name: &str| {
            let path = host.var(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let state = folder("XDG_STATE_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".local/state")))?;
        let folder = fs::canonicalize(&host.cwd).unwrap_or_else(|_| host.cwd.clone());
        let hash = Sha256::digest(folder.as_os_str().as_encoded_bytes());
        let name: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            path: state.join("tfbackend/answers").join(format!("{name}.toml")),
            folder,
        })
    }

    /// Keeps them for the next run. Answers without an environment are not worth it.
    pub(crate) fn keep(&self, answers: &WizardAnswers) -> bool {
        let Some(env) = &answers.env else {
            return false;
        };
        let others = self.read().into_iter().filter_map(|kept| {
            let other = kept.env.filter(|other| other != env)?;
            Some(toml_for(&other, &kept.layer))
        });
        let all: Vec<String> = [toml_for(env, &answers.layer)]
            .into_iter()
            .chain(others)
            .collect();
        self.write(&all)
    }

    fn write(&self, tables: &[String]) -> bool {
        let text = format!(
            "# Answers to `tfbackend bootstrap` in {}, which did not come to its end.\n{}",
            self.folder.display().to_string().escape_debug(),
            tables.join("\n")
        );
        self.path
            .parent()
            .is_some_and(|dir| private_file::create_dir(dir).is_ok())
            && private_file::write(&self.path, text.as_bytes(), true).is_ok()
    }

    /// Forgets those of an environment, which are of no use any more.
    pub(crate) fn forget(&self, env: Option<&EnvName>) {
        let (forgotten, others): (Vec<_>, Vec<_>) = self
            .read()
            .into_iter()
            .partition(|kept| kept.env.as_ref() == env);
        if forgotten.is_empty() {
            return;
        }
        let others: Vec<String> = others
            .iter()
            .filter_map(|kept| Some(toml_for(kept.env.as_ref()?, &kept.layer)))
            .collect();
        if others.is_empty() || !self.write(&others) {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Offers them, unless the run is about another environment; forgets them if the user does not
    /// want them.
    pub(crate) fn offer(
        &self,
        prompt: &mut dyn Prompt,
        env: Option<&EnvName>,
    ) -> Result<Option<WizardAnswers>, PromptError> {
        let Some(answers) = self
            .read()
            .into_iter()
            .find(|answers| env.is_none() || answers.env.as_ref() == env)
        else {
            return Ok(None);
        };
        let shown = [
            answers.env.as_ref().map(ToString::to_string),
            answers.layer.project.as_ref().map(ToString::to_string),
            answers.layer.region.as_ref().map(ToString::to_string),
        ];
        let shown: Vec<String> = shown.into_iter().flatten().collect();
        let question = Question {
            text: format!(
                "Use the answers of the last, unfinished run ({})?",
                shown.join(", ")
            ),
            flag: "--env",
            kind: QuestionKind::YesNo { default: true },
        };
        match prompt.ask(&question)? {
            PromptAnswer::YesNo(true) => Ok(Some(answers)),
            PromptAnswer::YesNo(false) => {
                self.forget(answers.env.as_ref());
                Ok(None)
            }
            PromptAnswer::Text(_) | PromptAnswer::Choice(_) => Err(wrong_kind()),
        }
    }

    /// None if the file is not one of ours: another user may have put it there, or another version
    /// have written it.
    fn read(&self) -> Vec<WizardAnswers> {
        let file = is_own(&self.path)
            .then(|| bounded::text(&self.path).ok())
            .flatten()
            .and_then(|text| SettingsFile::parse(Path::new("answers"), &text).ok());
        let Some(file) = file else {
            return vec![];
        };
        let envs: Vec<EnvName> = file.envs.keys().cloned().collect();
        let sources = SettingsSources {
            file: Some(file),
            ..SettingsSources::default()
        };
        let answers = envs.into_iter().map(|env| WizardAnswers {
            layer: sources.merged(&env).said(),
            env: Some(env),
        });
        answers.collect()
    }
}

/// Returns whether only this user, or root, can have written a file.
#[cfg(unix)]
fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let is_own = |path: &Path| {
        fs::symlink_metadata(path)
            .is_ok_and(|meta| is_trusted(meta.uid(), None) && meta.mode() & 0o022 == 0)
    };
    is_own(path) && path.parent().is_some_and(is_own)
}

#[cfg(not(unix))]
fn is_own(_: &Path) -> bool {
    true
}
