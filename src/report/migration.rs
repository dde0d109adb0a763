//! How far the change of locks is, as people read it and as JSON.

use serde::{Deserialize, Serialize};

use super::{TextStyle, safe::safe};
use crate::text::words;

/// More than anybody reads.
const MOST: usize = 20;

/// `lock migrate --output json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MigrationDocument {
    pub bucket: String,
    pub table: Option<String>,
    /// What the files say: `dynamodb`, `both` or `s3`; null if nothing says it.
    pub now: Option<String>,
    /// Since when lock files are in use beside the table; null if they are not.
    pub since: Option<String>,
    /// The stage that this is about.
    pub to: String,
    pub states: usize,
    /// Those that were written since, by a version that knows lock files and under one; null
    /// before.
    pub states_ready: Option<usize>,
    /// Those that are in the way only because they were not written since: `--touch` writes them.
    pub touchable: Vec<String>,
    /// Whether nothing is in the way.
    pub ready: bool,
    pub refusals: Vec<String>,
    /// What it does, in this order.
    pub steps: Vec<String>,
    /// Files that a person has to edit.
    pub by_hand: Vec<String>,
}

pub fn text(document: &MigrationDocument, view: &TextStyle) -> String {
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
        (Some("dynamodb"), _) => "dynamodb: only the table locks".to_owned(),
        (Some("both"), Some(since)) => format!("both, since {since}"),
        (Some("both"), None) => {
            "both, by the files alone: `lock migrate --to both` notes since when".to_owned()
        }
        (Some("s3"), _) => "s3: only lock files lock".to_owned(),
        (Some(other), _) => other.to_owned(),
        (None, _) => "nothing here says".to_owned(),
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
        if *ready {
            ""
        } else {
            ", with something in the way"
        }
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
    section("In the way:", refusals);
    section(if *ready { "To do:" } else { "To do then:" }, steps);
    section("By hand:", by_hand);
    lines
        .iter()
        .map(|line| format!("{}\n", safe_but_style(line)))
        .collect()
}

/// What is bold was made bold here: all else on a line is text.
fn safe_but_style(line: &str) -> String {
    match line.split_once(' ') {
        Some((label, rest)) if label.starts_with('\u{1b}') => format!("{label} {}", safe(rest)),
        _ if line.starts_with('\u{1b}') => line.to_owned(),
        _ => safe(line).into_owned(),
    }
}

#[cfg(test)]
mod tests;
