//! Rewrites a state with the next serial: the write shows under which locks the state is now
//! written.

use super::{
    super::{S3Store, write::WriteEncryption},
    RestoreAction, RestorePlan, like,
};
use crate::{
    backend::aws::error::AwsError,
    state::snapshot::LARGEST,
    state::{
        digest,
        recover::{self, StatePast, UnfitState},
        snapshot::SnapshotError,
    },
};

/// The reason why a state is not rewritten.
#[derive(Debug, thiserror::Error)]
pub enum TouchError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("it no longer exists")]
    Gone,
    #[error(transparent)]
    NotAState(#[from] SnapshotError),
    #[error(transparent)]
    Unfit(#[from] UnfitState),
    #[error("its serial cannot be read")]
    NoSerial,
    #[error("its digest in the lock table belongs to another state")]
    OtherDigest,
}

impl S3Store<'_> {
    /// Returns the plan to rewrite a state. [`Store::restore`] runs it.
    ///
    /// # Errors
    /// If it cannot be read, has no serial that can be incremented, or Terraform would fail on its
    /// digest.
    pub async fn plan_touch(
        &self,
        path: &str,
        encrypt: &WriteEncryption,
    ) -> Result<RestorePlan, TouchError> {
        let current = self
            .get(path, None, LARGEST)
            .await?
            .ok_or(TouchError::Gone)?;
        let is = recover::snapshot(&current.bytes)?;
        let stored = self.digest_item(path).await?;
        let is_of_another = stored.as_deref().is_some_and(|stored| {
            digest::is_md5(stored) && !digest::fits(stored, &digest::of(&current.bytes))
        });
        if is_of_another {
            return Err(TouchError::OtherDigest);
        }
        let next = recover::next(
            &current.bytes,
            &is,
            StatePast {
                newest: Some(&is),
                allow_lineage: false,
            },
        )?;
        if next.serial.is_none() {
            return Err(TouchError::NoSerial);
        }
        let encrypt = like(&current.encryption, encrypt);
        Ok(RestorePlan {
            path: path.to_owned(),
            how: RestoreAction::Touch,
            next,
            encrypt,
            current: Some(current.into()),
            digest: stored,
        })
    }
}
