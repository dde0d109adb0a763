//! Puts a set of files into a folder: all are looked at before any is written, and each is written
//! at once or not.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    RenderError, RenderedFile,
    file_status::{ExistingFile, FileStatus, NotReplaced, StatusReading, look},
};
use crate::host::bounded;

/// The result for one file.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct WrittenFile {
    pub path: PathBuf,
    pub outcome: FileOutcome,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FileOutcome {
    /// `backup` has what was there, where that was not ours alone.
    Written {
        backup: Option<PathBuf>,
    },
    Unchanged,
    Refused(NotReplaced),
    /// Would have been written, had not another been refused.
    HeldBack,
}

/// Returns the status of each of `files` in `dir`, in their order. Nothing is written.
///
/// # Errors
/// If `dir` is there and is not a folder, or a file cannot be read.
pub fn check(
    dir: &Path,
    files: &[RenderedFile],
) -> Result<Vec<(PathBuf, FileStatus)>, RenderError> {
    let looks = look_at_all(dir, files)?;
    Ok(files
        .iter()
        .zip(looks)
        .map(|(file, look)| (dir.join(&file.name), look.standing))
        .collect())
}

/// Returns what [`write`] would do, as far as known without writing.
///
/// Whether a file is refused does not depend on what is only known after apply, so this can be
/// asked before anything is made.
///
/// # Errors
/// As [`check`].
pub fn preview(
    dir: &Path,
    files: &[RenderedFile],
    overwrite: bool,
) -> Result<Vec<WrittenFile>, RenderError> {
    Ok(decide(dir, files, look_at_all(dir, files)?, overwrite)
        .into_iter()
        .map(|step| step.written)
        .collect())
}

/// Returns whether a file can be written into `dir`, or into the nearest folder above it that is
/// there.
/// Nothing is left behind.
///
/// # Errors
/// If it cannot, or something on the way is no folder.
pub fn must_take_files(dir: &Path) -> Result<(), RenderError> {
    let there = dir
        .ancestors()
        .find(|folder| fs::symlink_metadata(folder).is_ok())
        .unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Err(RenderError::NotAFolder {
            path: there.to_owned(),
        });
    }
    // Not the error itself, which names the temporary file.
    let probed = tempfile::Builder::new()
        .prefix(".tfbackend-")
        .tempfile_in(there)
        .map_err(|error| io::Error::from(error.kind()));
    probed
        .map(drop)
        .map_err(RenderError::io("write to the folder", there))
}

/// Writes each of `files` that is not in `dir` already, in their order; makes `dir` if needed.
///
/// Flow: looks at all; if any is refused, stops with nothing changed. Puts every new text into a
/// temporary file beside its target and syncs it. Then, for each, looks again, keeps a copy of what
/// `overwrite` replaces as `<name>.bak` (never over one that differs), and renames.
///
/// Guarantees: a reader sees the old or the new text, never a part. No link is followed. A file
/// that is current is not touched. What was changed by hand, is not ours or belongs to another
/// environment is replaced only with `overwrite`, and what is no writable text file not even then.
///
/// Caveats: between the last look and the rename another program may still write to an existing
/// file.
///
/// # Errors
/// If the folder or a file cannot be read or written, or a file was changed since the first look;
/// files before it are written then, and running again continues.
pub fn write(
    dir: &Path,
    files: &[RenderedFile],
    overwrite: bool,
) -> Result<Vec<WrittenFile>, RenderError> {
    prepare(dir, files, overwrite)?.commit()
}

/// The result for a file that is no longer needed.
#[derive(Clone, Debug, PartialEq)]
pub enum FileRemoval {
    Removed(PathBuf),
    /// The file was changed by hand, or belongs to another environment.
    Kept(PathBuf, NotReplaced),
    /// Another file, named here, completes the block that is in it.
    InUse(PathBuf, String),
}

/// Removes each of `files` from `dir` that is as we wrote it. What is not there is not spoken of.
///
/// # Errors
/// If `dir` is no folder, or a file cannot be read or removed; those before it are gone then.
pub fn remove(dir: &Path, files: &[RenderedFile]) -> Result<Vec<FileRemoval>, RenderError> {
    let mut removals = vec![];
    for (file, look) in files.iter().zip(look_at_all(dir, files)?) {
        let path = dir.join(&file.name);
        match look.standing {
            FileStatus::Missing => {}
            FileStatus::Current | FileStatus::Stale { .. } => {
                fs::remove_file(&path).map_err(RenderError::io("remove", &path))?;
                removals.push(FileRemoval::Removed(path));
            }
            FileStatus::Refused(refusal) => removals.push(FileRemoval::Kept(path, refusal)),
        }
    }
    Ok(removals)
}

