//! The versions of one object, newest first, and the content of one of them.

use super::{S3Store, content::VersionContent, objects::ObjectVersion};
use crate::backend::aws::error::AwsError;

/// The result of a request for one version.
#[derive(Debug)]
pub enum VersionLookup {
    There(VersionContent),
    /// No object, or no such version.
    NoSuch,
    /// A delete marker.
    DeleteMarker,
}

impl S3Store<'_> {
    /// Lists the versions of exactly this object, newest first.
    pub(super) async fn versions_of(&self, path: &str) -> Result<Vec<ObjectVersion>, AwsError> {
        let (mut all, mut pages) = (vec![], self.versions(path));
        while let Some(page) = pages.next().await? {
            let listed = page.len();
            let of_it: Vec<ObjectVersion> = page
                .into_iter()
                .filter(|version| version.key == path)
                .collect();
            // Its own name is the first with this prefix.
            let was_last = of_it.len() < listed;
            all.extend(of_it);
            if was_last {
                break;
            }
        }
        Ok(all)
    }

    /// Returns the bytes of a version, or of the current one.
    ///
    /// # Errors
    /// If it exists and cannot be read, or its existence is unknown.
    pub async fn version(
        &self,
        path: &str,
        version: Option<&str>,
        max: usize,
    ) -> Result<VersionLookup, AwsError> {
        match self.get(path, version, max).await {
            Ok(Some(content)) => Ok(VersionLookup::There(content)),
            Ok(None) => Ok(VersionLookup::NoSuch),
            // An ID of another object, or an invalid ID.
            Err(error) if version.is_some() && error.status == Some(400) => {
                Ok(VersionLookup::NoSuch)
            }
            Err(error) if version.is_some() && error.status == Some(405) => {
                Ok(VersionLookup::DeleteMarker)
            }
            Err(error) => Err(error),
        }
    }
}
