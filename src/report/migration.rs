//! The progress of a lock migration, as text and as JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TextStyle, safe::safe};
use crate::text::words;

/// The maximum number of items that are listed.
const MOST: usize = 20;

/// `lock migrate --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct MigrationDocument {
    pub bucket: String,
    pub table: Option<String>,
    /// The lock mechanism in the files: `dynamodb`, `both` or `s3`; null if it is not configured.
    pub now: Option<String>,
    /// The time since when lock files are used in addition to the table; null if they are not.
    pub since: Option<String>,
    /// The stage to check.
    pub to: String,
    pub states: usize,
    /// The states that were written since, with a lock file; null before.
    pub states_ready: Option<usize>,
    /// The states that block the migration only because they were not written since: `--touch`
    /// writes them.
    pub touchable: Vec<String>,
    /// True if nothing blocks the migration.
    pub ready: bool,
    pub refusals: Vec<String>,
    /// The actions, in this order.
    pub steps: Vec<String>,
    /// The files that you must edit.
    pub by_hand: Vec<String>,
}

pub(crate) fn text(document: &MigrationDocument, view: &TextStyle) -> String {
    let MigrationDocument {
        bucket,
        table,
        now,
        since,
        to,
        states,
        states_ready,
        touchable: _,
        ready,
        refusals,
        steps,
        by_hand,
    } = document;
    let now = match (now.as_deref(), since) {
        (Some("dynamodb"), _) => "dynamodb: locks in the table only".to_owned(),
        (Some("both"), Some(since)) => format!("both, since {since}"),
        (Some("both"), None) => {
            "both, according to the files: `lock migrate --to both` records the start".to_owned()
        }
        (Some("s3"), _) => "s3: lock files only".to_owned(),
        (Some(other), _) => other.to_owned(),
        (None, _) => "not configured here".to_owned(),
    };
    let place = table
        .as_ref()
        .map_or_else(String::new, |table| format!(", table {table}"));
    let mut lines = vec![
        format!("{} s3://{bucket}{place}", view.style.bold("Backend:")),
        format!("{} {now}", view.style.bold("Now:")),
    ];
    let states = words::count(*states, "state", "states");
    match states_ready {
        Some(count) => lines.push(format!(
            "{} {states}, {count} written since under a lock file",
            view.style.bold("States:")
        )),
        None => lines.push(format!("{} {states}", view.style.bold("States:"))),
    }
    lines.push(format!(
        "{} {to}{}",
        view.style.bold("Next:"),
        if *ready { "" } else { ", blocked" }
    ));
    let mut section = |title: &str, items: &[String]| {
        if !items.is_empty() {
            lines.push(view.style.bold(title));
        }
        lines.extend(items.iter().take(MOST).map(|item| format!("  {item}")));
        if items.len() > MOST {
            lines.push(format!("  and {} more", items.len() - MOST));
        }
    };
    section("Blocked by:", refusals);
    section(if *ready { "To do:" } else { "Then:" }, steps);
    section("Manual steps:", by_hand);
    lines
        .iter()
        .map(|line| format!("{}\n", safe_but_style(line)))
        .collect()
}

/// Only labels are bold; the rest of a line is plain text.
fn safe_but_style(line: &str) -> String {
    match line.split_once(' ') {
        Some((label, rest)) if label.starts_with('\u{1b}') => format!("{label} {}", safe(rest)),
        _ if line.starts_with('\u{1b}') => line.to_owned(),
        _ => safe(line).into_owned(),
    }
}

#[cfg(test)]
mod tests;
