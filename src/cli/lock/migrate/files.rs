//! Finds the files that configure locking, and the edits that they need.

use crate::text::shell::shell_word;
use std::path::{Path, PathBuf};

use crate::{
    cli::{failure::CliError, folders},
    settings::layer::LockMechanism,
    terraform::{
        read::{
            ConfiguredBlock, FolderReadOptions, LinkBoundary, PartialFile, SavedBackend,
            SourcedArgument, WorkingDirectory,
            bounded::{self, UnreadableFile},
            configuration::is_json,
        },
        write::{
            SharedBlock,
            header::{self, FileHeader},
            lock_arguments::{
                self, ArgumentForm, LockArguments, LockEdit, WantedArguments, edit, json,
            },
            rewrite::FileRead,
        },
    },
};

/// The edits, before any is made.
#[derive(Debug, Default)]
pub(super) struct BackendEdits {
    pub edits: Vec<(FileRead, String)>,
    /// Files that need no edit.
    pub current: Vec<PathBuf>,
    /// Manual edits, with reasons.
    pub by_hand: Vec<(PathBuf, String)>,
    /// Records of `init` that name the table, which no file of their folder explains, or that
    /// cannot be read.
    pub stored: Vec<StoredRecord>,
    /// The `init` commands to run after the edits, one for each folder.
    pub init: Vec<String>,
}

/// A record of `init` that keeps the table from being deleted, unless files of a folder explain it.
#[derive(Debug)]
pub(super) struct StoredRecord {
    pub path: PathBuf,
    pub why: String,
    is_explained: bool,
}

/// The places to search.
#[derive(Clone, Debug)]
pub(super) struct FolderPaths<'a> {
    pub root: &'a Path,
    /// In every folder below it as well.
    pub below: bool,
    /// Partial configurations of `root`, whatever their names.
    pub named: &'a [PathBuf],
    /// `TF_DATA_DIR`, if it is set.
    pub data_dir: Option<&'a Path>,
    /// The folder of an environment's own files, with the name of its partial configuration.
    pub out: Option<(PathBuf, PathBuf)>,
}

/// The folders, each read once, so that all queries see the same files.
#[derive(Debug)]
pub(super) struct FolderReadings {
    root: PathBuf,
    all: Vec<WorkingDirectory>,
    /// The folder itself, and that of the environment's own files.
    own: Vec<PathBuf>,
    /// True if files in subfolders are edited as well.
    below: bool,
}

impl FolderReadings {
    /// Reads one folder or also its subfolders; those also if they are only checked.
    ///
    /// # Errors
    /// If a folder cannot be listed.
    pub(super) fn read(places: &FolderPaths<'_>, looks_below: bool) -> Result<Self, CliError> {
        let FolderPaths {
            root,
            below,
            named,
            data_dir,
            out,
        } = places;
        let mut folders = if *below || looks_below {
            folders::below(root)?
        } else {
            vec![(*root).to_owned()]
        };
        let out = out.as_ref().filter(|(dir, _)| dir.is_dir());
        if let Some((dir, _)) = out.filter(|(dir, _)| !folders.contains(dir)) {
            folders.push(dir.clone());
        }
        let read = |dir: &PathBuf| {
            let mut partial = if dir == root { named.to_vec() } else { vec![] };
            if let Some((_, conf)) =
                out.filter(|(out, conf)| out == dir && dir.join(conf).is_file())
            {
                partial.push(conf.clone());
            }
            let look = FolderReadOptions {
                partial: &partial,
                data_dir: *data_dir,
                ..FolderReadOptions::default()
            };
            WorkingDirectory::read(dir, &look)
                .map_err(|error| CliError::failed("cannot read the files").because(&error))
        };
        let all = folders.iter().map(read).collect::<Result<_, _>>()?;
        let own = std::iter::once((*root).to_owned())
            .chain(out.map(|(dir, _)| dir.clone()))
            .collect();
        Ok(Self {
            root: (*root).to_owned(),
            all,
            own,
            below: *below,
        })
    }

    /// Returns the mechanism in the files of the folder itself; `None` if none of them belongs to
    /// this backend.
    pub(super) fn now(&self, bucket: &str) -> Option<LockMechanism> {
        self.all
            .iter()
            .filter(|folder| self.own.contains(&folder.dir))
            .find_map(|folder| now(folder, bucket))
    }

