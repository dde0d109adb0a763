//! Which files say how to lock, and what is to be edited in them.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{
    cli::{failure::Failure, folders},
    render::{
        lock_arguments::{self, Edit, Form, LockArguments, Wanted, edit, json},
        rewrite::Read,
        shell::shell_word,
    },
    settings::layer::LockMechanism,
    working_directory::{
        Argument, Look, Partial, Saved, Value, Within, WorkingDirectory,
        bounded::{self, Unreadable},
    },
};

/// More bytes than any configuration has: whether a larger file is about a backend is not asked.
const LARGEST: u64 = 64 << 20;

/// What there is to edit, before anything is.
#[derive(Debug, Default)]
pub struct Files {
    pub edits: Vec<(Read, String)>,
    /// As they should be.
    pub current: Vec<PathBuf>,
    /// What a person has to do, and why.
    pub by_hand: Vec<(PathBuf, String)>,
    /// Records of `init` that name the table, which no file of their folder explains, or that cannot be read; and why.
    pub stored: Vec<(PathBuf, String)>,
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
    /// `TF_DATA_DIR`, if it is set.
    pub data_dir: Option<&'a Path>,
    /// The folder of an environment's own files, with the name of its partial configuration.
    pub out: Option<(PathBuf, PathBuf)>,
}

