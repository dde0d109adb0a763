//! The status of a file in the folder compared with the expected one, and whether it may be
//! replaced.

use std::{fs, io, path::Path};

use super::{
    RenderError, RenderedFile, diff,
    header::{self, FileHeader, HeaderOwner},
};
use crate::host::bounded;

/// The status of an existing file compared with the expected one.
#[derive(Clone, Debug, PartialEq)]
pub enum FileStatus {
    Missing,
    Current,
    /// Ours, as we wrote it, and no longer what the settings say.
    Stale {
        diff: String,
    },
    /// Something that is not replaced unasked.
    Refused(NotReplaced),
}

/// The reason why a file is not replaced.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotReplaced {
    #[error("was changed by hand")]
    ChangedByHand { diff: String },
    #[error("was not written by tfbackend")]
    NotOurs { diff: String },
    #[error("belongs to the {theirs}")]
    AnotherEnvironment { theirs: HeaderOwner, diff: String },
    /// Also when told to overwrite.
    #[error("{0}")]
    Obstacle(Unwritable),
}

impl NotReplaced {
    /// Returns the diff from the existing to the expected file; none for a file that is not plain
    /// text. Of
    /// what is not ours, the names of arguments only.
    pub fn diff(&self) -> Option<&str> {
        match self {
            Self::ChangedByHand { diff }
            | Self::NotOurs { diff }
            | Self::AnotherEnvironment { diff, .. } => Some(diff),
            Self::Obstacle(_) => None,
        }
    }

    /// Returns whether overwriting is a way out.
    pub fn can_be_overwritten(&self) -> bool {
        self.diff().is_some()
    }

    /// Returns a hint.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::ChangedByHand { .. } => {
                "move your own arguments to a second file (`init` accepts several \
                 `-backend-config`), and replace this one with `--overwrite` (a copy is kept as \
                 .bak)"
            }
            Self::NotOurs { .. } => {
                "move it away, or replace it with `--overwrite` (a copy is kept as .bak)"
            }
            Self::AnotherEnvironment { .. } => {
                "`--conf-file '{env}.s3.tfbackend'` keeps one file per environment; `--overwrite` \
                 replaces this one (a copy is kept as .bak)"
            }
            Self::Obstacle(Unwritable::ReadOnly) => {
                "make it writable, or choose another name or folder"
            }
            Self::Obstacle(_) => "move it away, or choose another name or folder",
        }
    }
}

/// A path that is never overwritten, regardless of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    #[error("is a symbolic link, which is not followed")]
    SymbolicLink,
    #[error("is a folder")]
    Folder,
    /// A pipe, a socket or a device.
    #[error("is not a regular file")]
    Special,
    #[error("is read-only")]
    ReadOnly,
    #[error("is not valid UTF-8")]
    NotText,
    #[error("is larger than {} bytes", bounded::LARGEST)]
    TooLarge,
}

/// A standing, and what it was judged by.
#[derive(Debug)]
pub(super) struct StatusReading {
    pub standing: FileStatus,
    /// As it was read; `None` where no text was.
    pub found: Option<ExistingFile>,
}

#[derive(Debug)]
pub(super) struct ExistingFile {
    pub text: String,
    pub permissions: fs::Permissions,
}

/// Looks at `file` in `dir`. Nothing but a regular file is opened.
pub(super) fn look(dir: &Path, file: &RenderedFile) -> Result<StatusReading, RenderError> {
    let path = dir.join(&file.name);
    let obstacle = |obstacle| {
        Ok(StatusReading {
            standing: FileStatus::Refused(NotReplaced::Obstacle(obstacle)),
            found: None,
        })
    };
    let meta = match fs::symlink_metadata(&path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(StatusReading {
                standing: FileStatus::Missing,
                found: None,
            });
        }
        Err(error) => return Err(RenderError::io("read", path)(error)),
    };
    if meta.is_symlink() {
        return obstacle(Unwritable::SymbolicLink);
    }
    if meta.is_dir() {
        return obstacle(Unwritable::Folder);
    }
    if !meta.is_file() {
        return obstacle(Unwritable::Special);
    }
    let bytes = match bounded::bytes(&path) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return obstacle(Unwritable::TooLarge);
        }
        bytes => bytes.map_err(RenderError::io("read", &path))?,
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return obstacle(Unwritable::NotText);
    };
    let mut standing = judge(file, &text);
    // Root may write all the same; the bit says that it should not.
    if meta.permissions().readonly() && standing != FileStatus::Current {
        standing = FileStatus::Refused(NotReplaced::Obstacle(Unwritable::ReadOnly));
    }
    Ok(StatusReading {
        standing,
        found: Some(ExistingFile {
            text,
            permissions: meta.permissions(),
        }),
    })
}

/// Sets `found`, the whole text of a file, against what should be there.
pub fn judge(file: &RenderedFile, found: &str) -> FileStatus {
    // A checkout may have turned the ends of lines.
    let found = found.replace("\r\n", "\n");
    if found == file.text || file.tolerated.as_ref() == Some(&found) {
        return FileStatus::Current;
    }
    let ours = || diff::unified(&file.name, &found, &file.text);
    let theirs = || diff::by_argument(&file.name, &found, &file.text);
    match (header::read(&found), &file.owner) {
        (FileHeader::Intact(None), None) => FileStatus::Stale { diff: ours() },
        (FileHeader::Intact(Some(owner)), Some(own)) if own.succeeds(&owner) => {
            FileStatus::Stale { diff: ours() }
        }
        (FileHeader::Intact(Some(owner)), Some(_)) => {
            FileStatus::Refused(NotReplaced::AnotherEnvironment {
                theirs: owner,
                diff: ours(),
            })
        }
        (FileHeader::Changed, _) => {
            FileStatus::Refused(NotReplaced::ChangedByHand { diff: theirs() })
        }
        // Ours of the other kind is not ours to replace here.
        (FileHeader::Intact(_) | FileHeader::Foreign, _) => {
            FileStatus::Refused(NotReplaced::NotOurs { diff: theirs() })
        }
    }
}
