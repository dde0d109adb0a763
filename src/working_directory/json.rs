//! Configuration that is JSON, as HCL reads it: a name may be there twice, and a list of objects stands for one object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

/// A JSON value with all that is in it, in its order.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
    /// Null, too.
    Plain(Json),
}

/// Names that matter, by depth; below the last all do.
type Levels = &'static [&'static [&'static str]];

impl Node {
    /// Reads a text, and of the objects at its top only the members named in `levels`: what else is there is passed over, and
    /// need not be anything but JSON.
    ///
    /// As Go does, bytes that are not UTF-8 are taken for U+FFFD.
    ///
    /// # Errors
    /// If it is not JSON.
    pub fn read(text: &[u8], levels: Levels) -> serde_json::Result<Self> {
        let text = String::from_utf8_lossy(text);
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let node = Kept(levels).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }

    /// The members of an object, or of each object in a list: the body of a block may be either.
    pub fn members(&self) -> Vec<(&str, &Self)> {
        let objects = if let Self::List(items) = self { items.as_slice() } else { std::slice::from_ref(self) };
        let members = objects.iter().filter_map(|node| if let Self::Object(members) = node { Some(members) } else { None });
        members.flatten().map(|(name, node)| (name.as_str(), node)).collect()
    }

    /// The members of that name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.members().into_iter().filter(move |(known, _)| *known == name).map(|(_, node)| node)
    }

    /// The bodies of the blocks that it stands for. Null stands for none.
    pub fn bodies(&self) -> &[Self] {
        match self {
            Self::Plain(_) => &[],
            Self::Object(_) => std::slice::from_ref(self),
            Self::List(items) => items,
        }
    }

    /// The body as one object. Of several members of one name, the last stands.
    pub fn object(&self) -> Map<String, Json> {
        self.members().into_iter().map(|(name, node)| (name.to_owned(), node.to_json())).collect()
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Object(_) => Json::Object(self.object()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Plain(json) => json.clone(),
        }
    }
}

struct Kept(Levels);

impl<'de> DeserializeSeed<'de> for Kept {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kept {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Plain(Json::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Plain(Json::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Plain(Number::from_f64(value).map_or(Json::Null, Json::Number)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut all = vec![];
        while let Some(item) = items.next_element_seed(Self(self.0))? {
            all.push(item);
        }
        Ok(Node::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let (names, below) = self.0.split_first().map_or((None, self.0), |(names, below)| (Some(*names), below));
        let mut all = vec![];
        while let Some(name) = members.next_key::<String>()? {
            if names.is_none_or(|names| names.contains(&name.as_str())) {
                all.push((name, members.next_value_seed(Self(below))?));
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Node::Object(all))
    }
}
