//! Facts about a state file: the version that wrote it, its identity and its size.
//!
//! Values are skipped during parsing and never stored, and no error quotes the content.

use std::io::{self, BufRead, Read};

use serde::Deserialize;

mod address;
mod parse;

pub use address::{InstanceKey, ResourceAddress, ResourceMode};
use parse::SnapshotDraft;

use super::lenient::LenientField;

/// The maximum size of a state, larger than any known one; a larger object is a mistake or an
/// attack.
pub const MAX_BYTES: u64 = 1 << 30;
/// The same, of the bytes in memory.
pub const LARGEST: usize = 1 << 30;
/// The largest of many states that are read at the same time. Terraform takes minutes for such a
/// state.
pub const LARGEST_OF_MANY: usize = 64 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSnapshot {
    /// 4 since Terraform 0.12. Unknown for an encrypted state.
    pub format: Option<u64>,
    /// The version of Terraform, or of OpenTofu, which writes its own version here.
    pub terraform_version: Option<String>,
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    pub contents: StateFile,
    pub writer: StateWriter,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateFile {
    Known(ResourceCounts),
    /// Encrypted by OpenTofu: only the envelope can be read.
    Encrypted,
    /// Older or newer than format 4.
    OtherFormat,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceCounts {
    /// Instances of managed resources.
    pub managed: u64,
    /// Instances of data sources.
    pub data: u64,
    pub outputs: u64,
    /// Empty unless asked for.
    pub addresses: Vec<ResourceAddress>,
}

/// The tool that wrote it, if it can be determined: both write the same format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateWriter {
    /// Older than the fork, or with providers of Terraform's registry only. OpenTofu writes those,
    /// too, if a configuration uses that registry.
    Terraform,
    /// Encrypted, or with providers of OpenTofu's registry.
    OpenTofu,
    Unknown,
}

/// The level of detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotDetail {
    Counts,
    /// With addresses: memory grows with the number of instances.
    Addresses,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Terraform does not treat this as a state.
    #[error("it is empty")]
    Empty,
    #[error("truncated JSON")]
    CutOff,
    #[error("it is not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("it is JSON, but not a state file: {0}")]
    NotAState(&'static str),
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
    #[error("it cannot be read: {0}")]
    Unreadable(io::ErrorKind),
}

impl StateSnapshot {
    pub fn parse(bytes: &[u8], want: SnapshotDetail) -> Result<Self, SnapshotError> {
        if bytes.is_empty() {
            return Err(SnapshotError::Empty);
        }
        wanted(serde_json::Deserializer::from_slice(bytes), want)
    }

    /// Parses a stream, of which only a small part is in memory at any time.
    pub fn read(
        reader: impl Read,
        max_bytes: u64,
        want: SnapshotDetail,
    ) -> Result<Self, SnapshotError> {
        let mut reader = io::BufReader::new(LimitedReader {
            reader,
            left: max_bytes,
        });
        let result = match reader.fill_buf() {
            Ok([]) => Err(SnapshotError::Empty),
            Ok(_) => wanted(serde_json::Deserializer::from_reader(reader), want),
            Err(error) => Err(SnapshotError::Unreadable(error.kind())),
        };
        match result {
            Err(SnapshotError::Unreadable(io::ErrorKind::FileTooLarge)) => {
                Err(SnapshotError::TooLong(max_bytes))
            }
            result => result,
        }
    }

    /// Returns whether the state has no managed resources; `None` if unknown.
    pub fn is_empty(&self) -> Option<bool> {
        match &self.contents {
            StateFile::Known(counts) => Some(counts.managed == 0),
            StateFile::Encrypted | StateFile::OtherFormat => None,
        }
    }
}

fn wanted<'de, R: serde_json::de::Read<'de>>(
    json: serde_json::Deserializer<R>,
    want: SnapshotDetail,
) -> Result<StateSnapshot, SnapshotError> {
    match want {
        SnapshotDetail::Counts => read::<false, R>(json),
        SnapshotDetail::Addresses => read::<true, R>(json),
    }
}

fn read<'de, const KEEP: bool, R: serde_json::de::Read<'de>>(
    mut json: serde_json::Deserializer<R>,
) -> Result<StateSnapshot, SnapshotError> {
    let draft = LenientField::<SnapshotDraft<KEEP>>::deserialize(&mut json)
        .and_then(|draft| json.end().map(|()| draft));
    draft
        .map_err(|error| reason(&error))?
        .good()
        .ok_or(SnapshotError::NotAState("it is not an object"))?
        .finish()
}

/// The text of serde is omitted: it may quote a value.
fn reason(error: &serde_json::Error) -> SnapshotError {
    use serde_json::error::Category;
    match error.classify() {
        Category::Eof => SnapshotError::CutOff,
        Category::Syntax | Category::Data => SnapshotError::NotJson {
            line: error.line(),
            column: error.column(),
        },
        Category::Io => {
            SnapshotError::Unreadable(error.io_error_kind().unwrap_or(io::ErrorKind::Other))
        }
    }
}

/// A reader that fails at the limit instead of ending.
struct LimitedReader<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for LimitedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = u64::try_from(read)
            .ok()
            .and_then(|read| self.left.checked_sub(read))
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
