//! The items of the lock table: locks, and the digests of states.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::S3Store;
use crate::{
    backend::aws::{
        error::{ApiOperation, AwsError, found},
        lock_table,
    },
    state::digest,
};

const SCAN: ApiOperation = ApiOperation::new("dynamodb:Scan");
const GET: ApiOperation = ApiOperation::new("dynamodb:GetItem");

const NO_TABLE: &[&str] = &["ResourceNotFoundException"];
pub(super) const INFO: &str = "Info";
pub(super) const DIGEST: &str = "Digest";

/// An item of the table, possibly for a state of another bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockTableItem {
    pub lock_id: String,
    pub what: ItemKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// The unmodified `Info`: the item is only deleted if it still has this value. Empty if it is
    /// not a text: the item alone blocks Terraform.
    Lock(String),
    /// The MD5 of a state, in hex.
    Digest(String),
    /// Not written by Terraform.
    Other,
}

/// Lists all items, a page at a time.
#[derive(Debug)]
pub struct ItemPages<'a> {
    store: S3Store<'a>,
    table: &'a str,
    next: NextItemPage,
}

#[derive(Debug)]
enum NextItemPage {
    First,
    After(HashMap<String, AttributeValue>),
    Done,
}

impl<'a> S3Store<'a> {
    /// Returns `None` if there is no table.
    pub fn items(&self) -> Option<ItemPages<'a>> {
        self.address.table.as_deref().map(|table| ItemPages {
            store: *self,
            table,
            next: NextItemPage::First,
        })
    }

    /// Returns whether the table exists, with the call that Terraform uses for locks, which needs
    /// no further permission.
    pub async fn has_table(&self) -> Result<bool, AwsError> {
        let state = self.address.layout.key.as_deref().unwrap_or_default();
        Ok(found(self.lock_item(state).await, NO_TABLE)?.is_some())
    }

    /// Returns the current `Info` of the lock on a state; empty if the item exists and its `Info`
    /// is not a text.
    pub async fn lock_item(&self, path: &str) -> Result<Option<String>, AwsError> {
        Ok(self
            .attribute(digest::lock_id(&self.address.bucket, path), INFO)
            .await?
            .map(Option::unwrap_or_default))
    }

    /// Returns the current digest of a state.
    pub async fn digest_item(&self, path: &str) -> Result<Option<String>, AwsError> {
        Ok(self
            .attribute(digest::digest_id(&self.address.bucket, path), DIGEST)
            .await?
            .flatten())
    }

    /// Returns a text of an item, if both exist.
    async fn attribute(
        &self,
        lock_id: String,
        name: &str,
    ) -> Result<Option<Option<String>>, AwsError> {
        let Some(table) = &self.address.table else {
            return Ok(None);
        };
        let request = self
            .aws
            .clients
            .dynamodb
            .get_item()
            .table_name(table)
            .key(lock_table::KEY, AttributeValue::S(lock_id));
        let request = request
            .consistent_read(true)
            .projection_expression(format!("{}, {name}", lock_table::KEY));
        let answer = self.aws.read(GET, table, request.send()).await?;
        Ok(answer.item.map(|mut item| text(&mut item, name)))
    }
}

impl ItemPages<'_> {
    /// Returns `None` after the last page. After an error, the same page can be requested again.
    pub async fn next(&mut self) -> Result<Option<Vec<LockTableItem>>, AwsError> {
        let after = match &self.next {
            NextItemPage::First => None,
            NextItemPage::After(key) => Some(key.clone()),
            NextItemPage::Done => return Ok(None),
        };
        let request = self
            .store
            .aws
            .clients
            .dynamodb
            .scan()
            .table_name(self.table)
            .consistent_read(true);
        let request = request
            .projection_expression(format!("{}, {INFO}, {DIGEST}", lock_table::KEY))
            .set_exclusive_start_key(after);
        let page = self
            .store
            .aws
            .read(SCAN, self.table, request.send())
            .await?;
        self.next = match page.last_evaluated_key {
            Some(key) if !key.is_empty() => NextItemPage::After(key),
            Some(_) | None => NextItemPage::Done,
        };
        Ok(Some(
            page.items
                .unwrap_or_default()
                .into_iter()
                .filter_map(LockTableItem::read)
                .collect(),
        ))
    }
}

impl LockTableItem {
    fn read(mut item: HashMap<String, AttributeValue>) -> Option<Self> {
        let lock_id = text(&mut item, lock_table::KEY)?;
        let what = match (text(&mut item, INFO), text(&mut item, DIGEST)) {
            (Some(info), _) => ItemKind::Lock(info),
            (None, Some(digest)) if digest::without_suffix(&lock_id).is_some() => {
                ItemKind::Digest(digest)
            }
            (None, _) if digest::without_suffix(&lock_id).is_none() => {
                ItemKind::Lock(String::new())
            }
            (None, _) => ItemKind::Other,
        };
        Some(Self { lock_id, what })
    }

    /// Returns the state of the item, if that is in `bucket`.
    pub fn path_in(&self, bucket: &str) -> Option<&str> {
        let of = match self.what {
            ItemKind::Lock(_) | ItemKind::Other => &*self.lock_id,
            ItemKind::Digest(_) => digest::without_suffix(&self.lock_id)?,
        };
        digest::path_in(bucket, of)
    }
}

fn text(item: &mut HashMap<String, AttributeValue>, name: &str) -> Option<String> {
    match item.remove(name) {
        Some(AttributeValue::S(text)) => Some(text),
        Some(_) | None => None,
    }
}
