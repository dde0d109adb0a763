//! The questions of an interactive `bootstrap`: what has no default, then whether the defaults are
//! to be used, each with the flag that answers it.

use std::{collections::BTreeMap, str::FromStr};

use super::installed_engine::{named_version, program, version_text};
use crate::{
    host::{Prompt, PromptAnswer, PromptError, Question, QuestionKind},
    settings::{
        layer::SettingsLayer,
        merge::{MergedSettings, SettingsSources},
        names::{EnvName, KNOWN_REGIONS, ProjectName, Region},
    },
    state::engine::knows_lock_files,
    terraform::read::TerraformEngine,
};

mod groups;
mod lookup;
mod said;
mod table;
mod unfinished;

pub(crate) use lookup::AwsLookup;
pub use lookup::{NoLookup, WizardLookup};
pub use said::{appended, command, equivalent_command, toml_for};
pub(crate) use said::{broken, same_answers};
pub(crate) use unfinished::UnfinishedAnswers;

/// The sources of defaults.
#[derive(Clone, Debug, Default)]
pub struct WizardHints {
    /// Name of the Git repository's folder, else of the current one.
    pub folder: Option<String>,
    /// Region of the AWS profile; `AWS_REGION` is known already.
    pub profile_region: Option<String>,
    /// Answers that the user went back to.
    pub last: SettingsLayer,
}

/// What the wizard says beside its questions.
#[derive(Clone, Debug, Default)]
pub struct WizardFacts {
    /// The environment and its place, as in `acme prod in eu-west-1`.
    pub title: String,
    /// Terraform or OpenTofu on PATH.
    pub engine: Option<InstalledEngine>,
}

#[derive(Clone, Debug)]
pub struct InstalledEngine {
    /// As in `Terraform 1.11.4`.
    pub name: String,
    /// True if it can lock with an object beside the state.
    pub has_lock_files: bool,
}

/// Asks for the environment: `dev` by default, or the first one of `tfbackend.toml`.
///
/// # Errors
/// As [`ask_where`].
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

impl InstalledEngine {
    /// Of the engine on PATH: Terraform, if there are both.
    pub(crate) async fn find(vars: &BTreeMap<String, String>) -> Option<Self> {
        let engines = [TerraformEngine::Terraform, TerraformEngine::OpenTofu];
        let (engine, program) = engines
            .into_iter()
            .find_map(|engine| Some((engine, program(engine, vars)?)))?;
        let version = named_version(&version_text(&program, vars).await.ok()?)?;
        Some(Self {
            has_lock_files: knows_lock_files(&version).unwrap_or(false),
            name: format!("{} {version}", engine.title()),
        })
    }
}

/// The answers so far, also of questions before one that was left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WizardAnswers {
    pub env: Option<EnvName>,
    pub layer: SettingsLayer,
}

impl WizardAnswers {
    /// Where the backend is: what is asked for before everything else.
    pub(crate) fn place(&self) -> SettingsLayer {
        SettingsLayer {
            project: self.layer.project.clone(),
            region: self.layer.region.clone(),
            ..SettingsLayer::default()
        }
    }
}

/// Asks for project and region; with `takes_defaults`, only for values without a default.
///
/// # Errors
/// If a question cannot be asked, or the user leaves it: then nothing was changed.
pub fn ask_where(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    hints: &WizardHints,
    takes_defaults: bool,
    answers: &mut SettingsLayer,
) -> Result<(), PromptError> {
    let is_open = |name: &str| {
        if takes_defaults {
            merged.origin(name).is_none()
        } else {
            !merged.is_said(name)
        }
    };
    loop {
        if is_open("project") {
            answers.project = Some(project(prompt, merged, hints)?);
        }
        if !is_open("region") {
            return Ok(());
        }
        match region(prompt, merged, hints) {
            Ok(region) => answers.region = Some(region),
            Err(PromptError::Back) if answers.project.is_some() => continue,
            Err(error) => return Err(error),
        }
        return Ok(());
    }
}

/// Asks for the project alone, if no source names it.
///
/// # Errors
/// As [`ask_where`].
pub fn ask_project(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    hints: &WizardHints,
) -> Result<SettingsLayer, PromptError> {
    let mut answers = SettingsLayer::default();
    if merged.origin("project").is_none() {
        answers.project = Some(project(prompt, merged, hints)?);
    }
    Ok(answers)
}

/// Returns whether [`ask`] has any question.
pub fn has_questions(merged: &MergedSettings) -> bool {
    !groups::open(merged).is_empty()
}

