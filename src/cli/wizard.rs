//! The questions of an interactive `bootstrap`: only for missing settings, each with the flag that
//! answers it, and the equivalent command.

use std::str::FromStr;

use super::prompt::NoPrompt;
use crate::{
    host::{Prompt, PromptAnswer, PromptError, Question, QuestionKind},
    settings::{
        layer::{EncryptionKind, LockMechanism, SettingsLayer, TrailKind},
        merge::{MergedSettings, SettingsSources},
        names::{Email, EnvName, KeyArn, PrincipalName, ProjectName, Region, StateKey},
    },
};

mod said;

pub use said::{appended, command, equivalent_command, toml_for};

/// The sources of defaults.
#[derive(Clone, Debug, Default)]
pub struct WizardHints {
    /// Name of the Git repository's folder, else of the current one.
    pub folder: Option<String>,
    /// Region of the AWS profile; `AWS_REGION` is known already.
    pub profile_region: Option<String>,
}

/// Asks for the environment: `dev` by default, or the first one of `tfbackend.toml`.
///
/// # Errors
/// As [`ask`].
pub fn ask_env(prompt: &mut dyn Prompt, sources: &SettingsSources) -> Result<EnvName, PromptError> {
    let known: Vec<String> = sources
        .file
        .iter()
        .flat_map(|file| file.envs.keys())
        .map(ToString::to_string)
        .collect();
    let dev = "dev".to_owned();
    // A single environment is not asked for, unless a new one is requested.
    let default = if known.len() < 2 || known.contains(&dev) {
        dev
    } else {
        known[0].clone()
    };
    let kind = QuestionKind::Text {
        default: Some(default),
        check: reads_as::<EnvName>,
    };
    match prompt.ask(&Question {
        text: "Environment, as part of every name".to_owned(),
        flag: "--env",
        kind,
    })? {
        PromptAnswer::Text(text) => text.trim().parse().map_err(|_| wrong_kind()),
        PromptAnswer::Choice(_) | PromptAnswer::YesNo(_) => Err(wrong_kind()),
    }
}

/// Asks for project, account and region, which are needed to read the caller identity; with
/// `takes_defaults`, only for values without a default.
///
/// # Errors
/// As [`ask`].
pub fn ask_where(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    hints: &WizardHints,
    takes_defaults: bool,
) -> Result<SettingsLayer, PromptError> {
    let mut asking = Wizard {
        prompt,
        merged,
        takes_defaults,
        answers: SettingsLayer::default(),
    };
    asking.environment(hints)?;
    Ok(asking.answers)
}

/// Asks for the project alone.
///
/// # Errors
/// As [`ask`].
pub fn ask_project(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    hints: &WizardHints,
) -> Result<SettingsLayer, PromptError> {
    let mut asking = Wizard {
        prompt,
        merged,
        takes_defaults: true,
        answers: SettingsLayer::default(),
    };
    asking.project(hints)?;
    Ok(asking.answers)
}

/// Returns whether [`ask`] has any question.
pub fn has_questions(merged: &MergedSettings) -> bool {
    matches!(
        ask(&mut NoPrompt, merged),
        Err(PromptError::CannotAsk { .. })
    )
}

/// Asks for all other missing settings. Each answer is valid on its own.
///
/// # Errors
/// If a question cannot be asked, or the user interrupts it: then nothing was changed.
pub fn ask(prompt: &mut dyn Prompt, merged: &MergedSettings) -> Result<SettingsLayer, PromptError> {
    let mut asking = Wizard {
        prompt,
        merged,
        takes_defaults: false,
        answers: SettingsLayer::default(),
    };
    asking.state()?;
    asking.encryption()?;
    asking.alarms()?;
    asking.trail()?;
    asking.access()?;
    asking.protection()?;
    Ok(asking.answers)
}

/// Asks only for the state key, if it is missing: in an existing backend, each folder uses its own
/// state.
///
/// # Errors
/// As [`ask`].
pub fn ask_state_key(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
) -> Result<SettingsLayer, PromptError> {
    let mut asking = Wizard {
        prompt,
        merged,
        takes_defaults: false,
        answers: SettingsLayer::default(),
    };
    asking.state_key()?;
    Ok(asking.answers)
}

struct Wizard<'a> {
    prompt: &'a mut dyn Prompt,
    merged: &'a MergedSettings,
    /// True if values with a default are not asked for.
    takes_defaults: bool,
    answers: SettingsLayer,
}

