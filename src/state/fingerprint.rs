//! Fingerprints of values, which are only comparable within one process.

use std::{
    fmt,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    sync::LazyLock,
};

/// The fingerprint of a secret value, under a key that only exists in this process, so that values
/// cannot be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueFingerprint(u64);

/// The type of a value, so that `"1"`, `1` and `[1]` differ.
#[derive(Hash)]
pub(crate) enum ValueShape {
    Nothing,
    Bool,
    /// The unmodified text, so that rounding does not make different numbers equal.
    Number,
    Text,
    List,
    Object,
}

pub(crate) static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl ValueFingerprint {
    pub fn of(value: impl Hash) -> Self {
        Self(KEYS.hash_one(value))
    }

    /// Returns the fingerprint of all input of a hasher under the same key.
    pub fn finished(hasher: &DefaultHasher) -> Self {
        Self(hasher.finish())
    }

    /// Combines fingerprints regardless of their order.
    #[must_use]
    pub fn with(self, name: &str, value: Self) -> Self {
        Self(self.0.wrapping_add(Self::of((name, value)).0))
    }

    /// The fingerprint without fields.
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
