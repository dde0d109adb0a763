//! Kinds of failure, in every protocol that AWS speaks.

use super::*;
use crate::backend::aws::{
    AwsProvider,
    testing::{ScriptedAnswer, ScriptedServer, error, error_saying, lost, page},
};

const API: ApiOperation =
    ApiOperation::allowed_by("s3:PutBucketEncryption", "s3:PutEncryptionConfiguration");

/// The same answer to one call in each protocol.
async fn in_each(answer: impl Fn() -> ScriptedAnswer) -> [AwsError; 4] {
    let script = ["GET ?tagging", "GetPolicy", "DescribeKey", "DescribeAlarms"]
        .into_iter()
        .fold(ScriptedServer::new(), |script, operation| {
            script.always(operation, answer())
        });
    let aws = script.aws();
    let AwsProvider { clients, .. } = &aws;
    let xml = aws
        .read(
            API,
            "acme",
            clients.s3.get_bucket_tagging().bucket("acme").send(),
        )
        .await
        .unwrap_err();
    let query = aws
        .read(
            API,
            "acme",
            clients
                .iam
                .get_policy()
                .policy_arn("arn:aws:iam::1:policy/a")
                .send(),
        )
        .await
        .unwrap_err();
    let json = aws
        .read(
            API,
            "acme",
            clients.kms.describe_key().key_id("acme").send(),
        )
        .await
        .unwrap_err();
    let cbor = aws
        .read(API, "acme", clients.cloudwatch.describe_alarms().send())
        .await
        .unwrap_err();
    [xml, query, json, cbor]
}

