//! Writes and checks the files of an environment.

use std::path::{Path, PathBuf};

use super::{context::Context, explain, failure::CliError, verify};
use crate::{
    backend::provider::Provider,
    engine::spec::KnownOutputs,
    host::Host,
    report::safe::safe,
    settings::common::CommonSettings,
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

/// The files of an environment, and conflicts that prevent writing one of them.
struct FileSet {
    /// The files of the folder.
    files: Vec<RenderedFile>,
    /// The file with our block, where another file has one already.
    left_out: Option<RenderedFile>,
    /// What is missing in a block of the user, for a lock file.
    missing: &'static str,
    /// The name of the partial configuration.
    conf: String,
    /// The label of our block.
    label: &'static str,
    notes: Vec<String>,
}

impl FileSet {
    fn new<P: Provider>(
        provider: &P,
        known: &KnownOutputs,
        dir: &Path,
        cx: &Context<'_>,
    ) -> Result<Self, CliError> {
        let CommonSettings {
            env,
            files: names,
            run,
            ..
        } = provider.common();
        let of = |config: &P::Config| {
            write::files(config, names.tf_file.as_str(), names.conf_file.as_str())
                .map_err(|error| explain::render(&error))
        };
        let mut config = provider.backend_config(known);
        let block = config.block();
        let files = of(&config)?;
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
                    .hint("choose another folder with --dir"));
            }
        };
        let missing = if block.use_lockfile && !has_required_version {
            "; missing there: `required_version = \">= 1.10\"`, for the lock file"
        } else {
            ""
        };
        let mut set = Self {
            files,
            left_out: None,
            missing,
            conf: names.conf_file.for_env(env),
            label: block.label,
            notes: vec![],
        };
        let users = set.block_of_user(dir, run.overwrite);
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
            .find(|found| found.kind.is_labelled(block.label));
        let note = completed.and_then(|found| config.complete(found, &set.conf));
        if note.is_some() {
            set.files = of(&config)?;
        }
        if conflicts.iter().any(BackendConflict::forbids_a_block) || users.is_some() {
            let at = set.files.iter().position(|file| file.owner.is_none());
            set.left_out = at.map(|at| set.files.remove(at));
        }
        let mut notes: Vec<String> = conflicts
            .iter()
            .map(|conflict| set.note(conflict, dir))
            .collect();
        set.notes.append(&mut notes);
        set.notes.extend(note);
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
        configuration
            .block()
            .filter(|block| block.kind.is_labelled(self.label))
            .cloned()
    }

    /// Returns a note about a conflicting block, and what is missing there.
    fn note(&self, conflict: &BackendConflict, dir: &Path) -> String {
        let Some(ours) = &self.left_out else {
            return format!("warning: {conflict}");
        };
        let (name, label) = (&ours.name, self.label);
        let is_there = if is_ours(dir, ours) {
            ", and the existing one must be removed"
        } else {
            ""
        };
        match conflict {
            BackendConflict::Block { block } if block.kind.is_labelled(label) => format!(
                "{} has the {} block: {name} is not written{is_there}, and {} completes that \
                 block{}",
                block.at,
                block.title(),
                self.conf,
                self.missing
            ),
            BackendConflict::Block { block } => {
                let unsupported = if block.kind.is_state_store() {
                    format!(" ({NO_STATE_STORES})")
                } else {
                    String::new()
                };
                format!(
                    "warning: {} has a {} block{unsupported}: {name} is not written{is_there}. \
                     Terraform uses this backend once `backend \"{label}\" {{}}` is in place of \
                     that block",
                    block.at,
                    block.title()
                )
            }
            BackendConflict::Unclear { path, .. } => format!(
                "warning: {} may have a backend block, and cannot be read: {name} is not \
                 written{is_there}. If it has none, add `terraform {{ backend \"{label}\" {{}} }}`",
                path.display()
            ),
            BackendConflict::Stored { .. } => format!(
                "warning: {conflict}: {NO_STATE_STORES}, and {name} is not written. Terraform \
                 uses this backend once a file has `terraform {{ backend \"{label}\" {{}} }}`; \
                 move the states in the store to it"
            ),
            BackendConflict::StoredUnclear(_) => format!(
                "warning: {conflict}: whether `init` chose a state store there is unknown, and \
                 {name} is not written. If it did not, add `terraform {{ backend \"{label}\" {{}} \
                 }}`"
            ),
        }
    }

    fn say(&self, cx: &mut Context<'_>) {
        self.notes.iter().for_each(|note| cx.status(note));
    }
}

/// Refuses (3) if a file is in the way, or cannot be written, before anything is made.
///
/// A file of ours that was changed by hand keeps no resource from being repaired: it is named,
/// and refused at the end.
pub(crate) fn must_be_writable(
    provider: &impl Provider,
    known: &KnownOutputs,
    is_live: bool,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let dir = out(provider, cx.host);
    let FileSet { files, .. } = FileSet::new(provider, known, &dir, cx)?;
    let preview = write::files::preview(&dir, &files, provider.common().run.overwrite)
        .map_err(|error| explain::render(&error))?;
    let (edited, preview): (Vec<WrittenFile>, Vec<WrittenFile>) = preview
        .into_iter()
        .partition(|file| is_live && was_edited(file));
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
pub(crate) fn say_what_is_there(
    provider: &impl Provider,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let dir = out(provider, cx.host);
    let set = FileSet::new(provider, &KnownOutputs::new(), &dir, cx)?;
    set.say(cx);
    // An unreadable file is an error of bootstrap, but does not prevent the plan.
    for file in
        write::files::preview(&dir, &set.files, provider.common().run.overwrite).unwrap_or_default()
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
pub(crate) fn write(
    provider: &impl Provider,
    known: &KnownOutputs,
    cx: &mut Context<'_>,
) -> Result<Vec<WrittenFile>, CliError> {
    let dir = out(provider, cx.host);
    let set = FileSet::new(provider, known, &dir, cx)?;
    let written = write::files::write(&dir, &set.files, provider.common().run.overwrite)
        .map_err(|error| explain::render(&error))?;
    if let Some(failure) = refused(&written) {
        return Err(failure);
    }
    set.say(cx);
    Ok(written)
}

/// Returns the status of each file.
pub(crate) fn check(
    provider: &impl Provider,
    known: &KnownOutputs,
    cx: &Context<'_>,
) -> Result<Vec<(PathBuf, FileStatus)>, CliError> {
    let dir = out(provider, cx.host);
    write::files::check(&dir, &FileSet::new(provider, known, &dir, cx)?.files)
        .map_err(|error| explain::render(&error))
}

/// Removes those that are as tfbackend wrote them, but for a block that another partial
/// configuration completes: without it, Terraform would work on a local state.
pub(crate) fn remove(
    provider: &impl Provider,
    known: &KnownOutputs,
    cx: &Context<'_>,
) -> Result<Vec<FileRemoval>, CliError> {
    let dir = out(provider, cx.host);
    let FileSet {
        mut files,
        left_out,
        ..
    } = FileSet::new(provider, known, &dir, cx)?;
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

/// The folder that the files go to.
pub(crate) fn out(provider: &impl Provider, host: &Host) -> PathBuf {
    // Without a `.` on its end, which would be in every path that is printed.
    host.cwd
        .join(&provider.common().files.out)
        .components()
        .collect()
}
