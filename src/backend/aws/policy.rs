//! IAM policy documents: types, comparison by meaning, and merging with statements of others.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub(crate) mod openings;
pub(crate) mod pattern;

/// The prefix of the Sids of tfbackend, which alone identifies its statements.
pub const OURS: &str = "Tfbackend";

/// A policy document. Unknown fields are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyDocument {
    #[serde(
        rename = "Version",
        default = "first_version",
        deserialize_with = "or_version"
    )]
    pub version: String,
    #[serde(rename = "Statement", default, deserialize_with = "one_or_many")]
    pub statements: Vec<Statement>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    #[serde(rename = "Sid", default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    #[serde(rename = "Effect")]
    pub effect: Effect,
    /// `Principal`, `Action`, `Resource`, `Condition`, and their negations.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    Allow,
    Deny,
}

impl PolicyDocument {
    pub fn new(statements: Vec<Statement>) -> Self {
        Self {
            version: version(),
            statements,
            rest: Map::new(),
        }
    }

    /// Returns compact JSON, as it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a policy is plain data")
    }

    /// Returns whether it contains a statement of the same meaning, regardless of its Sid.
    pub fn says(&self, statement: &Statement) -> bool {
        // The fields first: comparing meanings takes a thousand times as long, and policies can be
        // large.
        let alike = |other: &&Statement| {
            let as_many =
                other.effect == statement.effect && other.rest.len() == statement.rest.len();
            as_many
                && other
                    .rest
                    .keys()
                    .all(|field| statement.rest.contains_key(field))
        };
        let meaning = statement.meaning();
        self.statements
            .iter()
            .filter(alike)
            .any(|other| other.meaning() == meaning)
    }

    /// Returns whether both have the same meaning, regardless of order and form.
    pub fn means(&self, other: &Self) -> bool {
        self.statements.iter().all(|s| other.says(s))
            && other.statements.iter().all(|s| self.says(s))
    }

    /// Returns whether an Allow has this service as principal and an action (with wildcards) that
    /// matches `action`.
    pub fn allows_service(&self, service: &str, action: &str) -> bool {
        self.statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
            .any(|statement| {
                let meaning = statement.meaning();
                let has = |field: &str, group: &str, fits: &dyn Fn(&str) -> bool| {
                    meaning
                        .fields
                        .get(field)
                        .and_then(|groups| groups.get(group))
                        .is_some_and(|values| values.iter().any(|value| fits(value)))
                };
                let covers = |pattern: &str| match pattern.strip_suffix('*') {
                    Some(start) => action.to_lowercase().starts_with(&start.to_lowercase()),
                    None => action.eq_ignore_ascii_case(pattern),
                };
                has("Principal", "Service", &|name| name == service) && has("Action", "", &covers)
            })
    }

    /// Returns the document to write so that `self` applies and statements of others are kept.
    ///
    /// Statements of tfbackend that are no longer wanted are removed. Returns `observed` unchanged
    /// if it already has this meaning.
    #[must_use]
    pub fn merge_onto(&self, observed: &Self) -> Self {
        let mut merged = observed.clone();
        merged
            .statements
            .retain(|statement| !statement.is_ours() || self.says(statement));
        for statement in &self.statements {
            if !merged.says(statement) {
                merged.statements.push(statement.clone());
            }
        }
        merged
    }
}

impl PolicyDocument {
    /// Returns whether it has tfbackend's statement of this name.
    pub fn has(&self, name: &str) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.is_called(name))
    }

    /// Returns tfbackend's statement of this name.
    pub fn statement(&self, name: &str) -> Option<&Statement> {
        self.statements
            .iter()
            .find(|statement| statement.is_called(name))
    }

    /// Returns whether any statement belongs to tfbackend.
    pub fn has_ours(&self) -> bool {
        self.statements.iter().any(Statement::is_ours)
    }

    /// Returns the document without tfbackend's statement of this name; statements of others are
    /// kept.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let statements = self
            .statements
            .iter()
            .filter(|statement| !statement.is_called(name))
            .cloned()
            .collect();
        Self {
            statements,
            ..self.clone()
        }
    }

    /// Returns the document with a statement of tfbackend, once.
    #[must_use]
    pub fn with(&self, statement: Statement) -> Self {
        let mut document = self.clone();
        document
            .statements
            .retain(|other| !other.is_ours() || other.sid != statement.sid);
        document.statements.push(statement);
        document
    }
}

impl Statement {
    pub fn allow(sid: &str) -> Self {
        Self::new(sid, Effect::Allow)
    }

    pub fn deny(sid: &str) -> Self {
        Self::new(sid, Effect::Deny)
    }

    fn new(sid: &str, effect: Effect) -> Self {
        Self {
            sid: Some(format!("{OURS}{sid}")),
            effect,
            rest: Map::new(),
        }
    }

    #[must_use]
    pub fn everybody(self) -> Self {
        self.with("Principal", serde_json::json!({ "AWS": "*" }))
    }

    #[must_use]
    pub fn service(self, name: &str) -> Self {
        self.with("Principal", serde_json::json!({ "Service": name }))
    }

    #[must_use]
    pub fn aws(self, arn: &str) -> Self {
        self.with("Principal", serde_json::json!({ "AWS": arn }))
    }

