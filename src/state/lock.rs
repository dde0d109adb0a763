//! Lock info: read in the format of any version, written byte for byte like Go.
//!
//! OpenTofu releases a lock in the table only if `Info` is exactly what it would write itself, so
//! that only these bytes work (`internal/states/statemgr/locker.go` and Go's `encoding/json`).

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use serde::de::{IgnoredAny, MapAccess};

use super::{
    json::as_go_reads,
    lenient::{LenientField, LenientShape, folded},
};

/// The maximum size of lock info; that of Terraform has about 300 bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The zero time, as Go writes it.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockInfo {
    /// The argument of `terraform force-unlock`.
    pub id: String,
    /// As in `OperationTypeApply`.
    pub operation: String,
    /// Free text of the holder; Terraform leaves it empty.
    pub info: String,
    /// `user@host`
    pub who: String,
    /// The version of Terraform or OpenTofu; lock info does not tell which.
    pub version: String,
    /// By the clock of the holder.
    pub created: Option<Timestamp>,
    /// `<bucket>/<path>`, as in the table.
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Only the position, never the content, which may be secret.
    #[error("it is not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("it is JSON, but not lock info")]
    NotALock,
}

impl LockInfo {
    /// Lock info of tfbackend, with a new ID; `who` is `user@host`.
    pub fn of_ours(operation: &str, who: &str, now: Timestamp, path: &str) -> Self {
        Self {
            id: new_id(),
            operation: operation.to_owned(),
            info: String::new(),
            who: who.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Some(now),
            path: path.to_owned(),
        }
    }

    /// Missing and non-text fields are empty; unknown fields are ignored. As in Go, names are
    /// compared case-insensitively, and the last of duplicate fields is used.
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        if bytes.is_empty() {
            return Err(LockError::Empty);
        }
        if bytes.len() > MAX_BYTES {
            return Err(LockError::TooLong);
        }
        let read: Result<LenientField<Self>, _> = serde_json::from_str(&as_go_reads(bytes));
        let read = read.map_err(|error| LockError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        read.good().ok_or(LockError::NotALock)
    }

    /// Returns the bytes that Go's `json.Marshal` returns.
    pub fn to_go_json(&self) -> String {
        let created = self
            .created
            .map_or_else(|| NO_TIME.to_owned(), |created| created.to_string());
        let fields = [
            ("ID", &self.id),
            ("Operation", &self.operation),
            ("Info", &self.info),
            ("Who", &self.who),
            ("Version", &self.version),
            ("Created", &created),
            ("Path", &self.path),
        ];
        let mut out = String::new();
        for (name, value) in fields {
            out.push(if out.is_empty() { '{' } else { ',' });
            quote(&mut out, name);
            out.push(':');
            quote(&mut out, value);
        }
        out.push('}');
        out
    }

    /// Returns how long it has been held, if the time is known and not in the future.
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.created
            .map(|created| now.duration_since(created).max(SignedDuration::ZERO))
    }
}

/// Returns a random lock ID in Terraform's format: a UUID.
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Writes a text like Go, with its HTML escapes.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a string never fails");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl LenientShape for LockInfo {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut lock = Self::default();
        let mut created = String::new();
        while let Some(name) = fields.next_key::<String>()? {
            let into = match &*folded(&name) {
                "id" => &mut lock.id,
                "operation" => &mut lock.operation,
                "info" => &mut lock.info,
                "who" => &mut lock.who,
                "version" => &mut lock.version,
                "created" => &mut created,
                "path" => &mut lock.path,
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if let LenientField::Good(text) = fields.next_value::<LenientField<String>>()? {
                *into = text;
            }
        }
        // Go's zero time precedes any real lock.
        lock.created = created
            .parse()
            .ok()
            .filter(|created| *created > Timestamp::UNIX_EPOCH);
        Ok(Some(lock))
    }
}

#[cfg(test)]
mod tests;
