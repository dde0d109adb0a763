//! What nobody may do with the bucket, whatever IAM allows them; written last of its settings.

use serde::{Deserialize, Serialize};

use super::{NO_BUCKET, NOT_YET};
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError, found},
        policy::Document,
        resource::{Found, Look, Resource},
    },
    spec::Spec,
};

pub mod denial;

const GET: Api = Api::new("s3:GetBucketPolicy");
const PUT: Api = Api::new("s3:PutBucketPolicy");
const ABSENT: &[&str] = &["NoSuchBucketPolicy", NO_BUCKET];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketPolicy {
    pub bucket: String,
    pub document: Document,
}

impl Spec for BucketPolicy {
    fn over(&self, observed: &Self) -> Self {
        Self { bucket: self.bucket.clone(), document: self.document.over(&observed.document) }
    }

    /// What others wrote stays; where it would make every apply fail, a person decides.
    fn blocked_by(&self, observed: &Self) -> Option<String> {
        let denials = denial::denials(&observed.document, &denial::Sends::by(&self.document)?);
        (!denials.is_empty()).then(|| format!("with the policy of bucket {} no apply would succeed: {}", self.bucket, denials.join("; ")))
    }

    fn goes_with_its_whole(&self) -> bool {
        true
    }
}

impl Resource for BucketPolicy {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let request = look.aws.clients.s3.get_bucket_policy().bucket(&self.bucket).expected_bucket_owner(look.aws.account());
        let Some(answer) = found(look.aws.read(GET, &self.bucket, request.send()).await, ABSENT)? else { return Ok(None) };
        let document = serde_json::from_str(answer.policy().unwrap_or_default())
            .map_err(|error| AwsError::nonsense(GET, &self.bucket, &format!("not a policy: {error}")))?;
        Ok(Some(Found::part(Self { bucket: self.bucket.clone(), document })))
    }

    async fn write(&self, aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        let request =
            aws.clients.s3.put_bucket_policy().bucket(&self.bucket).policy(self.document.to_json()).expected_bucket_owner(aws.account());
        aws.send(PUT, &self.bucket, NOT_YET, || request.clone().send()).await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