/// Looks at the files of one folder, or of all below it.
///
/// # Errors
/// If a folder cannot be listed.
pub fn plan(places: &Places<'_>, wanted: &Wanted<'_>) -> Result<Files, Failure> {
    let mut files = Files::default();
    let Places { root, below, named, data_dir, out } = places;
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
        let look = Look { partial: &partial, data_dir: *data_dir, ..Look::default() };
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

/// The arguments of each `s3` backend in a JSON file of a folder.
///
/// # Errors
/// If it was not understood.
fn of_json<'f>(folder: &'f WorkingDirectory, path: &Path, form: Form) -> Result<Vec<&'f [Argument]>, &'f Unreadable> {
    match form {
        Form::Partial => folder.partial.iter().filter(|partial| partial.path == path).map(|partial| partial.arguments.as_deref()).collect(),
        Form::Configuration => match folder.configuration.unreadable.iter().find(|unreadable| unreadable.path == path) {
            Some(unreadable) => Err(unreadable),
            None => {
                let blocks = folder.configuration.blocks.iter().filter(|block| block.is_s3() && block.at.path == path);
                Ok(blocks.map(|block| &*block.arguments).collect())
            }
        },
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

/// What the files of a folder say of locks; nothing of those that cannot be read.
fn said(folder: &WorkingDirectory) -> Vec<LockArguments> {
    let configurations = folder.configuration.files.iter().map(|path| (path, Form::Configuration));
    let texts = configurations.chain(folder.partial.iter().map(|partial| (&partial.path, Form::Partial)));
    let mut found: Vec<LockArguments> = vec![];
    for (path, form) in texts {
        if is_json(path) {
            found.extend(of_json(folder, path, form).into_iter().flatten().map(json::read));
        } else if let Ok(Some(text)) = read(folder, path) {
            found.extend(lock_arguments::read(&text, form));
        }
    }
    found
}

/// What the block and the partial configurations of a folder say of this bucket, together.
fn now(folder: &WorkingDirectory, bucket: &str) -> Option<LockMechanism> {
    let mut found = said(folder);
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
    /// What of `wider` names the table, or may, and is not edited here: each file with the reason.
    pub fn left_out(&self, wider: &Self) -> Vec<(PathBuf, String)> {
        let of_form = |read: &Read, form| lock_arguments::read(&read.text, form).iter().any(|said| said.has_table);
        let names_table = |read: &Read| of_form(read, Form::Configuration) || of_form(read, Form::Partial);
        let is_edited = |path: &Path| self.edits.iter().any(|(read, _)| read.path == path);
        let edits = wider.edits.iter().map(|(read, _)| read).filter(|read| names_table(read) && !is_edited(&read.path));
        let edits = edits.map(|read| (read.path.clone(), "it names the table, and is in a folder below".to_owned()));
        let by_hand = wider.by_hand.iter().filter(|(path, _)| self.by_hand.iter().all(|(other, _)| other != path));
        edits.chain(by_hand.cloned()).collect()
    }

    /// Whether any file here is about this backend.
    pub fn are_here(&self) -> bool {
        !(self.edits.is_empty() && self.current.is_empty() && self.by_hand.is_empty())
    }

    fn add(&mut self, folder: &WorkingDirectory, root: &Path, wanted: &Wanted<'_>) {
        let (before, by_hand) = (self.edits.len(), self.by_hand.len());
        let unread = folder.configuration.unreadable.iter().map(|unreadable| &unreadable.path);
        for path in folder.configuration.files.iter().chain(unread) {
            self.look_at(folder, path, Form::Configuration, wanted);
        }
        let from = self.edits.len();
        for partial in &folder.partial {
            self.look_at(folder, &partial.path, Form::Partial, wanted);
        }
        if self.edits.len() > before {
            let edited = self.edits[from..].iter().map(|(read, _)| name(folder, &read.path));
            let place = folder.dir.strip_prefix(root).ok().filter(|place| !place.as_os_str().is_empty());
            let chdir = place.map_or_else(String::new, |place| format!(" -chdir={}", shell_word(&place.display().to_string())));
            let partial = partial_word(edited.collect(), folder, wanted);
            self.init.push(format!("{}{chdir} init -reconfigure{partial}", folder.engine.program()));
        }
        if self.by_hand.len() == by_hand {
            self.stored.extend(stored(folder, wanted));
        }
    }

    fn look_at(&mut self, folder: &WorkingDirectory, path: &Path, form: Form, wanted: &Wanted<'_>) {
        if self.edits.iter().any(|(read, _)| read.path == path) || self.by_hand.iter().any(|(other, _)| other == path) {
            return;
        }
        if is_json(path) {
            let judged: Vec<Edit> = match of_json(folder, path, form) {
                Ok(backends) => backends.into_iter().map(|arguments| json::judge(arguments, wanted)).collect(),
                // What it says is not known.
                Err(unreadable) if form == Form::Partial || may_have_a_block(path) => vec![Edit::ByHand(unreadable.error.clone())],
                Err(_) => vec![],
            };
            for one in judged {
                match one {
                    Edit::ByHand(why) => return self.by_hand.push((path.to_owned(), why)),
                    Edit::Current => self.current.push(path.to_owned()),
                    Edit::NotOurs | Edit::Edited(_) => {}
                }
            }
            return;
        }
        let text = match read(folder, path) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(unreadable) if form == Form::Partial || may_have_a_block(path) => {
                return self.by_hand.push((path.to_owned(), unreadable.error));
            }
            Err(_) => return,
        };
        if form == Form::Configuration && !text.contains(BLOCK) {
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

/// What every file has in it that chooses a backend.
const BLOCK: &str = "backend";

/// Whether a file that is no text, or is too large, may choose a backend.
fn may_have_a_block(path: &Path) -> bool {
    match bounded::open(path) {
        Ok(None) => false,
        Ok(Some(file)) => {
            let mut bytes = vec![];
            let read = file.take(LARGEST).read_to_end(&mut bytes);
            read.is_err() || bytes.len() as u64 == LARGEST || bytes.windows(BLOCK.len()).any(|window| window == BLOCK.as_bytes())
        }
        Err(_) => true,
    }
}

/// What `init` has to be given: the partial configuration that was edited, or else the one that may be of this backend.
fn partial_word(mut names: Vec<String>, folder: &WorkingDirectory, wanted: &Wanted<'_>) -> String {
    if names.is_empty() {
        let bucket = |partial: &&Partial| json::read(partial.said()).bucket.is_none_or(|bucket| bucket == wanted.bucket);
        names.extend(folder.partial.iter().filter(bucket).map(|partial| name(folder, &partial.path)));
    }
    match &names[..] {
        [] => String::new(),
        [name] => format!(" -backend-config={}", shell_word(name)),
        // Which one it is, only a person knows.
        _ => " -backend-config=FILE".to_owned(),
    }
}

/// What `init` stored in a folder, if it names the table and no file of the folder does, or if it cannot be read.
fn stored(folder: &WorkingDirectory, wanted: &Wanted<'_>) -> Option<(PathBuf, String)> {
    let saved: &Saved = match &folder.saved {
        Ok(saved) => saved.as_ref()?,
        Err(unreadable) => return Some((unreadable.path.clone(), unreadable.error.clone())),
    };
    let text = |name| saved.value(name).and_then(Value::as_text).filter(|text| !text.is_empty());
    let is_of_ours = saved.is_s3() && text("bucket") == Some(wanted.bucket);
    let table = text("dynamodb_table").filter(|table| is_of_ours && wanted.is_table(table))?;
    let is_explained = said(folder).iter().any(|said| said.has_table && said.bucket.as_ref().is_none_or(|bucket| bucket == wanted.bucket));
    let why = format!("`init` was run with `dynamodb_table` = {}, and no file of the folder says so", crate::render::hcl::quoted(table));
    (!is_explained).then(|| (saved.path.clone(), why))
}

/// As it is named in the folder.
fn name(folder: &WorkingDirectory, path: &Path) -> String {
    path.strip_prefix(&folder.dir).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests;
