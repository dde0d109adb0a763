//! Waits until a table has the desired state, or cannot reach it.

use std::time::Duration;

use aws_sdk_dynamodb::types::{SseStatus, TableDescription, TableStatus};

use super::{DESCRIBE, LockTable, LockTableEncryption, describe, encryption_of};
use crate::backend::aws::{
    AwsProvider,
    error::AwsError,
    retry::{TABLE, WaitLimit},
};

/// The maximum delay between reads: the waiter of the SDK starts with 20 s, and a table takes a
/// few.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// True for a new table, which may not be visible yet.
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

    /// The table may be active again before the change of its key is complete.
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
            None if seen => Err("was deleted during the run; run again"),
            None => Ok(false),
            Some(table) => {
                seen = true;
                hopeless(table).map_or_else(|| Ok(good(table)), Err)
            }
        };
        self.wait_until(aws, good).await
    }

    /// Waits for a change before the deletion; the deletion itself reports whether it is possible.
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
                    format!(
                        "interrupted while it was {still}; DynamoDB continues in the background"
                    )
                } else {
                    format!("still {still} after {} minutes", TABLE.as_secs() / 60)
                };
                return Err(AwsError::nonsense(DESCRIBE, &self.name, &why));
            }
        }
    }
}

/// Waits for the time-out of DynamoDB.
pub(crate) fn polling() -> WaitLimit {
    WaitLimit::with_pauses_up_to(TABLE, POLL)
}

fn is_active(table: &TableDescription) -> bool {
    table.table_status == Some(TableStatus::Active)
}

/// Returns why it does not become active, or not without manual action.
fn hopeless(table: &TableDescription) -> Option<&'static str> {
    match table.table_status.as_ref()? {
        TableStatus::Deleting => {
            Some("is being deleted by another run or manually; run again when it is deleted")
        }
        TableStatus::InaccessibleEncryptionCredentials => Some(
            "is INACCESSIBLE_ENCRYPTION_CREDENTIALS: DynamoDB cannot use the KMS key of the \
             table; enable the key or cancel its deletion, check that its policy allows it, and \
             run again",
        ),
        TableStatus::Archiving | TableStatus::Archived => Some(
            "is archived: DynamoDB could not use the KMS key of the table for a week; restore its \
             backup or delete the table, and run again",
        ),
        _ => None,
    }
}

/// Returns whether the change of its key is complete.
fn is_settled(table: &TableDescription, wanted: &LockTableEncryption) -> bool {
    let status = table.sse_description().and_then(|sse| sse.status());
    matches!(
        status,
        None | Some(SseStatus::Enabled | SseStatus::Disabled)
    ) && encryption_of(table) == *wanted
}

/// Returns the status, as in `ACTIVE, encryption UPDATING`.
fn shown(table: &TableDescription) -> String {
    let status = table
        .table_status()
        .map_or("without a status", TableStatus::as_str);
    match table.sse_description().and_then(|sse| sse.status()) {
        Some(sse) => format!("{status}, encryption {}", sse.as_str()),
        None => status.to_owned(),
    }
}
