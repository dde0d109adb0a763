//! Policy documents by their statements, because complete ones are too long to read.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::value::plain;
use crate::text::words;

/// A policy document, as an object or as text.
pub(super) struct PolicyText {
    pub statements: Vec<Value>,
    /// `Version` and all other fields.
    pub rest: Value,
}

impl PolicyText {
    /// Returns `None` unless it is an object with a `Statement`, or a text that contains one.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let document = match value {
            Value::String(text) if text.trim_start().starts_with('{') => {
                Cow::Owned(serde_json::from_str(text).ok()?)
            }
            other => Cow::Borrowed(other),
        };
        let mut rest: Map<String, Value> = document.as_object()?.clone();
        // A document may contain a single statement without a list.
        let statements = match rest.remove("Statement")? {
            Value::Array(statements) => statements,
            statement @ Value::Object(_) => vec![statement],
            _ => return None,
        };
        Some(Self {
            statements,
            rest: Value::Object(rest),
        })
    }

    /// Returns `3 statements: A, B, C`.
    pub(super) fn summary(&self) -> String {
        let names: Vec<_> = self.statements.iter().map(name).collect();
        let count = words::count(names.len(), "statement", "statements");
        if names.is_empty() {
            count
        } else {
            format!("{count}: {}", names.join(", "))
        }
    }
}

/// The change of a statement.
pub(super) enum StatementDifference<'a> {
    Added(&'a Value),
    Removed(&'a Value),
    Changed { from: &'a Value, to: &'a Value },
}

/// Returns changed statements. They are paired by Sid if it is unique on both sides.
pub(super) fn differences<'a>(
    from: &'a PolicyText,
    to: &'a PolicyText,
) -> Vec<StatementDifference<'a>> {
    let mut old: Vec<&Value> = from.statements.iter().collect();
    let mut new: Vec<&Value> = vec![];
    for statement in &to.statements {
        match old.iter().position(|other| *other == statement) {
            Some(at) => drop(old.remove(at)),
            None => new.push(statement),
        }
    }
    let alone = |all: &[&Value], sid: &str| {
        all.iter()
            .filter(|statement| self::sid(statement) == Some(sid))
            .count()
            == 1
    };
    let pair = |statement: &Value, among: &[&'a Value]| {
        let sid = sid(statement).filter(|sid| alone(&old, sid) && alone(&new, sid))?;
        among
            .iter()
            .copied()
            .find(|other| self::sid(other) == Some(sid))
    };
    let kept = new.iter().map(|to| match pair(to, &old) {
        Some(from) => StatementDifference::Changed { from, to },
        None => StatementDifference::Added(to),
    });
    let removed = old
        .iter()
        .filter(|from| pair(from, &new).is_none())
        .map(|from| StatementDifference::Removed(from));
    kept.chain(removed).collect()
}

/// Returns the Sid, or a placeholder.
pub(super) fn name(statement: &Value) -> String {
    sid(statement).map_or_else(|| "one without Sid".to_owned(), plain)
}

/// Returns the Sid and the effect: adding an Allow or removing a Deny makes a policy less strict.
pub(super) fn name_and_effect(statement: &Value) -> String {
    let effect = statement.get("Effect").and_then(Value::as_str).map(plain);
    format!(
        "{} ({})",
        name(statement),
        effect.as_deref().unwrap_or("no effect")
    )
}

fn sid(statement: &Value) -> Option<&str> {
    statement
        .get("Sid")
        .and_then(Value::as_str)
        .filter(|sid| !sid.is_empty())
}
