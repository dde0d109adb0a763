//! Writes a backup: under a temporary name, synced, read back, and then renamed.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    file,
    manifest::{self, ManifestEntry, ManifestHeader, ManifestState, file_name, hex},
    read::{self, ReadError, ReadLimits, WINDOW_LOG},
    stopping::{StopWhenDropped, StoppableReader},
};

/// The level of the built-in compression: states are compressed as fast as they are read.
const LEVEL: i32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("could not {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "{path:?} changed while it was read: {said} bytes were announced, but {read} were received"
    )]
    Length { path: String, said: u64, read: u64 },
    #[error("{path:?} has {size} bytes, more than the limit of a backup for one state")]
    TooLarge { path: String, size: u64 },
    #[error("a backup cannot contain more than {0} states")]
    TooMany(usize),
    #[error("the backup in {} differs from what was read, and was removed", dir.display())]
    NotWhatWasRead { dir: PathBuf, source: ReadError },
}

impl ArchiveError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// The size and hash of one state, to compare with the written backup: 40 bytes, so that a hundred
/// thousand fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StateChecksum {
    size: u64,
    sha256: [u8; 32],
}

type PackedWriter = tar::Builder<zstd::Encoder<'static, HashingWriter<BufWriter<NamedTempFile>>>>;
type ManifestLines = manifest::ManifestWriter<BufWriter<File>>;

/// A backup that is being written. Nothing of it remains if it is dropped early.
///
/// Flow: [`begin`](Self::begin), [`add`](Self::add) for each state, [`seal`](Self::seal), then
/// [`check`](Sealed::check) and [`keep`](Sealed::keep).
///
/// Guarantees: the final name only refers to a backup that was synced, read back and compared; it
/// is private (0600); no existing file is replaced. Memory does not depend on the size of a state,
/// and grows by 40 bytes per state.
///
/// Caveats: if killed, it leaves a file whose name begins with `.tfbackend-backup-` and ends in
/// `.partial`.
pub struct ArchiveWriter {
    dir: PathBuf,
    header: ManifestHeader,
    out: PackedWriter,
    /// The future manifest, which is written when all states are known.
    lines: ManifestLines,
    sums: Vec<StateChecksum>,
}

/// A complete, synced backup under its temporary name.
pub struct SealedArchive {
    dir: PathBuf,
    header: ManifestHeader,
    temp: NamedTempFile,
    sums: Vec<StateChecksum>,
    packed: StateChecksum,
}

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedBackup {
    pub path: PathBuf,
    /// The size of the file.
    pub bytes: u64,
    /// The hash of the file, in lower-case hex.
    pub sha256: String,
}

impl ArchiveWriter {
    /// Creates the folder, if missing with private permissions, and the temporary file.
    pub fn begin(dir: &Path, header: ManifestHeader) -> Result<Self, ArchiveError> {
        file::make_folder(dir).map_err(ArchiveError::io("create the folder", dir))?;
        let error = || ArchiveError::io("write to the folder", dir);
        let packed = |temp| -> io::Result<PackedWriter> {
            let mut packed = zstd::Encoder::new(HashingWriter::new(BufWriter::new(temp)), LEVEL)?;
            packed.include_checksum(true)?;
            // Versions of one state repeat each other, at a longer distance than the default
            // window.
            packed.window_log(WINDOW_LOG)?;
            packed.long_distance_matching(true)?;
            Ok(tar::Builder::new(packed))
        };
        let out = file::private(dir).and_then(packed).map_err(error())?;
        let lines = file::spool(dir)
            .and_then(|file| manifest::ManifestWriter::begin(BufWriter::new(file), &header))
            .map_err(error())?;
        Ok(Self {
            dir: dir.to_owned(),
            header,
            out,
            lines,
            sums: vec![],
        })
    }

    /// Returns the folder of the backup.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns an unnamed file in the same folder, for data that is too large for memory; it is
    /// deleted when closed.
    pub fn spool(&self) -> Result<File, ArchiveError> {
        file::spool(&self.dir).map_err(ArchiveError::io("write to the folder", &self.dir))
    }

    /// Adds a state of `size` bytes.
    ///
    /// # Errors
    /// If the size differs, or a write fails; the backup is invalid then.
    pub fn add(
        &mut self,
        state: ManifestState,
        size: u64,
        from: impl Read,
    ) -> Result<(), ArchiveError> {
        let ReadLimits { entry, entries, .. } = ReadLimits::default();
        if size > entry {
            return Err(ArchiveError::TooLarge {
                path: state.path,
                size,
            });
        }
        if self.sums.len() >= entries {
            return Err(ArchiveError::TooMany(entries));
        }
        let file = file_name(self.sums.len() + 1);
        let mut from = HashingWriter::new(from);
        let modified = state.modified.unwrap_or(self.header.made);
        append(&mut self.out, &file, size, modified, &mut from)
            .map_err(ArchiveError::io("write the backup to", &self.dir))?;
        let mut more = [0; 1];
        from.read(&mut more)
            .map_err(ArchiveError::io("read again in", &self.dir))?;
        let sum = from.sum();
        if sum.size != size {
            return Err(ArchiveError::Length {
                path: state.path,
                said: size,
                read: sum.size,
            });
        }
        self.sums.push(sum);
        let entry = ManifestEntry {
            file,
            size,
            sha256: hex(&sum.sha256),
            state: state.shortened(),
        };
        self.lines
            .add(&entry)
            .map_err(ArchiveError::io("write to the folder", &self.dir))
    }

