//! What tells one value from another while the program runs, and means nothing after it.

use std::{
    fmt,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    sync::LazyLock,
};

/// Of a value that nobody may see: made under a key that dies with the process, so that nobody can
/// try out what it was made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueFingerprint(u64);

/// What a value is, so that `"1"`, `1` and `[1]` differ.
#[derive(Hash)]
pub enum ValueShape {
    Nothing,
    Bool,
    /// As it is written: no two that differ become one by rounding.
    Number,
    Text,
    List,
    Object,
}

pub static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl ValueFingerprint {
    pub fn of(value: impl Hash) -> Self {
        Self(KEYS.hash_one(value))
    }

    /// Of all that was put into a hasher under the same key.
    pub fn finished(hasher: &DefaultHasher) -> Self {
        Self(hasher.finish())
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

impl fmt::Debug for ValueFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_shown() {
        assert_eq!(format!("{:?}", ValueFingerprint::of("CANARY")), "…");
    }
}