    /// Returns the edits.
    pub(super) fn plan(&self, wanted: &WantedArguments<'_>) -> BackendEdits {
        self.plan_of(
            self.all
                .iter()
                .filter(|folder| self.below || self.own.contains(&folder.dir)),
            wanted,
        )
    }

    /// The same with all that was read, whether it is edited or not.
    pub(super) fn plan_all(&self, wanted: &WantedArguments<'_>) -> BackendEdits {
        self.plan_of(self.all.iter(), wanted)
    }

    fn plan_of<'a>(
        &self,
        folders: impl Iterator<Item = &'a WorkingDirectory>,
        wanted: &WantedArguments<'_>,
    ) -> BackendEdits {
        let mut files = BackendEdits::default();
        for folder in folders {
            files.add(folder, &self.root, wanted);
        }
        files.stored.retain(|record| !record.is_explained);
        files
    }
}

/// A file of a folder, through no link that leads out of the repository. One elsewhere was named.
fn read(folder: &WorkingDirectory, path: &Path) -> Result<Option<String>, UnreadableFile> {
    if path.parent() == Some(&*folder.dir) {
        LinkBoundary::of(&folder.dir).text(path)
    } else {
        bounded::text(path)
    }
}

/// The arguments of each `s3` backend in a JSON file of a folder.
///
/// # Errors
/// If it was not understood.
fn of_json<'f>(
    folder: &'f WorkingDirectory,
    path: &Path,
    form: ArgumentForm,
) -> Result<Vec<&'f [SourcedArgument]>, &'f UnreadableFile> {
    match form {
        ArgumentForm::Partial => folder
            .partial
            .iter()
            .filter(|partial| partial.path == path)
            .map(|partial| partial.arguments.as_deref())
            .collect(),
        ArgumentForm::Configuration => match folder
            .configuration
            .unreadable
            .iter()
            .find(|unreadable| unreadable.path == path)
        {
            Some(unreadable) => Err(unreadable),
            None => {
                let blocks = folder
                    .configuration
                    .blocks_in(path)
                    .filter(|block| block.is_s3());
                Ok(blocks.map(|block| &*block.arguments).collect())
            }
        },
    }
}

/// Returns the lock arguments in the files of a folder; unreadable files are skipped.
fn said(folder: &WorkingDirectory) -> impl Iterator<Item = LockArguments> {
    of_blocks(&folder.configuration.blocks).chain(
        folder
            .partial
            .iter()
            .map(|partial| LockArguments::of(partial.said())),
    )
}

fn of_blocks(blocks: &[ConfiguredBlock]) -> impl Iterator<Item = LockArguments> {
    blocks
        .iter()
        .filter(|block| block.is_s3())
        .map(|block| LockArguments::of(&block.arguments))
}

/// Returns the mechanism in the block and the partial configurations of a folder for this bucket.
fn now(folder: &WorkingDirectory, bucket: &str) -> Option<LockMechanism> {
    let everywhere = said(folder).chain(of_blocks(&folder.configuration.overridden));
    let found: Vec<LockArguments> = everywhere
        .filter(|said| said.bucket.as_ref().is_none_or(|named| named == bucket))
        .collect();
    let rest = |one: &LockArguments| {
        // What leaves the bucket to another completes it.
        let of_it = found
            .iter()
            .filter(|other| other.bucket.is_none())
            .chain([one]);
        of_it.fold((false, false), |(table, file), other| {
            (
                table || other.table.is_some(),
                file || other.use_file == Some(true),
            )
        })
    };
    let each = found
        .iter()
        .filter(|arguments| arguments.bucket.is_some())
        .map(rest)
        .map(|used| match used {
            (true, true) => Some(LockMechanism::Both),
            (true, false) => Some(LockMechanism::Dynamodb),
            (false, true) => Some(LockMechanism::S3),
            (false, false) => None,
        });
    let each: Vec<Option<LockMechanism>> = each.collect();
    // Where they differ, the one that others may not see counts.
    let order = [
        LockMechanism::Dynamodb,
        LockMechanism::Both,
        LockMechanism::S3,
    ];
    order
        .into_iter()
        .find(|mechanism| each.contains(&Some(*mechanism)))
}

