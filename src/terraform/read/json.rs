//! Configuration that is JSON, as HCL reads it: a name may be there twice, and a list of objects
//! stands for one object.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use super::value;
use crate::state::json::as_go_reads;

/// The maximum kept size of a text, in bytes, each value counted as at least [`LEAST`]: no backend
/// takes
/// more.
const MOST: usize = 4 << 20;
/// About what a value takes in memory.
const LEAST: usize = 64;

/// A JSON value with all that is in it, in its order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum JsonNode {
    Object(Vec<(String, JsonNode)>),
    List(Vec<JsonNode>),
    /// Null, too.
    Plain(Json),
}

/// Names that matter, by depth; below the last all do.
type KeptLevels = &'static [&'static [&'static str]];

impl JsonNode {
    /// Reads a text, and of the objects at its top only the members named in `levels`: what else is
    /// there is passed over, and need not be anything but JSON.
    ///
    /// # Errors
    /// If it is not JSON, or too much of it matters; as [`Unreadable::error`](super::Unreadable)
    /// says it.
    pub(super) fn read(text: &[u8], levels: KeptLevels) -> Result<Self, String> {
        let text = as_go_reads(text);
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let left = Cell::new(Some(MOST));
        let node = KeptJson {
            levels,
            left: &left,
        }
        .deserialize(&mut deserializer);
        let node = node.and_then(|node| deserializer.end().map(|()| node));
        node.map_err(|error| match left.get() {
            None => format!("has more than {MOST} bytes of backend configuration"),
            Some(_) => value::json_error(&error),
        })
    }

    /// The members of an object, or of each object in a list: the body of a block may be either.
    pub(super) fn members(&self) -> Vec<(&str, &Self)> {
        let objects = if let Self::List(items) = self {
            items.as_slice()
        } else {
            std::slice::from_ref(self)
        };
        let members = objects.iter().filter_map(|node| {
            if let Self::Object(members) = node {
                Some(members)
            } else {
                None
            }
        });
        members
            .flatten()
            .map(|(name, node)| (name.as_str(), node))
            .collect()
    }

    /// The members of that name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.members()
            .into_iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, node)| node)
    }

    /// The bodies of the blocks that it stands for. Null stands for none.
    pub(super) fn bodies(&self) -> &[Self] {
        match self {
            Self::Plain(_) => &[],
            Self::Object(_) => std::slice::from_ref(self),
            Self::List(items) => items,
        }
    }

    /// The body as one object. Of several members of one name, the last stands.
    pub(super) fn object(&self) -> Map<String, Json> {
        self.members()
            .into_iter()
            .map(|(name, node)| (name.to_owned(), node.to_json()))
            .collect()
    }

    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Object(_) => Json::Object(self.object()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Plain(json) => json.clone(),
        }
    }
}

#[derive(Clone, Copy)]
struct KeptJson<'a> {
    levels: KeptLevels,
    /// The remaining size that may be kept; `None` once it was exceeded.
    left: &'a Cell<Option<usize>>,
}

impl KeptJson<'_> {
    fn keep<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self
            .left
            .get()
            .and_then(|left| left.checked_sub(bytes.max(LEAST)));
        self.left.set(left);
        left.map(|_| ()).ok_or_else(|| E::custom("too large"))
    }

    fn plain<E: Error>(self, json: impl Into<Json>, bytes: usize) -> Result<JsonNode, E> {
        self.keep(bytes)?;
        Ok(JsonNode::Plain(json.into()))
    }
}

impl<'de> DeserializeSeed<'de> for KeptJson<'_> {
    type Value = JsonNode;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<JsonNode, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KeptJson<'_> {
    type Value = JsonNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<JsonNode, E> {
        self.plain(Json::Null, 0)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<JsonNode, E> {
        self.plain(value, 0)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<JsonNode, E> {
        self.plain(value, 0)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<JsonNode, E> {
        self.plain(value, 0)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<JsonNode, E> {
        self.plain(Number::from_f64(value).map_or(Json::Null, Json::Number), 0)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<JsonNode, E> {
        self.plain(value, value.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JsonNode, A::Error> {
        self.keep(0)?;
        let mut all = vec![];
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(JsonNode::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<JsonNode, A::Error> {
        self.keep(0)?;
        let (names, below) = self
            .levels
            .split_first()
            .map_or((None, self.levels), |(names, below)| (Some(*names), below));
        let mut all = vec![];
        while let Some(name) = members.next_key::<String>()? {
            if names.is_none_or(|names| names.contains(&name.as_str())) {
                self.keep(name.len())?;
                all.push((
                    name,
                    members.next_value_seed(Self {
                        levels: below,
                        ..self
                    })?,
                ));
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(JsonNode::Object(all))
    }
}