#[tokio::test]
async fn codes_have_kinds() {
    for (status, code, kind) in [
        (403, "AccessDenied", ServiceErrorKind::Denied),
        (400, "AccessDeniedException", ServiceErrorKind::Denied),
        (403, "AuthorizationError", ServiceErrorKind::Denied),
        (403, "UnauthorizedOperation", ServiceErrorKind::Denied),
        (400, "ExpiredTokenException", ServiceErrorKind::Expired),
        (403, "ExpiredToken", ServiceErrorKind::Expired),
        (403, "InvalidClientTokenId", ServiceErrorKind::Credentials),
        (
            400,
            "UnrecognizedClientException",
            ServiceErrorKind::Credentials,
        ),
        (403, "InvalidAccessKeyId", ServiceErrorKind::Credentials),
        (403, "SignatureDoesNotMatch", ServiceErrorKind::Credentials),
        (403, "RequestTimeTooSkewed", ServiceErrorKind::Clock),
        (400, "ThrottlingException", ServiceErrorKind::Throttled),
        (503, "SlowDown", ServiceErrorKind::Throttled),
        (
            400,
            "ProvisionedThroughputExceededException",
            ServiceErrorKind::Throttled,
        ),
        (429, "Throttled", ServiceErrorKind::Throttled),
        (400, "KMSThrottling", ServiceErrorKind::Throttled),
        (500, "KMSInternalException", ServiceErrorKind::Server),
        (503, "ServiceUnavailable", ServiceErrorKind::Server),
        (400, "KMSInvalidStateException", ServiceErrorKind::Refused),
        (409, "OperationAborted", ServiceErrorKind::Refused),
        (404, "NoSuchBucket", ServiceErrorKind::Refused),
    ] {
        for error in in_each(|| error(status, code)).await {
            assert_eq!(
                (error.kind, error.code.as_deref(), error.status),
                (kind, Some(code), Some(status)),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_the_words() {
    for words in [
        "Signature expired: 20260101T000000Z is now earlier than 20260102T000000Z",
        "Signature not yet current: 2027 is later",
    ] {
        for code in ["InvalidSignatureException", "SignatureDoesNotMatch"] {
            for error in in_each(|| error_saying(403, code, words)).await {
                assert_eq!(error.kind, ServiceErrorKind::Clock, "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_signature_of_another_time_is_no_wrong_secret() {
    let ago = |minutes| {
        let time = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
        jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&time)
            .expect("a date")
    };
    for (code, minutes, kind) in [
        ("SignatureDoesNotMatch", 20, ServiceErrorKind::Clock),
        ("InvalidSignatureException", -20, ServiceErrorKind::Clock),
        ("RequestTimeTooSkewed", 20, ServiceErrorKind::Clock),
        ("SignatureDoesNotMatch", 1, ServiceErrorKind::Credentials),
        ("InvalidClientTokenId", 20, ServiceErrorKind::Credentials),
        ("AccessDenied", 20, ServiceErrorKind::Denied),
    ] {
        let date = ago(minutes);
        for error in in_each(|| error(403, code).header("date", &date)).await {
            assert_eq!(
                (error.kind, error.to_string().contains("at AWS 2")),
                (kind, kind == ServiceErrorKind::Clock),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn no_answer_is_the_network() {
    for error in in_each(lost).await {
        assert_eq!(
            (error.kind, error.status),
            (ServiceErrorKind::Network, None)
        );
        assert!(
            error.to_string().contains("the connection broke"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_said_is_all_that_is_known() {
    let [xml, ..] = in_each(|| error(403, "AccessDenied")).await;
    assert_eq!(
        xml.to_string(),
        "s3:PutBucketEncryption on acme: AccessDenied: because (needs \
         s3:PutEncryptionConfiguration) [request REQUEST]"
    );
    let [_, _, json, _] = in_each(|| error(400, "NotFoundException")).await;
    assert_eq!(
        json.to_string(),
        "s3:PutBucketEncryption on acme: NotFoundException: because [request REQUEST]"
    );
    let [xml, ..] =
        in_each(|| error(301, "PermanentRedirect").header("x-amz-bucket-region", "us-west-2"))
            .await;
    assert_eq!(xml.bucket_region.as_deref(), Some("us-west-2"));
}

/// In AWS's own words the action stands three times.
#[test]
fn a_denial_says_who_and_why_without_the_action_again() {
    let denied = |message: &str| {
        let error = AwsError {
            kind: ServiceErrorKind::Denied,
            code: Some("AccessDenied".into()),
            ..AwsError::nonsense(API, "acme", message)
        };
        error.to_string()
    };
    let user = "User: arn:aws:iam::123456789012:user/me";
    for (said, shown) in [
        (
            " is not authorized to perform: s3:PutEncryptionConfiguration because no \
             identity-based policy allows the s3:PutEncryptionConfiguration action",
            " is not authorized because no identity-based policy allows this (needs \
             s3:PutEncryptionConfiguration)",
        ),
        (
            " is not authorized to perform: kms:TagResource on resource: \
             arn:aws:kms:eu-west-1:123456789012:key/* with an explicit deny in a service control \
             policy",
            " is not authorized with an explicit deny in a service control policy (needs \
             kms:TagResource)",
        ),
        (
            " is not authorized to perform: s3:PutEncryptionConfiguration on resource: \
             \"arn:aws:s3:::acme\" because no identity-based policy allows the \
             s3:PutEncryptionConfiguration action",
            " is not authorized because no identity-based policy allows this (needs \
             s3:PutEncryptionConfiguration)",
        ),
        (
            " is not authorized to perform: iam:GetUser on resource: user acme because no",
            " is not authorized because no (needs iam:GetUser)",
        ),
        // Another resource than the one that stands beside it.
        (
            " is not authorized to perform: kms:GenerateDataKey on resource: \
             arn:aws:kms:eu-west-1:123456789012:key/1 because no resource-based policy allows the \
             kms:GenerateDataKey action",
            " is not authorized on arn:aws:kms:eu-west-1:123456789012:key/1 because no \
             resource-based policy allows this (needs kms:GenerateDataKey)",
        ),
        (
            " is not authorized to perform: kms:Decrypt on the resource associated with this \
             ciphertext because no identity-based policy allows the kms:Decrypt action",
            " is not authorized on the resource associated with this ciphertext because no \
             identity-based policy allows this (needs kms:Decrypt)",
        ),
        (
            " is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::not-acme\" \
             with an explicit deny in an identity-based policy",
            " is not authorized on arn:aws:s3:::not-acme with an explicit deny in an \
             identity-based policy (needs s3:PutObject)",
        ),
        // Where AWS does not say why, its words stay.
        (
            " is not authorized to perform: s3:PutObject",
            " is not authorized to perform: s3:PutObject (needs s3:PutObject)",
        ),
    ] {
        assert_eq!(
            denied(&format!("{user}{said}")),
            format!("s3:PutBucketEncryption on acme: AccessDenied: {user}{shown}")
        );
    }
}

/// An answer to `HEAD` has no body, so no code.
#[tokio::test]
async fn an_answer_without_a_body_goes_by_its_status() {
    for (status, kind) in [
        (403, ServiceErrorKind::Denied),
        (404, ServiceErrorKind::Refused),
        (503, ServiceErrorKind::Server),
    ] {
        let aws = ScriptedServer::new()
            .always("HEAD", error(status, ""))
            .aws();
        let error = aws
            .read(
                API,
                "acme",
                aws.clients.s3.head_bucket().bucket("acme").send(),
            )
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }
}

/// A sign-in page with 200, the refusal of a proxy, and a success that was cut off.
#[tokio::test]
async fn an_answer_that_is_not_one_of_aws_says_so() {
    let html = "<!DOCTYPE html>\n<title>Sign in to the network</title>";
    for (status, kind, body, shown) in [
        (
            200,
            "text/html",
            html,
            r#"text/html, "<!DOCTYPE html> <title>Sign in to the network</title>""#,
        ),
        (
            403,
            "text/html; charset=utf-8",
            html,
            "text/html; charset=utf-8, \"<!DOCTYPE html>",
        ),
        (
            404,
            "text/plain",
            "blocked by policy 7",
            r#"text/plain, "blocked by policy 7""#,
        ),
        (
            400,
            "application/octet-stream",
            "<html><body>no</body></html>",
            "application/octet-stream, \"<html>",
        ),
    ] {
        for error in in_each(|| page(status, kind, body)).await {
            assert_eq!(error.kind, ServiceErrorKind::Unreadable, "{error}");
            assert!(
                error.to_string().contains(&format!(
                    "HTTP {status}: the response is not from AWS: {shown}"
                )),
                "{error}"
            );
        }
    }
    for error in in_each(|| page(503, "text/html", html)).await {
        assert_eq!(
            error.kind,
            ServiceErrorKind::Server,
            "a load balancer of AWS's own answers so: {error}"
        );
    }
}

#[test]
fn only_the_named_codes_are_absence() {
    let refused = |code: &str| {
        Err::<(), _>(AwsError {
            code: Some(code.into()),
            ..AwsError::nonsense(API, "acme", "")
        })
    };
    assert_eq!(found(Ok(1), &[]).unwrap(), Some(1));
    assert_eq!(
        found(refused("NoSuchKey"), &["NoSuchBucket", "NoSuchKey"]).unwrap(),
        None
    );
    assert!(found(refused("NoSuchKey"), &["NoSuchBucket"]).is_err());
    assert!(
        found(Err::<(), _>(AwsError::nonsense(API, "acme", "")), &[""]).is_err(),
        "no code is no code"
    );
}
