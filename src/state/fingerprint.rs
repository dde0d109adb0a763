//! What tells one value from another while the program runs, and means nothing after it.

use std::{
    fmt,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::LazyLock,
};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Of a value that nobody may see: made under a key that dies with the process, so that nobody can
/// try out what it was made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

/// What a value is, so that `"1"`, `1` and `[1]` differ.
#[derive(Hash)]
enum Shape {
    Nothing,
    Bool,
    Whole,
    Negative,
    Fraction,
    Text,
    List,
    Object,
}

static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Fingerprint {
    pub fn of(value: impl Hash) -> Self {
        Self(KEYS.hash_one(value))
    }

    /// Of several that have no order.
    #[must_use]
    pub fn with(self, name: &str, value: Self) -> Self {
        Self(self.0.wrapping_add(Self::of((name, value)).0))
    }

    /// Of no field at all.
    pub fn nothing() -> Self {
        Self(0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Of any JSON; the order of fields makes no difference, and no value is held.
impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Fingerprint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of((Shape::Bool, value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of((Shape::Negative, value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of((Shape::Whole, value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of((Shape::Fraction, value.to_bits())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of((Shape::Text, value)))
    }

    fn visit_unit<E>(self) -> Result<Fingerprint, E> {
        Ok(Fingerprint::of(Shape::Nothing))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Fingerprint, A::Error> {
        let mut hasher = KEYS.build_hasher();
        Shape::List.hash(&mut hasher);
        while let Some(item) = items.next_element::<Fingerprint>()? {
            item.hash(&mut hasher);
        }
        Ok(Fingerprint(hasher.finish()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Fingerprint, A::Error> {
        let mut all = Fingerprint::nothing();
        while let Some((name, value)) = fields.next_entry::<String, Fingerprint>()? {
            all = all.with(&name, value);
        }
        Ok(Fingerprint::of((Shape::Object, all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Fingerprint {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn the_same_is_the_same_however_it_is_written() {
        assert_eq!(of(r#"{"a": [1, {"b": null}], "c": "x"}"#), of(r#"{"c":"\u0078","a":[1,{"b":null}]}"#));
    }

    #[test]
    fn what_differs_in_anything_differs() {
        let all = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "1.5",
            "\"1\"",
            "\"\"",
            "[]",
            "[1]",
            "[[1]]",
            "[1, 2]",
            "[2, 1]",
            "{}",
            r#"{"a": 1}"#,
            r#"{"b": 1}"#,
            r#"{"a": 2}"#,
            r#"{"a": 1, "b": 2}"#,
            r#"{"a": 2, "b": 1}"#,
            r#"{"a": {"b": 1}}"#,
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[..at] {
                assert_ne!(of(one), of(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn nothing_of_it_is_shown() {
        assert_eq!(format!("{:?}", of("\"CANARY\"")), "…");
    }
}
