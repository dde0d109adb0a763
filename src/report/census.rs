//! A census of a backend before teardown, as text and as JSON.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TextStyle, safe::safe, table::TextTable};
use crate::{
    state::census::{LockRow, NamedSample, StateCensus, StateContentsKind, StateFacts, StateRow},
    text::words,
};

/// The census as a document. It contains no values of states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CensusDocument {
    pub states: CountedNames<CensusStateDocument>,
    /// States without resources.
    pub empty: usize,
    /// States with resources, encrypted, or of another format.
    pub in_use: usize,
    /// Unreadable states; they count as in use.
    pub unreadable: usize,
    pub locks: CountedNames<CensusLockDocument>,
    /// Locks of an interrupted teardown.
    pub frozen: usize,
    /// States that moved to another backend, and whose copies are still here.
    #[serde(default)]
    pub moved: usize,
    /// The principals that have the policy, as in `role/ci`.
    pub attached: CountedNames<String>,
    /// The subscribers of alarms and deletions, as in `email ops@example.com`.
    pub subscribers: CountedNames<String>,
    pub versions: u64,
    pub bytes: u64,
    pub delete_markers: u64,
    pub uploads: usize,
    pub mfa_delete: bool,
    pub object_lock: Option<ObjectLockDocument>,
    /// Errors of reads; what could not be read is not counted.
    pub unseen: CountedNames<String>,
}