impl BackendEdits {
    /// Returns the files of `wider` that name the table, or may, and are not edited here, with
    /// reasons.
    pub(super) fn left_out(&self, wider: &Self) -> Vec<(PathBuf, String)> {
        let of_form = |read: &FileRead, form| {
            lock_arguments::read(&read.text, form)
                .iter()
                .any(|said| said.table.is_some())
        };
        let names_table = |read: &FileRead| {
            of_form(read, ArgumentForm::Configuration) || of_form(read, ArgumentForm::Partial)
        };
        let is_edited = |path: &Path| self.edits.iter().any(|(read, _)| read.path == path);
        let edits = wider
            .edits
            .iter()
            .map(|(read, _)| read)
            .filter(|read| names_table(read) && !is_edited(&read.path));
        let edits = edits.map(|read| {
            (
                read.path.clone(),
                "it names the table, and is in a subfolder".to_owned(),
            )
        });
        let by_hand = wider
            .by_hand
            .iter()
            .filter(|(path, _)| self.by_hand.iter().all(|(other, _)| other != path));
        edits.chain(by_hand.cloned()).collect()
    }

    /// Returns whether any file here belongs to this backend.
    pub(super) fn are_here(&self) -> bool {
        !(self.edits.is_empty() && self.current.is_empty() && self.by_hand.is_empty())
    }

    fn add(&mut self, folder: &WorkingDirectory, root: &Path, wanted: &WantedArguments<'_>) {
        let (before, by_hand) = (self.edits.len(), self.by_hand.len());
        let unread = folder
            .configuration
            .unreadable
            .iter()
            .map(|unreadable| &unreadable.path);
        for path in folder.configuration.files.iter().chain(unread) {
            self.look_at(folder, path, ArgumentForm::Configuration, wanted);
        }
        let from = self.edits.len();
        for partial in &folder.partial {
            self.look_at(folder, &partial.path, ArgumentForm::Partial, wanted);
        }
        let partials = self.edits.len();
        self.renew_block(folder, wanted);
        if self.edits.len() > before {
            let edited = self.edits[from..partials]
                .iter()
                .map(|(read, _)| name(folder, &read.path));
            let place = folder
                .dir
                .strip_prefix(root)
                .ok()
                .filter(|place| !place.as_os_str().is_empty());
            let chdir = place.map_or_else(String::new, |place| {
                format!(" -chdir={}", shell_word(&place.display().to_string()))
            });
            let partial = partial_word(edited.collect(), folder, wanted);
            self.init.push(format!(
                "{}{chdir} init -reconfigure{partial}",
                folder.engine.program()
            ));
        }
        let Some(record) = stored(folder, wanted) else {
            return;
        };
        // What is to be done by hand holds the migration anyway.
        let is_explained = record.is_explained || self.by_hand.len() > by_hand;
        match self
            .stored
            .iter_mut()
            .find(|known| known.path == record.path)
        {
            // With an absolute `TF_DATA_DIR`, it is that of several folders, and one of them has
            // its files.
            Some(known) => known.is_explained |= is_explained,
            None => self.stored.push(StoredRecord {
                is_explained,
                ..record
            }),
        }
    }

    /// The block of ours that a partial configuration of this backend completes: with a lock file
    /// it asks for a version that knows one. It goes on asking when the lock file goes: another
    /// environment may use one.
    fn renew_block(&mut self, folder: &WorkingDirectory, wanted: &WantedArguments<'_>) {
        let is_of_it = |partial: &PartialFile| {
            LockArguments::of(partial.said()).bucket.as_deref() == Some(wanted.bucket)
        };
        if !wanted.use_file || !folder.partial.iter().any(is_of_it) {
            return;
        }
        for path in &folder.configuration.files {
            let Ok(read) = FileRead::of(path) else {
                continue;
            };
            // A checkout may have turned the ends of lines.
            let is_ours =
                header::read(&read.text.replace("\r\n", "\n")) == FileHeader::Intact(None);
            let Some(block) = SharedBlock::S3_WITH_LOCK_FILE
                .text()
                .ok()
                .filter(|_| is_ours)
            else {
                continue;
            };
            let block = if read.text.contains('\r') {
                block.replace('\n', "\r\n")
            } else {
                block
            };
            if read.text != block {
                self.edits.push((read, block));
            }
        }
    }