    /// Finishes and syncs it.
    pub fn seal(self) -> Result<SealedArchive, ArchiveError> {
        let Self {
            dir,
            header,
            out,
            lines,
            sums,
        } = self;
        let (temp, packed) = sealed(out, lines, header.made)
            .map_err(ArchiveError::io("write the backup to", &dir))?;
        Ok(SealedArchive {
            dir,
            header,
            temp,
            sums,
            packed,
        })
    }
}

fn sealed(
    mut out: PackedWriter,
    lines: ManifestLines,
    made: Timestamp,
) -> io::Result<(NamedTempFile, StateChecksum)> {
    let mut manifest = lines
        .end()?
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    let size = manifest.stream_position()?;
    manifest.rewind()?;
    append(
        &mut out,
        manifest::FILE,
        size,
        made,
        BufReader::new(manifest),
    )?;
    let packed = out.into_inner()?.finish()?;
    let sum = packed.sum();
    let temp = packed
        .inner
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    temp.as_file().sync_all()?;
    Ok((temp, sum))
}

/// A short read is padded, so that following entries keep their place.
fn append(
    out: &mut PackedWriter,
    name: &str,
    size: u64,
    modified: Timestamp,
    from: impl Read,
) -> io::Result<()> {
    let mut head = tar::Header::new_gnu();
    head.set_entry_type(tar::EntryType::Regular);
    head.set_mode(0o600);
    head.set_size(size);
    head.set_mtime(u64::try_from(modified.as_second()).unwrap_or_default());
    out.append_data(
        &mut head,
        name,
        from.take(size).chain(io::repeat(0)).take(size),
    )
}

impl SealedArchive {
    /// Returns what [`check`] needs, without the file: it may run on a thread that cannot be
    /// cancelled.
    pub fn to_check(&mut self) -> ToCheck {
        let sums = std::mem::take(&mut self.sums);
        ToCheck {
            dir: self.dir.clone(),
            file: self.temp.path().to_owned(),
            header: self.header.clone(),
            sums,
            packed: self.packed,
        }
    }

    /// Renames it to a free name. Call it after the check.
    pub fn keep(self) -> Result<FinishedBackup, ArchiveError> {
        let Self {
            dir,
            header,
            temp,
            packed,
            ..
        } = self;
        let subject: String = header
            .subject()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .take(64)
            .collect();
        let stem = format!("tfbackend-backup-{subject}");
        let path = file::named(temp, &dir, |number| {
            file::name(&stem, header.made, number, ".tar.zst")
        })?;
        Ok(FinishedBackup {
            path,
            bytes: packed.size,
            sha256: hex(&packed.sha256),
        })
    }
}

/// Finishes a backup, and reads it back. No file remains if it is dropped early.
///
/// # Errors
/// If it cannot be written, or differs when it is read back.
pub async fn finished(archive: ArchiveWriter) -> Result<FinishedBackup, ArchiveError> {
    let mut sealed = archive.seal()?;
    let expected = sealed.to_check();
    let stop = StopWhenDropped::default();
    let told = Arc::clone(&stop.0);
    let checked = tokio::task::spawn_blocking(move || check(expected, &told)).await;
    checked.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    sealed.keep()
}

/// A written backup, to compare with the file on disk.
pub struct ToCheck {
    dir: PathBuf,
    file: PathBuf,
    header: ManifestHeader,
    sums: Vec<StateChecksum>,
    packed: StateChecksum,
}

/// Reads the backup back: the hash of every file must match the state that was read and the
/// manifest, and the hash of the archive must match what was written. It takes as long as writing;
/// `stop` ends it.
pub fn check(
    ToCheck {
        dir,
        file,
        header,
        sums,
        packed,
    }: ToCheck,
    stop: &AtomicBool,
) -> Result<(), ArchiveError> {
    let opened = File::open(&file).map_err(ArchiveError::io("read back the backup in", &dir))?;
    let mut raw = HashingWriter::new(StoppableReader { from: opened, stop });
    let mut expected = sums.iter();
    let mut differs = None;
    let seen = |entry: ManifestEntry| {
        let same = expected
            .next()
            .is_some_and(|sum| sum.size == entry.size && hex(&sum.sha256) == entry.sha256);
        differs = differs.take().or((!same).then_some(entry.file));
    };
    let read = read::check(
        &mut raw,
        &ReadLimits {
            ratio: u64::MAX,
            ..ReadLimits::default()
        },
        seen,
    )
    .and_then(|found| {
        if let Some(file) = differs.or_else(|| expected.next().map(|_| manifest::FILE.to_owned())) {
            return Err(ReadError::Differs { file });
        }
        if found != header || raw.sum() != packed {
            return Err(ReadError::Differs {
                file: manifest::FILE.to_owned(),
            });
        }
        Ok(())
    });
    read.map_err(|source| ArchiveError::NotWhatWasRead { dir, source })
}

/// Counts and hashes the bytes that pass through it.
struct HashingWriter<T> {
    inner: T,
    size: u64,
    hash: Sha256,
}

impl<T> HashingWriter<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            size: 0,
            hash: Sha256::new(),
        }
    }

    fn sum(&self) -> StateChecksum {
        StateChecksum {
            size: self.size,
            sha256: self.hash.clone().finalize().into(),
        }
    }

    fn through(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or_default();
    }
}

impl<T: Read> Read for HashingWriter<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.through(&buffer[..read]);
        Ok(read)
    }
}

impl<T: Write> Write for HashingWriter<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.through(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
