//! Writes and checks the files of an environment.

use std::path::{Path, PathBuf};

use super::{
    context::Context, environment::ConnectedEnvironment, explain, failure::CliError, verify,
};
use crate::{
    engine::spec::KnownOutputs,
    report::safe::safe,
    terraform::{
        read::{
            ConfiguredBlock, FolderConfiguration, LinkBoundary, PartialFile, TerraformEngine,
            bounded,
            configuration::NO_STATE_STORES,
            conflicts::{BackendConflict, BackendConflicts, conflicts},
            data_dir,
        },
        write::{
            self, BackendConfig, RenderedFile,
            file_status::{FileStatus, NotReplaced},
            files::{FileOutcome, FileRemoval, WrittenFile},
            header,
        },
    },
};

/// With it in the block, Terraform does not know the account that it is to hold against those that
/// are allowed.
const SKIP: &str = "skip_requesting_account_id";

/// The files of an environment, and conflicts that prevent writing one of them.
struct FileSet {
    /// The files of the folder.
    files: Vec<RenderedFile>,
    /// The file with our block, where another file has one already.
    left_out: Option<RenderedFile>,
    /// True if a file of the user's says which versions may run.
    has_required_version: bool,
    notes: Vec<String>,
}

impl FileSet {
    fn new(
        environment: &ConnectedEnvironment,
        known: &KnownOutputs,
        dir: &Path,
        cx: &Context<'_>,
    ) -> Result<Self, CliError> {
        let names = &environment.settings.common.files;
        let of = |backend: &BackendConfig| {
            write::files(backend, names.tf_file.as_str(), names.conf_file.as_str())
                .map_err(|error| explain::render(&error))
        };
        let backend = environment.backend(known);
        let files = of(&backend)?;
        let ours: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let data_dir = data_dir(dir, cx.host.var("TF_DATA_DIR").map(Path::new));
        let BackendConflicts {
            all: mut conflicts,
            has_required_version,
        } = match conflicts(dir, &data_dir, &ours) {
            Ok(conflicts) => conflicts,
            // A path that is not a folder is refused with the files.
            Err(_) if !dir.is_dir() => BackendConflicts::default(),
            Err(error) => {
                return Err(CliError::failed("cannot list the folder")
                    .because(&error)
                    .hint("choose another folder with --out"));
            }
        };
        let mut set = Self {
            files,
            left_out: None,
            has_required_version,
            notes: vec![],
        };
        let users = set.block_of_user(dir, environment.settings.common.run.overwrite);
        // An existing block is kept beside the record of `init`.
        if users.is_some()
            || set
                .files
                .iter()
                .any(|file| file.owner.is_none() && is_ours(dir, file))
        {
            conflicts.retain(|conflict| !conflict.is_stored());
        }
        let completed = conflicts
            .iter()
            .filter_map(BackendConflict::block)
            .chain(&users)
            .find(|block| block.is_s3());
        let skips = completed.and_then(|block| {
            Some((
                block,
                block
                    .arguments
                    .iter()
                    .find(|argument| argument.name == SKIP)?,
            ))
        });
        let skips = skips.filter(|(_, argument)| argument.value.as_bool() == Some(true));
        if skips.is_some() {
            set.files = of(&BackendConfig {
                skips_account: true,
                ..backend
            })?;
        }
        if conflicts.iter().any(BackendConflict::forbids_a_block) || users.is_some() {
            let at = set.files.iter().position(|file| file.owner.is_none());
            set.left_out = at.map(|at| set.files.remove(at));
        }
        let mut notes: Vec<String> = conflicts
            .iter()
            .map(|conflict| set.note(conflict, environment, dir))
            .collect();
        set.notes.append(&mut notes);
        set.notes.extend(skips.map(|(block, _)| {
            let conf = names.conf_file.for_env(&environment.settings.common.env);
            format!(
                "{} has a block with `{SKIP}`: {conf} has no `allowed_account_ids`, with which \
                 Terraform would refuse every account. Remove the argument, and run this again, \
                 to have runs in other accounts refused",
                block.at.path.display()
            )
        }));
        Ok(set)
    }

