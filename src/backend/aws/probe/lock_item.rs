//! Tries a lock in the table: acquired, not acquired twice, and only released by its holder.

use super::{BackendProbe, ProbeResult};
use crate::{backend::aws::store::S3Store, state::lock::LockInfo};

#[derive(Debug)]
pub struct LockItem {
    pub taken: ProbeResult,
    /// `Ok` if a second client acquired it, too; `None` if the first did not.
    pub second: Option<ProbeResult>,
    pub released: Option<ProbeResult>,
}

impl BackendProbe<'_> {
    pub(super) async fn lock_item(&self) -> LockItem {
        let taken = self.take_item().await;
        if taken.is_err() {
            // The outcome of a lost response is unknown.
            let released = self.release_item().await;
            return LockItem {
                taken,
                second: None,
                released: released.is_err().then_some(released),
            };
        }
        let second = self.take_item().await;
        LockItem {
            taken,
            second: Some(second),
            released: Some(self.release_item().await),
        }
    }

    async fn take_item(&self) -> ProbeResult {
        self.store()
            .put_lock_item(&self.name.state(), &self.info().to_go_json())
            .await
    }

    async fn release_item(&self) -> ProbeResult {
        release(self.store(), &self.name.state()).await
    }

    /// The lock info that other clients see.
    pub(super) fn info(&self) -> LockInfo {
        self.store().lock_info(
            &self.name.state(),
            "tfbackend verify --probe",
            &self.who,
            self.now,
        )
    }
}

/// Deletes the lock on a state if it is still the one that was read; it may not exist.
pub(super) async fn release(store: S3Store<'_>, path: &str) -> ProbeResult {
    if store.address().table.is_none() {
        return Ok(());
    }
    let Some(info) = store.lock_item(path).await? else {
        return Ok(());
    };
    store.release_item(path, &info).await.map(drop)
}
