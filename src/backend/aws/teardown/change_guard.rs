//! Detects objects that were added or changed after the census: a teardown stops if other clients
//! are still writing.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use super::scope::TeardownScope;
use crate::{
    backend::aws::{error::AwsError, store::S3Store},
    state::layout::ObjectKind,
};

/// The maximum number that are listed.
const MOST: usize = 20;

/// A snapshot of the current objects, without lock files. Each takes two numbers, so that ten
/// thousand states need little memory.
#[derive(Debug)]
pub(crate) struct ObjectFingerprint {
    objects: HashMap<u64, u64>,
    hashes: RandomState,
    scope: TeardownScope,
}

impl ObjectFingerprint {
    /// # Errors
    /// If the bucket cannot be listed.
    pub(crate) async fn of(store: &S3Store<'_>, scope: &TeardownScope) -> Result<Self, AwsError> {
        let mut sight = Self {
            objects: HashMap::new(),
            hashes: RandomState::new(),
            scope: scope.clone(),
        };
        let mut pages = store.objects("");
        while let Some(page) = pages.next().await? {
            for object in page
                .iter()
                .filter(|object| is_state(store, scope, &object.key))
            {
                sight.objects.insert(
                    sight.hashes.hash_one(&object.key),
                    sight.hashes.hash_one((&object.etag, object.modified)),
                );
            }
        }
        Ok(sight)
    }

    /// Returns the new and changed objects. Deleted ones do not matter.
    ///
    /// # Errors
    /// If the bucket cannot be listed.
    pub(crate) async fn appeared(&self, store: &S3Store<'_>) -> Result<Vec<String>, AwsError> {
        let mut new = vec![];
        let mut pages = store.objects("");
        while let Some(page) = pages.next().await? {
            for object in page
                .into_iter()
                .filter(|object| is_state(store, &self.scope, &object.key))
            {
                let was = self.objects.get(&self.hashes.hash_one(&object.key));
                if was != Some(&self.hashes.hash_one((&object.etag, object.modified)))
                    && new.len() < MOST
                {
                    new.push(object.key);
                }
            }
        }
        Ok(new)
    }
}

/// Locks change frequently, and are checked separately.
fn is_state(store: &S3Store<'_>, scope: &TeardownScope, object: &str) -> bool {
    let located = store.address().layout.locate(object);
    located.kind != ObjectKind::LockFile && scope.has(&located)
}
