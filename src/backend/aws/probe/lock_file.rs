//! Tries a lock file: acquired, not acquired twice, not overwritten, and only released by its
//! holder.

use super::{BackendProbe, ProbeResult, object::PUT};
use crate::backend::aws::{error::AwsError, store::write::WriteCondition};

#[derive(Debug)]
pub struct ProbedLockFile {
    pub taken: ProbeResult,
    /// `Ok` if a second client acquired it, too; `None` if the first did not.
    pub second: Option<ProbeResult>,
    /// `Ok` if an unconditional write could overwrite it.
    pub overwritten: Option<ProbeResult>,
    pub released: Option<ProbeResult>,
}

impl BackendProbe<'_> {
    pub(super) async fn lock_file(&self) -> ProbedLockFile {
        let taken = self.take_file().await;
        if taken.is_err() {
            let released = self.release_file().await;
            return ProbedLockFile {
                taken,
                second: None,
                overwritten: None,
                released: released.is_err().then_some(released),
            };
        }
        let (second, overwritten) = (self.take_file().await, self.overwrite_file().await);
        ProbedLockFile {
            taken,
            second: Some(second),
            overwritten: Some(overwritten),
            released: Some(self.release_file().await),
        }
    }

    async fn take_file(&self) -> ProbeResult {
        let info = self.info().to_go_json();
        self.store()
            .put_object(
                &self.name.lock_file(),
                info.as_bytes(),
                &self.target.key.encrypt(),
                &WriteCondition::IfNoneMatch,
            )
            .await
            .map(drop)
    }

    async fn overwrite_file(&self) -> ProbeResult {
        let key = self.name.lock_file();
        let request = self.encrypted(self.put(&key, &self.info().to_go_json()));
        self.tried
            .read(PUT, &self.url(&key), request.send())
            .await
            .map(drop)
    }

    /// Reads and deletes it like Terraform.
    async fn release_file(&self) -> ProbeResult {
        let Some(file) = self.store().lock_file(&self.name.state()).await? else {
            return Ok(());
        };
        if file.info.is_err() {
            return Err(AwsError::nonsense(
                PUT,
                &self.url(&self.name.lock_file()),
                "is not the lock that was written",
            ));
        }
        self.store()
            .release_file(&self.name.state(), &file.etag)
            .await
            .map(drop)
    }
}
