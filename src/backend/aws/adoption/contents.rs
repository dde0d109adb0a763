//! The content of an adopted bucket: states, their encryption and engine versions, and locks.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use crate::{
    backend::aws::{
        AwsProvider,
        key::find,
        store::{S3Store, content::AtRestEncryption, objects::CurrentObject},
    },
    state::layout::ObjectKind,
    text::words,
};

/// The maximum number of objects that are read. Further ones are listed, and count as unknown.
const MOST: usize = 2000;
/// The maximum number of listed pages of a thousand objects.
const MOST_PAGES: usize = 20;
const AT_ONCE: usize = 16;

/// The encryption of a state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StateEncryption {
    /// The KMS key with this ARN.
    Key(String),
    /// S3 managed keys.
    S3,
    /// A customer-provided key (SSE-C).
    Customer,
    /// Unknown: it was not read, or the read failed.
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BucketContents {
    /// The number of states by encryption.
    pub states: BTreeMap<StateEncryption, usize>,
    /// Keys, by ARN, that are deleted or scheduled for deletion: no run can use a state with one
    /// of them.
    pub gone: BTreeSet<String>,
    /// The number of states by the version of Terraform or OpenTofu that wrote them.
    pub versions: BTreeMap<String, usize>,
    pub locks: usize,
    /// Errors of reads of states.
    pub unseen: Vec<String>,
    /// Errors of reads of locks, which do not affect the encryption of states.
    pub unseen_locks: Vec<String>,
}

impl BucketContents {
    /// Returns the number of states, as far as known.
    pub(crate) fn count(&self) -> usize {
        self.states.values().sum()
    }

    /// Returns whether it may contain states or locks.
    pub(crate) fn in_use(&self) -> bool {
        self.count() + self.locks + self.unseen.len() + self.unseen_locks.len() > 0
    }

    /// Returns whether any usable state has, or may have, this encryption.
    pub(crate) fn any(&self, is_so: impl Fn(&StateEncryption) -> bool) -> bool {
        let is_usable = |encryption: &StateEncryption| !matches!(encryption, StateEncryption::Key(arn) if self.gone.contains(arn));
        self.states
            .keys()
            .filter(|encryption| is_usable(encryption))
            .any(&is_so)
            || !self.unseen.is_empty() && is_so(&StateEncryption::Unknown)
    }

    /// Returns a summary, as in `2 states, 1 lock held. Last written by …`.
    pub(crate) fn in_words(&self) -> String {
        let locks = if self.locks == 0 {
            "no locks".to_owned()
        } else {
            words::count(self.locks, "lock", "locks")
        };
        let mut text = format!(
            "{}, {locks} held.",
            words::count(self.count(), "state", "states")
        );
        if !self.versions.is_empty() {
            let versions: Vec<String> = self
                .versions
                .iter()
                .map(|(version, count)| format!("{version} ({count})"))
                .collect();
            text.push_str(&format!(
                " Last written by Terraform or OpenTofu {}.",
                words::list(&versions)
            ));
        }
        if !self.states.is_empty() {
            let states: Vec<String> = self
                .states
                .iter()
                .map(|(encryption, count)| format!("{count} {encryption}"))
                .collect();
            text.push_str(&format!(" Encryption: {}.", words::list(&states)));
        }
        let unseen = self.all_unseen();
        if !unseen.is_empty() {
            text.push_str(&format!(" Unknown: {}.", unseen.join("; ")));
        }
        text
    }

    /// Returns errors of reads, each once.
    pub(crate) fn all_unseen(&self) -> Vec<String> {
        let locks = self
            .unseen_locks
            .iter()
            .filter(|error| !self.unseen.contains(error));
        self.unseen.iter().chain(locks).cloned().collect()
    }

    fn add(&mut self, encryption: StateEncryption, version: Option<String>) {
        *self.states.entry(encryption).or_default() += 1;
        if let Some(version) = version {
            *self.versions.entry(version).or_default() += 1;
        }
    }
}

