//! The files of an environment, as commands write and check them.

use std::path::PathBuf;

use super::{context::Context, environment::Environment, explain, failure::Failure};
use crate::{
    render::{
        self, File,
        files::{Outcome, Removal, Written},
        standing::Standing,
    },
    report::safe::safe,
    spec::Outputs,
    working_directory::conflicts::conflicts,
};

fn set(environment: &Environment, known: &Outputs) -> Result<Vec<File>, Failure> {
    let files = &environment.settings.files;
    render::files(&environment.backend(known), files.tf_file.as_str(), files.conf_file.as_str()).map_err(|error| explain::render(&error))
}

/// Refuses (3) if a file is in the way, or cannot be written, before anything is made.
pub fn must_be_writable(environment: &Environment, known: &Outputs, cx: &mut Context<'_>) -> Result<(), Failure> {
    let dir = environment.out(cx.host);
    let files = set(environment, known)?;
    let preview = render::files::preview(&dir, &files, environment.settings.run.overwrite).map_err(|error| explain::render(&error))?;
    if let Some(failure) = refused(&preview) {
        return Err(failure);
    }
    if preview.iter().any(|file| matches!(file.outcome, Outcome::Written { .. })) {
        render::files::must_take_files(&dir).map_err(|error| explain::render(&error))?;
    }
    Ok(())
}

/// Writes what is not there already.
pub fn write(environment: &Environment, known: &Outputs, cx: &mut Context<'_>) -> Result<Vec<Written>, Failure> {
    let dir = environment.out(cx.host);
    let files = set(environment, known)?;
    let written = render::files::write(&dir, &files, environment.settings.run.overwrite).map_err(|error| explain::render(&error))?;
    if let Some(failure) = refused(&written) {
        return Err(failure);
    }
    let ours: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let conflicts = conflicts(&dir, &ours)
        .map_err(|error| Failure::failed("cannot list the folder").because(&error).hint("choose another folder with --out"))?;
    for conflict in conflicts {
        cx.say(&format!("warning: {conflict}"));
    }
    Ok(written)
}

/// How each file stands to what is there.
pub fn check(environment: &Environment, known: &Outputs, cx: &Context<'_>) -> Result<Vec<(PathBuf, Standing)>, Failure> {
    render::files::check(&environment.out(cx.host), &set(environment, known)?).map_err(|error| explain::render(&error))
}

/// Removes those that are as tfbackend wrote them.
pub fn remove(environment: &Environment, known: &Outputs, cx: &Context<'_>) -> Result<Vec<Removal>, Failure> {
    render::files::remove(&environment.out(cx.host), &set(environment, known)?).map_err(|error| explain::render(&error))
}

fn refused(files: &[Written]) -> Option<Failure> {
    let mut failure: Option<Failure> = None;
    for file in files {
        let Outcome::Refused(refusal) = &file.outcome else { continue };
        let message = format!("{} {refusal}; nothing was changed", file.path.display());
        let mut this = failure.take().unwrap_or_else(|| Failure::refused(message.clone()));
        if this.message != message {
            this.causes.push(message);
        }
        if let Some(diff) = refusal.diff() {
            this.causes.push(diff.lines().map(|line| safe(line).into_owned()).collect::<Vec<_>>().join("\n"));
        }
        failure = Some(this.hint(refusal.hint()));
    }
    failure
}
