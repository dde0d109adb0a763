//! What came into the bucket, or changed there, since it was counted: a teardown ends where somebody still works.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use crate::{
    aws::{error::AwsError, store::Store},
    state::layout::Kind,
};

/// How many are named.
const MOST: usize = 20;

/// The current objects of one moment, lock files aside. Two numbers each, so that ten thousand states take no room.
#[derive(Debug)]
pub struct Sight {
    objects: HashMap<u64, u64>,
    hashes: RandomState,
}

impl Sight {
    /// # Errors
    /// If the bucket cannot be listed.
    pub async fn of(store: &Store<'_>) -> Result<Self, AwsError> {
        let mut sight = Self { objects: HashMap::new(), hashes: RandomState::new() };
        let mut pages = store.objects("");
        while let Some(page) = pages.next().await? {
            for object in page.iter().filter(|object| store.address().layout.locate(&object.key).kind != Kind::LockFile) {
                sight.objects.insert(sight.hashes.hash_one(&object.key), sight.hashes.hash_one((&object.etag, object.modified)));
            }
        }
        Ok(sight)
    }

    /// The objects that are there now and were not, or were others. What was deleted since is no loss.
    ///
    /// # Errors
    /// If the bucket cannot be listed.
    pub async fn appeared(&self, store: &Store<'_>) -> Result<Vec<String>, AwsError> {
        let mut new = vec![];
        let mut pages = store.objects("");
        while let Some(page) = pages.next().await? {
            for object in page {
                let is_lock = store.address().layout.locate(&object.key).kind == Kind::LockFile;
                let same =
                    self.objects.get(&self.hashes.hash_one(&object.key)) == Some(&self.hashes.hash_one((&object.etag, object.modified)));
                if !is_lock && !same && new.len() < MOST {
                    new.push(object.key);
                }
            }
        }
        Ok(new)
    }
}
