//! The manifest of a backup, with a line for each state: written and read as a stream.

use std::{
    fmt::Write as _,
    io::{self, BufRead, Read, Write},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    kind::BackendKind,
    state::snapshot::{SnapshotError, StateSnapshot},
    store::location::BackendLocation,
};

/// The name of the manifest file.
pub const FILE: &str = "manifest.json";
pub const FORMAT_VERSION: u32 = 1;
/// The maximum length of a line. A name has up to 1,024 bytes, six times as many in JSON, and so
/// has a version ID.
const MAX_LINE: usize = 64 * 1024;
/// The maximum length of a text from a state or an item.
const MAX_TEXT: usize = 256;
/// The beginning of the list, at the end of the first line.
const OPEN: &str = ",\"entries\":[";
const CLOSE: &str = "]}";

/// The origin and selection of the states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestHeader {
    pub format_version: u32,
    pub made: Timestamp,
    /// Empty if the backend was not named by its environment.
    pub env: String,
    /// Absent in backups of versions before 0.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendLocation>,
    /// This and the following only for backend kind `s3`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bucket: String,
    #[serde(default)]
    pub table: Option<String>,
    pub extent: BackupExtent,
}

impl ManifestHeader {
    /// The header of a backup of today's format; where the states were is still to be said.
    pub fn new(extent: BackupExtent, made: Timestamp) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            made,
            env: String::new(),
            backend: None,
            account: String::new(),
            region: String::new(),
            bucket: String::new(),
            table: None,
            extent,
        }
    }

    /// Names the backend in the name of the file: its environment, else its bucket or kind.
    pub(super) fn subject(&self) -> &str {
        let kind = self.backend.as_ref().map(|backend| backend.kind.as_str());
        let names = [Some(&*self.env), Some(&*self.bucket), kind];
        let mut names = names.into_iter().flatten();
        names.find(|name| !name.is_empty()).unwrap_or_default()
    }
}

/// The versions that are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackupExtent {
    Current,
    AllVersions,
}

/// A version of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// The file name in the backup.
    pub file: String,
    pub size: u64,
    /// The hash of its bytes, in lower-case hex.
    pub sha256: String,
    #[serde(flatten)]
    pub state: ManifestState,
}

/// The facts about it without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestState {
    /// The object key.
    pub path: String,
    pub workspace: String,
    /// `None` if the bucket never had versioning enabled.
    pub version: Option<String>,
    /// True if it was the current version.
    pub current: bool,
    pub modified: Option<Timestamp>,
    #[serde(flatten)]
    pub facts: ManifestFacts,
    /// The digest in the table, for the current version.
    pub digest: Option<String>,
}

/// The facts that are read from a state; empty if it is not a state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFacts {
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    pub terraform_version: Option<String>,
}

impl ManifestFacts {
    pub fn of(read: Result<StateSnapshot, SnapshotError>) -> Self {
        let Ok(StateSnapshot {
            format: _,
            terraform_version,
            serial,
            lineage,
            contents: _,
            writer: _,
        }) = read
        else {
            return Self::default();
        };
        let short = |text: String| (text.len() <= MAX_TEXT).then_some(text);
        Self {
            serial,
            lineage: lineage.and_then(short),
            terraform_version: terraform_version.and_then(short),
        }
    }
}

impl ManifestState {
    /// A too long digest is truncated: it is invalid anyway.
    pub fn shortened(mut self) -> Self {
        self.digest = self
            .digest
            .map(|digest| digest.chars().take(MAX_TEXT).collect());
        self
    }
}

/// Returns the name of the file with this number, from 1.
pub fn file_name(number: usize) -> String {
    format!("states/{number:06}.tfstate")
}

pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string never fails");
            text
        })
}

/// Writes a manifest, line by line.
pub struct ManifestWriter<W> {
    out: W,
    lines: usize,
}