impl std::fmt::Display for StateEncryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(key) => write!(f, "with the key {key}"),
            Self::S3 => f.write_str("with S3 managed keys"),
            Self::Customer => f.write_str("with customer-provided keys"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Reads the first [`MOST`] states and all locks concurrently.
pub(crate) async fn look(store: &S3Store<'_>, aws: &AwsProvider) -> BucketContents {
    let (mut contents, (locks, unseen)) = tokio::join!(states(store), store.held());
    for encryption in contents.states.keys() {
        if let StateEncryption::Key(arn) = encryption
            && find::is_gone(aws, arn).await
        {
            contents.gone.insert(arn.clone());
        }
    }
    contents.locks = locks.len();
    // A table that does not exist has no locks.
    let unseen = unseen
        .iter()
        .filter(|error| !error.is(&["ResourceNotFoundException"]));
    contents
        .unseen_locks
        .extend(unseen.map(ToString::to_string));
    contents
}

async fn states(store: &S3Store<'_>) -> BucketContents {
    let mut contents = BucketContents::default();
    let mut objects: Vec<CurrentObject> = vec![];
    let mut pages = store.objects("");
    for page in 0.. {
        match pages.next().await {
            Ok(Some(_)) if page == MOST_PAGES => contents
                .unseen
                .push(format!("objects after the first {MOST_PAGES},000")),
            Ok(Some(page)) => {
                objects.extend(page);
                continue;
            }
            Ok(None) => {}
            Err(error) => contents.unseen.push(error.to_string()),
        }
        break;
    }
    let may_be_state = |object: &CurrentObject| {
        object.size > 0 && store.address().layout.locate(&object.key).kind != ObjectKind::LockFile
    };
    objects.retain(may_be_state);
    for _ in objects
        .iter()
        .skip(MOST)
        .filter(|object| store.address().layout.locate(&object.key).kind == ObjectKind::State)
    {
        contents.add(StateEncryption::Unknown, None);
    }
    let mut looks = stream::iter(objects.iter().take(MOST))
        .map(|object| one(store, object))
        .buffer_unordered(AT_ONCE);
    while let Some(state) = looks.next().await {
        if let Some((encryption, version)) = state {
            contents.add(encryption, version);
        }
    }
    contents
}

/// Returns `None` for an object that is not a state.
async fn one(
    store: &S3Store<'_>,
    object: &CurrentObject,
) -> Option<(StateEncryption, Option<String>)> {
    let named_as_state = store.address().layout.locate(&object.key).kind == ObjectKind::State;
    match store.beginning(&object.key).await {
        Ok(Some(beginning)) => {
            let version = version(&beginning.bytes);
            (named_as_state || version.is_some())
                .then(|| (StateEncryption::of(&beginning.encryption), version))
        }
        Ok(None) => None,
        // "The object was stored using a form of Server Side Encryption. The correct parameters
        // must be provided".
        Err(error) if error.status == Some(400) && error.is(&["InvalidRequest"]) => {
            Some((StateEncryption::Customer, None))
        }
        Err(_) => named_as_state.then_some((StateEncryption::Unknown, None)),
    }
}

impl StateEncryption {
    fn of(encryption: &AtRestEncryption) -> Self {
        match (encryption.algorithm.as_deref(), &encryption.key) {
            (Some(algorithm), Some(key)) if algorithm.starts_with("aws:kms") => {
                Self::Key(key.clone())
            }
            // Before January 2023, objects in a bucket could be unencrypted.
            (Some("AES256") | None, _) => Self::S3,
            (Some(_), _) => Self::Unknown,
        }
    }
}

/// Returns the version of the engine, which both write before any variable content.
fn version(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let rest = text
        .split_once("\"terraform_version\"")?
        .1
        .trim_start()
        .strip_prefix(':')?
        .trim_start()
        .strip_prefix('"')?;
    let version = rest.split_once('"')?.0;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    (version.len() <= 40 && !version.is_empty() && version.chars().all(plain))
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_at_the_beginning() {
        let state = |version: &str| {
            version_of(&format!(
                "{{\"version\": 4,\n  \"terraform_version\" : \"{version}\", \"serial\": 1"
            ))
        };
        assert_eq!(state("1.11.4").as_deref(), Some("1.11.4"));
        assert_eq!(state("1.6.0-beta1").as_deref(), Some("1.6.0-beta1"));
        for hostile in ["", "\u{1b}[2J", "::add-mask::x y", &"1".repeat(41)] {
            assert_eq!(state(hostile), None, "{hostile:?}");
        }
        assert_eq!(
            version_of("{\"serial\":1,\"lineage\":\"x\",\"encrypted_data\":\"…\"}"),
            None
        );
        assert_eq!(version_of("{\"terraform_version\":\"1.1"), None);
    }

    fn version_of(text: &str) -> Option<String> {
        version(text.as_bytes())
    }

    #[test]
    fn what_was_not_seen_may_be_anything() {
        let unseen = BucketContents {
            unseen: vec!["denied".to_owned()],
            ..BucketContents::default()
        };
        assert!(
            unseen.in_use() && unseen.any(|encryption| *encryption == StateEncryption::Unknown)
        );
        assert!(!unseen.any(|encryption| *encryption == StateEncryption::S3));
        let no_locks = BucketContents {
            unseen_locks: vec!["denied".to_owned()],
            ..BucketContents::default()
        };
        assert!(no_locks.in_use() && !no_locks.any(|_| true));
        let empty = BucketContents::default();
        assert!(!empty.in_use() && !empty.any(|_| true));
    }

    #[test]
    fn a_bucket_in_words() {
        let mut contents = BucketContents {
            locks: 1,
            ..BucketContents::default()
        };
        contents.add(StateEncryption::S3, Some("1.11.4".to_owned()));
        contents.add(StateEncryption::S3, Some("1.5.7".to_owned()));
        contents.add(
            StateEncryption::Key("arn:K".to_owned()),
            Some("1.11.4".to_owned()),
        );
        insta::assert_snapshot!(contents.in_words(), @"3 states, 1 lock held. Last written by Terraform or OpenTofu 1.11.4 (2) and 1.5.7 (1). Encryption: 1 with the key arn:K and 2 with S3 managed keys.");
    }
}
