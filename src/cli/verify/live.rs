//! Checks of the states in a backend: encryption, digests, locks.

use std::future::Future;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::VerifyOptions;
use crate::{
    backend::aws::{
        AwsProvider,
        probe::{ProbeEncryption, ProbeTarget},
        store::{
            S3Store, StoreAddress,
            scan::{ScanItem, ScanScope},
        },
        verify::{
            contents::{self, ToRead},
            usage::{self, UsageScan},
        },
    },
    checks::CheckResult,
    settings::{
        layer::LockMechanism,
        s3::{EncryptionSettings, S3Settings},
    },
    state::layout::{LocatedObject, StateLayout},
};

/// The address of states in use.
pub(super) struct InUse<'a> {
    pub bucket: &'a str,
    pub table: Option<String>,
    pub settings: &'a S3Settings,
    /// `None` if unknown.
    pub lock: Option<LockMechanism>,
    /// The state key that is meant, with all its workspaces; all of them otherwise.
    pub only: Option<String>,
}

impl InUse<'_> {
    fn address(&self, aws: &AwsProvider) -> StoreAddress {
        let layout = StateLayout {
            key: Some(self.settings.key.to_string()),
            workspace_prefix: self.settings.workspace_key_prefix.to_string(),
        };
        StoreAddress {
            bucket: self.bucket.to_owned(),
            owner: aws.account().to_owned(),
            table: self.table.clone(),
            layout,
        }
    }

    /// Returns the target of a probe; states should be encrypted with the key of this ARN.
    pub(super) fn target(&self, aws: &AwsProvider, key: Option<String>) -> ProbeTarget {
        let lock_files = self.lock.is_none_or(LockMechanism::uses_lockfile);
        let key = match (key, &self.settings.encryption) {
            (Some(arn), _) => ProbeEncryption::Arn(arn),
            (None, EncryptionSettings::OwnKey { arn }) => ProbeEncryption::Arn(arn.to_string()),
            (None, EncryptionSettings::NewKey { .. }) => ProbeEncryption::Unknown,
            (None, EncryptionSettings::SseS3) => ProbeEncryption::OfS3,
        };
        ProbeTarget {
            address: self.address(aws),
            lock_files,
            key,
        }
    }
}

/// The reason why nothing is read: no bucket is visible.
pub(super) struct NoBucket;

/// Checks the states as soon as the expected encryption key is known, by its
/// ARN: to find that out takes as long as to look. States are read only if that was asked for.
pub(super) async fn live_use(
    aws: &AwsProvider,
    of: &InUse<'_>,
    key: impl Future<Output = Result<Option<String>, NoBucket>>,
    options: &VerifyOptions,
    now: Timestamp,
) -> Vec<CheckResult> {
    let address = of.address(aws);
    let store = S3Store::new(aws, &address);
    let (sender, mut seen) = mpsc::unbounded_channel();
    let walk = async move {
        // The receiver is dropped if there is nothing to check.
        store
            .walk(ScanScope::All, usage::AT_ONCE, |one| drop(sender.send(one)))
            .await;
        Ok(())
    };
    let judge = async {
        let expected = usage::ExpectedUsage {
            bucket: of.bucket.to_owned(),
            key: key.await?,
            lock: of.lock,
            stale_after: options.stale_after,
            contents: options.read_states,
            now,
        };
        let (mut usage, mut to_read) = (UsageScan::new(expected), vec![]);
        while let Some(seen) = seen.recv().await {
            if of
                .only
                .as_deref()
                .is_some_and(|only| located(&seen).is_some_and(|located| located.key != only))
            {
                continue;
            }
            if let (true, ScanItem::State(state)) = (options.read_states, &seen) {
                to_read.push(ToRead::of(state));
            }
            usage.see(&seen);
        }
        Ok((usage.finish(), to_read))
    };
    match tokio::try_join!(walk, judge) {
        Ok(((), (mut checked, to_read))) => {
            if options.read_states {
                checked.extend(contents::checks(&store, to_read, of.lock).await);
            }
            checked
        }
        Err(NoBucket) => vec![],
    }
}

fn located(seen: &ScanItem) -> Option<&LocatedObject> {
    match seen {
        ScanItem::State(state) => Some(&state.located),
        ScanItem::Lock(lock) => Some(&lock.located),
        ScanItem::Orphan { located, .. } => Some(located),
        ScanItem::Elsewhere { .. } | ScanItem::NoTable(_) | ScanItem::NoListing(_) => None,
    }
}
