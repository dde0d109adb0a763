//! Which files say how to lock, and what is to be edited in them.

use std::path::{Path, PathBuf};

use crate::{
    cli::{failure::Failure, folders},
    render::{
        lock_arguments::{self, Edit, Form, LockArguments, Wanted, edit},
        rewrite::Read,
        shell::shell_word,
    },
    settings::layer::LockMechanism,
    working_directory::{
        Look, Within, WorkingDirectory,
        bounded::{self, Unreadable},
    },
};

/// What there is to edit, before anything is.
#[derive(Debug, Default)]
pub struct Files {
    pub edits: Vec<(Read, String)>,
    /// As they should be.
    pub current: Vec<PathBuf>,
    /// What a person has to do, and why.
    pub by_hand: Vec<(PathBuf, String)>,
    /// What to run where something is edited, one for each folder.
    pub init: Vec<String>,
    /// What the files of the folder itself choose; `None` if none of them is about this backend.
    pub now: Option<LockMechanism>,
}

/// Where to look.
#[derive(Clone, Debug)]
pub struct Places<'a> {
    pub root: &'a Path,
    /// In every folder below it as well.
    pub below: bool,
    /// Partial configurations of `root`, whatever their names.
    pub named: &'a [PathBuf],
    /// The folder of an environment's own files, with the name of its partial configuration.
    pub out: Option<(PathBuf, PathBuf)>,
}

/// Looks at the files of one folder, or of all below it.
///
/// # Errors
/// If a folder cannot be listed.
pub fn plan(places: &Places<'_>, wanted: &Wanted<'_>) -> Result<Files, Failure> {
    let mut files = Files::default();
    let Places { root, below, named, out } = places;
    let mut folders = if *below { folders::below(root)? } else { vec![(*root).to_owned()] };
    let out = out.as_ref().filter(|(dir, _)| dir.is_dir());
    if let Some((dir, _)) = out.filter(|(dir, _)| !folders.contains(dir)) {
        folders.push(dir.clone());
    }
    for dir in folders {
        let mut partial = if dir == *root { named.to_vec() } else { vec![] };
        if let Some((_, conf)) = out.filter(|(out, conf)| *out == dir && dir.join(conf).is_file()) {
            partial.push(conf.clone());
        }
        let look = Look { partial: &partial, ..Look::default() };
        let folder = WorkingDirectory::read(&dir, &look).map_err(|error| Failure::failed("cannot look at the files").because(&error))?;
        files.add(&folder, root, wanted);
        if files.now.is_none() && (dir == *root || out.is_some_and(|(out, _)| *out == dir)) {
            files.now = now(&folder, wanted.bucket);
        }
    }
    Ok(files)
}

/// A file of a folder, through no link that leads out of the repository. One elsewhere was named.
fn read(folder: &WorkingDirectory, path: &Path) -> Result<Option<String>, Unreadable> {
    if path.parent() == Some(&*folder.dir) { Within::of(&folder.dir).text(path) } else { bounded::text(path) }
}

/// What the block and the partial configurations of a folder say of this bucket, together.
fn now(folder: &WorkingDirectory, bucket: &str) -> Option<LockMechanism> {
    let configurations = folder.configuration.files.iter().map(|path| (path, Form::Configuration));
    let texts = configurations.chain(folder.partial.iter().map(|partial| (&partial.path, Form::Partial)));
    let mut found: Vec<LockArguments> = vec![];
    for (path, form) in texts {
        if let Ok(Some(text)) = read(folder, path) {
            found.extend(lock_arguments::read(&text, form));
        }
    }
    found.retain(|arguments| arguments.bucket.as_ref().is_none_or(|named| named == bucket));
    let rest = |one: &LockArguments| {
        // What leaves the bucket to another completes it.
        let of_it = found.iter().filter(|other| other.bucket.is_none()).chain([one]);
        of_it.fold((false, false), |(table, file), other| (table || other.has_table, file || other.use_file == Some(true)))
    };
    let each = found.iter().filter(|arguments| arguments.bucket.is_some()).map(rest).map(|used| match used {
        (true, true) => Some(LockMechanism::Both),
        (true, false) => Some(LockMechanism::Dynamodb),
        (false, true) => Some(LockMechanism::S3),
        (false, false) => None,
    });
    let each: Vec<Option<LockMechanism>> = each.collect();
    // Where they differ, the one that others may not see counts.
    let order = [LockMechanism::Dynamodb, LockMechanism::Both, LockMechanism::S3];
    order.into_iter().find(|mechanism| each.contains(&Some(*mechanism)))
}

impl Files {
    /// Whether any file here is about this backend.
    pub fn are_here(&self) -> bool {
        !(self.edits.is_empty() && self.current.is_empty() && self.by_hand.is_empty())
    }

    fn add(&mut self, folder: &WorkingDirectory, root: &Path, wanted: &Wanted<'_>) {
        let before = self.edits.len();
        let unread = folder.configuration.unreadable.iter().map(|unreadable| &unreadable.path);
        for path in folder.configuration.files.iter().chain(unread) {
            self.look_at(folder, path, Form::Configuration, wanted);
        }
        let from = self.edits.len();
        for partial in &folder.partial {
            self.look_at(folder, &partial.path, Form::Partial, wanted);
        }
        if self.edits.len() > before {
            let partial: String = match &self.edits[from..] {
                [] => String::new(),
                [(read, _)] => format!(" -backend-config={}", shell_word(&name(&read.path))),
                // Which one it is, only a person knows.
                _ => " -backend-config=FILE".to_owned(),
            };
            let place = folder.dir.strip_prefix(root).ok().filter(|place| !place.as_os_str().is_empty());
            let chdir = place.map_or_else(String::new, |place| format!(" -chdir={}", shell_word(&place.display().to_string())));
            self.init.push(format!("{}{chdir} init -reconfigure{partial}", folder.engine.program()));
        }
    }

    fn look_at(&mut self, folder: &WorkingDirectory, path: &Path, form: Form, wanted: &Wanted<'_>) {
        if self.edits.iter().any(|(read, _)| read.path == path) || self.by_hand.iter().any(|(other, _)| other == path) {
            return;
        }
        let Ok(Some(text)) = read(folder, path) else { return };
        let may_be_about = match form {
            Form::Configuration => text.contains("backend"),
            Form::Partial => true,
        };
        if !may_be_about {
            return;
        }
        if path.extension().is_some_and(|ending| ending == "json") {
            if text.contains(&format!("\"{}\"", wanted.bucket)) {
                self.by_hand.push((path.to_owned(), "it is JSON".to_owned()));
            }
            return;
        }
        match edit(&text, form, wanted) {
            Edit::NotOurs => {}
            Edit::Current => self.current.push(path.to_owned()),
            Edit::ByHand(why) => self.by_hand.push((path.to_owned(), why)),
            Edit::Edited(edited) => match Read::of(path) {
                Ok(read) if read.text == text => self.edits.push((read, edited)),
                Ok(_) => self.by_hand.push((path.to_owned(), "it was changed at this moment".to_owned())),
                Err(why) => self.by_hand.push((path.to_owned(), why)),
            },
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
