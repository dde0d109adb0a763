//! What those who run Terraform must not be able to do, tried where it does no harm if they are.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Objects, Probe, Try,
    name::uuid,
    object::DELETE,
};
use crate::{
    aws::{error::Api, lock_table},
    state::layout::PROBE,
};

const DELETE_VERSION: Api = Api::allowed_by("s3:DeleteObject", "s3:DeleteObjectVersion");
const GET_ITEM: Api = Api::new("dynamodb:GetItem");

/// Each is `Ok` if it could be done.
#[derive(Debug)]
pub struct Rights {
    /// A version of the probe's own object; none if there is none.
    pub delete_version: Option<Try>,
    /// The state of a default workspace, which is not there.
    pub delete_state: Try,
    /// An item of another bucket, which is not there; none if there is no table.
    pub foreign_item: Option<Try>,
}

impl Probe<'_> {
    pub(super) async fn rights(&self, objects: Option<&Objects>) -> Rights {
        let version = objects.and_then(|objects| objects.without_headers.as_ref()?.as_ref().ok()?.version.clone());
        let delete_version = match version {
            Some(version) => Some(self.delete_version(version).await),
            None => None,
        };
        let foreign_item = match &self.target.address.table {
            Some(table) => Some(self.foreign_item(table).await),
            None => None,
        };
        Rights { delete_version, delete_state: self.delete_state().await, foreign_item }
    }

    async fn delete_version(&self, version: String) -> Try {
        let key = self.name.beside(&self.target.address.layout, "without-headers");
        let request = self.tried.clients.s3.delete_object().bucket(self.bucket()).key(&key).version_id(version);
        self.tried.read(DELETE_VERSION, &self.url(&key), request.expected_bucket_owner(self.owner()).send()).await.map(drop)
    }

    async fn delete_state(&self) -> Try {
        let key = self.name.never();
        let request = self.tried.clients.s3.delete_object().bucket(self.bucket()).key(&key).expected_bucket_owner(self.owner());
        self.tried.read(DELETE, &self.url(&key), request.send()).await.map(drop)
    }

    async fn foreign_item(&self, table: &str) -> Try {
        let lock_id = format!("{PROBE}-{}/terraform.tfstate", uuid());
        let request = self.tried.clients.dynamodb.get_item().table_name(table).key(lock_table::KEY, AttributeValue::S(lock_id));
        self.tried.read(GET_ITEM, table, request.send()).await.map(drop)
    }
}
