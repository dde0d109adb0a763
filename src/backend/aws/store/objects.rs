//! Lists the bucket: current objects, and all versions, a page at a time.

use std::borrow::Cow;

use aws_sdk_s3::types::EncodingType;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::{S3Store, timestamp};
use crate::backend::aws::error::{ApiOperation, AwsError};

const LIST: ApiOperation = ApiOperation::allowed_by("s3:ListObjectsV2", "s3:ListBucket");
const LIST_VERSIONS: ApiOperation =
    ApiOperation::allowed_by("s3:ListObjectVersions", "s3:ListBucketVersions");

/// A current object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentObject {
    pub key: String,
    pub size: u64,
    pub modified: Option<Timestamp>,
    /// With quotes, as S3 expects it in requests.
    pub etag: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    pub key: String,
    /// `null` for objects from before versioning was enabled.
    pub id: String,
    pub latest: bool,
    pub modified: Option<Timestamp>,
    pub what: ObjectChange,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectChange {
    Data { size: u64, etag: String },
    DeleteMarker,
}

/// Lists the current objects in the order of their names, with a page in memory.
#[derive(Debug)]
pub struct ObjectPages<'a> {
    store: S3Store<'a>,
    prefix: String,
    next: NextObjectPage<String>,
}

/// Lists all versions by name, and of each name the newest first.
#[derive(Debug)]
pub struct VersionPages<'a> {
    store: S3Store<'a>,
    prefix: String,
    next: NextObjectPage<(String, Option<String>)>,
}

#[derive(Debug)]
enum NextObjectPage<M> {
    First,
    After(M),
    Done,
}

impl<'a> S3Store<'a> {
    pub fn objects(&self, prefix: &str) -> ObjectPages<'a> {
        ObjectPages {
            store: *self,
            prefix: prefix.to_owned(),
            next: NextObjectPage::First,
        }
    }

    pub fn versions(&self, prefix: &str) -> VersionPages<'a> {
        VersionPages {
            store: *self,
            prefix: prefix.to_owned(),
            next: NextObjectPage::First,
        }
    }
}

impl ObjectPages<'_> {
    /// Returns `None` after the last page. After an error, the same page can be requested again.
    pub async fn next(&mut self) -> Result<Option<Vec<CurrentObject>>, AwsError> {
        let after = match &self.next {
            NextObjectPage::First => None,
            NextObjectPage::After(token) => Some(token.clone()),
            NextObjectPage::Done => return Ok(None),
        };
        let address = self.store.address;
        // Unencoded names with control characters would break the XML.
        let request = self
            .store
            .aws
            .clients
            .s3
            .list_objects_v2()
            .encoding_type(EncodingType::Url);
        let request = request
            .bucket(&address.bucket)
            .expected_bucket_owner(&address.owner);
        let prefix = (!self.prefix.is_empty()).then(|| self.prefix.clone());
        let request = request.set_prefix(prefix).set_continuation_token(after);
        let page = self
            .store
            .aws
            .read(LIST, &address.bucket, request.send())
            .await?;
        self.next = match (page.is_truncated(), page.next_continuation_token()) {
            (Some(true), Some(token)) => NextObjectPage::After(token.to_owned()),
            (Some(true), None) => {
                return Err(AwsError::nonsense(
                    LIST,
                    &address.bucket,
                    "is truncated, but has no marker for the next page",
                ));
            }
            (Some(false) | None, _) => NextObjectPage::Done,
        };
        let encoding = page.encoding_type().cloned();
        let object = |object: aws_sdk_s3::types::Object| {
            Some(CurrentObject {
                key: decoded(object.key()?, encoding.as_ref()),
                size: object
                    .size()
                    .and_then(|size| u64::try_from(size).ok())
                    .unwrap_or_default(),
                modified: object.last_modified().and_then(timestamp),
                etag: object.e_tag.unwrap_or_default(),
            })
        };
        Ok(Some(
            page.contents
                .unwrap_or_default()
                .into_iter()
                .filter_map(object)
                .collect(),
        ))
    }
}

