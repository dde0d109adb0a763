//! The settings of a resource as lines: all of them for a create, the differences for an update.

use serde_json::{Map, Value};

use super::{
    policy::{self, PolicyText, StatementDifference},
    value::{inline, is_scalar, plain},
};
use crate::report::{safe::safe, style::TextStyles};

/// Returns lines `name = value`, with nested names joined by dots; unset values are omitted.
pub(super) fn created(to: &Value) -> Vec<String> {
    let mut lines = vec![];
    create("", to, &mut lines);
    lines
}

/// The rationale of the setting at a path, if any.
pub(super) type SettingRationale<'a> = dyn Fn(&str) -> Option<&'static str> + 'a;

/// Returns lines `name: old → new, so that …` for differences. A rationale that several lines share
/// follows the first of them.
pub(super) fn changed(
    from: &Value,
    to: &Value,
    why: &SettingRationale<'_>,
    style: TextStyles,
) -> Vec<String> {
    let mut differ = SettingDiffer {
        style,
        is_finding: false,
        lines: vec![],
    };
    differ.walk("", from, to);
    let mut said = None;
    let explained = |(path, line): (String, String)| {
        let reason = why(&path);
        let new = reason.filter(|reason| said.replace(*reason) != Some(*reason));
        if reason.is_none() {
            said = None;
        }
        new.map_or(line.clone(), |reason| format!("{line}, {reason}"))
    };
    differ.lines.into_iter().map(explained).collect()
}

/// Returns lines `name: found (expected: …)` for differences, without colors.
pub(super) fn found(from: &Value, to: &Value) -> Vec<String> {
    let mut differ = SettingDiffer {
        style: TextStyles::PLAIN,
        is_finding: true,
        lines: vec![],
    };
    differ.walk("", from, to);
    differ.lines.into_iter().map(|(_, line)| line).collect()
}

fn create(path: &str, to: &Value, lines: &mut Vec<String>) {
    if let Some(policy) = PolicyText::of(to) {
        lines.push(format!("{} = {}", policy_named(path), policy.summary()));
    } else if let Some(tags) = tags(path, to) {
        let tags: Vec<_> = tags
            .iter()
            .map(|(key, value)| format!("{}={}", tag(key), text(value)))
            .collect();
        lines.push(format!("{path} = {}", tags.join(", ")));
    } else {
        match to {
            Value::Null => {}
            Value::Object(fields) if !fields.is_empty() => {
                fields
                    .iter()
                    .for_each(|(name, value)| create(&join(path, name), value, lines));
            }
            Value::Array(items) if !items.iter().all(is_scalar) => {
                entries(items)
                    .iter()
                    .for_each(|(name, value)| create(&join(path, name), value, lines));
            }
            scalar => lines.push(format!("{} = {}", named(path), inline(scalar))),
        }
    }
}

struct SettingDiffer {
    style: TextStyles,
    /// True for what is found and expected, false for what changes.
    is_finding: bool,
    /// Each line with its path.
    lines: Vec<(String, String)>,
}

impl SettingDiffer {
    fn walk(&mut self, path: &str, from: &Value, to: &Value) {
        if from == to {
            return;
        }
        let before = self.lines.len();
        self.differing(path, from, to);
        if self.lines.len() == before {
            self.say(
                path,
                format!("{}: equivalent, in another order or form", named(path)),
            );
        }
    }

    fn differing(&mut self, path: &str, from: &Value, to: &Value) {
        if let (Some(from), Some(to)) = (PolicyText::of(from), PolicyText::of(to)) {
            return self.policies(path, &from, &to);
        }
        if let (Some(from), Some(to)) = (tags(path, from), tags(path, to)) {
            return self.tags(path, &from, &to);
        }
        match (from, to) {
            (Value::Object(from), Value::Object(to)) => self.fields(path, from, to),
            (Value::Null, Value::Object(fields))
                if !fields.is_empty() && PolicyText::of(to).is_none() =>
            {
                self.fields(path, &Map::new(), fields)
            }
            (Value::Array(from), Value::Array(to)) if from.iter().chain(to).all(is_scalar) => {
                self.items(path, from, to)
            }
            (Value::Array(from), Value::Array(to)) => {
                self.fields(path, &entries(from), &entries(to))
            }
            _ => self.arrow(path, &short(from), &short(to)),
        }
    }

    fn fields(&mut self, path: &str, from: &Map<String, Value>, to: &Map<String, Value>) {
        let gone = from.keys().filter(|name| !to.contains_key(*name));
        for name in to.keys().chain(gone) {
            self.walk(
                &join(path, name),
                from.get(name).unwrap_or(&Value::Null),
                to.get(name).unwrap_or(&Value::Null),
            );
        }
    }

    /// Returns only added and removed items of long lists.
    fn items(&mut self, path: &str, from: &[Value], to: &[Value]) {
        let only = |sign: &str, one: &[Value], other: &[Value]| -> Vec<String> {
            one.iter()
                .filter(|item| !other.contains(item))
                .map(|item| format!("{sign} {}", inline(item)))
                .collect()
        };
        let moves = [only("+", to, from), only("-", from, to)].concat();
        if from.len() + to.len() <= 6 || moves.is_empty() {
            self.arrow(path, &inline(&Value::from(from)), &inline(&Value::from(to)));
        } else {
            self.say(path, format!("{}: {}", named(path), moves.join(", ")));
        }
    }

