//! Checks that the settings file has the environment: a typing error must not create a second
//! backend.

use std::collections::BTreeSet;

use super::{explain, failure::CliError, global::GlobalOptions};
use crate::{
    host::{Host, Prompt, PromptAnswer, Question, QuestionKind},
    settings::{file::FILE_NAME, merge::SettingsSources, names::EnvName, variables::nearest},
    terraform::read::partial,
};

/// The environment of a settings file that has exactly one.
pub(crate) fn only(sources: &SettingsSources) -> Option<EnvName> {
    let mut names = known(sources);
    match (names.next(), names.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

/// The environment of the partial configurations in the folder, if tfbackend wrote them for one
/// alone.
pub(crate) fn of_folder(host: &Host) -> Option<EnvName> {
    let envs: BTreeSet<String> = partial::ours(&host.cwd, None)
        .into_iter()
        .filter_map(|file| Some(file.stated_owner?.env))
        .collect();
    let mut envs = envs.into_iter();
    match (envs.next(), envs.next()) {
        (Some(only), None) => only.parse().ok(),
        _ => None,
    }
}

/// The error of a command that needs an environment and was given none.
pub(crate) fn not_named(sources: &SettingsSources) -> CliError {
    let failure = CliError::failed("no environment was given");
    match list(sources) {
        Some(names) => failure.hint(format!(
            "pass --env with one of {}: {names}",
            shown(sources)
        )),
        None => failure.hint("pass --env, for example --env dev"),
    }
}

/// Refuses an environment that the settings file does not have, if it has others. Asks `prompt`, if
/// there is one.
///
/// # Errors
/// Unless the file has it, has none at all, or the user says that it is new.
pub(crate) fn must_be_known(
    env: &EnvName,
    sources: &SettingsSources,
    is_new: bool,
    prompt: Option<&mut dyn Prompt>,
) -> Result<(), CliError> {
    if is_new || known(sources).next().is_none() || known(sources).any(|known| known == env) {
        return Ok(());
    }
    let file = shown(sources);
    let suggested = nearest(env.as_str(), known(sources).map(EnvName::as_str), 0);
    let Some(prompt) = prompt else {
        let suggestion =
            suggested.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        return Err(
            CliError::failed(format!("{file} has no environment `{env}`{suggestion}"))
                .hint(format!(
                    "its environments: {}",
                    list(sources).unwrap_or_default()
                ))
                .hint("for an environment that it does not have, pass --new-env"),
        );
    };
    let suggestion = suggested.map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
    let text = format!("{file} has no environment {env}{suggestion}. Create {env}");
    let question = Question {
        text,
        flag: "--new-env",
        kind: QuestionKind::YesNo { default: false },
    };
    match prompt
        .confirm(&question)
        .map_err(|error| explain::prompt(&error))?
    {
        PromptAnswer::YesNo(true) => Ok(()),
        PromptAnswer::YesNo(false) | PromptAnswer::Text(_) | PromptAnswer::Choice(_) => {
            Err(CliError::cancelled())
        }
    }
}

fn known(sources: &SettingsSources) -> impl Iterator<Item = &EnvName> {
    sources.file.iter().flat_map(|file| file.envs.keys())
}

/// The environments of the settings file, if it has any.
pub(crate) fn list(sources: &SettingsSources) -> Option<String> {
    let names: Vec<&str> = known(sources).map(EnvName::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The settings file as the user knows it.
fn shown(sources: &SettingsSources) -> String {
    sources.file.as_ref().map_or_else(
        || FILE_NAME.to_owned(),
        |file| file.path.display().to_string(),
    )
}

/// Words of a command line for a command about the environment: the global ones, and that it is
/// new.
pub(crate) fn words(env: &EnvName, sources: &SettingsSources, global: &GlobalOptions) -> String {
    let is_new = sources
        .file
        .as_ref()
        .is_some_and(|file| !file.envs.is_empty() && !file.envs.contains_key(env));
    format!(
        "{}{}",
        if is_new { " --new-env" } else { "" },
        global.words()
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::file::SettingsFile;

    fn sources(toml: &str) -> SettingsSources {
        SettingsSources {
            file: Some(
                SettingsFile::parse(Path::new("tfbackend.toml"), toml).expect("a settings file"),
            ),
            ..SettingsSources::default()
        }
    }

    fn refused(env: &str, toml: &str) -> Option<String> {
        let failure =
            must_be_known(&env.parse().expect("a name"), &sources(toml), false, None).err()?;
        Some([vec![failure.message], failure.hints].concat().join("\n"))
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_nearest_one() {
        let toml = "[env.prod]\n[env.stage]\n";
        insta::assert_snapshot!(refused("stagee", toml).expect("refused"), @r"
        tfbackend.toml has no environment `stagee`; did you mean `stage`?
        its environments: prod, stage
        for an environment that it does not have, pass --new-env
        ");
        insta::assert_snapshot!(refused("acceptance", toml).expect("refused"), @r"
        tfbackend.toml has no environment `acceptance`
        its environments: prod, stage
        for an environment that it does not have, pass --new-env
        ");
        assert_eq!(refused("stage", toml), None);
        assert_eq!(
            refused("stagee", "project = \"acme\"\n"),
            None,
            "a file without environments says nothing of their names"
        );
        assert!(
            must_be_known(
                &"stagee".parse().expect("a name"),
                &sources(toml),
                true,
                None
            )
            .is_ok()
        );
    }

    #[test]
    fn the_only_one_is_taken_and_several_are_listed() {
        assert_eq!(
            only(&sources("[env.stage]\n"))
                .map(|env| env.to_string())
                .as_deref(),
            Some("stage")
        );
        assert_eq!(only(&sources("[env.prod]\n[env.stage]\n")), None);
        assert_eq!(only(&sources("")), None);
        assert_eq!(
            not_named(&sources("[env.prod]\n[env.stage]\n")).hints,
            ["pass --env with one of tfbackend.toml: prod, stage"]
        );
        assert_eq!(
            not_named(&sources("")).hints,
            ["pass --env, for example --env dev"]
        );
    }
}
