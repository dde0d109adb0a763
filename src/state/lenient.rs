//! Lenient parsing of external JSON: a value of the wrong type is noted, never stored.
//!
//! Errors of serde quote the invalid value, which may be a secret. A [`Field`] accepts every value,
//! so that nothing is quoted.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The maximum length of a text.
pub(crate) const MAX_TEXT: usize = 64 * 1024;

/// A field name as Go's `encoding/json` compares it: case-insensitively, including the two
/// non-ASCII letters that it folds to `k` and `s`.
pub(crate) fn folded(name: &str) -> String {
    let fold = |c: char| match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum LenientField<T> {
    /// Absent, or `null`.
    #[default]
    Absent,
    Good(T),
    /// Of another type, or too long.
    Wrong,
}

impl<T> LenientField<T> {
    pub(crate) fn good(self) -> Option<T> {
        match self {
            Self::Good(value) => Some(value),
            Self::Absent | Self::Wrong => None,
        }
    }
}

/// Converts a value; types that are not overridden are of the wrong type.
pub(crate) trait LenientShape: Sized {
    fn text(_: &str) -> Option<Self> {
        None
    }

    fn whole(_: u64) -> Option<Self> {
        None
    }

    /// A number with a fraction or an exponent.
    fn fraction(_: f64) -> Option<Self> {
        None
    }

    fn list<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl LenientShape for String {
    fn text(text: &str) -> Option<Self> {
        (text.len() <= MAX_TEXT).then(|| text.to_owned())
    }
}

impl LenientShape for u64 {
    fn whole(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl<T: LenientShape> LenientShape for Vec<LenientField<T>> {
    fn list<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut all = Self::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Some(all))
    }
}

/// The number of items of a list.
#[derive(Default)]
pub(crate) struct ItemCount(pub u64);

/// The number of fields of an object.
#[derive(Default)]
pub(crate) struct FieldCount(pub u64);

impl LenientShape for ItemCount {
    fn list<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut count = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Some(Self(count)))
    }
}

impl LenientShape for FieldCount {
    fn object<'de, A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        let mut count = 0;
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Some(Self(count)))
    }
}

impl<'de, T: LenientShape> Deserialize<'de> for LenientField<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData))
    }
}

struct AnyValue<T>(PhantomData<T>);

impl<'de, T: LenientShape> Visitor<'de> for AnyValue<T> {
    type Value = LenientField<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(LenientField::Wrong)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(LenientField::Wrong)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::whole(number).into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(T::fraction(number).into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::text(text).into())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(LenientField::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        T::list(items).map(LenientField::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::object(fields).map(LenientField::from)
    }
}

impl<T> From<Option<T>> for LenientField<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Wrong, Self::Good)
    }
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn names_are_compared_as_go_compares_them() {
        for name in ["index_key", "INDEX_KEY", "Index_Key", "index_\u{212a}ey"] {
            assert_eq!(folded(name), "index_key");
        }
        assert_eq!(folded("re\u{17f}OURCES"), "resources");
        assert_eq!(
            folded("r\u{c9}sources"),
            "r\u{c9}sources",
            "no other letter is folded"
        );
    }
}
