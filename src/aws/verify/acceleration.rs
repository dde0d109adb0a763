//! S3 Transfer Acceleration: an endpoint of the bucket beside the region's own.

use aws_sdk_s3::types::BucketAccelerateStatus;

use super::catalogue as rule;
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError},
    },
    verify::{Checked, Place, Verdict},
};

const GET: Api = Api::allowed_by("s3:GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration");
/// Regions without it say so.
const NONE: &[&str] = &["MethodNotAllowed", "NotImplemented", "UnsupportedOperation"];

pub async fn check(aws: &Aws, bucket: &str, place: Place) -> Checked {
    let request = aws.clients.s3.get_bucket_accelerate_configuration().bucket(bucket).expected_bucket_owner(aws.account());
    let answer = aws.read(GET, bucket, request.send()).await.map(|answer| answer.status == Some(BucketAccelerateStatus::Enabled));
    Checked::new(&rule::ACCELERATION, place, verdict(answer))
}

fn verdict(on: Result<bool, AwsError>) -> Verdict {
    match on {
        Ok(true) => Verdict::Fails {
            what: "it is on".to_owned(),
            mend: "aws s3api put-bucket-accelerate-configuration --accelerate-configuration Status=Suspended".to_owned(),
        },
        Ok(false) => Verdict::Holds,
        Err(error) if error.is(NONE) => Verdict::Holds,
        Err(error) => Verdict::Unreadable { error: error.to_string() },
    }
}
