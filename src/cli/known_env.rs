//! Whether the settings file has the environment that is meant: a typing error must not make a
//! second backend.

use super::{explain, failure::Failure, global::Global};
use crate::{
    host::{Answer, Kind, Prompt, Question},
    settings::{file::FILE_NAME, merge::Sources, names::EnvName, variables::nearest},
};

/// The environment of a settings file that has exactly one.
pub fn only(sources: &Sources) -> Option<EnvName> {
    let mut names = known(sources);
    match (names.next(), names.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

/// The error of a command that needs an environment and was given none.
pub fn not_named(sources: &Sources) -> Failure {
    let failure = Failure::failed("no environment was named");
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
pub fn must_be_known(
    env: &EnvName,
    sources: &Sources,
    is_new: bool,
    prompt: Option<&mut dyn Prompt>,
) -> Result<(), Failure> {
    if is_new || known(sources).next().is_none() || known(sources).any(|known| known == env) {
        return Ok(());
    }
    let file = shown(sources);
    let suggested = nearest(env.as_str(), known(sources).map(EnvName::as_str), 0);
    let Some(prompt) = prompt else {
        let suggestion =
            suggested.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        return Err(
            Failure::failed(format!("{file} has no environment `{env}`{suggestion}"))
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
        kind: Kind::YesNo { default: false },
    };
    match prompt
        .confirm(&question)
        .map_err(|error| explain::prompt(&error))?
    {
        Answer::YesNo(true) => Ok(()),
        Answer::YesNo(false) | Answer::Text(_) | Answer::Choice(_) => Err(Failure::cancelled()),
    }
}

fn known(sources: &Sources) -> impl Iterator<Item = &EnvName> {
    sources.file.iter().flat_map(|file| file.envs.keys())
}

/// The environments of the settings file, if it has any.
pub fn list(sources: &Sources) -> Option<String> {
    let names: Vec<&str> = known(sources).map(EnvName::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The settings file as the user knows it.
fn shown(sources: &Sources) -> String {
    sources.file.as_ref().map_or_else(
        || FILE_NAME.to_owned(),
        |file| file.path.display().to_string(),
    )
}

/// Words of a command line for a command about the environment: the global ones, and that it is
/// new.
pub fn words(env: &EnvName, sources: &Sources, global: &Global) -> String {
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
    use crate::settings::file::File;

    fn sources(toml: &str) -> Sources {
        Sources {
            file: Some(File::parse(Path::new("tfbackend.toml"), toml).expect("a settings file")),
            ..Sources::default()
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
