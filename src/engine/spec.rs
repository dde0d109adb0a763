//! The settings of a resource, desired or observed: the same type describes both.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The name of one node, as in `state_bucket/versioning`; the part before the slash is its parent.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Address(Cow<'static, str>);

impl Address {
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Returns the address of an indexed node, one per `of`: `topic/subscription[ops@example.com]`.
    pub fn each(kind: &str, of: &str) -> Self {
        Self(Cow::Owned(format!("{kind}[{of}]")))
    }

    /// Parses an address.
    pub fn named(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the parent, if it is a part: a part has the owner of its parent.
    pub fn parent(&self) -> Option<Self> {
        // Text in brackets may contain a slash: `attachment[role/ci]` is not a part.
        let (kind, _) = self.0.split_once('[').unwrap_or((&self.0, ""));
        let (parent, _) = kind.split_once('/')?;
        Some(Self(Cow::Owned(parent.to_owned())))
    }

    /// Returns the placeholder in a [`Spec`] for the output of the node at this address, until it
    /// is known.
    pub fn output(&self) -> String {
        format!("{UNKNOWN}: {self})")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The prefix of placeholders for outputs of earlier nodes. Settings must not contain it.
pub const UNKNOWN: &str = "(known after apply";

/// The outputs of existing nodes, such as the ARN of a key.
pub type KnownOutputs = BTreeMap<Address, String>;

/// The settings of one kind of resource, desired or observed.
pub trait Spec:
    Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Returns the kind and name, or what a part does, for people: `S3 bucket acme-tfstate-prod-…`.
    fn title(&self) -> String;

    /// Returns the cost in US dollars per month, without usage-based costs; `None` if there is
    /// none.
    fn monthly_cost(&self) -> Option<f64> {
        None
    }

    /// Returns a note to read before confirming.
    fn note(&self) -> Option<String> {
        None
    }

    /// Replaces [`Address::output`] by outputs of earlier nodes.
    #[must_use]
    fn resolve(&self, known: &KnownOutputs) -> Self {
        if known.is_empty() {
            return self.clone();
        }
        let mut value = serde_json::to_value(self).expect("a spec is plain data");
        fill_in(&mut value, known);
        serde_json::from_value(value).expect("filling in strings keeps the shape")
    }

    /// Returns the value to write so that `self` applies and settings of others are preserved.
    #[must_use]
    fn merge_onto(&self, observed: &Self) -> Self {
        let _ = observed;
        self.clone()
    }

    /// Returns why `observed` cannot be changed to `self` in place, if so.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let _ = observed;
        None
    }

    /// Returns why `observed`, which others created, cannot be adopted: it would lose their
    /// settings.
    fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
        let _ = observed;
        None
    }

    /// Returns the message if a data source does not exist.
    ///
    /// `Some` makes the node a data source: it is read and checked, and never written.
    fn data_source(&self) -> Option<String> {
        None
    }

    /// Returns whether only a change of this resource changes its output. Otherwise an observed
    /// output is used to compare, but not to write: the write of this resource determines it.
    fn output_is_final(&self) -> bool {
        true
    }

    /// Returns the number of sequential calls of a read, if the resource is as expected.
    fn read_round_trips(&self) -> u32 {
        1
    }

    /// Returns the number of sequential calls to write `self` over `from`, if each succeeds at the
    /// first attempt.
    fn write_round_trips(&self, from: Option<&Self>) -> u32 {
        let _ = from;
        1
    }

    /// Returns whether it is deleted with its parent, so that a teardown has no separate step for
    /// it.
    fn deleted_with_parent(&self) -> bool {
        false
    }

    /// Returns the rationale of a setting, such as `so that no version can be lost`. `setting` is
    /// its path in the spec's JSON, names joined by dots.
    fn why(&self, setting: &str) -> Option<&'static str> {
        let _ = setting;
        None
    }
}

/// Calls a function for every text in `value`, without keys.
pub fn texts_mut(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter_mut().for_each(|item| texts_mut(item, visit)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| texts_mut(field, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn fill_in(value: &mut Value, known: &KnownOutputs) {
    texts_mut(value, &mut |text| {
        if text.contains(UNKNOWN) {
            for (address, output) in known {
                *text = text.replace(&address.output(), output);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_a_parent() {
        for (address, parent) in [
            (Address::new("bucket"), None),
            (Address::new("bucket/policy"), Some("bucket")),
            (
                Address::each("topic/subscription", "ops@example.com"),
                Some("topic"),
            ),
            (Address::each("attachment", "role/ci"), None),
        ] {
            assert_eq!(
                address.parent().as_ref().map(Address::as_str),
                parent,
                "{address}"
            );
        }
    }
}
