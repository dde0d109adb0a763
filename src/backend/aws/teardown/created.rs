//! The creation time of a bucket, which distinguishes a deleted bucket that is still listed from a
//! new one of the same name.

use jiff::Timestamp;

use crate::backend::aws::{AwsProvider, error::ApiOperation};

const LIST: ApiOperation = ApiOperation::allowed_by("s3:ListBuckets", "s3:ListAllMyBuckets");

/// Returns `None` if unknown, as without permission to list buckets.
async fn created(aws: &AwsProvider, bucket: &str) -> Option<Timestamp> {
    let answer = aws
        .read(
            LIST,
            bucket,
            aws.clients.s3.list_buckets().prefix(bucket).send(),
        )
        .await
        .ok()?;
    let it = answer
        .buckets
        .unwrap_or_default()
        .into_iter()
        .find(|it| it.name.as_deref() == Some(bucket))?;
    Timestamp::from_second(it.creation_date?.secs()).ok()
}

/// Returns whether it was created after the deletion of the previous one, by the clock of S3; false
/// if unknown.
///
/// The date alone is not an identity: S3 may change it with each setting, such as the policy that a
/// teardown writes.
pub(crate) async fn is_another(
    aws: &AwsProvider,
    bucket: &str,
    deleted: Option<Timestamp>,
) -> bool {
    match deleted {
        Some(deleted) => created(aws, bucket)
            .await
            .is_some_and(|created| created > deleted),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::aws::testing::{ScriptedAnswer, ScriptedServer, error, text};

    #[tokio::test]
    async fn only_a_date_after_the_deletion_is_that_of_another() {
        let listed = |name: &str, date: &str| {
            let bucket =
                format!("<Bucket><Name>{name}</Name><CreationDate>{date}</CreationDate></Bucket>");
            text(format!(
                "<ListAllMyBucketsResult><Buckets>{bucket}</Buckets></ListAllMyBucketsResult>"
            ))
        };
        let cases: [(ScriptedAnswer, bool); 5] = [
            (listed("states", "2026-11-29T12:00:01.000Z"), true),
            // Changed in the second of the deletion, and before it.
            (listed("states", "2026-11-29T12:00:00.900Z"), false),
            (listed("states", "2026-11-29T11:59:58.000Z"), false),
            (listed("states-2", "2026-11-29T12:00:01.000Z"), false),
            (error(403, "AccessDenied"), false),
        ];
        for (answer, another) in cases {
            let script = ScriptedServer::new().on("GET ?x-id=ListBuckets&prefix=states", answer);
            assert_eq!(
                is_another(&script.aws(), "states", "2026-11-29T12:00:00Z".parse().ok()).await,
                another
            );
        }
        assert!(
            !is_another(&ScriptedServer::new().aws(), "states", None).await,
            "nothing is asked"
        );
    }
}
