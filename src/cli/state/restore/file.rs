//! The state that a backup, or a file, has.

use std::{fs::File, io::Read, path::Path};

use jiff::Timestamp;

use crate::{
    aws::store::restore::LARGEST,
    backup::{
        manifest::Entry,
        read::{self, Limits, ReadError},
    },
    cli::{context::Context, failure::Failure},
};

/// How what was packed by zstd begins.
const PACKED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Which of the states in a backup.
pub struct Choice<'a> {
    pub path: &'a str,
    pub version: Option<&'a str>,
    pub serial: Option<u64>,
    pub before: Option<Timestamp>,
}

impl Choice<'_> {
    fn takes(&self, Entry { state, .. }: &Entry) -> bool {
        state.path == self.path
            && self.version.is_none_or(|version| state.version.as_deref() == Some(version))
            && self.serial.is_none_or(|serial| state.facts.serial == Some(serial))
            && self.before.is_none_or(|time| state.modified.is_some_and(|modified| modified < time))
    }
}

/// Its bytes; all of a backup is checked first.
pub fn read(from: &Path, choice: &Choice<'_>, bucket: &str, cx: &mut Context<'_>) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: &dyn std::error::Error| Failure::failed(format!("cannot take a state from {}", from.display())).because(error);
    if !from.is_dir() && !is_packed(from).map_err(|error| unreadable(&error))? {
        return plain(from).map_err(|error| unreadable(&error));
    }
    let mut of_path = 0_usize;
    let mut fits: Vec<Entry> = vec![];
    let backup = read::open(from, Limits::default(), |entry| {
        of_path += usize::from(entry.state.path == choice.path);
        if choice.takes(&entry) {
            fits.push(entry);
        }
    });
    let backup = backup.map_err(|error| unreadable(&error))?;
    if backup.header.bucket != bucket {
        cx.say(&format!("note: the backup is of the bucket {}", backup.header.bucket));
    }
    // The one that was in use, else the last.
    let Some(entry) = fits.iter().max_by_key(|entry| (entry.state.current, entry.state.modified)) else {
        let what = if of_path == 0 { "no version" } else { "no such version" };
        return Err(Failure::failed(format!("{} has {what} of {}", from.display(), choice.path)));
    };
    backup.bytes(entry, max()).map_err(|error| unreadable(&error))
}

fn max() -> u64 {
    u64::try_from(LARGEST).unwrap_or(u64::MAX)
}

fn is_packed(from: &Path) -> Result<bool, ReadError> {
    let io = |source| ReadError::Io { path: from.to_owned(), source };
    // Whatever else there is may not end, or not begin.
    if !std::fs::metadata(from).map_err(io)?.is_file() {
        return Err(ReadError::NotAFile { path: from.to_owned() });
    }
    let mut first = vec![];
    File::open(from).map_err(io)?.take(4).read_to_end(&mut first).map_err(io)?;
    Ok(first == PACKED)
}

/// Whether it is a state is seen later.
fn plain(from: &Path) -> Result<Vec<u8>, ReadError> {
    let io = |source| ReadError::Io { path: from.to_owned(), source };
    let mut bytes = vec![];
    File::open(from).map_err(io)?.take(max() + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > LARGEST { Err(ReadError::TooLarge("can be read of one state")) } else { Ok(bytes) }
}
