//! `--ignore ID --reason TEXT`: accepts findings, saved in `tfbackend.toml`.

use super::VerifyOptions;
use crate::{
    backend,
    checks::accept::AcceptedFinding,
    cli::{context::Context, failure::CliError, save::PendingFile},
    settings::{
        file::{SettingsFile, ignored::is_day},
        names::EnvName,
        variables::nearest,
    },
};

/// The acceptances of the command line.
///
/// # Errors
/// If an ID or the day is invalid.
pub(crate) fn asked(options: &VerifyOptions) -> Result<Vec<AcceptedFinding>, CliError> {
    let Some(reason) = options
        .reason
        .as_deref()
        .filter(|_| !options.ignore.is_empty())
    else {
        return Ok(vec![]);
    };
    if reason.trim().is_empty() {
        return Err(CliError::failed("--reason is empty"));
    }
    if let Some(until) = options.until.as_deref().filter(|until| !is_day(until)) {
        return Err(CliError::failed(format!(
            "--until {until:?} is not a valid day such as 2027-01-31"
        )));
    }
    let mut accepted = vec![];
    for text in &options.ignore {
        let (id, at) = text
            .split_once('@')
            .map_or((text.as_str(), None), |(id, at)| (id, Some(at.to_owned())));
        if !backend::checks().any(|check| check.id == id) {
            let failure = CliError::failed(format!("there is no check {id:?}"));
            let nearest = nearest(id, backend::checks().map(|check| check.id), 0);
            return Err(match nearest {
                Some(nearest) => failure.hint(format!("did you mean {nearest}?")),
                None => failure.hint("each finding starts with its ID"),
            });
        }
        accepted.push(AcceptedFinding {
            id: id.to_owned(),
            at,
            reason: reason.to_owned(),
            until: options.until.clone(),
        });
    }
    Ok(accepted)
}

/// Adds the new acceptances and writes them to the file.
///
/// # Errors
/// If the file cannot be added to: then nothing was changed.
pub(crate) fn keep(
    asked: Vec<AcceptedFinding>,
    accepted: &mut Vec<AcceptedFinding>,
    env: Option<&EnvName>,
    file: Option<&SettingsFile>,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let known = accepted.len();
    for one in asked {
        if !accepted.contains(&one) {
            accepted.push(one);
        }
    }
    if accepted.len() > known {
        let save = PendingFile::appending(file, &tables(env, &accepted[known..]), cx.host)?;
        save.write()?;
        cx.status(&format!("written: {}", save.shown()));
    }
    Ok(())
}

/// As tables of TOML, for the end of the file.
fn tables(env: Option<&EnvName>, accepted: &[AcceptedFinding]) -> String {
    let name = env.map_or("ignore".to_owned(), |env| format!("env.{env}.ignore"));
    let table = |one: &AcceptedFinding| {
        format!(
            "\n[[{name}]]\n{}",
            toml::to_string(one).expect("plain data")
        )
    };
    accepted.iter().map(table).collect()
}