impl<W: Write> ManifestWriter<W> {
    pub fn begin(mut out: W, header: &ManifestHeader) -> io::Result<Self> {
        let header = serde_json::to_string(header)?;
        let fields = header.strip_suffix('}').unwrap_or(&header);
        writeln!(out, "{fields}{OPEN}")?;
        Ok(Self { out, lines: 0 })
    }

    pub fn add(&mut self, entry: &ManifestEntry) -> io::Result<()> {
        if self.lines > 0 {
            self.out.write_all(b",\n")?;
        }
        self.lines += 1;
        serde_json::to_writer(&mut self.out, entry).map_err(io::Error::from)
    }

    pub fn end(mut self) -> io::Result<W> {
        writeln!(self.out, "\n{CLOSE}")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("line {line} of its manifest is longer than {MAX_LINE} bytes")]
    LongLine { line: usize },
    /// Only the position, never the content.
    #[error("line {line} of its manifest is not in the format of tfbackend")]
    Line { line: usize },
    #[error("its manifest is truncated")]
    CutOff,
    #[error("its format is {0}, but this version of tfbackend supports format {FORMAT_VERSION}")]
    Format(u64),
    #[error("its manifest cannot be read")]
    Io(#[from] io::Error),
}

/// Reads a manifest, line by line.
pub struct ManifestReader<R> {
    from: R,
    line: Vec<u8>,
    number: usize,
    last: bool,
}

impl<R: BufRead> ManifestReader<R> {
    pub fn begin(from: R) -> Result<(ManifestHeader, Self), ManifestError> {
        let mut reader = Self {
            from,
            line: vec![],
            number: 0,
            last: false,
        };
        reader.next_line()?;
        let wrong = || ManifestError::Line { line: 1 };
        let text = std::str::from_utf8(&reader.line).map_err(|_| wrong())?;
        let fields = format!("{}}}", text.strip_suffix(OPEN).ok_or_else(wrong)?);
        let any: serde_json::Value = serde_json::from_str(&fields).map_err(|_| wrong())?;
        match any["format_version"].as_u64() {
            Some(version) if version == u64::from(FORMAT_VERSION) => {}
            Some(version) => return Err(ManifestError::Format(version)),
            None => return Err(wrong()),
        }
        let header: ManifestHeader = serde_json::from_value(any).map_err(|_| wrong())?;
        let is_s3 = header
            .backend
            .as_ref()
            .is_none_or(|backend| backend.kind == BackendKind::S3);
        let place = [&header.account, &header.region, &header.bucket];
        if is_s3 && place.into_iter().any(String::is_empty) {
            return Err(wrong());
        }
        Ok((header, reader))
    }

    /// Returns `None` after the last entry, if nothing follows.
    pub fn next_entry(&mut self) -> Result<Option<ManifestEntry>, ManifestError> {
        self.next_line()?;
        if self.line.is_empty() && self.number == 2 {
            // The list is empty.
            self.last = true;
            self.next_line()?;
        }
        let wrong = ManifestError::Line { line: self.number };
        if self.line == CLOSE.as_bytes() {
            let mut rest = [0; 1];
            return if self.last && self.from.read(&mut rest)? == 0 {
                Ok(None)
            } else {
                Err(wrong)
            };
        }
        if self.last {
            return Err(wrong);
        }
        let entry = match self.line.strip_suffix(b",") {
            Some(entry) => entry,
            None => {
                self.last = true;
                &self.line
            }
        };
        serde_json::from_slice(entry).map(Some).map_err(|_| wrong)
    }

    fn next_line(&mut self) -> Result<(), ManifestError> {
        self.line.clear();
        self.number += 1;
        let most = u64::try_from(MAX_LINE + 1).unwrap_or(u64::MAX);
        self.from
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut self.line)?;
        match self.line.pop() {
            Some(b'\n') => Ok(()),
            Some(_) if self.line.len() >= MAX_LINE => {
                Err(ManifestError::LongLine { line: self.number })
            }
            Some(_) | None => Err(ManifestError::CutOff),
        }
    }
}
