//! Waits for a table: until it is as it was asked for, and no longer than there is hope.

use std::time::Duration;

use aws_sdk_dynamodb::types::{SseStatus, TableDescription, TableStatus};

use super::{DESCRIBE, LockTable, LockTableEncryption, describe, encryption_of};
use crate::backend::aws::{
    AwsProvider,
    error::AwsError,
    settle::{TABLE, WaitLimit},
};

/// The longest pause between two looks: the SDK's own waiter starts with 20 s, and a table takes a
/// few.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// Whether DynamoDB may not show a table yet: one that was just made, but none that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableWait {
    Creation,
    Update,
}

impl LockTable {
    pub(super) async fn wait_until_active(
        &self,
        aws: &AwsProvider,
        after: TableWait,
    ) -> Result<(), AwsError> {
        self.wait_until_usable(aws, after, is_active).await
    }

    /// The table may be active again while it is still being encrypted with the other key.
    pub(super) async fn wait_until_encrypted(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        self.wait_until_usable(aws, TableWait::Update, |table| {
            is_active(table) && is_settled(table, &self.encryption)
        })
        .await
    }

    async fn wait_until_usable(
        &self,
        aws: &AwsProvider,
        after: TableWait,
        good: impl Fn(&TableDescription) -> bool,
    ) -> Result<(), AwsError> {
        let mut seen = after == TableWait::Update;
        let good = |table: Option<&TableDescription>| match table {
            None if seen => {
                Err("was there a moment ago and is gone: it was deleted meanwhile; run again")
            }
            None => Ok(false),
            Some(table) => {
                seen = true;
                hopeless(table).map_or_else(|| Ok(good(table)), Err)
            }
        };
        self.wait_until(aws, good).await
    }

    /// Until the change before its deletion is over; whether it can be deleted is what the deletion
    /// itself says.
    pub(super) async fn wait_until_updated(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        let is_updating = |table: &TableDescription| {
            matches!(
                table.table_status,
                Some(TableStatus::Creating | TableStatus::Updating)
            )
        };
        self.wait_until(aws, |table| Ok(!table.is_some_and(is_updating)))
            .await
    }

    pub(super) async fn wait_until_gone(&self, aws: &AwsProvider) -> Result<(), AwsError> {
        self.wait_until(aws, |table| Ok(table.is_none())).await
    }

    async fn wait_until(
        &self,
        aws: &AwsProvider,
        mut good: impl FnMut(Option<&TableDescription>) -> Result<bool, &'static str>,
    ) -> Result<(), AwsError> {
        let mut waiting = polling().until_cancelled(&aws.cancel);
        loop {
            let table = describe(aws, &self.name).await?;
            if good(table.as_ref()).map_err(|why| AwsError::nonsense(DESCRIBE, &self.name, why))? {
                return Ok(());
            }
            if !waiting.again().await {
                let still = table.map_or("not visible".to_owned(), |table| shown(&table));
                let why = if waiting.is_cancelled() {
                    format!("interrupted while it was {still}; DynamoDB goes on by itself")
                } else {
                    format!("still {still} after {} minutes", TABLE.as_secs() / 60)
                };
                return Err(AwsError::nonsense(DESCRIBE, &self.name, &why));
            }
        }
    }
}

/// For as long as DynamoDB may take.
pub fn polling() -> WaitLimit {
    WaitLimit::with_pauses_up_to(TABLE, POLL)
}

fn is_active(table: &TableDescription) -> bool {
    table.table_status == Some(TableStatus::Active)
}

/// Why it does not become active, or not without a person.
fn hopeless(table: &TableDescription) -> Option<&'static str> {
    match table.table_status.as_ref()? {
        TableStatus::Deleting => Some(
            "is being deleted: another run, or a person, deletes it; run again once it is gone",
        ),
        TableStatus::InaccessibleEncryptionCredentials => Some(
            "is INACCESSIBLE_ENCRYPTION_CREDENTIALS: DynamoDB may not use the table's KMS key; \
             enable the key, or cancel its deletion, and let its policy allow it, then run again",
        ),
        TableStatus::Archiving | TableStatus::Archived => Some(
            "is archived: DynamoDB could not use the table's KMS key for a week; restore its \
             backup, or delete the table, then run again",
        ),
        _ => None,
    }
}

/// Whether the change of its key is over.
fn is_settled(table: &TableDescription, wanted: &LockTableEncryption) -> bool {
    let status = table.sse_description().and_then(|sse| sse.status());
    matches!(
        status,
        None | Some(SseStatus::Enabled | SseStatus::Disabled)
    ) && encryption_of(table) == *wanted
}

/// As in `ACTIVE, encryption UPDATING`.
fn shown(table: &TableDescription) -> String {
    let status = table
        .table_status()
        .map_or("without a status", TableStatus::as_str);
    match table.sse_description().and_then(|sse| sse.status()) {
        Some(sse) => format!("{status}, encryption {}", sse.as_str()),
        None => status.to_owned(),
    }
}
