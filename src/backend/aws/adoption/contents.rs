//! What is in a bucket that is taken over: states, how they are encrypted, which versions wrote
//! them, and locks.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use crate::{
    backend::aws::{
        AwsProvider,
        key::find,
        store::{S3Store, content::ObjectEncryption, objects::CurrentObject},
    },
    state::layout::ObjectKind,
    text::words,
};

/// How many objects are looked into at most. More are listed, and count as unknown.
const MOST: usize = 2000;
/// How many pages of a thousand objects are listed at most.
const MOST_PAGES: usize = 20;
const AT_ONCE: usize = 16;

/// How a state is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateEncryption {
    /// The KMS key of this ARN.
    Key(String),
    /// Keys of Amazon S3.
    S3,
    /// A key that the client sends along (SSE-C).
    Customer,
    /// It could not be read, or was not looked at.
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketContents {
    /// How many states are encrypted how.
    pub states: BTreeMap<StateEncryption, usize>,
    /// Keys, by ARN, that are deleted or about to be: no run goes on with a state under one of
    /// them.
    pub gone: BTreeSet<String>,
    /// How many states this version of Terraform or OpenTofu has written.
    pub versions: BTreeMap<String, usize>,
    pub locks: usize,
    /// What could not be looked at of states.
    pub unseen: Vec<String>,
    /// What could not be looked at of locks, which say nothing of how states are encrypted.
    pub unseen_locks: Vec<String>,
}

impl BucketContents {
    /// How many states there are, as far as it was looked at.
    pub fn count(&self) -> usize {
        self.states.values().sum()
    }

    /// Whether there may be states or locks in it.
    pub fn in_use(&self) -> bool {
        self.count() + self.locks + self.unseen.len() + self.unseen_locks.len() > 0
    }

    /// Whether any state that a run can go on with is encrypted so, or may be.
    pub fn any(&self, is_so: impl Fn(&StateEncryption) -> bool) -> bool {
        let is_usable = |encryption: &StateEncryption| !matches!(encryption, StateEncryption::Key(arn) if self.gone.contains(arn));
        self.states
            .keys()
            .filter(|encryption| is_usable(encryption))
            .any(&is_so)
            || !self.unseen.is_empty() && is_so(&StateEncryption::Unknown)
    }

    /// What is known of it, as in `2 states, 1 lock held. Last written by …`.
    pub fn in_words(&self) -> String {
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

    /// What could not be looked at, each once.
    pub fn all_unseen(&self) -> Vec<String> {
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
            Self::S3 => f.write_str("with keys of Amazon S3"),
            Self::Customer => f.write_str("with customer-provided keys"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Looks into the states, the first [`MOST`] of them, and for locks at the same time.
pub async fn look(store: &S3Store<'_>, aws: &AwsProvider) -> BucketContents {
    let (mut contents, (locks, unseen)) = tokio::join!(states(store), store.held());
    for encryption in contents.states.keys() {
        if let StateEncryption::Key(arn) = encryption
            && find::is_gone(aws, arn).await
        {
            contents.gone.insert(arn.clone());
        }
    }
    contents.locks = locks.len();
    // A table that is not there, or is not made yet, has no locks.
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
            Ok(Some(_)) if page == MOST_PAGES => contents.unseen.push(format!(
                "what comes after the first {MOST_PAGES},000 objects"
            )),
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

/// `None` of what is no state.
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
    fn of(encryption: &ObjectEncryption) -> Self {
        match (encryption.algorithm.as_deref(), &encryption.key) {
            (Some(algorithm), Some(key)) if algorithm.starts_with("aws:kms") => {
                Self::Key(key.clone())
            }
            // Before January 2023, objects could be in a bucket unencrypted.
            (Some("AES256") | None, _) => Self::S3,
            (Some(_), _) => Self::Unknown,
        }
    }
}

/// The version of the engine, which both write before anything else that grows.
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
        insta::assert_snapshot!(contents.in_words(), @"3 states, 1 lock held. Last written by Terraform or OpenTofu 1.11.4 (2) and 1.5.7 (1). Encryption: 1 with the key arn:K and 2 with keys of Amazon S3.");
    }
}
