//! Cleans up after this probe, and after earlier ones that could not.

use std::collections::BTreeSet;

use super::{BackendProbe, ProbeName, ProbeResult, lock_item, object::DELETE};
use crate::backend::aws::{
    error::{ApiOperation, AwsError, ServiceErrorKind},
    store::{
        S3Store,
        objects::{ObjectChange, ObjectVersion},
    },
};

const DELETE_VERSION: ApiOperation =
    ApiOperation::allowed_by("s3:DeleteObject", "s3:DeleteObjectVersion");

/// The remaining objects.
#[derive(Debug, Default)]
pub struct ProbeLeftover {
    /// Objects that could not be deleted, and are harmless.
    pub versions: usize,
    pub markers: usize,
    /// True if there may be more that could not be listed.
    pub unseen: bool,
    /// Errors of deletes that should have succeeded.
    pub errors: Vec<AwsError>,
}

/// The deleted objects of earlier probes.
#[derive(Debug, Default)]
pub struct SweptProbes {
    pub probes: usize,
    pub errors: Vec<AwsError>,
}

/// The cleaner with its permissions.
struct ProbeCleaner<'a> {
    store: S3Store<'a>,
    probe: &'a BackendProbe<'a>,
    /// Whether deleting versions is denied permanently: determined once.
    denied: bool,
    left: ProbeLeftover,
}

impl BackendProbe<'_> {
    /// Cleans up after probes that started an hour ago and did not finish.
    pub(super) async fn sweep(&self) -> SweptProbes {
        let prefixes = self.target.address.layout.probes();
        let store = S3Store::new(self.cleaner, &self.target.address);
        let mut swept = SweptProbes::default();
        let mut names = BTreeSet::new();
        for prefix in &prefixes {
            match current(store, prefix).await {
                Ok(keys) => {
                    names.extend(keys.iter().filter_map(|key| ProbeName::of(key, &prefixes)))
                }
                Err(error) => swept.errors.push(error),
            }
        }
        for name in names.into_iter().filter(|name| name.is_old(self.now)) {
            swept.probes += 1;
            let left = self.clean_up(&name).await;
            swept.errors.extend(left.errors);
        }
        for prefix in &prefixes {
            self.sweep_versions(store, prefix, &mut swept).await;
        }
        swept
    }

    /// Deletes versions of probes that deleted all objects but not their versions; impossible if
    /// versions cannot be deleted.
    async fn sweep_versions(&self, store: S3Store<'_>, prefix: &str, swept: &mut SweptProbes) {
        let prefixes = self.target.address.layout.probes();
        let all = match versions(store, prefix).await {
            Ok(all) => all,
            Err(error) if error.kind == ServiceErrorKind::Denied => return,
            Err(error) => return swept.errors.push(error),
        };
        let is_old = |version: &ObjectVersion| {
            ProbeName::of(&version.key, &prefixes).is_some_and(|name| name.is_old(self.now))
        };
        let mut broom = ProbeCleaner {
            store,
            probe: self,
            denied: false,
            left: ProbeLeftover::default(),
        };
        broom
            .versions(all.into_iter().filter(is_old).collect())
            .await;
        swept.errors.extend(broom.left.errors);
    }

    /// Cleans up after this one.
    pub(super) async fn clean(&self) -> ProbeLeftover {
        self.clean_up(&self.name).await
    }

    async fn clean_up(&self, name: &ProbeName) -> ProbeLeftover {
        let store = S3Store::new(self.cleaner, &self.target.address);
        let mut broom = ProbeCleaner {
            store,
            probe: self,
            denied: false,
            left: ProbeLeftover::default(),
        };
        // Before the object that identifies it.
        if let Err(error) = lock_item::release(store, &name.state()).await {
            broom.left.errors.push(error);
            return broom.left;
        }
        for prefix in name.prefixes(&self.target.address.layout) {
            broom
                .sweep(&prefix, &name.object(&self.target.address.layout))
                .await;
            if !broom.left.errors.is_empty() {
                break;
            }
        }
        broom.left
    }
}

impl ProbeCleaner<'_> {
    async fn sweep(&mut self, prefix: &str, last: &str) {
        let mut keys = match current(self.store, prefix).await {
            Ok(keys) => keys,
            Err(error) => return self.left.errors.push(error),
        };
        keys.sort_by_key(|key| key == last);
        // Its versions are deleted below, if allowed.
        for key in keys {
            if let Err(error) = self.delete(&key, None).await {
                self.left.errors.push(error);
                return;
            }
        }
        match versions(self.store, prefix).await {
            Ok(all) => self.versions(all).await,
            Err(error) if error.kind == ServiceErrorKind::Denied => self.left.unseen = true,
            Err(error) => self.left.errors.push(error),
        }
    }

    async fn versions(&mut self, all: Vec<ObjectVersion>) {
        for version in all {
            if !self.denied {
                match self.delete(&version.key, Some(&version.id)).await {
                    Ok(()) => continue,
                    Err(error) if error.kind == ServiceErrorKind::Denied => self.denied = true,
                    Err(error) => {
                        self.left.errors.push(error);
                        continue;
                    }
                }
            }
            match version.what {
                ObjectChange::Data { .. } => self.left.versions += 1,
                ObjectChange::DeleteMarker => self.left.markers += 1,
            }
        }
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> ProbeResult {
        let aws = self.probe.cleaner;
        let api = if version.is_some() {
            DELETE_VERSION
        } else {
            DELETE
        };
        let request = aws
            .clients
            .s3
            .delete_object()
            .bucket(self.probe.bucket())
            .key(key)
            .set_version_id(version.map(str::to_owned));
        aws.read(
            api,
            &self.probe.url(key),
            request.expected_bucket_owner(self.probe.owner()).send(),
        )
        .await
        .map(drop)
    }
}

async fn current(store: S3Store<'_>, prefix: &str) -> ProbeResult<Vec<String>> {
    let (mut pages, mut keys) = (store.objects(prefix), vec![]);
    while let Some(page) = pages.next().await? {
        keys.extend(page.into_iter().map(|object| object.key));
    }
    Ok(keys)
}

/// Lists all before deleting any, so that positions of the listing do not change.
async fn versions(store: S3Store<'_>, prefix: &str) -> ProbeResult<Vec<ObjectVersion>> {
    let (mut pages, mut all) = (store.versions(prefix), vec![]);
    while let Some(page) = pages.next().await? {
        all.extend(page);
    }
    Ok(all)
}