    fn tags(&mut self, path: &str, from: &Map<String, Value>, to: &Map<String, Value>) {
        let arrow = self.style.arrow();
        let new = to.iter().filter_map(|(key, value)| match from.get(key) {
            Some(old) if old == value => None,
            Some(old) => Some(format!(
                "~ {}={} {arrow} {}",
                tag(key),
                text(old),
                text(value)
            )),
            None => Some(format!("+ {}={}", tag(key), text(value))),
        });
        let gone = from
            .keys()
            .filter(|key| !to.contains_key(*key))
            .map(|key| format!("- {}", tag(key)));
        let moves = new.chain(gone).collect::<Vec<_>>().join(", ");
        self.say(path, format!("{path}: {moves}"));
    }

    fn policies(&mut self, path: &str, from: &PolicyText, to: &PolicyText) {
        let named = policy_named(path);
        for difference in policy::differences(from, to) {
            match difference {
                StatementDifference::Added(statement) => {
                    self.say(
                        &join(path, &policy::name(statement)),
                        format!("{named}: + {}", policy::name_and_effect(statement)),
                    );
                }
                // The rationale of a setting does not explain its removal.
                StatementDifference::Removed(statement) => self.say(
                    path,
                    format!("{named}: - {}", policy::name_and_effect(statement)),
                ),
                StatementDifference::Changed { from, to } => {
                    let path = join(path, &policy::name(to));
                    self.say(&path, format!("{named}: ~ {}", policy::name_and_effect(to)));
                    self.walk(&path, from, to);
                }
            }
        }
        self.walk(path, &from.rest, &to.rest);
    }

    fn arrow(&mut self, path: &str, from: &str, to: &str) {
        let named = named(path);
        let line = match self.is_finding {
            true => format!("{named}: {} (expected: {})", unquoted(from), unquoted(to)),
            false => format!("{named}: {from} {} {to}", self.style.arrow()),
        };
        self.say(path, line);
    }

    fn say(&mut self, path: &str, line: String) {
        self.lines.push((path.to_owned(), line));
    }
}

/// Returns the key or value of a tag, with quotes only if it would be ambiguous.
fn tag(text: &str) -> String {
    let simple = !text.is_empty() && !text.contains([' ', ',', '=', '"']);
    if simple {
        plain(text)
    } else {
        inline(&Value::from(text))
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| inline(value), tag)
}

/// A word without the quotes around it.
fn unquoted(value: &str) -> &str {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    inner
        .filter(|text| !text.is_empty() && !text.contains([' ', '"', '\\', '(']))
        .unwrap_or(value)
}

/// Returns one side of an arrow.
fn short(value: &Value) -> String {
    PolicyText::of(value).map_or_else(|| inline(value), |policy| policy.summary())
}

/// Returns tags if the path ends in `tags` and all values are texts: an object, or a list of keys
/// and values.
fn tags(path: &str, value: &Value) -> Option<Map<String, Value>> {
    let last = path.rsplit('.').next()?;
    if !last.eq_ignore_ascii_case("tags") {
        return None;
    }
    match value {
        Value::Object(fields) => {
            let text = |(key, value): (&String, &Value)| {
                value.is_string().then(|| (key.clone(), value.clone()))
            };
            fields.iter().map(text).collect()
        }
        Value::Array(items) => {
            let field = |item: &Value, names: [&str; 2]| {
                names
                    .iter()
                    .find_map(|name| item.get(name)?.as_str().map(str::to_owned))
            };
            items
                .iter()
                .map(|item| {
                    Some((
                        field(item, ["key", "Key"])?,
                        field(item, ["value", "Value"])?.into(),
                    ))
                })
                .collect()
        }
        _ => None,
    }
}

/// Returns the items of a list by their `id`, `name` or `Sid` if unique, otherwise by index, so
/// that a moved rule does not appear as a changed one.
fn entries(items: &[Value]) -> Map<String, Value> {
    let by_field = |field: &str| -> Option<Map<String, Value>> {
        let named = |item: &Value| {
            let mut rest = item.as_object()?.clone();
            let name = rest.shift_remove(field)?.as_str()?.to_owned();
            // The path already contains it.
            Some((
                name,
                if rest.is_empty() {
                    item.clone()
                } else {
                    Value::Object(rest)
                },
            ))
        };
        let named: Option<Map<_, _>> = items.iter().map(named).collect();
        named.filter(|named| named.len() == items.len())
    };
    let by_number = || {
        items
            .iter()
            .enumerate()
            .map(|(at, item)| (at.to_string(), item.clone()))
            .collect()
    };
    ["id", "ID", "Id", "name", "Sid"]
        .iter()
        .find_map(|field| by_field(field))
        .unwrap_or_else(by_number)
}

fn join(path: &str, name: &str) -> String {
    let name = safe(name);
    if path.is_empty() {
        name.into_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn policy_named(path: &str) -> &str {
    if path.is_empty() { "policy" } else { path }
}

/// A spec with a single value has no field names.
fn named(path: &str) -> &str {
    if path.is_empty() { "value" } else { path }
}

#[cfg(test)]
mod tests;
