//! What Git tracks, as its index says: the file is read, Git is never run.
//!
//! From `Documentation/gitformat-index.adoc` of Git, versions 2 to 4.

use std::{io::Read, path::Path};

use super::bounded::{self, UnreadableFile};

/// In bytes: some half a million files.
const LIMIT: u64 = 64 << 20;
/// The maximum number of paths.
const MOST: usize = 100;
/// The bytes of an entry before its object name: times, device, inode, mode, owner and size.
const FACTS: usize = 40;

/// The paths in the index of `git_dir` that `wanted` takes, as Git has them: from the root, with
/// `/`. None without an index.
///
/// # Errors
/// If the index cannot be read, or is of a form that is not known.
pub(crate) fn tracked(
    git_dir: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<String>, UnreadableFile> {
    let path = git_dir.join("index");
    let Some(file) = bounded::open(&path)? else {
        return Ok(vec![]);
    };
    let mut bytes = vec![];
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| UnreadableFile::io(&path, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(UnreadableFile::new(
            path,
            format!("is larger than {LIMIT} bytes"),
        ));
    }
    // Names of objects have 20 bytes (SHA-1) or 32 (SHA-256); the index does not say which.
    let read = |hash| paths(&bytes, hash, &wanted);
    read(20)
        .or_else(|| read(32))
        .ok_or_else(|| UnreadableFile::new(path, "has an unknown index format"))
}

/// `None` unless all of it is valid.
fn paths(bytes: &[u8], hash: usize, wanted: &impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let mut rest = bytes.get(..bytes.len().checked_sub(hash)?)?;
    if take(&mut rest, 4)? != b"DIRC" {
        return None;
    }
    let (version, count) = (number(&mut rest)?, number(&mut rest)?);
    let (mut name, mut found) = (vec![], vec![]);
    for _ in 0..count {
        let before = rest.len();
        take(&mut rest, FACTS + hash)?;
        let flags = take(&mut rest, 2)?;
        let is_extended = version >= 3 && flags[0] & 0x40 != 0;
        take(&mut rest, if is_extended { 2 } else { 0 })?;
        match version {
            2 | 3 => name.clear(),
            4 => name.truncate(name.len().checked_sub(offset(&mut rest)?)?),
            _ => return None,
        }
        let end = rest.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(take(&mut rest, end)?);
        let padding = if version == 4 {
            1
        } else {
            8 - (before - rest.len()) % 8
        };
        take(&mut rest, padding)?;
        if let Some(path) = std::str::from_utf8(&name)
            .ok()
            .filter(|path| found.len() < MOST && wanted(path))
        {
            found.push(path.to_owned());
        }
    }
    while !rest.is_empty() {
        let kind = take(&mut rest, 4)?;
        // Of a split index, the rest is in another file.
        if !kind.iter().all(u8::is_ascii_alphabetic) || kind == b"link" {
            return None;
        }
        let size = number(&mut rest)?;
        take(&mut rest, usize::try_from(size).ok()?)?;
    }
    Some(found)
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest, 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// As Git packs an offset: seven bits in a byte, the most significant first, each further byte one
/// higher.
fn offset(rest: &mut &[u8]) -> Option<usize> {
    let mut byte = take(rest, 1)?[0];
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = take(rest, 1)?[0];
        value = value
            .checked_add(1)?
            .checked_mul(128)?
            .checked_add(usize::from(byte & 0x7f))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests;