    /// The block that the partial configuration completes, in a file of the user's that has the
    /// name of ours.
    fn block_of_user(&self, dir: &Path, overwrite: bool) -> Option<ConfiguredBlock> {
        let file = self
            .files
            .iter()
            .find(|file| file.owner.is_none())
            .filter(|file| !overwrite && !is_ours(dir, file))?;
        let configuration = FolderConfiguration::read(
            dir,
            &LinkBoundary::of(dir),
            std::slice::from_ref(&file.name),
            TerraformEngine::OpenTofu,
        );
        configuration.block().filter(|block| block.is_s3()).cloned()
    }

    /// Returns a note about a conflicting block, and what is missing there.
    fn note(
        &self,
        conflict: &BackendConflict,
        environment: &ConnectedEnvironment,
        dir: &Path,
    ) -> String {
        let Some(ours) = &self.left_out else {
            return format!("warning: {conflict}");
        };
        let name = &ours.name;
        let is_there = if is_ours(dir, ours) {
            ", and the existing one must be removed"
        } else {
            ""
        };
        let conf = environment
            .settings
            .common
            .files
            .conf_file
            .for_env(&environment.settings.common.env);
        match conflict {
            BackendConflict::Block { block } if block.is_s3() => {
                let missing =
                    if environment.settings.lock.uses_lockfile() && !self.has_required_version {
                        "; missing there: `required_version = \">= 1.10\"`, for the lock file"
                    } else {
                        ""
                    };
                format!(
                    "{} has the {} block: {name} is not written{is_there}, and {conf} completes \
                     that block{missing}",
                    block.at,
                    block.title()
                )
            }
            BackendConflict::Block { block } => {
                let unsupported = if block.kind.is_state_store() {
                    format!(" ({NO_STATE_STORES})")
                } else {
                    String::new()
                };
                format!(
                    "warning: {} has a {} block{unsupported}: {name} is not written{is_there}. \
                     Terraform uses this backend once `backend \"s3\" {{}}` is in place of that \
                     block",
                    block.at,
                    block.title()
                )
            }
            BackendConflict::Unclear { path, .. } => format!(
                "warning: {} may have a backend block, and cannot be read: {name} is not \
                 written{is_there}. If it has none, add `terraform {{ backend \"s3\" {{}} }}`",
                path.display()
            ),
            BackendConflict::Stored { .. } => format!(
                "warning: {conflict}: {NO_STATE_STORES}, and {name} is not written. Terraform \
                 uses this backend once a file has `terraform {{ backend \"s3\" {{}} }}`; move \
                 the states in the store to it"
            ),
            BackendConflict::StoredUnclear(_) => format!(
                "warning: {conflict}: whether `init` chose a state store there is unknown, and \
                 {name} is not written. If it did not, add `terraform {{ backend \"s3\" {{}} }}`"
            ),
        }
    }

    fn say(&self, cx: &mut Context<'_>) {
        self.notes.iter().for_each(|note| cx.status(note));
    }
}

/// Refuses (3) if a file is in the way, or cannot be written, before anything is made.
///
/// A file of ours that was changed by hand keeps nothing in AWS from being repaired: it is named,
/// and refused at the end.
pub fn must_be_writable(
    environment: &ConnectedEnvironment,
    known: &KnownOutputs,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let dir = environment.out(cx.host);
    let FileSet { files, .. } = FileSet::new(environment, known, &dir, cx)?;
    let preview = write::files::preview(&dir, &files, environment.settings.common.run.overwrite)
        .map_err(|error| explain::render(&error))?;
    let (edited, preview): (Vec<WrittenFile>, Vec<WrittenFile>) = preview
        .into_iter()
        .partition(|file| environment.live && was_edited(file));
    if let Some(failure) = refused(&preview) {
        return Err(failure);
    }
    for file in edited {
        cx.status(&format!(
            "note: {} was changed by hand, and is not touched",
            file.path.display()
        ));
    }
    if preview
        .iter()
        .any(|file| matches!(file.outcome, FileOutcome::Written { .. }))
    {
        write::files::must_take_files(&dir).map_err(|error| explain::render(&error))?;
    }
    Ok(())
}

