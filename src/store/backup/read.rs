//! Reads a backup, an archive or its unpacked folder, and checks it completely before its content
//! is used.
//!
//! The input is untrusted: nothing is unpacked, no name in it is used as a path, and memory is
//! bounded.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use sha2::{Digest, Sha256};

use super::{
    dense::{DensityLimit, PackedCount},
    manifest::{self, ManifestEntry, ManifestError, ManifestHeader, file_name, hex},
    stopping::StoppableReader,
};
use crate::{host::bounded, state::snapshot};

/// The maximum window of packed bytes: unpacking uses 8 MiB of memory.
pub const WINDOW_LOG: u32 = 23;
/// The maximum size after the manifest: the end of an archive, and zeros up to a full tape block.
const PADDING: u64 = 64 * 1024;

/// The limits, larger than any real backup.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// The bytes of one state.
    pub entry: u64,
    pub entries: usize,
    /// The bytes of all states, and of the manifest: few packed bytes may unpack to very many.
    pub total: u64,
    /// The unpacked bytes for each packed byte.
    pub ratio: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        // Identical versions have a ratio of about 10,900 to one, since zstd writes a repeated
        // block of 128 KiB in twelve bytes; zeros, which no state contains, have 31,000 to one.
        Self {
            entry: snapshot::MAX_BYTES,
            entries: 1_000_000,
            total: 1 << 40,
            ratio: 12_000,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{} is neither a file nor a folder", path.display())]
    NotAFile { path: PathBuf },
    #[error("could not read {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("it is not a backup: not an archive compressed with zstd")]
    NotPacked,
    #[error("it is truncated")]
    CutOff,
    #[error("it is damaged")]
    Damaged(#[source] io::Error),
    #[error("{name:?} does not belong in a backup")]
    Foreign { name: String },
    #[error("it has more than {0}")]
    TooLarge(&'static str),
    #[error("{file} differs from the backup's manifest")]
    Differs { file: String },
    #[error("{file} is missing")]
    Missing { file: String },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// A completely checked backup.
#[derive(Debug)]
pub struct CheckedBackup {
    pub header: ManifestHeader,
    path: PathBuf,
    folder: bool,
    limits: ReadLimits,
    stop: Arc<AtomicBool>,
}

/// Checks a backup completely and passes each entry to a callback; the entries are only valid if it
/// succeeds. It reads the whole backup; `stop` ends it.
pub fn open(
    path: &Path,
    limits: ReadLimits,
    stop: Arc<AtomicBool>,
    see: impl FnMut(ManifestEntry),
) -> Result<CheckedBackup, ReadError> {
    let meta = fs::metadata(path).map_err(io_error(path))?;
    // Other kinds of files may block or never end.
    if !meta.is_file() && !meta.is_dir() {
        return Err(ReadError::NotAFile {
            path: path.to_owned(),
        });
    }
    let folder = meta.is_dir();
    let header = if folder {
        check_folder(path, &limits, &stop, see)?
    } else {
        let file = bounded::open(path).map_err(io_error(path))?;
        check(
            &mut StoppableReader {
                from: file,
                stop: &stop,
            },
            &limits,
            see,
        )?
    };
    Ok(CheckedBackup {
        header,
        path: path.to_owned(),
        folder,
        limits,
        stop,
    })
}

impl CheckedBackup {
    /// Returns the bytes of an entry, if they are at most `max` and unchanged.
    pub fn bytes(&self, entry: &ManifestEntry, max: u64) -> Result<Vec<u8>, ReadError> {
        if entry.size > max {
            return Err(ReadError::TooLarge("can be read of one state"));
        }
        let mut bytes = vec![];
        if self.folder {
            file_of(&self.path, &entry.file)?
                .take(max + 1)
                .read_to_end(&mut bytes)
                .map_err(io_error(&self.path))?;
        } else {
            let file = bounded::open(&self.path).map_err(io_error(&self.path))?;
            walk(
                &mut StoppableReader {
                    from: file,
                    stop: &self.stop,
                },
                &self.limits,
                |part, from| match part {
                    ArchivePart::State { file, .. } if file == entry.file => {
                        from.take(max + 1)
                            .read_to_end(&mut bytes)
                            .map_err(damaged)?;
                        Ok(ReadControl::Stop)
                    }
                    ArchivePart::State { .. } | ArchivePart::Manifest => Ok(ReadControl::On),
                },
            )?;
        }
        let same = u64::try_from(bytes.len()).is_ok_and(|len| len == entry.size)
            && hex(&Sha256::digest(&bytes)) == entry.sha256;
        if same {
            Ok(bytes)
        } else {
            Err(ReadError::Differs {
                file: entry.file.clone(),
            })
        }
    }
}

/// Checks the format of an archive, and each file against the manifest.
pub(super) fn check(
    from: &mut dyn Read,
    limits: &ReadLimits,
    mut see: impl FnMut(ManifestEntry),
) -> Result<ManifestHeader, ReadError> {
    let mut sums: Vec<(u64, [u8; 32])> = vec![];
    let mut header = None;
    walk(from, limits, |part, from| {
        match part {
            ArchivePart::State { size, .. } => {
                let (read, sum) = hashed(from).map_err(damaged)?;
                if read != size {
                    return Err(ReadError::CutOff);
                }
                sums.push((size, sum));
            }
            ArchivePart::Manifest => {
                let mut left = sums.iter();
                let known = |entry: &ManifestEntry| {
                    left.next()
                        .map(|(size, sum)| *size == entry.size && hex(sum) == entry.sha256)
                };
                header = Some(entries(BufReader::new(from), known, &mut see)?);
                if left.next().is_some() {
                    return Err(ReadError::Differs {
                        file: manifest::FILE.to_owned(),
                    });
                }
            }
        }
        Ok(ReadControl::On)
    })?;
    header.ok_or_else(|| ReadError::Missing {
        file: manifest::FILE.to_owned(),
    })
}

fn check_folder(
    path: &Path,
    limits: &ReadLimits,
    stop: &AtomicBool,
    mut see: impl FnMut(ManifestEntry),
) -> Result<ManifestHeader, ReadError> {
    let (mut count, mut total, mut error) = (0_usize, 0_u64, None);
    let known = |entry: &ManifestEntry| {
        (count, total) = (count + 1, total.saturating_add(entry.size));
        if let Err(too_large) = within(limits, entry.size, count, total) {
            error = Some(too_large);
            return Some(false);
        }
        let sum = file_of(path, &entry.file).and_then(|file| {
            hashed(&mut StoppableReader { from: file, stop }.take(entry.size + 1))
                .map_err(io_error(path))
        });
        match sum {
            Ok((size, sum)) => Some(size == entry.size && hex(&sum) == entry.sha256),
            Err(other) => {
                error = Some(other);
                Some(false)
            }
        }
    };
    let manifest = file_of(path, manifest::FILE)?;
    let read = entries(BufReader::new(manifest.take(limits.total)), known, &mut see);
    match error {
        Some(error) => Err(error),
        None => read,
    }
}

/// Reads the manifest; `known` returns whether an entry matches the file, if any.
fn entries(
    from: impl BufRead,
    mut known: impl FnMut(&ManifestEntry) -> Option<bool>,
    see: &mut impl FnMut(ManifestEntry),
) -> Result<ManifestHeader, ReadError> {
    let (header, mut lines) = manifest::ManifestReader::begin(from)?;
    let mut number = 0;
    while let Some(entry) = lines.next_entry()? {
        number += 1;
        // No name in the manifest can refer to another file.
        if entry.file != file_name(number) {
            return Err(ReadError::Foreign { name: entry.file });
        }
        match known(&entry) {
            Some(true) => see(entry),
            Some(false) => return Err(ReadError::Differs { file: entry.file }),
            None => return Err(ReadError::Missing { file: entry.file }),
        }
    }
    Ok(header)
}

enum ArchivePart {
    State { file: String, size: u64 },
    Manifest,
}

enum ReadControl {
    On,
    Stop,
}

/// Reads an archive: the files in order, the manifest, and nothing after it.
fn walk(
    from: &mut dyn Read,
    limits: &ReadLimits,
    each: impl FnMut(ArchivePart, &mut dyn Read) -> Result<ReadControl, ReadError>,
) -> Result<(), ReadError> {
    let packed = PackedCount::default();
    let mut unpacked = zstd::Decoder::new(packed.counting(from)).map_err(damaged)?;
    unpacked.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let dense = DensityLimit::new(unpacked, &packed, limits.ratio);
    let result = parts(dense, limits, each);
    // Regardless of how the error was wrapped.
    if packed.is_too_dense() {
        Err(ReadError::TooLarge("can be unpacked from so few bytes"))
    } else {
        result
    }
}

fn parts(
    from: impl Read,
    limits: &ReadLimits,
    mut each: impl FnMut(ArchivePart, &mut dyn Read) -> Result<ReadControl, ReadError>,
) -> Result<(), ReadError> {
    let mut archive = tar::Archive::new(from);
    let (mut count, mut total, mut manifest) = (0_usize, 0_u64, false);
    // Raw: long names and links, which could fill the memory, are treated as invalid files.
    for part in archive.entries().map_err(damaged)?.raw(true) {
        let mut part = part.map_err(|error| {
            if count == 0 && !manifest {
                unpacked(error)
            } else {
                damaged(error)
            }
        })?;
        let name = String::from_utf8_lossy(&part.header().path_bytes())
            .chars()
            .take(200)
            .collect::<String>();
        let regular = part.header().entry_type() == tar::EntryType::Regular;
        let size = part.header().entry_size().map_err(damaged)?;
        let go = match () {
            () if regular && !manifest && name == manifest::FILE => {
                manifest = true;
                if size > limits.total {
                    return Err(ReadError::TooLarge("can be read of a manifest"));
                }
                each(ArchivePart::Manifest, &mut part)?
            }
            () if regular && !manifest && name == file_name(count + 1) => {
                (count, total) = (count + 1, total.saturating_add(size));
                within(limits, size, count, total)?;
                each(ArchivePart::State { file: name, size }, &mut part)?
            }
            () => return Err(ReadError::Foreign { name }),
        };
        if let ReadControl::Stop = go {
            return Ok(());
        }
    }
    nothing_more(archive.into_inner())
}

fn within(limits: &ReadLimits, size: u64, count: usize, total: u64) -> Result<(), ReadError> {
    match () {
        () if size > limits.entry => Err(ReadError::TooLarge("can be read of one state")),
        () if count > limits.entries => Err(ReadError::TooLarge("as many states as can be read")),
        () if total > limits.total => Err(ReadError::TooLarge("can be read of all states")),
        () => Ok(()),
    }
}

/// Reads to the end, where the checksum is.
fn nothing_more(from: impl Read) -> Result<(), ReadError> {
    let mut from = from.take(PADDING + 1);
    let mut rest = vec![];
    from.read_to_end(&mut rest).map_err(damaged)?;
    match rest.iter().all(|byte| *byte == 0) && from.limit() > 0 {
        true => Ok(()),
        false => Err(ReadError::Foreign {
            name: "data after its end".to_owned(),
        }),
    }
}

fn hashed(from: &mut dyn Read) -> io::Result<(u64, [u8; 32])> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((size, hash.finalize().into())),
            Ok(read) => read,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        size += u64::try_from(read).unwrap_or_default();
    }
}

/// Opens a file of an unpacked backup; links are rejected.
fn file_of(folder: &Path, name: &str) -> Result<File, ReadError> {
    let path = folder.join(name);
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::Missing {
            file: name.to_owned(),
        },
        _ => ReadError::Io {
            path: path.clone(),
            source: error,
        },
    };
    if !fs::symlink_metadata(&path).map_err(missing)?.is_file() {
        return Err(ReadError::NotAFile { path });
    }
    bounded::open(&path).map_err(missing)
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ReadError {
    let path = path.to_owned();
    move |source| ReadError::Io { path, source }
}

fn damaged(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ReadError::CutOff,
        _ => ReadError::Damaged(error),
    }
}

/// An error at the very beginning: it is likely not a backup.
fn unpacked(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ReadError::CutOff,
        _ => ReadError::NotPacked,
    }
}
