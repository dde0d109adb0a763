//! The identity of a lock: the ID of its holder, or a name derived from its content.

use super::scan::{HeldLock, LiveLock, LockPlace};
use crate::state::digest;

/// The prefix of derived names: different from all IDs of Terraform.
const UNNAMED: &str = "unnamed-";

impl HeldLock {
    /// Returns the ID of the lock. For an invalid or unreadable lock, returns a name that is
    /// derived from its content. `path` is that of the state.
    pub fn id(&self, path: &str) -> String {
        match &self.info {
            Ok(info) if !info.id.is_empty() => info.id.clone(),
            Ok(_) | Err(_) if self.raw.is_empty() => {
                format!(
                    "{UNNAMED}{}",
                    digest::of(self.etag.as_deref().unwrap_or(path).as_bytes())
                )
            }
            Ok(_) | Err(_) => format!("{UNNAMED}{}", digest::of(self.raw.as_bytes())),
        }
    }
}

impl LiveLock {
    /// Returns one ID, or two of conflicting locks.
    pub fn ids(&self) -> Vec<String> {
        let path = &self.located.path;
        let mut ids: Vec<String> = [&self.file, &self.item]
            .into_iter()
            .filter_map(|half| Some(half.as_held()?.id(path)))
            .collect();
        ids.dedup();
        ids
    }

    /// Returns only the lock with this ID, without a conflicting one.
    pub fn only(&self, id: &str) -> Option<Self> {
        let of_id = |half: &LockPlace| match half {
            LockPlace::Held(held) if held.id(&self.located.path) != id => LockPlace::Unknown,
            half => half.clone(),
        };
        let only = Self {
            located: self.located.clone(),
            item: of_id(&self.item),
            file: of_id(&self.file),
        };
        let is_any = only.halves().next().is_some();
        is_any.then_some(only)
    }
}

impl LockPlace {
    pub fn as_held(&self) -> Option<&HeldLock> {
        match self {
            Self::Held(held) => Some(held),
            Self::Unknown | Self::Free => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        state::{
            layout::{LocatedObject, ObjectKind},
            lock::{LockError, LockInfo},
        },
        store::state_store::UnknownHolder,
    };

    fn held(raw: &str, etag: Option<&str>) -> HeldLock {
        let info = LockInfo::parse(raw.as_bytes()).map_err(UnknownHolder::from);
        HeldLock {
            raw: raw.to_owned(),
            info,
            etag: etag.map(str::to_owned),
            modified: None,
        }
    }

    fn lock(item: LockPlace, file: LockPlace) -> LiveLock {
        let located = LocatedObject {
            kind: ObjectKind::State,
            path: "a".to_owned(),
            key: "a".to_owned(),
            workspace: "default".to_owned(),
        };
        LiveLock {
            located,
            item,
            file,
        }
    }

    #[test]
    fn one_id_for_both_halves_and_two_for_two_locks() {
        let (one, two) = (
            held(r#"{"ID":"one"}"#, None),
            held(r#"{"ID":"two"}"#, Some("\"e\"")),
        );
        let both = lock(
            LockPlace::held(one.clone()),
            LockPlace::held(held(r#"{"ID":"one","Who":"x"}"#, Some("\"f\""))),
        );
        assert_eq!(both.ids(), ["one"]);
        assert_eq!(both.only("one"), Some(both.clone()));
        assert_eq!(both.only("two"), None);
        let of_two = lock(LockPlace::held(one.clone()), LockPlace::held(two.clone()));
        assert_eq!(of_two.ids(), ["two", "one"]);
        assert_eq!(
            of_two.only("one"),
            Some(lock(LockPlace::held(one.clone()), LockPlace::Unknown)),
            "the other stays"
        );
        assert_eq!(
            lock(LockPlace::Free, LockPlace::held(two.clone())).only("two"),
            Some(lock(LockPlace::Free, LockPlace::held(two)))
        );
        assert_eq!(lock(LockPlace::Free, LockPlace::Unknown).ids(), [""; 0]);
    }

    #[test]
    fn what_has_no_id_is_named_by_what_it_is() {
        let broken = held("{", None);
        assert_eq!(broken.id("a"), "unnamed-f95b70fdc3088560732a5ac135644506");
        assert_ne!(broken.id("a"), held("", None).id("a"));
        assert_ne!(held("{}", None).id("a"), held("{} ", None).id("a"));
        let unreadable = HeldLock {
            info: Err(UnknownHolder::Unreadable("denied".to_owned())),
            ..held("", Some("\"e\""))
        };
        assert_ne!(
            unreadable.id("a"),
            HeldLock {
                etag: Some("\"f\"".to_owned()),
                ..unreadable.clone()
            }
            .id("a"),
            "by its ETag"
        );
        assert_ne!(
            held("", None).id("a"),
            held("", None).id("b"),
            "by its state"
        );
        let empty = HeldLock {
            info: Err(UnknownHolder::NotALock(LockError::Empty)),
            ..held("", Some("\"e\""))
        };
        assert!(empty.id("a").starts_with("unnamed-"));
    }
}