    #[must_use]
    pub fn actions(self, actions: &[&str]) -> Self {
        let value = one_or_list(actions.iter().map(|action| (*action).to_owned()).collect());
        self.with("Action", value)
    }

    #[must_use]
    pub fn on(self, resources: impl IntoIterator<Item = String>) -> Self {
        let value = one_or_list(resources.into_iter().collect());
        self.with("Resource", value)
    }

    /// Sets `NotResource`.
    #[must_use]
    pub fn not_on(self, resources: impl IntoIterator<Item = String>) -> Self {
        let value = one_or_list(resources.into_iter().collect());
        self.with("NotResource", value)
    }

    /// Adds `operator: { key: values }` to the condition.
    #[must_use]
    pub fn when(
        mut self,
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        let condition = self
            .rest
            .entry("Condition")
            .or_insert_with(|| Value::Object(Map::new()));
        let operators = condition.as_object_mut().expect("made as an object above");
        let keys = operators
            .entry(operator)
            .or_insert_with(|| Value::Object(Map::new()));
        keys.as_object_mut()
            .expect("made as an object above")
            .insert(key.to_owned(), one_or_list(values.into_iter().collect()));
        self
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self.rest.insert(field.to_owned(), value);
        self
    }

    /// Returns the resources.
    pub fn resources(&self) -> Vec<String> {
        self.rest
            .get("Resource")
            .map(pattern::texts)
            .unwrap_or_default()
    }

    /// Returns the values of one condition key.
    pub fn condition(&self, operator: &str, key: &str) -> Vec<String> {
        let value = self
            .rest
            .get("Condition")
            .and_then(|condition| condition.get(operator))
            .and_then(|keys| keys.get(key));
        value.map(pattern::texts).unwrap_or_default()
    }

    pub fn is_called(&self, name: &str) -> bool {
        self.sid.as_deref().and_then(|sid| sid.strip_prefix(OURS)) == Some(name)
    }

    pub fn is_ours(&self) -> bool {
        self.sid.as_deref().is_some_and(|sid| sid.starts_with(OURS))
    }

    /// Returns a normal form, equal for statements of the same meaning: without Sid, lists sorted,
    /// actions and condition keys in lower case, account roots by their number, `*` in its long
    /// form.
    fn meaning(&self) -> StatementMeaning {
        let fields = self.rest.iter().map(|(field, value)| {
            let value = match field.as_str() {
                "Action" | "NotAction" => texts(value, &|text| text.to_lowercase()),
                "Principal" | "NotPrincipal" => principals(value),
                "Condition" => condition(value),
                _ => texts(value, &str::to_owned),
            };
            (field.clone(), value)
        });
        StatementMeaning {
            deny: self.effect == Effect::Deny,
            fields: fields.collect(),
        }
    }
}

#[derive(PartialEq)]
struct StatementMeaning {
    deny: bool,
    fields: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

type StatementGroups = BTreeMap<String, BTreeSet<String>>;

fn texts(value: &Value, normal: &dyn Fn(&str) -> String) -> StatementGroups {
    StatementGroups::from([(String::new(), set(value, normal))])
}

fn set(value: &Value, normal: &dyn Fn(&str) -> String) -> BTreeSet<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| normal(&text(item))).collect(),
        item => BTreeSet::from([normal(&text(item))]),
    }
}

/// Booleans and numbers mean the same as their text in a policy.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn principals(value: &Value) -> StatementGroups {
    match value {
        Value::Object(kinds) => kinds
            .iter()
            .map(|(kind, who)| (kind.clone(), set(who, &principal)))
            .collect(),
        everybody => StatementGroups::from([("AWS".to_owned(), set(everybody, &principal))]),
    }
}

/// `arn:aws:iam::123456789012:root` and `123456789012` are the same principal.
fn principal(text: &str) -> String {
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, "root"] => account.to_owned(),
        _ => text.to_owned(),
    }
}

fn condition(value: &Value) -> StatementGroups {
    let Value::Object(operators) = value else {
        return texts(value, &str::to_owned);
    };
    let mut groups = StatementGroups::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else {
            groups.insert(operator.clone(), set(keys, &str::to_owned));
            continue;
        };
        for (key, values) in keys {
            groups.insert(
                format!("{operator} {}", key.to_lowercase()),
                set(values, &str::to_owned),
            );
        }
    }
    groups
}

fn one_or_list(mut values: Vec<String>) -> Value {
    if values.len() == 1 {
        Value::String(values.remove(0))
    } else {
        Value::Array(values.into_iter().map(Value::String).collect())
    }
}

fn version() -> String {
    "2012-10-17".to_owned()
}

fn first_version() -> String {
    "2008-10-17".to_owned()
}

/// A policy without a version has the first one (IAM's documentation of `Version`).
fn or_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_else(first_version))
}

/// A single statement may be written without a list.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Statement>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Statements {
        Many(Vec<Statement>),
        One(Statement),
    }
    Ok(match Statements::deserialize(deserializer)? {
        Statements::Many(statements) => statements,
        Statements::One(statement) => vec![statement],
    })
}

#[cfg(test)]
mod tests;
