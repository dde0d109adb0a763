//! Deletes one batch of versions, and checks the result of each.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::{
    error::BuildError,
    types::{Delete, ObjectIdentifier},
};

use super::{BucketEmptier, LeftoverObject, LeftoverReason, NO_BUCKET};
use crate::backend::aws::{
    error::{ApiOperation, AwsError, ServiceErrorKind},
    retry::Backoff,
    store::objects::{ObjectChange, ObjectVersion},
};

const DELETE: ApiOperation = ApiOperation::allowed_by("s3:DeleteObjects", "s3:DeleteObjectVersion");
const DELETE_ONE: ApiOperation =
    ApiOperation::allowed_by("s3:DeleteObject", "s3:DeleteObjectVersion");

/// Throttling codes: of a call after all retries of the SDK, or of one version in a successful
/// call.
const NOT_NOW: &[&str] = &[
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "OperationAborted",
];
/// A missing version is not an error.
const GONE: &[&str] = &["NoSuchKey", "NoSuchVersion"];
/// The total number of attempts for unprocessed versions.
const TRIES: usize = 8;

/// The result of a batch.
#[derive(Debug, Default)]
pub(super) struct BatchOutcome {
    pub deleted: Vec<ObjectChange>,
    pub left: Vec<LeftoverObject>,
    /// True if S3 throttled.
    pub slowed: bool,
    /// The error that ended it early: the rest is unknown.
    pub error: Option<AwsError>,
}

/// The result of S3 for one version.
struct VersionRefusal {
    version: ObjectVersion,
    code: String,
    message: String,
}

impl BucketEmptier<'_> {
    pub(super) async fn delete(
        &self,
        batch: Vec<ObjectVersion>,
        calls: &AtomicU64,
    ) -> BatchOutcome {
        let mut outcome = BatchOutcome::default();
        let (together, alone): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|version| fits_xml(&version.key));
        if let Err(error) = self.together(together, &mut outcome, calls).await {
            outcome.error = Some(error);
            return outcome;
        }
        for version in alone {
            if let Err(error) = self.alone(version, &mut outcome, calls).await {
                outcome.error = Some(error);
                break;
            }
        }
        outcome
    }

    /// Retries unprocessed versions with growing delays.
    async fn together(
        &self,
        mut batch: Vec<ObjectVersion>,
        outcome: &mut BatchOutcome,
        calls: &AtomicU64,
    ) -> Result<(), AwsError> {
        let mut pauses = Backoff::default();
        for tries_left in (0..TRIES).rev() {
            if batch.is_empty() {
                return Ok(());
            }
            let refusals = self.call(batch, outcome, calls).await?;
            let (again, refused): (Vec<_>, Vec<_>) = refusals
                .into_iter()
                .partition(|refusal| tries_left > 0 && NOT_NOW.contains(&&*refusal.code));
            outcome.slowed |= again.iter().any(|refusal| refusal.code == "SlowDown");
            outcome
                .left
                .extend(refused.into_iter().map(VersionRefusal::left));
            batch = again.into_iter().map(|refusal| refusal.version).collect();
            if !batch.is_empty() {
                pauses.wait().await;
            }
        }
        Ok(())
    }

    /// Makes one call and returns the rejected versions.
    async fn call(
        &self,
        mut batch: Vec<ObjectVersion>,
        outcome: &mut BatchOutcome,
        calls: &AtomicU64,
    ) -> Result<Vec<VersionRefusal>, AwsError> {
        let delete = delete(&batch).map_err(|_| {
            AwsError::nonsense(DELETE, self.bucket, "contains a version without a name")
        })?;
        // The SDK adds the checksum that S3 requires.
        let request = self
            .aws
            .clients
            .s3
            .delete_objects()
            .bucket(self.bucket)
            .expected_bucket_owner(self.owner)
            .delete(delete);
        let sent = AtomicU64::new(0);
        let answer = self
            .aws
            .send(DELETE, self.bucket, NOT_NOW, || {
                sent.fetch_add(1, Ordering::Relaxed);
                request.clone().send()
            })
            .await;
        calls.fetch_add(sent.load(Ordering::Relaxed), Ordering::Relaxed);
        outcome.slowed |= sent.into_inner() > 1;
        let mut refusals = vec![];
        for error in answer?.errors.unwrap_or_default() {
            let (code, message) = (
                error.code.unwrap_or_default(),
                error.message.unwrap_or_default(),
            );
            let is_it = |version: &ObjectVersion| {
                error.key.as_ref() == Some(&version.key)
                    && error.version_id.as_ref().is_none_or(|id| *id == version.id)
            };
            match batch.iter().position(is_it) {
                Some(_) if GONE.contains(&&*code) => {}
                Some(at) => refusals.push(VersionRefusal {
                    version: batch.swap_remove(at),
                    code,
                    message,
                }),
                // Not requested, but reported anyway.
                None => {
                    let (key, id) = (
                        error.key.unwrap_or_default(),
                        error.version_id.unwrap_or_default(),
                    );
                    outcome.left.push(LeftoverObject {
                        key,
                        id,
                        reason: LeftoverReason::Refused { code, message },
                    });
                }
            }
        }
        outcome
            .deleted
            .extend(batch.into_iter().map(|version| version.what));
        Ok(refusals)
    }

    /// Its name is in the URL, which supports all characters.
    async fn alone(
        &self,
        version: ObjectVersion,
        outcome: &mut BatchOutcome,
        calls: &AtomicU64,
    ) -> Result<(), AwsError> {
        let request = self
            .aws
            .clients
            .s3
            .delete_object()
            .bucket(self.bucket)
            .expected_bucket_owner(self.owner);
        let request = request.key(&version.key).version_id(&version.id);
        let url = format!("s3://{}/{}", self.bucket, version.key);
        let send = || {
            calls.fetch_add(1, Ordering::Relaxed);
            request.clone().send()
        };
        match self.aws.send(DELETE_ONE, &url, NOT_NOW, send).await {
            Err(error) if error.is(GONE) => {}
            Err(error)
                if matches!(
                    error.kind,
                    ServiceErrorKind::Denied | ServiceErrorKind::Refused
                ) && !error.is(NO_BUCKET) =>
            {
                outcome.left.push(LeftoverObject {
                    key: version.key,
                    id: version.id,
                    reason: LeftoverReason::said(error),
                });
                return Ok(());
            }
            answer => drop(answer?),
        }
        outcome.deleted.push(version.what);
        Ok(())
    }
}

impl VersionRefusal {
    fn left(self) -> LeftoverObject {
        let Self {
            version: ObjectVersion { key, id, .. },
            code,
            message,
        } = self;
        LeftoverObject {
            key,
            id,
            reason: LeftoverReason::Refused { code, message },
        }
    }
}

fn delete(batch: &[ObjectVersion]) -> Result<Delete, BuildError> {
    let named = |version: &ObjectVersion| {
        ObjectIdentifier::builder()
            .key(&version.key)
            .version_id(&version.id)
            .build()
    };
    Delete::builder()
        .quiet(true)
        .set_objects(Some(batch.iter().map(named).collect::<Result<_, _>>()?))
        .build()
}

/// XML 1.0 cannot represent most control characters, escaped or not; S3 rejects a body with one as
/// malformed.
fn fits_xml(key: &str) -> bool {
    key.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}
