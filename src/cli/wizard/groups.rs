//! The settings that have defaults, in groups: shown together, and asked for one after the other if
//! the user wants to edit them.

use std::{collections::BTreeSet, str::FromStr};

use super::{WizardFacts, WizardLookup, reads_as, table, value, wrong_kind};
use crate::{
    host::{Prompt, PromptAnswer, PromptError, Question, QuestionKind},
    settings::{
        layer::{EncryptionKind, LockMechanism, SettingsLayer, TrailKind},
        merge::MergedSettings,
        names::{Email, KeyArn, PrincipalName, StateKey, TopicArn},
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WizardGroup {
    StateKey,
    Lock,
    Encryption,
    Alarms,
    Trail,
    Access,
    Protection,
}

const ALL: [WizardGroup; 7] = [
    WizardGroup::StateKey,
    WizardGroup::Lock,
    WizardGroup::Encryption,
    WizardGroup::Alarms,
    WizardGroup::Trail,
    WizardGroup::Access,
    WizardGroup::Protection,
];

impl WizardGroup {
    /// Returns whether no source answers it.
    pub(super) fn is_open(self, merged: &MergedSettings) -> bool {
        let unsaid = |names: &[&str]| names.iter().all(|name| !merged.is_said(name));
        match self {
            // A value in tfbackend's file in the folder counts as an answer.
            Self::StateKey => unsaid(&["key"]) && !merged.is_kept("key"),
            Self::Lock => unsaid(&["lock"]),
            Self::Encryption => unsaid(&["encryption", "kms-key"]),
            Self::Alarms => {
                merged.layer.alarms != Some(false) && unsaid(&["alarm-email", "alarm-topic"])
            }
            Self::Trail => unsaid(&["trail"]),
            Self::Access => merged.layer.policy != Some(false) && unsaid(&["attach-to"]),
            Self::Protection => unsaid(&["ephemeral"]),
        }
    }
}

/// The groups that no source answers.
pub(super) fn open(merged: &MergedSettings) -> Vec<WizardGroup> {
    let all = ALL.into_iter();
    all.filter(|group| group.is_open(merged)).collect()
}

/// The order of [`Groups::ask`]'s question.
const YES: usize = 0;
const NO: usize = 1;
const WORDS: [&str; 3] = ["yes", "no", "edit"];

pub(super) struct Groups<'a> {
    pub prompt: &'a mut dyn Prompt,
    pub merged: &'a MergedSettings,
    pub facts: &'a WizardFacts,
    pub lookup: &'a dyn WizardLookup,
    pub answers: &'a mut SettingsLayer,
}

impl Groups<'_> {
    /// Shows the table and edits until the user says yes, or no.
    pub(super) async fn ask(mut self) -> Result<bool, PromptError> {
        let open = open(self.merged);
        if open.is_empty() {
            return Ok(true);
        }
        loop {
            let rows = table::rows(&self.settings().layer, &self.facts.engine);
            self.prompt.show(&table::text(&self.facts.title, &rows))?;
            let question = Question {
                text: "Use these?".to_owned(),
                flag: "--auto-approve",
                kind: QuestionKind::Words { words: &WORDS },
            };
            match self.prompt.ask(&question)? {
                PromptAnswer::Choice(YES) => return Ok(true),
                PromptAnswer::Choice(NO) => return Ok(false),
                PromptAnswer::Choice(_) => self.edit(&open).await?,
                PromptAnswer::Text(_) | PromptAnswer::YesNo(_) => return Err(wrong_kind()),
            }
        }
    }

    /// Asks for each group. Escape goes to the one before, and from the first one to the table.
    async fn edit(&mut self, groups: &[WizardGroup]) -> Result<(), PromptError> {
        let mut at = 0;
        while let Some(group) = groups.get(at) {
            match self.ask_until_it_fits(*group).await {
                Ok(()) => {
                    self.lookup.answered(self.answers);
                    at += 1;
                }
                Err(PromptError::Back) if at == 0 => return Ok(()),
                Err(PromptError::Back) => at -= 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is answered is looked up at once: a key, a trail, a topic or a principal that is not
    /// there is asked for again.
    async fn ask_until_it_fits(&mut self, group: WizardGroup) -> Result<(), PromptError> {
        loop {
            let before = self.answers.clone();
            self.ask_group(group)?;
            let is_looked_up = match group {
                WizardGroup::Encryption => self.answers.kms_key.is_some(),
                WizardGroup::Trail => matches!(self.answers.trail, Some(TrailKind::Existing(_))),
                WizardGroup::Alarms => self.answers.alarm_topic.is_some(),
                WizardGroup::Access => self
                    .answers
                    .attach_to
                    .as_ref()
                    .is_some_and(|all| !all.is_empty()),
                WizardGroup::StateKey | WizardGroup::Lock | WizardGroup::Protection => false,
            };
            if !is_looked_up {
                return Ok(());
            }
            match self.lookup.check(self.answers).await {
                Ok(()) => return Ok(()),
                Err(reason) => {
                    *self.answers = before;
                    self.prompt.refuse(&reason)?;
                }
            }
        }
    }

    fn ask_group(&mut self, group: WizardGroup) -> Result<(), PromptError> {
        let settings = self.settings();
        match group {
            WizardGroup::StateKey => {
                self.answers.key = Some(state_key(self.prompt, &settings)?);
            }
            WizardGroup::Lock => self.answers.lock = Some(self.lock(&settings.layer)?),
            WizardGroup::Encryption => self.encryption(&settings.layer)?,
            WizardGroup::Alarms => self.alarms(&settings.layer)?,
            WizardGroup::Trail => self.answers.trail = Some(self.trail(&settings.layer)?),
            WizardGroup::Access => {
                let text = "Attach the policy to role/NAME, user/NAME, group/NAME (empty for none)";
                let known = settings.layer.attach_to.unwrap_or_default();
                let chosen = self.list::<PrincipalName>(text, "--attach-to", &known)?;
                self.answers.attach_to = Some(chosen);
            }
            WizardGroup::Protection => {
                let question = Question {
                    text: "Protect against accidental deletion".to_owned(),
                    flag: "--ephemeral",
                    kind: QuestionKind::YesNo {
                        default: settings.layer.ephemeral != Some(true),
                    },
                };
                let PromptAnswer::YesNo(protect) = self.prompt.ask(&question)? else {
                    return Err(wrong_kind());
                };
                self.answers.ephemeral = Some(!protect);
            }
        }
        Ok(())
    }

    /// With what was answered so far.
    fn settings(&self) -> MergedSettings {
        self.merged.clone().with_answers(self.answers)
    }

    /// The mechanism that suits the installed engine is the first, and says why.
    fn lock(&mut self, settings: &SettingsLayer) -> Result<LockMechanism, PromptError> {
        let mut options = vec![
            (
                LockMechanism::Dynamodb,
                "dynamodb",
                "a DynamoDB table, for every version; deprecated since Terraform 1.11".to_owned(),
            ),
            (
                LockMechanism::S3,
                "s3",
                "an object beside the state; needs Terraform or OpenTofu 1.10".to_owned(),
            ),
            (
                LockMechanism::Both,
                "both",
                "to move from the table to the object: first `both`, then `s3`".to_owned(),
            ),
        ];
        if let Some(engine) = &self.facts.engine {
            let (suited, why) = if engine.has_lock_files {
                (LockMechanism::S3, "supports it, and it needs no table")
            } else {
                (LockMechanism::Dynamodb, "supports nothing else")
            };
            options.sort_by_key(|(lock, ..)| *lock != suited);
            options[0].2 = format!("recommended: {} on PATH {why}", engine.name);
        }
        let default = self.answers.lock.or_else(|| {
            // The default of the program is not an answer of the user.
            self.facts.engine.is_none().then_some(settings.lock?)
        });
        self.choice(
            "State locking mechanism",
            "--lock",
            options,
            default.as_ref(),
        )
    }

    fn encryption(&mut self, settings: &SettingsLayer) -> Result<(), PromptError> {
        #[derive(Clone, Copy, PartialEq)]
        enum WizardKey {
            New,
            Own,
            None,
        }
        let current = match (&settings.kms_key, settings.encryption) {
            (Some(_), _) => WizardKey::Own,
            (None, Some(EncryptionKind::SseS3)) => WizardKey::None,
            (None, _) => WizardKey::New,
        };
        let options = vec![
            (
                WizardKey::New,
                "new KMS key",
                "1 USD a month; the key policy decides who can decrypt".to_owned(),
            ),
            (
                WizardKey::Own,
                "existing KMS key",
                "a key in this region".to_owned(),
            ),
            (
                WizardKey::None,
                "SSE-S3",
                "free; every principal that may read the bucket can decrypt".to_owned(),
            ),
        ];
        loop {
            let chosen = self.choice(
                "Encryption of the states",
                "--encryption, --kms-key",
                options.clone(),
                Some(&current),
            )?;
            let (kind, key) = match chosen {
                WizardKey::New => (Some(EncryptionKind::Kms), None),
                WizardKey::None => (Some(EncryptionKind::SseS3), None),
                WizardKey::Own => {
                    let known = self.answers.kms_key.clone();
                    match value(self.prompt, "ARN of the key", "--kms-key", known.as_ref()) {
                        Ok(key) => (None, Some::<KeyArn>(key)),
                        Err(PromptError::Back) => continue,
                        Err(error) => return Err(error),
                    }
                }
            };
            (self.answers.encryption, self.answers.kms_key) = (kind, key);
            return Ok(());
        }
    }

    /// E-mail addresses, or one topic.
    fn alarms(&mut self, settings: &SettingsLayer) -> Result<(), PromptError> {
        let known: Vec<String> = match (&settings.alarm_topic, &settings.alarm_email) {
            (Some(topic), _) => vec![topic.to_string()],
            (None, emails) => emails.iter().flatten().map(ToString::to_string).collect(),
        };
        let text = "E-mail addresses for alarms, or the ARN of an SNS topic (empty for none)";
        let kind = QuestionKind::Text {
            default: Some(known.join(", ")),
            check: reads_as_recipients,
        };
        let question = Question {
            text: text.to_owned(),
            flag: "--alarm-email, --alarm-topic",
            kind,
        };
        let PromptAnswer::Text(text) = self.prompt.ask(&question)? else {
            return Err(wrong_kind());
        };
        let (emails, topic) = recipients(&text).map_err(|_| wrong_kind())?;
        self.answers.alarm_email = topic.is_none().then_some(emails);
        self.answers.alarm_topic = topic;
        Ok(())
    }

    fn trail(&mut self, settings: &SettingsLayer) -> Result<TrailKind, PromptError> {
        let options = vec![
            (
                TrailKind::New,
                "new",
                "records each read and write; 0.10 USD per 100,000, and storage".to_owned(),
            ),
            (
                TrailKind::Existing(None),
                "existing",
                "a trail of the account already does so".to_owned(),
            ),
            (
                TrailKind::Off,
                "off",
                "no record of who read a state".to_owned(),
            ),
        ];
        let current = settings.trail.clone();
        self.choice(
            "CloudTrail audit trail",
            "--trail",
            options,
            current.as_ref(),
        )
    }

    fn list<T>(
        &mut self,
        text: &str,
        flag: &'static str,
        known: &[T],
    ) -> Result<Vec<T>, PromptError>
    where
        T: FromStr<Err: ToString> + ToString,
    {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let kind = QuestionKind::Text {
            default: Some(known.join(", ")),
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

    /// The first option is the default, unless another one is current.
    fn choice<T: Clone + PartialEq>(
        &mut self,
        text: &str,
        flag: &'static str,
        options: Vec<(T, &str, String)>,
        current: Option<&T>,
    ) -> Result<T, PromptError> {
        let default = options
            .iter()
            .position(|(value, ..)| Some(value) == current)
            .unwrap_or(0);
        let shown = options
            .iter()
            .map(|(_, name, line)| ((*name).to_owned(), line.clone()))
            .collect();
        let question = Question {
            text: text.to_owned(),
            flag,
            kind: QuestionKind::Choice {
                options: shown,
                default,
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

pub(super) fn state_key(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
) -> Result<StateKey, PromptError> {
    value(
        prompt,
        "State key, the path of the state in the bucket",
        "--key",
        merged.layer.key.as_ref(),
    )
}

fn reads_as_recipients(text: &str) -> Result<(), String> {
    recipients(text).map(drop)
}

fn recipients(text: &str) -> Result<(Vec<Email>, Option<TopicArn>), String> {
    if !text.contains("arn:") {
        reads_as_list::<Email>(text)?;
        let emails = items(text).filter_map(|item| item.parse().ok()).collect();
        return Ok((emails, None));
    }
    reads_as::<TopicArn>(text)?;
    Ok((vec![], text.trim().parse().ok()))
}

fn reads_as_list<T: FromStr<Err: ToString>>(text: &str) -> Result<(), String> {
    items(text).try_for_each(|item| {
        item.parse::<T>()
            .map(drop)
            .map_err(|error| format!("`{}` {}", item.escape_debug(), error.to_string()))
    })
}

/// Each once.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let mut seen = BTreeSet::new();
    text.split(',')
        .map(str::trim)
        .filter(move |item| !item.is_empty() && seen.insert(*item))
}
