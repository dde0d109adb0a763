//! A lock in the table: taken, refused to a second one, released only if it is still ours.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Probe, Try, name::uuid};
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError},
        lock_table,
    },
    state::{digest, lock::LockInfo},
};

const PUT: Api = Api::new("dynamodb:PutItem");
const DELETE: Api = Api::new("dynamodb:DeleteItem");
const INFO: &str = "Info";

#[derive(Debug)]
pub struct LockItem {
    pub taken: Try,
    /// `Ok` if a second one got it too; none if nobody had it.
    pub second: Option<Try>,
    pub released: Option<Try>,
}

impl Probe<'_> {
    pub(super) async fn lock_item(&self) -> LockItem {
        let taken = self.take_item().await;
        if taken.is_err() {
            // Whether an answer that was lost was a yes, nobody knows.
            let released = self.release_item().await;
            return LockItem { taken, second: None, released: released.is_err().then_some(released) };
        }
        let second = self.take_item().await;
        LockItem { taken, second: Some(second), released: Some(self.release_item().await) }
    }

    async fn take_item(&self) -> Try {
        let Some(table) = &self.target.address.table else { return Ok(()) };
        let request = self.tried.clients.dynamodb.put_item().table_name(table);
        let request = request.item(lock_table::KEY, AttributeValue::S(digest::lock_id(self.bucket(), &self.name.state())));
        let request = request.item(INFO, AttributeValue::S(self.info().to_go_json()));
        let request = request.condition_expression(format!("attribute_not_exists({})", lock_table::KEY));
        self.tried.read(PUT, table, request.send()).await.map(drop)
    }

    async fn release_item(&self) -> Try {
        release(self.tried, self.store(), &self.name.state()).await
    }

    /// Whoever meets it is told what it is.
    pub(super) fn info(&self) -> LockInfo {
        LockInfo {
            id: uuid(),
            operation: "tfbackend verify --probe".to_owned(),
            info: String::new(),
            who: format!("tfbackend@{}", self.cleaner.account()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Some(self.now),
            path: digest::lock_id(self.bucket(), &self.name.state()),
        }
    }
}

/// Deletes the lock on a state if it is still the one that was read; there may be none.
pub(super) async fn release(aws: &Aws, store: crate::aws::store::Store<'_>, path: &str) -> Try {
    let Some(table) = &store.address().table else { return Ok(()) };
    let Some(info) = store.lock_item(path).await? else { return Ok(()) };
    let lock_id = digest::lock_id(&store.address().bucket, path);
    let request = aws.clients.dynamodb.delete_item().table_name(table).key(lock_table::KEY, AttributeValue::S(lock_id));
    let request = request.condition_expression(format!("{INFO} = :exact")).expression_attribute_values(":exact", AttributeValue::S(info));
    let released: Result<_, AwsError> = aws.read(DELETE, table, request.send()).await;
    released.map(drop)
}