/// All that is to be written, beside its target and not yet in its place.
struct PreparedFiles<'a> {
    dir: &'a Path,
    steps: Vec<(FileStep<'a>, Option<NamedTempFile>)>,
}

fn prepare<'a>(
    dir: &'a Path,
    files: &'a [RenderedFile],
    overwrite: bool,
) -> Result<PreparedFiles<'a>, RenderError> {
    if let Some(file) = files
        .iter()
        .find(|file| file.text.contains(crate::engine::spec::UNKNOWN))
    {
        return Err(RenderError::NotKnownYet {
            name: file.name.clone(),
        });
    }
    let steps = decide(dir, files, look_at_all(dir, files)?, overwrite);
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|folder| fs::symlink_metadata(folder).is_err())
        .collect();
    let stage = |step: FileStep<'a>| {
        let permissions = step.found.as_ref().map(|found| &found.permissions);
        let temp = if step.writes() {
            Some(stage(dir, &step.file.text, permissions)?)
        } else {
            None
        };
        Ok((step, temp))
    };
    let made = if steps.iter().any(FileStep::writes) {
        make_writable_folder(dir)
    } else {
        Ok(())
    };
    let staged = made.and_then(|()| steps.into_iter().map(stage).collect::<Result<_, _>>());
    if staged.is_err() {
        // Only what is empty is removed.
        missing
            .iter()
            .for_each(|folder| drop(fs::remove_dir(folder)));
    }
    Ok(PreparedFiles {
        dir,
        steps: staged?,
    })
}

impl PreparedFiles<'_> {
    fn commit(self) -> Result<Vec<WrittenFile>, RenderError> {
        let Self { dir, steps } = self;
        let writes = steps.iter().any(|(step, _)| step.writes());
        let put = |(mut step, temp): (FileStep, Option<NamedTempFile>)| {
            if let Some(temp) = temp {
                step.put(dir, temp)?;
            }
            Ok(step.written)
        };
        let written = steps.into_iter().map(put).collect::<Result<_, _>>()?;
        if writes {
            sync_folder(dir)?;
        }
        Ok(written)
    }
}

/// One file, and what is to become of it.
struct FileStep<'a> {
    file: &'a RenderedFile,
    written: WrittenFile,
    found: Option<ExistingFile>,
    /// True if what was found is someone's work.
    keep: bool,
}

impl FileStep<'_> {
    fn writes(&self) -> bool {
        matches!(self.written.outcome, FileOutcome::Written { .. })
    }

    /// Renames `temp` to the target, if that is still as it was found.
    fn put(&mut self, dir: &Path, temp: NamedTempFile) -> Result<(), RenderError> {
        let path = &self.written.path;
        let changed = || RenderError::ChangedMeanwhile { path: path.clone() };
        let now = look(dir, self.file)?;
        if now.found.map(|found| found.text) != self.found.as_ref().map(|found| found.text.clone())
        {
            return Err(changed());
        }
        let Some(found) = &self.found else {
            // What has appeared since, of whatever kind, makes this fail.
            return match temp.persist_noclobber(path) {
                Ok(_) => Ok(()),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(changed()),
                Err(error) => Err(RenderError::io("write", path)(error.error)),
            };
        };
        let backup = if self.keep {
            Some(back_up(dir, &self.file.name, found)?)
        } else {
            None
        };
        temp.persist(path)
            .map_err(|error| RenderError::io("write", path)(error.error))?;
        self.written.outcome = FileOutcome::Written { backup };
        Ok(())
    }
}

fn decide<'a>(
    dir: &Path,
    files: &'a [RenderedFile],
    looks: Vec<StatusReading>,
    overwrite: bool,
) -> Vec<FileStep<'a>> {
    let step = |(file, StatusReading { standing, found }): (&'a RenderedFile, StatusReading)| {
        let (outcome, keep) = match standing {
            FileStatus::Missing | FileStatus::Stale { .. } => {
                (FileOutcome::Written { backup: None }, false)
            }
            FileStatus::Current => (FileOutcome::Unchanged, false),
            FileStatus::Refused(refusal) if overwrite && refusal.can_be_overwritten() => {
                (FileOutcome::Written { backup: None }, true)
            }
            FileStatus::Refused(refusal) => (FileOutcome::Refused(refusal), false),
        };
        FileStep {
            file,
            written: WrittenFile {
                path: dir.join(&file.name),
                outcome,
            },
            found,
            keep,
        }
    };
    let mut steps: Vec<FileStep> = files.iter().zip(looks).map(step).collect();
    if steps
        .iter()
        .any(|step| matches!(step.written.outcome, FileOutcome::Refused(_)))
    {
        for step in &mut steps {
            if step.writes() {
                step.written.outcome = FileOutcome::HeldBack;
            }
        }
    }
    steps
}