    fn look_at(
        &mut self,
        folder: &WorkingDirectory,
        path: &Path,
        form: ArgumentForm,
        wanted: &WantedArguments<'_>,
    ) {
        if self.edits.iter().any(|(read, _)| read.path == path)
            || self.by_hand.iter().any(|(other, _)| other == path)
        {
            return;
        }
        let configuration = &folder.configuration;
        let may_have_block = configuration.blocks_in(path).next().is_some()
            || configuration
                .unreadable
                .iter()
                .any(|unreadable| unreadable.path == path);
        if form == ArgumentForm::Configuration && !may_have_block {
            return;
        }
        if is_json(path) {
            let judged: Vec<LockEdit> = match of_json(folder, path, form) {
                Ok(backends) => backends
                    .into_iter()
                    .map(|arguments| json::judge(arguments, wanted))
                    .collect(),
                // Its contents are unknown.
                Err(unreadable) => vec![LockEdit::ByHand(unreadable.error.clone())],
            };
            for one in judged {
                match one {
                    LockEdit::ByHand(why) => return self.by_hand.push((path.to_owned(), why)),
                    LockEdit::Current => self.current.push(path.to_owned()),
                    LockEdit::NotOurs | LockEdit::Edited(_) => {}
                }
            }
            return;
        }
        let text = match read(folder, path) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(unreadable) => return self.by_hand.push((path.to_owned(), unreadable.error)),
        };
        match edit(&text, form, wanted) {
            LockEdit::NotOurs => {}
            LockEdit::Current => self.current.push(path.to_owned()),
            LockEdit::ByHand(why) => self.by_hand.push((path.to_owned(), why)),
            LockEdit::Edited(edited) => match FileRead::of(path) {
                Ok(read) if read.text == text => self.edits.push((read, edited)),
                Ok(_) => self.by_hand.push((
                    path.to_owned(),
                    "it was changed while it was read".to_owned(),
                )),
                Err(why) => self.by_hand.push((path.to_owned(), why)),
            },
        }
    }
}

/// Returns the argument for `init`: the edited partial configuration, or else the one that may
/// be of this backend.
fn partial_word(
    mut names: Vec<String>,
    folder: &WorkingDirectory,
    wanted: &WantedArguments<'_>,
) -> String {
    if names.is_empty() {
        let bucket = |partial: &&PartialFile| {
            LockArguments::of(partial.said())
                .bucket
                .is_none_or(|bucket| bucket == wanted.bucket)
        };
        names.extend(
            folder
                .partial
                .iter()
                .filter(bucket)
                .map(|partial| name(folder, &partial.path)),
        );
    }
    match &names[..] {
        [] => String::new(),
        [name] => format!(" -backend-config={}", shell_word(name)),
        // The user must choose the one.
        _ => " -backend-config=FILE".to_owned(),
    }
}

/// Returns the record of `init` in a folder, if it names the table or cannot be read; and whether a
/// file of
/// the folder says the same.
fn stored(folder: &WorkingDirectory, wanted: &WantedArguments<'_>) -> Option<StoredRecord> {
    let saved: &SavedBackend = match &folder.saved {
        Ok(saved) => saved.as_ref()?,
        Err(unreadable) => {
            return Some(StoredRecord {
                path: unreadable.path.clone(),
                why: unreadable.error.clone(),
                is_explained: false,
            });
        }
    };
    let stored = LockArguments::of(&saved.arguments);
    let is_of_ours = saved.is_s3() && stored.bucket.as_deref() == Some(wanted.bucket);
    let table = stored
        .table
        .filter(|table| is_of_ours && wanted.is_table(table))?;
    let names_it = |said: LockArguments| {
        said.table.is_some_and(|table| wanted.is_table(&table))
            && said.bucket.is_none_or(|bucket| bucket == wanted.bucket)
    };
    let why = format!(
        "`init` was run with `dynamodb_table` = {}, which no file of the folder sets",
        crate::terraform::write::hcl::quoted(&table)
    );
    Some(StoredRecord {
        path: saved.path.clone(),
        why,
        is_explained: said(folder).any(names_it),
    })
}

/// Returns its path relative to the folder.
fn name(folder: &WorkingDirectory, path: &Path) -> String {
    path.strip_prefix(&folder.dir)
        .unwrap_or(path)
        .display()
        .to_string()
}

#[cfg(test)]
mod tests;