impl VersionPages<'_> {
    /// Returns the name and version marker of the next page; `None` if there is none.
    pub fn after(&self) -> Option<(&str, Option<&str>)> {
        match &self.next {
            NextObjectPage::After((key, id)) => Some((key, id.as_deref())),
            NextObjectPage::First | NextObjectPage::Done => None,
        }
    }

    /// Returns `None` after the last page. After an error, the same page can be requested again.
    pub async fn next(&mut self) -> Result<Option<Vec<ObjectVersion>>, AwsError> {
        let (key, id) = match &self.next {
            NextObjectPage::First => (None, None),
            NextObjectPage::After((key, id)) => (Some(key.clone()), id.clone()),
            NextObjectPage::Done => return Ok(None),
        };
        let address = self.store.address;
        let request = self
            .store
            .aws
            .clients
            .s3
            .list_object_versions()
            .encoding_type(EncodingType::Url);
        let request = request
            .bucket(&address.bucket)
            .expected_bucket_owner(&address.owner);
        let prefix = (!self.prefix.is_empty()).then(|| self.prefix.clone());
        let request = request
            .set_prefix(prefix)
            .set_key_marker(key)
            .set_version_id_marker(id);
        let page = self
            .store
            .aws
            .read(LIST_VERSIONS, &address.bucket, request.send())
            .await?;
        let encoding = page.encoding_type().cloned();
        self.next = match (page.is_truncated(), page.next_key_marker()) {
            (Some(true), Some(key)) => NextObjectPage::After((
                decoded(key, encoding.as_ref()),
                page.next_version_id_marker().map(str::to_owned),
            )),
            (Some(true), None) => {
                return Err(AwsError::nonsense(
                    LIST_VERSIONS,
                    &address.bucket,
                    "is truncated, but has no marker for the next page",
                ));
            }
            (Some(false) | None, _) => NextObjectPage::Done,
        };
        let version = |key: Option<&str>,
                       id: Option<&str>,
                       latest: Option<bool>,
                       modified: Option<&_>,
                       what: ObjectChange| {
            let (key, id) = (
                decoded(key?, encoding.as_ref()),
                id.unwrap_or("null").to_owned(),
            );
            Some(ObjectVersion {
                key,
                id,
                latest: latest.unwrap_or(false),
                modified: modified.and_then(timestamp),
                what,
            })
        };
        let data = page.versions().iter().filter_map(|v| {
            let size = v
                .size()
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or_default();
            let what = ObjectChange::Data {
                size,
                etag: v.e_tag().unwrap_or_default().to_owned(),
            };
            version(
                v.key(),
                v.version_id(),
                v.is_latest(),
                v.last_modified(),
                what,
            )
        });
        let markers = page.delete_markers();
        let markers = markers.iter().filter_map(|m| {
            version(
                m.key(),
                m.version_id(),
                m.is_latest(),
                m.last_modified(),
                ObjectChange::DeleteMarker,
            )
        });
        let mut all: Vec<ObjectVersion> = data.chain(markers).collect();
        // The SDK returns versions and markers separately; S3 has them in one order.
        all.sort_by(|a, b| {
            a.key
                .cmp(&b.key)
                .then(b.latest.cmp(&a.latest))
                .then(b.modified.cmp(&a.modified))
        });
        Ok(Some(all))
    }
}

/// Decodes a name of S3: `+` is a space.
pub(super) fn decoded(name: &str, encoding: Option<&EncodingType>) -> String {
    if encoding != Some(&EncodingType::Url) {
        return name.to_owned();
    }
    let name = if name.contains('+') {
        Cow::Owned(name.replace('+', " "))
    } else {
        Cow::Borrowed(name)
    };
    percent_decode_str(&name).decode_utf8_lossy().into_owned()
}