fn look_at_all(dir: &Path, files: &[RenderedFile]) -> Result<Vec<StatusReading>, RenderError> {
    match fs::metadata(dir) {
        Ok(meta) if !meta.is_dir() => {
            return Err(RenderError::NotAFolder {
                path: dir.to_owned(),
            });
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(RenderError::io("read", dir)(error)),
    }
    files.iter().map(|file| look(dir, file)).collect()
}

fn make_writable_folder(dir: &Path) -> Result<(), RenderError> {
    fs::create_dir_all(dir).map_err(RenderError::io("create the folder", dir))?;
    let meta = fs::metadata(dir).map_err(RenderError::io("read", dir))?;
    if meta.permissions().readonly() {
        return Err(RenderError::ReadOnlyFolder {
            path: dir.to_owned(),
        });
    }
    Ok(())
}

/// A synced temporary file in `dir`; gone again when dropped. Without `permissions`, it has those
/// that a new file gets: a temporary file would be the owner's alone.
pub(super) fn stage(
    dir: &Path,
    text: &str,
    permissions: Option<&fs::Permissions>,
) -> Result<NamedTempFile, RenderError> {
    let error = || RenderError::io("write to the folder", dir);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tfbackend-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut temp = builder.tempfile_in(dir).map_err(error())?;
    // Before the text: what was readable by few is never readable by more.
    if let Some(permissions) = permissions {
        temp.as_file()
            .set_permissions(permissions.clone())
            .map_err(error())?;
    }
    temp.write_all(text.as_bytes()).map_err(error())?;
    temp.as_file().sync_all().map_err(error())?;
    Ok(temp)
}

/// Keeps what was found as `<name>.bak`, or `.bak.1` and so on where that has something else.
fn back_up(dir: &Path, name: &str, found: &ExistingFile) -> Result<PathBuf, RenderError> {
    let mut temp = stage(dir, &found.text, Some(&found.permissions))?;
    for number in 0_u32.. {
        let suffix = if number == 0 {
            String::new()
        } else {
            format!(".{number}")
        };
        let path = dir.join(format!("{name}.bak{suffix}"));
        let is_file = fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
        if is_file && bounded::text(&path).is_ok_and(|old| old == found.text) {
            return Ok(path);
        }
        temp = match temp.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => error.file,
            Err(error) => return Err(RenderError::io("save a copy as", path)(error.error)),
        };
    }
    Err(RenderError::Io {
        action: "save a copy in",
        path: dir.to_owned(),
        source: io::ErrorKind::AlreadyExists.into(),
    })
}

/// So that the new names survive a loss of power.
pub(super) fn sync_folder(dir: &Path) -> Result<(), RenderError> {
    #[cfg(unix)]
    fs::File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(RenderError::io("sync the folder", dir))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> RenderedFile {
        RenderedFile {
            name: "backend.tf".into(),
            text: super::super::header::stamp(None, text),
            owner: None,
            tolerated: None,
        }
    }

    /// What is left of `before` when a file that was to become `after` is changed to `meanwhile`.
    fn raced(
        before: Option<&str>,
        meanwhile: &str,
    ) -> (Result<Vec<WrittenFile>, RenderError>, String) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("backend.tf");
        if let Some(before) = before {
            fs::write(&path, file(before).text).expect("it is written");
        }
        let files = [file("after\n")];
        let prepared = prepare(dir.path(), &files, true).expect("nothing is in the way");
        fs::write(&path, meanwhile).expect("it is written");
        let result = prepared.commit();
        assert_eq!(
            fs::read_dir(dir.path()).expect("it is there").count(),
            1,
            "no temporary file is left"
        );
        (result, fs::read_to_string(&path).expect("it is there"))
    }

    #[test]
    fn what_is_written_meanwhile_is_not_lost() {
        for before in [None, Some("before\n")] {
            let (result, left) = raced(before, "meanwhile\n");
            assert!(
                matches!(result, Err(RenderError::ChangedMeanwhile { .. })),
                "{result:?}"
            );
            assert_eq!(left, "meanwhile\n");
        }
    }

    #[test]
    fn what_only_looks_written_meanwhile_is_no_hindrance() {
        let (result, left) = raced(Some("before\n"), &file("before\n").text);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(left, file("after\n").text);
    }
}