/// Shows all other settings, and asks for other values if the user wants to. Returns false if the
/// user does not want to go on.
///
/// # Errors
/// If a question cannot be asked, or the user leaves it: then nothing was changed.
pub async fn ask(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    facts: &WizardFacts,
    lookup: &dyn WizardLookup,
    answers: &mut SettingsLayer,
) -> Result<bool, PromptError> {
    groups::Groups {
        prompt,
        merged,
        facts,
        lookup,
        answers,
    }
    .ask()
    .await
}

/// Asks only for the state key, if it is missing: in an existing backend, each folder uses its own
/// state.
///
/// # Errors
/// As [`ask`].
pub fn ask_state_key(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    answers: &mut SettingsLayer,
) -> Result<(), PromptError> {
    if groups::WizardGroup::StateKey.is_open(merged) {
        answers.key = Some(groups::state_key(prompt, merged)?);
    }
    Ok(())
}

fn project(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    hints: &WizardHints,
) -> Result<ProjectName, PromptError> {
    let of_folder = || hints.folder.as_deref().and_then(project_from);
    let last = hints.last.project.clone();
    let default = last
        .or_else(|| merged.layer.project.clone())
        .or_else(of_folder);
    value(
        prompt,
        "Project, as part of every name",
        "--project",
        default.as_ref(),
    )
}

/// The last of the list.
const OTHER_REGION: &str = "other";

fn region(
    prompt: &mut dyn Prompt,
    merged: &MergedSettings,
    hints: &WizardHints,
) -> Result<Region, PromptError> {
    let (text, flag) = ("AWS region of the backend", "--region");
    let profile = || hints.profile_region.as_deref()?.parse::<Region>().ok();
    let last = hints.last.region.clone();
    let default = last
        .or_else(|| merged.layer.region.clone())
        .or_else(profile);
    let is_default = |code: &str| default.as_ref().is_some_and(|one| one.as_str() == code);
    let option = |(code, place): &(&str, &str)| ((*code).to_owned(), (*place).to_owned());
    let mut options: Vec<_> = KNOWN_REGIONS.iter().map(option).collect();
    options.sort_by_key(|(code, _)| !is_default(code));
    options.push((
        OTHER_REGION.to_owned(),
        "a region newer than this program".to_owned(),
    ));
    loop {
        let question = Question {
            text: text.to_owned(),
            flag,
            kind: QuestionKind::Search {
                options: options.clone(),
            },
        };
        let PromptAnswer::Choice(chosen) = prompt.ask(&question)? else {
            return Err(wrong_kind());
        };
        let (code, _) = options.get(chosen).ok_or_else(wrong_kind)?;
        if code != OTHER_REGION {
            return code.parse().map_err(|_| wrong_kind());
        }
        match new_region(prompt, text, flag) {
            Err(PromptError::Back) => {}
            answer => return answer,
        }
    }
}

/// One that this program does not know: written as AWS does, with or without `any:`.
fn new_region(
    prompt: &mut dyn Prompt,
    text: &str,
    flag: &'static str,
) -> Result<Region, PromptError> {
    let kind = QuestionKind::Text {
        default: None,
        check: |text| any_region(text).map(drop),
    };
    match prompt.ask(&Question {
        text: text.to_owned(),
        flag,
        kind,
    })? {
        PromptAnswer::Text(text) => any_region(&text).map_err(|_| wrong_kind()),
        PromptAnswer::Choice(_) | PromptAnswer::YesNo(_) => Err(wrong_kind()),
    }
}

fn any_region(text: &str) -> Result<Region, String> {
    let text = text.trim();
    text.parse::<Region>().or_else(|error| {
        let reason = error.to_string();
        // A typing error is more likely.
        if reason.contains("did you mean") {
            return Err(reason);
        }
        format!("any:{text}").parse().map_err(|_| reason)
    })
}

fn value<T>(
    prompt: &mut dyn Prompt,
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
    match prompt.ask(&Question {
        text: text.to_owned(),
        flag,
        kind,
    })? {
        PromptAnswer::Text(text) => text.trim().parse().map_err(|_| wrong_kind()),
        PromptAnswer::Choice(_) | PromptAnswer::YesNo(_) => Err(wrong_kind()),
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

/// A prompt that answers otherwise than it was asked.
fn wrong_kind() -> PromptError {
    PromptError::Io(std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "the answer does not fit the question",
    ))
}
