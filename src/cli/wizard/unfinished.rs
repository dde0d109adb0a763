//! Answers of a `bootstrap` that did not come to its end, for the next one in the same folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

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
        let absolute = |path: &str| host.cwd.join(path);
        let state = host.var("XDG_STATE_HOME").map(absolute).or_else(|| {
            host.var("HOME")
                .map(|home| absolute(home).join(".local/state"))
        })?;
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
        let text = format!(
            "# Answers to `tfbackend bootstrap` in {}, which did not come to its end.\n{}",
            self.folder.display().to_string().escape_debug(),
            toml_for(env, &answers.layer)
        );
        self.path
            .parent()
            .is_some_and(|dir| private_file::create_dir(dir).is_ok())
            && private_file::write(&self.path, text.as_bytes(), true).is_ok()
    }

    /// Forgets those of an environment, which are of no use any more.
    pub(crate) fn forget(&self, env: Option<&EnvName>) {
        if self.read().is_some_and(|kept| kept.env.as_ref() == env) {
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
            .filter(|answers| env.is_none() || answers.env.as_ref() == env)
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

    /// `None` if there are none, or the file is not one of ours: another version may have written
    /// it.
    fn read(&self) -> Option<WizardAnswers> {
        let text = bounded::text(&self.path).ok()?;
        let file = SettingsFile::parse(Path::new("answers"), &text).ok()?;
        let env = file.envs.keys().next()?.clone();
        let sources = SettingsSources {
            file: Some(file),
            ..SettingsSources::default()
        };
        let layer = sources.merged(&env).said();
        Some(WizardAnswers {
            env: Some(env),
            layer,
        })
    }
}