/// Says which other files have a block, what that means, and which files bootstrap would refuse to
/// write.
pub fn say_what_is_there(
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let dir = environment.out(cx.host);
    let set = FileSet::new(environment, &KnownOutputs::new(), &dir, cx)?;
    set.say(cx);
    // An unreadable file is an error of bootstrap, but does not prevent the plan.
    for file in write::files::preview(&dir, &set.files, environment.settings.common.run.overwrite)
        .unwrap_or_default()
    {
        if let FileOutcome::Refused(refusal) = &file.outcome {
            let path = file.path.display();
            cx.status(&format!(
                "warning: {path} {refusal}, so bootstrap refuses to write it: {}",
                refusal.hint()
            ));
        }
    }
    Ok(())
}

/// Writes missing and outdated files.
pub fn write(
    environment: &ConnectedEnvironment,
    known: &KnownOutputs,
    cx: &mut Context<'_>,
) -> Result<Vec<WrittenFile>, CliError> {
    let dir = environment.out(cx.host);
    let set = FileSet::new(environment, known, &dir, cx)?;
    let written = write::files::write(&dir, &set.files, environment.settings.common.run.overwrite)
        .map_err(|error| explain::render(&error))?;
    if let Some(failure) = refused(&written) {
        return Err(failure);
    }
    set.say(cx);
    Ok(written)
}

/// Returns the status of each file.
pub fn check(
    environment: &ConnectedEnvironment,
    known: &KnownOutputs,
    cx: &Context<'_>,
) -> Result<Vec<(PathBuf, FileStatus)>, CliError> {
    let dir = environment.out(cx.host);
    write::files::check(&dir, &FileSet::new(environment, known, &dir, cx)?.files)
        .map_err(|error| explain::render(&error))
}

/// Removes those that are as tfbackend wrote them, but for a block that another partial
/// configuration completes: without it, Terraform would work on a local state.
pub fn remove(
    environment: &ConnectedEnvironment,
    known: &KnownOutputs,
    cx: &Context<'_>,
) -> Result<Vec<FileRemoval>, CliError> {
    let dir = environment.out(cx.host);
    let FileSet {
        mut files,
        left_out,
        ..
    } = FileSet::new(environment, known, &dir, cx)?;
    files.extend(left_out.filter(|file| is_ours(&dir, file)));
    let mut in_use = vec![];
    if let Some(other) = other_partial(&dir, &files, cx) {
        files.retain(|file| {
            let stays = file.owner.is_none() && is_ours(&dir, file);
            in_use.extend(stays.then(|| FileRemoval::InUse(dir.join(&file.name), other.clone())));
            !stays
        });
    }
    let mut removals =
        write::files::remove(&dir, &files).map_err(|error| explain::render(&error))?;
    removals.append(&mut in_use);
    Ok(removals)
}

/// The name of a partial configuration in the folder that is none of `files`.
fn other_partial(dir: &Path, files: &[RenderedFile], cx: &Context<'_>) -> Option<String> {
    let folder = verify::read_folder(dir, &[], cx).ok()?;
    let mut names = folder.partial.iter().map(PartialFile::name);
    names.find(|name| files.iter().all(|file| file.name != *name))
}

/// Returns whether a file of ours is there under this name, changed by hand since or not.
fn is_ours(dir: &Path, file: &RenderedFile) -> bool {
    bounded::text(&dir.join(&file.name))
        .is_ok_and(|text| text.is_some_and(|text| header::is_ours(&text)))
}

fn was_edited(file: &WrittenFile) -> bool {
    matches!(
        file.outcome,
        FileOutcome::Refused(NotReplaced::ChangedByHand { .. })
    )
}

fn refused(files: &[WrittenFile]) -> Option<CliError> {
    let mut failure: Option<CliError> = None;
    for file in files {
        let FileOutcome::Refused(refusal) = &file.outcome else {
            continue;
        };
        let message = format!("{} {refusal}; nothing was changed", file.path.display());
        let mut this = failure
            .take()
            .unwrap_or_else(|| CliError::refused(message.clone()));
        if this.message != message {
            this.causes.push(message);
        }
        if let Some(diff) = refusal.diff() {
            this.causes.push(
                diff.lines()
                    .map(|line| safe(line).into_owned())
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        }
        failure = Some(this.hint(refusal.hint()));
    }
    failure
}
