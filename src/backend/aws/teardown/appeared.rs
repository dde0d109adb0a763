//! What came into the bucket, or changed there, since it was counted: a teardown ends where
//! somebody still works.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use super::scope::TeardownScope;
use crate::{
    backend::aws::{error::AwsError, store::S3Store},
    state::layout::ObjectKind,
};

/// How many are named.
const MOST: usize = 20;

/// The current objects of one moment, lock files aside. Two numbers each, so that ten thousand
/// states take no room.
#[derive(Debug)]
pub struct ObjectFingerprint {
    objects: HashMap<u64, u64>,
    hashes: RandomState,
    scope: TeardownScope,
}

impl ObjectFingerprint {
    /// # Errors
    /// If the bucket cannot be listed.
    pub async fn of(store: &S3Store<'_>, scope: &TeardownScope) -> Result<Self, AwsError> {
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

    /// The objects that are there now and were not, or were others. What was deleted since is no
    /// loss.
    ///
    /// # Errors
    /// If the bucket cannot be listed.
    pub async fn appeared(&self, store: &S3Store<'_>) -> Result<Vec<String>, AwsError> {
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

/// Locks come and go, and are looked at by themselves.
fn is_state(store: &S3Store<'_>, scope: &TeardownScope, object: &str) -> bool {
    let located = store.address().layout.locate(object);
    located.kind != ObjectKind::LockFile && scope.has(&located)
}
