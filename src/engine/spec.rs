//! What one resource should look like, or does look like: the same type says both.

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

    /// A node that there is one of per `of`: `topic/subscription[ops@example.com]`.
    pub fn each(kind: &str, of: &str) -> Self {
        Self(Cow::Owned(format!("{kind}[{of}]")))
    }

    /// One that was read somewhere.
    pub fn named(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The node that this one is a part of, if it is a part: a part has its parent's owner.
    pub fn parent(&self) -> Option<Self> {
        // What stands in brackets may hold a slash of its own: `attachment[role/ci]` is no part.
        let (kind, _) = self.0.split_once('[').unwrap_or((&self.0, ""));
        let (parent, _) = kind.split_once('/')?;
        Some(Self(Cow::Owned(parent.to_owned())))
    }

    /// Stands in a [`Spec`] for what the node at this address gives out, until that is known.
    pub fn output(&self) -> String {
        format!("{UNKNOWN}: {self})")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How every value starts that only an earlier node can tell. Settings must not contain it.
pub const UNKNOWN: &str = "(known after apply";

/// What nodes gave out once they existed: a key its ARN.
pub type KnownOutputs = BTreeMap<Address, String>;

/// The settings of one kind of resource, desired or observed.
pub trait Spec:
    Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Fills in what only an earlier node could know, wherever [`Address::output`] stands.
    #[must_use]
    fn resolve(&self, known: &KnownOutputs) -> Self {
        if known.is_empty() {
            return self.clone();
        }
        let mut value = serde_json::to_value(self).expect("a spec is plain data");
        fill_in(&mut value, known);
        serde_json::from_value(value).expect("filling in strings keeps the shape")
    }

    /// The value to write so that `self` holds and what others wrote survives.
    #[must_use]
    fn over(&self, observed: &Self) -> Self {
        let _ = observed;
        self.clone()
    }

    /// Why `observed` can never become `self` in place, if it cannot.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let _ = observed;
        None
    }

    /// Why `observed`, which others made, is not taken over as it is: it would lose what they
    /// chose.
    fn adoption_blocked_by(&self, observed: &Self) -> Option<String> {
        let _ = observed;
        None
    }

    /// What to say when a resource that is only used, never made, is not there.
    ///
    /// `Some` makes the node a reference: it is looked at and checked, and never written.
    fn reference(&self) -> Option<String> {
        None
    }

    /// Whether nothing but a change of this resource changes what it gives out. Where that is not
    /// so, what was observed is good to compare with and not to write: the write of this
    /// resource decides.
    fn output_is_final(&self) -> bool {
        true
    }

    /// How many calls go one after the other when this is looked at, where it is as it should be.
    fn trips_to_look(&self) -> u32 {
        1
    }

    /// How many calls go one after the other when `self` is written over `from`, where each
    /// succeeds the first time.
    fn trips_to_write(&self, from: Option<&Self>) -> u32 {
        let _ = from;
        1
    }

    /// Whether it is gone once the whole is that it is a part of, so that a teardown takes no step
    /// of its own for it.
    fn goes_with_its_whole(&self) -> bool {
        false
    }

    /// Why a setting is as it is, for whoever sees it change: `so that no version can be lost`.
    /// `setting` is its path in the spec's JSON, names joined by dots.
    fn why(&self, setting: &str) -> Option<&'static str> {
        let _ = setting;
        None
    }
}

/// Every text inside `value`, keys left out.
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