/// The first entries and the number of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CountedNames<T> {
    pub count: usize,
    pub first: Vec<T>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CensusStateDocument {
    pub path: String,
    pub workspace: String,
    pub bytes: u64,
    pub modified: Option<String>,
    /// `known`, `encrypted`, `other-format` or `unreadable`.
    pub contents: String,
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    pub engine_version: Option<String>,
    pub managed: Option<u64>,
    /// The reason why its content is unknown.
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CensusLockDocument {
    pub path: String,
    pub in_table: bool,
    pub as_file: bool,
    pub who: Option<String>,
    pub operation: Option<String>,
    pub since: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ObjectLockDocument {
    pub mode: Option<String>,
    pub days: Option<u32>,
    /// The time until which the newest version is retained.
    pub until: Option<String>,
}

impl CensusDocument {
    pub(crate) fn of(census: &StateCensus) -> Self {
        let StateCensus {
            states,
            empty,
            in_use,
            unreadable,
            locks,
            frozen,
            moved,
            attached,
            subscribers,
            ..
        } = census;
        let StateCensus {
            versions,
            uploads,
            mfa_delete,
            object_lock,
            unseen,
            ..
        } = census;
        let until = census.kept_until().map(|until| until.to_string());
        Self {
            states: counted(states, state),
            empty: *empty,
            in_use: *in_use,
            unreadable: *unreadable,
            locks: counted(locks, lock),
            frozen: *frozen,
            moved: *moved,
            attached: counted(attached, Clone::clone),
            subscribers: counted(subscribers, Clone::clone),
            versions: versions.count,
            bytes: versions.bytes,
            delete_markers: versions.delete_markers,
            uploads: *uploads,
            mfa_delete: *mfa_delete,
            object_lock: object_lock.as_ref().map(|lock| ObjectLockDocument {
                mode: lock.mode.clone(),
                days: lock.days,
                until,
            }),
            unseen: counted(unseen, Clone::clone),
        }
    }
}

fn counted<T, U>(named: &NamedSample<T>, document: impl Fn(&T) -> U) -> CountedNames<U> {
    CountedNames {
        count: named.count,
        first: named.rows.iter().map(document).collect(),
    }
}

fn state(row: &StateRow) -> CensusStateDocument {
    let (contents, facts, error) = match &row.holds {
        StateContentsKind::Known(facts) => ("known", facts.clone(), None),
        StateContentsKind::Encrypted(facts) => ("encrypted", facts.clone(), None),
        StateContentsKind::OtherFormat(facts) => ("other-format", facts.clone(), None),
        StateContentsKind::Unreadable(error) => {
            ("unreadable", StateFacts::default(), Some(error.clone()))
        }
    };
    let StateFacts {
        serial,
        lineage,
        engine,
        managed,
    } = facts;
    CensusStateDocument {
        path: row.path.clone(),
        workspace: row.workspace.clone(),
        bytes: row.size,
        modified: row.modified.map(|at| at.to_string()),
        contents: contents.to_owned(),
        serial,
        lineage,
        engine_version: engine,
        managed,
        error,
    }
}

fn lock(row: &LockRow) -> CensusLockDocument {
    let LockRow {
        path,
        item,
        file,
        who,
        operation,
        since,
    } = row.clone();
    CensusLockDocument {
        path,
        in_table: item,
        as_file: file,
        who,
        operation,
        since: since.map(|at| at.to_string()),
    }
}

/// Returns states and locks as tables, and counts of the rest, for a terminal.
pub(crate) fn text(census: &StateCensus, view: &TextStyle, now: Timestamp) -> String {
    let mut text = String::new();
    let mut states = TextTable::new([
        "State",
        "Workspace",
        "Serial",
        "Resources",
        "Version",
        "Changed",
    ]);
    for row in &census.states.rows {
        let CensusStateDocument {
            path,
            workspace,
            serial,
            managed,
            engine_version,
            modified,
            contents,
            error,
            ..
        } = state(row);
        let resources = match (managed, error) {
            (Some(managed), _) => managed.to_string(),
            (None, Some(error)) => format!("unknown: {error}"),
            (None, None) => format!("unknown ({contents}): counted as in use"),
        };
        let serial = serial.map(|serial| serial.to_string()).unwrap_or_default();
        states.row([
            &path,
            &workspace,
            &serial,
            &resources,
            &engine_version.unwrap_or_default(),
            &modified.unwrap_or_default(),
        ]);
    }
    section(&mut text, &states.text(view), &census.states);
    let mut locks = TextTable::new(["Locked", "In", "By", "Operation", "Since"]);
    for row in &census.locks.rows {
        let place = match (row.item, row.file) {
            (true, true) => "table and file",
            (true, false) => "table",
            (false, _) => "file",
        };
        let (who, operation) = (
            row.who.as_deref().unwrap_or("unknown"),
            row.operation.as_deref().unwrap_or_default(),
        );
        let since = row
            .since
            .map(|since| format!("{} ago", age(since, now)))
            .unwrap_or_default();
        locks.row([&row.path, place, who, operation, &since]);
    }
    section(&mut text, &locks.text(view), &census.locks);
    for line in counts(census) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn section<T>(text: &mut String, table: &str, named: &NamedSample<T>) {
    if table.is_empty() {
        return;
    }
    text.push_str(table);
    let more = named.count - named.rows.len();
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    text.push('\n');
}

fn counts(census: &StateCensus) -> Vec<String> {
    let versions = &census.versions;
    let count = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let uploads = u64::try_from(census.uploads).unwrap_or(u64::MAX);
    let mut lines = vec![
        totals(census),
        format!(
            "In the bucket: {} ({}), {}, {}.",
            count(versions.count, "version", "versions"),
            count(versions.bytes, "byte", "bytes"),
            count(versions.delete_markers, "delete marker", "delete markers"),
            count(uploads, "incomplete upload", "incomplete uploads"),
        ),
    ];
    if census.frozen > 0 {
        lines.push(format!(
            "{} of an interrupted teardown: this teardown continues it.",
            words::count(census.frozen, "lock", "locks")
        ));
    }
    lines.extend(people("The policy is attached to", &census.attached));
    lines.extend(people(
        "Alarms and deletions are sent to",
        &census.subscribers,
    ));
    lines.extend(
        census
            .mfa_delete
            .then(|| "MFA delete is enabled.".to_owned()),
    );
    lines.extend(
        census
            .object_lock
            .as_ref()
            .map(|lock| match (&lock.mode, census.kept_until()) {
                (Some(mode), Some(until)) => format!(
                    "Object Lock retains versions ({}), the newest until {until}.",
                    safe(mode)
                ),
                _ => "Object Lock is enabled.".to_owned(),
            }),
    );
    lines.extend(
        census
            .unseen
            .rows
            .iter()
            .map(|error| format!("Cannot be read: {}", safe(error))),
    );
    lines
}

/// Returns the numbers of states and locks in one sentence.
fn totals(census: &StateCensus) -> String {
    let locks = match census.locks.count {
        0 => "no locks".to_owned(),
        count => format!("{} held", words::count(count, "lock", "locks")),
    };
    if census.states.count == 0 {
        return format!("No states, {locks}.");
    }
    let unreadable = match census.unreadable {
        0 => String::new(),
        count => format!(", {count} unreadable"),
    };
    let moved = match census.moved {
        0 => String::new(),
        count => format!(", {count} moved to another backend"),
    };
    format!(
        "{}: {} in use, {} empty{unreadable}{moved}; {locks}.",
        words::count(census.states.count, "state", "states"),
        census.in_use,
        census.empty
    )
}

fn people(what: &str, who: &NamedSample<String>) -> Option<String> {
    const MOST: usize = 10;
    let named: Vec<String> = who
        .rows
        .iter()
        .take(MOST)
        .map(|one| safe(one).into_owned())
        .collect();
    let more = who.count - named.len();
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (who.count > 0).then(|| format!("{what} {}{rest}.", named.join(", ")))
}

fn age(since: Timestamp, now: Timestamp) -> String {
    words::took(
        now.duration_since(since)
            .max(jiff::SignedDuration::ZERO)
            .unsigned_abs(),
    )
}

#[cfg(test)]
mod tests;
