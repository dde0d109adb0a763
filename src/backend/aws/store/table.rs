//! The items of the lock table: locks, and the digests of states.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::Store;
use crate::{
    backend::aws::{
        error::{Api, AwsError, found},
        lock_table,
    },
    state::digest,
};

const SCAN: Api = Api::new("dynamodb:Scan");
const GET: Api = Api::new("dynamodb:GetItem");

const NO_TABLE: &[&str] = &["ResourceNotFoundException"];
pub(super) const INFO: &str = "Info";
pub(super) const DIGEST: &str = "Digest";

/// An item of the table, which may be about a state of another bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub lock_id: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `Info`, word for word: it is deleted only if it is still this. Empty where it is no text:
    /// the item alone keeps Terraform out.
    Lock(String),
    /// MD5 of a state, in hex.
    Digest(String),
    /// Nothing that Terraform writes.
    Other,
}

/// All items, a page at a time.
#[derive(Debug)]
pub struct Items<'a> {
    store: Store<'a>,
    table: &'a str,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(HashMap<String, AttributeValue>),
    Done,
}

impl<'a> Store<'a> {
    /// `None` if there is no table.
    pub fn items(&self) -> Option<Items<'a>> {
        self.address.table.as_deref().map(|table| Items {
            store: *self,
            table,
            next: Next::First,
        })
    }

    /// Whether the table is there: asked as Terraform asks for a lock, which needs no further
    /// right.
    pub async fn has_table(&self) -> Result<bool, AwsError> {
        let state = self.address.layout.key.as_deref().unwrap_or_default();
        Ok(found(self.lock_item(state).await, NO_TABLE)?.is_some())
    }

    /// `Info` of the lock on a state, as it is now; empty where there is an item, and its `Info` is
    /// no text.
    pub async fn lock_item(&self, path: &str) -> Result<Option<String>, AwsError> {
        Ok(self
            .attribute(digest::lock_id(&self.address.bucket, path), INFO)
            .await?
            .map(Option::unwrap_or_default))
    }

    /// The digest of a state, as it is now.
    pub async fn digest_item(&self, path: &str) -> Result<Option<String>, AwsError> {
        Ok(self
            .attribute(digest::digest_id(&self.address.bucket, path), DIGEST)
            .await?
            .flatten())
    }

    /// A text of an item, if there are the item and the text.
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

impl Items<'_> {
    /// `None` after the last page. After an error the same page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<Item>>, AwsError> {
        let after = match &self.next {
            Next::First => None,
            Next::After(key) => Some(key.clone()),
            Next::Done => return Ok(None),
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
            Some(key) if !key.is_empty() => Next::After(key),
            Some(_) | None => Next::Done,
        };
        Ok(Some(
            page.items
                .unwrap_or_default()
                .into_iter()
                .filter_map(Item::read)
                .collect(),
        ))
    }
}

impl Item {
    fn read(mut item: HashMap<String, AttributeValue>) -> Option<Self> {
        let lock_id = text(&mut item, lock_table::KEY)?;
        let what = match (text(&mut item, INFO), text(&mut item, DIGEST)) {
            (Some(info), _) => What::Lock(info),
            (None, Some(digest)) if digest::without_suffix(&lock_id).is_some() => {
                What::Digest(digest)
            }
            (None, _) if digest::without_suffix(&lock_id).is_none() => What::Lock(String::new()),
            (None, _) => What::Other,
        };
        Some(Self { lock_id, what })
    }

    /// The state that it is about, if that is in `bucket`.
    pub fn path_in(&self, bucket: &str) -> Option<&str> {
        let of = match self.what {
            What::Lock(_) | What::Other => &*self.lock_id,
            What::Digest(_) => digest::without_suffix(&self.lock_id)?,
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
