//! The state that a backup, or a file, has.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use jiff::Timestamp;

use crate::{
    cli::{context::Context, failure::CliError},
    host::bounded,
    state::snapshot::LARGEST,
    store::backup::{
        manifest::ManifestEntry,
        read::{self, ReadError, ReadLimits},
        stopping::StopWhenDropped,
    },
};

/// The magic number of zstd.
const PACKED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The state to select from a backup.
pub(crate) struct BackupSelection {
    pub path: String,
    pub version: Option<String>,
    pub serial: Option<u64>,
    pub before: Option<Timestamp>,
}

impl BackupSelection {
    fn takes(&self, ManifestEntry { state, .. }: &ManifestEntry) -> bool {
        state.path == self.path
            && self
                .version
                .as_ref()
                .is_none_or(|version| state.version.as_ref() == Some(version))
            && self
                .serial
                .is_none_or(|serial| state.facts.serial == Some(serial))
            && self
                .before
                .is_none_or(|time| state.modified.is_some_and(|modified| modified < time))
    }
}

/// The states that were found.
struct BackupMatch {
    bytes: Vec<u8>,
    /// The bucket of a backup.
    bucket: Option<String>,
}

enum NotFound {
    Unreadable(ReadError),
    /// There is another version of the state, or none.
    NoVersion {
        other: bool,
    },
}

impl From<ReadError> for NotFound {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error)
    }
}

/// Returns the bytes of the state; the whole backup is verified first. Ctrl-C ends it.
pub(crate) async fn read(
    from: PathBuf,
    choice: BackupSelection,
    bucket: Option<&str>,
    cx: &mut Context<'_>,
) -> Result<Vec<u8>, CliError> {
    let (place, path) = (from.display().to_string(), choice.path.clone());
    let stop = StopWhenDropped::default();
    let told = Arc::clone(&stop.0);
    // On a thread of its own: it may be much to read.
    let reading = tokio::task::spawn_blocking(move || find(&from, &choice, told));
    let found = cx
        .until_cancelled(reading)
        .await?
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    drop(stop);
    let BackupMatch { bytes, bucket: of } = found.map_err(|error| match error {
        NotFound::Unreadable(error) => {
            CliError::failed(format!("cannot take a state from {place}")).because(&error)
        }
        NotFound::NoVersion { other } => CliError::failed(format!(
            "{place} has {} of {path}",
            if other {
                "no such version"
            } else {
                "no version"
            }
        )),
    })?;
    if let Some(of) = of.filter(|of| Some(of.as_str()) != bucket) {
        cx.status(&format!("note: the backup is of the bucket {of}"));
    }
    Ok(bytes)
}

fn find(
    from: &Path,
    choice: &BackupSelection,
    stop: Arc<AtomicBool>,
) -> Result<BackupMatch, NotFound> {
    if !from.is_dir() && !is_packed(from)? {
        return Ok(BackupMatch {
            bytes: plain(from, LARGEST)?,
            bucket: None,
        });
    }
    let mut of_path = 0_usize;
    // The one that was in use, else the last.
    let mut best: Option<ManifestEntry> = None;
    let rank = |entry: &ManifestEntry| (entry.state.current, entry.state.modified);
    let backup = read::open(from, ReadLimits::default(), stop, |entry| {
        of_path += usize::from(entry.state.path == choice.path);
        if choice.takes(&entry) && best.as_ref().is_none_or(|best| rank(&entry) >= rank(best)) {
            best = Some(entry);
        }
    })?;
    let Some(entry) = best else {
        return Err(NotFound::NoVersion { other: of_path > 0 });
    };
    Ok(BackupMatch {
        bytes: backup.bytes(&entry, max())?,
        bucket: Some(backup.header.bucket).filter(|bucket| !bucket.is_empty()),
    })
}

fn max() -> u64 {
    u64::try_from(LARGEST).unwrap_or(u64::MAX)
}

fn is_packed(from: &Path) -> Result<bool, ReadError> {
    let io = |source| ReadError::Io {
        path: from.to_owned(),
        source,
    };
    // Other kinds of files may never end or block.
    if !std::fs::metadata(from).map_err(io)?.is_file() {
        return Err(ReadError::NotAFile {
            path: from.to_owned(),
        });
    }
    let mut first = vec![];
    bounded::open(from)
        .map_err(io)?
        .take(4)
        .read_to_end(&mut first)
        .map_err(io)?;
    Ok(first == PACKED)
}

/// Returns whether it is a state is seen later.
pub(crate) fn plain(from: &Path, max: usize) -> Result<Vec<u8>, ReadError> {
    let io = |source| ReadError::Io {
        path: from.to_owned(),
        source,
    };
    let mut bytes = vec![];
    bounded::open(from)
        .map_err(io)?
        .take(u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() > max {
        Err(ReadError::TooLarge("can be read of one state"))
    } else {
        Ok(bytes)
    }
}