impl Wizard<'_> {
    fn open(&self, names: &[&str]) -> bool {
        names.iter().all(|name| {
            if self.takes_defaults {
                self.merged.origin(name).is_none()
            } else {
                !self.merged.is_said(name)
            }
        })
    }

    fn project(&mut self, hints: &WizardHints) -> Result<(), PromptError> {
        if self.open(&["project"]) {
            let default = hints.folder.as_deref().and_then(project_from);
            self.answers.project = Some(self.value(
                "Project, as part of every name",
                "--project",
                default.as_ref(),
            )?);
        }
        Ok(())
    }

    fn environment(&mut self, hints: &WizardHints) -> Result<(), PromptError> {
        self.project(hints)?;
        if self.open(&["region"]) {
            let profile = || {
                hints
                    .profile_region
                    .as_deref()
                    .and_then(|region| region.parse::<Region>().ok())
            };
            let default = self
                .merged
                .layer
                .region
                .clone()
                .or_else(profile)
                .map(String::from);
            self.answers.region =
                Some(self.value("AWS region of the backend", "--region", default.as_ref())?);
        }
        Ok(())
    }

    fn state_key(&mut self) -> Result<(), PromptError> {
        // A value in tfbackend's file in the folder counts as an answer.
        if self.open(&["key"]) && !self.merged.is_kept("key") {
            let default = self.merged.layer.key.clone();
            let key: StateKey = self.value(
                "State key, the path of the state in the bucket",
                "--key",
                default.as_ref(),
            )?;
            self.answers.key = Some(key);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<(), PromptError> {
        self.state_key()?;
        if self.open(&["lock"]) {
            let options = [
                (
                    LockMechanism::Dynamodb,
                    "dynamodb",
                    "a DynamoDB table, for every version; deprecated since Terraform 1.11",
                ),
                (
                    LockMechanism::S3,
                    "s3",
                    "an object beside the state; needs Terraform or OpenTofu 1.10",
                ),
                (
                    LockMechanism::Both,
                    "both",
                    "to move from the table to the object: first `both`, then `s3`",
                ),
            ];
            let lock = self.choice("State locking mechanism", "--lock", &options)?;
            self.answers.lock = Some(lock);
        }
        Ok(())
    }

    fn encryption(&mut self) -> Result<(), PromptError> {
        if !self.open(&["encryption", "kms-key"]) {
            return Ok(());
        }
        #[derive(Clone, Copy)]
        enum WizardKey {
            New,
            Own,
            None,
        }
        let options = [
            (
                WizardKey::New,
                "new KMS key",
                "1 USD a month; the key policy decides who can decrypt",
            ),
            (WizardKey::Own, "existing KMS key", "a key in this region"),
            (
                WizardKey::None,
                "SSE-S3",
                "free; every principal that may read the bucket can decrypt",
            ),
        ];
        match self.choice(
            "Encryption of the states",
            "--encryption, --kms-key",
            &options,
        )? {
            WizardKey::New => self.answers.encryption = Some(EncryptionKind::Kms),
            WizardKey::None => self.answers.encryption = Some(EncryptionKind::SseS3),
            WizardKey::Own => {
                self.answers.kms_key =
                    Some(self.value::<KeyArn>("ARN of the key", "--kms-key", None::<&String>)?)
            }
        }
        Ok(())
    }

    fn alarms(&mut self) -> Result<(), PromptError> {
        if self.merged.layer.alarms == Some(false) || !self.open(&["alarm-email", "alarm-topic"]) {
            return Ok(());
        }
        self.answers.alarm_email = Some(self.list::<Email>(
            "E-mail addresses for alarms, separated by commas (empty for none)",
            "--alarm-email",
        )?);
        Ok(())
    }

    fn trail(&mut self) -> Result<(), PromptError> {
        if self.open(&["trail"]) {
            let options = [
                (
                    TrailKind::New,
                    "new",
                    "records each read and write; 0.10 USD per 100,000, and storage",
                ),
                (
                    TrailKind::Existing(None),
                    "existing",
                    "a trail of the account already does so; this is checked",
                ),
                (TrailKind::Off, "off", "no record of who read a state"),
            ];
            self.answers.trail =
                Some(self.choice("CloudTrail audit trail", "--trail", &options)?);
        }
        Ok(())
    }

    fn access(&mut self) -> Result<(), PromptError> {
        if self.merged.layer.policy == Some(false) || !self.open(&["attach-to"]) {
            return Ok(());
        }
        let text = "Attach the policy to role/NAME, user/NAME, group/NAME (empty for none)";
        self.answers.attach_to = Some(self.list::<PrincipalName>(text, "--attach-to")?);
        Ok(())
    }

    fn protection(&mut self) -> Result<(), PromptError> {
        if !self.open(&["ephemeral"]) {
            return Ok(());
        }
        let question = Question {
            text: "Protect against accidental deletion".to_owned(),
            flag: "--ephemeral",
            kind: QuestionKind::YesNo { default: true },
        };
        let PromptAnswer::YesNo(protect) = self.prompt.ask(&question)? else {
            return Err(wrong_kind());
        };
        self.answers.ephemeral = Some(!protect);
        Ok(())
    }

    fn value<T>(
        &mut self,
        text: &str,
        flag: &'static str,
        default: Option<&impl ToString>,
    ) -> Result<T, PromptError>
    where
        T: FromStr<Err: ToString>,
    {
        let kind = QuestionKind::Text {
            default: default.map(ToString::to_string),
            check: reads_as::<T>,
        };
        match self.prompt.ask(&Question {
            text: text.to_owned(),
            flag,
            kind,
        })? {
            PromptAnswer::Text(text) => text.trim().parse().map_err(|_| wrong_kind()),
            PromptAnswer::Choice(_) | PromptAnswer::YesNo(_) => Err(wrong_kind()),
        }
    }

    fn list<T>(&mut self, text: &str, flag: &'static str) -> Result<Vec<T>, PromptError>
    where
        T: FromStr<Err: ToString>,
    {
        let kind = QuestionKind::Text {
            default: Some(String::new()),
            check: reads_as_list::<T>,
        };
        match self.prompt.ask(&Question {
            text: text.to_owned(),
            flag,
            kind,
        })? {
            PromptAnswer::Text(text) => items(&text)
                .map(|item| item.parse().map_err(|_| wrong_kind()))
                .collect(),
            PromptAnswer::Choice(_) | PromptAnswer::YesNo(_) => Err(wrong_kind()),
        }
    }

    /// The first option is the default.
    fn choice<T: Clone>(
        &mut self,
        text: &str,
        flag: &'static str,
        options: &[(T, &str, &str)],
    ) -> Result<T, PromptError> {
        let shown = options
            .iter()
            .map(|(_, name, line)| ((*name).to_owned(), (*line).to_owned()))
            .collect();
        let question = Question {
            text: text.to_owned(),
            flag,
            kind: QuestionKind::Choice {
                options: shown,
                default: 0,
            },
        };
        match self.prompt.ask(&question)? {
            PromptAnswer::Choice(chosen) => options
                .get(chosen)
                .map(|(value, ..)| value.clone())
                .ok_or_else(wrong_kind),
            PromptAnswer::Text(_) | PromptAnswer::YesNo(_) => Err(wrong_kind()),
        }
    }
}

/// Derives a project name from a folder name, if possible.
pub fn project_from(folder: &str) -> Option<ProjectName> {
    let hyphens: String = folder
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else {
                '-'
            }
        })
        .collect();
    let parts: Vec<&str> = hyphens.split('-').filter(|part| !part.is_empty()).collect();
    let name: String = parts.join("-").chars().take(MAX_SUGGESTED).collect();
    name.trim_end_matches('-').parse().ok()
}

/// A project name short enough for a bucket name with an environment.
const MAX_SUGGESTED: usize = 16;

fn reads_as<T: FromStr<Err: ToString>>(text: &str) -> Result<(), String> {
    text.trim()
        .parse::<T>()
        .map(drop)
        .map_err(|error| error.to_string())
}

fn reads_as_list<T: FromStr<Err: ToString>>(text: &str) -> Result<(), String> {
    items(text).try_for_each(|item| {
        item.parse::<T>()
            .map(drop)
            .map_err(|error| format!("`{}` {}", item.escape_debug(), error.to_string()))
    })
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// A prompt that answers otherwise than it was asked.
fn wrong_kind() -> PromptError {
    PromptError::Io(std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "the answer does not fit the question",
    ))
}
