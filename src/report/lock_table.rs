//! Locks as people read them, of any backend kind: a row for each, and its holder in one line.

use std::time::Duration;

use super::{TextStyle, table::TextTable};
use crate::text::words;

/// What is known of a lock. Absent or empty is unknown.
pub(crate) struct LockTableRow<'a> {
    pub state: &'a str,
    pub workspace: &'a str,
    /// Where it is held, or whether.
    pub lock: &'a str,
    pub id: &'a str,
    pub operation: Option<&'a str>,
    pub who: Option<&'a str>,
    pub version: Option<&'a str>,
    pub age_seconds: Option<u64>,
    /// Why the holder is unknown.
    pub error: Option<&'a str>,
}

/// Returns a table and an empty line; nothing without locks.
pub(crate) fn table<'a>(rows: impl Iterator<Item = LockTableRow<'a>>, view: &TextStyle) -> String {
    let table = TextTable::new([
        "State",
        "Workspace",
        "Lock",
        "ID",
        "Operation",
        "Who",
        "Version",
        "Age",
    ]);
    let mut table = table.optional(&["Version", "Workspace", "Lock"]);
    for row in rows {
        let operation = row.error.map_or_else(
            || row.operation.unwrap_or_default().to_owned(),
            |error| format!("unknown: {error}"),
        );
        table.row([
            row.state,
            row.workspace,
            row.lock,
            row.id,
            &operation,
            row.who.unwrap_or_default(),
            row.version.unwrap_or_default(),
            &age(row.age_seconds),
        ]);
    }
    let text = table.text(view);
    if text.is_empty() { text } else { text + "\n" }
}

/// Returns holder, operation and time in one line.
pub(crate) fn holder(
    operation: Option<&str>,
    who: Option<&str>,
    since: Option<&str>,
    age_seconds: Option<u64>,
) -> String {
    let or = |text: Option<&'_ str>| {
        text.filter(|text| !text.is_empty())
            .unwrap_or("?")
            .to_owned()
    };
    let since = since.map_or_else(String::new, |since| {
        format!(", since {}", words::moment(since))
    });
    format!(
        "{} by {} for {}{since}",
        or(operation),
        or(who),
        age(age_seconds)
    )
}

pub(crate) fn age(seconds: Option<u64>) -> String {
    seconds.map_or_else(
        || "?".to_owned(),
        |seconds| words::age(Duration::from_secs(seconds)),
    )
}
