//! S3 Transfer Acceleration: an endpoint of the bucket beside the region's own.

use aws_sdk_s3::types::BucketAccelerateStatus;

use super::catalogue as rule;
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError, NOT_OFFERED},
    },
    verify::{Checked, Place, Verdict},
};

const GET: Api = Api::allowed_by("s3:GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration");

pub async fn check(aws: &Aws, bucket: &str, place: Place) -> Checked {
    let request = aws.clients.s3.get_bucket_accelerate_configuration().bucket(bucket).expected_bucket_owner(aws.account());
    let answer = aws.read(GET, bucket, request.send()).await.map(|answer| answer.status == Some(BucketAccelerateStatus::Enabled));
    Checked::new(&rule::ACCELERATION, place, verdict(bucket, answer))
}

fn verdict(bucket: &str, on: Result<bool, AwsError>) -> Verdict {
    match on {
        Ok(true) => Verdict::Fails {
            what: "it is on".to_owned(),
            mend: format!("aws s3api put-bucket-accelerate-configuration --bucket {bucket} --accelerate-configuration Status=Suspended"),
        },
        Ok(false) => Verdict::Holds,
        Err(error) if error.is(NOT_OFFERED) => Verdict::Holds,
        Err(error) => Verdict::Unreadable { error: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::testing::{Answer, Script, error, text};

    async fn verdict_of(answer: Answer) -> Verdict {
        let script = Script::new().on("GET ?accelerate", answer);
        let checked = check(&script.aws(), "acme", Place::default()).await;
        assert!(script.sent().contains("x-amz-expected-bucket-owner: 111122223333"), "{}", script.sent());
        checked.verdict
    }

    #[tokio::test]
    async fn on_off_and_nobody_knows() {
        let status = |status: &str| text(format!("<AccelerateConfiguration><Status>{status}</Status></AccelerateConfiguration>"));
        assert!(matches!(verdict_of(status("Enabled")).await, Verdict::Fails { .. }));
        assert_eq!(verdict_of(status("Suspended")).await, Verdict::Holds);
        assert_eq!(verdict_of(text("<AccelerateConfiguration/>")).await, Verdict::Holds, "it never was on");
        assert_eq!(verdict_of(error(405, "MethodNotAllowed")).await, Verdict::Holds, "the region has none");
        assert_eq!(verdict_of(error(400, "UnsupportedArgument")).await, Verdict::Holds, "nor has the partition");
        assert!(matches!(verdict_of(error(403, "AccessDenied")).await, Verdict::Unreadable { .. }));
    }
}
