//! Each way in and out: closed, open, not there, and not to be seen.

use serde_json::json;

use super::*;
use crate::backend::aws::testing::{ScriptedAnswer, ScriptedServer, data, error, text};

const KEY_ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1";

/// Nothing is there of any of it.
fn closed() -> ScriptedServer {
    ScriptedServer::new()
        .always(
            "GET ?replication",
            error(404, "ReplicationConfigurationNotFoundError"),
        )
        .always("GET ?website", error(404, "NoSuchWebsiteConfiguration"))
        .always("GET ?cors", error(404, "NoSuchCORSConfiguration"))
        .always("GET ?accelerate", text("<AccelerateConfiguration/>"))
        .always("GetResourcePolicy", error(400, "PolicyNotFoundException"))
        .always(
            "DescribeTimeToLive",
            data(json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}})),
        )
        .always(
            "ListGrants",
            data(json!({"Grants": [], "Truncated": false})),
        )
}

async fn said(script: &ScriptedServer) -> String {
    let of = ExposureInputs {
        bucket: "states",
        table: Some("locks"),
        key: Some(KEY_ARN),
    };
    let lines = checks(&script.aws(), &of)
        .await
        .into_iter()
        .filter_map(|one| {
            let verdict = match one.verdict {
                Verdict::Holds => return None,
                Verdict::Fails { found, remediation } => format!("{found}\n  {remediation}"),
                Verdict::Unreadable { error } => format!("unreadable: {error}"),
                Verdict::FailsWith { check, place } => {
                    format!("fails with {} at {}", check.id, place.shown())
                }
                Verdict::Untold { why } => format!("cannot be told: {why}"),
            };
            Some(format!(
                "{} at {}: {verdict}",
                one.check.id,
                one.place.shown()
            ))
        });
    lines.collect::<Vec<_>>().join("\n")
}

async fn with(operation: &'static str, answer: ScriptedAnswer) -> String {
    said(&closed().on(operation, answer)).await
}

#[tokio::test]
async fn nothing_is_open() {
    let script = closed();
    assert_eq!(said(&script).await, "");
    let of = ExposureInputs {
        bucket: "states",
        table: Some("locks"),
        key: Some(KEY_ARN),
    };
    assert_eq!(
        checks(&closed().aws(), &of).await.len(),
        7,
        "each is a check that holds"
    );
    assert!(
        script
            .sent()
            .contains("x-amz-expected-bucket-owner: 111122223333"),
        "{}",
        script.sent()
    );
}

fn rule_to(bucket: &str, account: &str) -> ScriptedAnswer {
    text(format!(
        "<ReplicationConfiguration><Role>r</Role><Rule><Status>Enabled</\
         Status><Destination><Bucket>arn:aws:s3:::{bucket}</Bucket>{account}</Destination></\
         Rule><Rule><Status>Disabled</Status><Destination><Bucket>arn:aws:s3:::off</\
         Bucket><Account>444455556666</Account></Destination></Rule></ReplicationConfiguration>"
    ))
}

#[tokio::test]
async fn copies_to_others() {
    let of = |account: &str| format!("<Account>{account}</Account>");
    insta::assert_snapshot!(with("GET ?replication", rule_to("theirs", &of("444455556666"))).await, @"
    bucket-replication at state_bucket: states are replicated to theirs (account 444455556666)
      delete the rule (`aws s3api delete-bucket-replication --bucket states`), or accept it with --ignore
    ");
    assert_eq!(
        with("GET ?replication", rule_to("ours", &of("111122223333"))).await,
        ""
    );
    // Without an account in the rule, S3 says whose the other bucket is.
    let unsaid = |answer: ScriptedAnswer| {
        closed()
            .on("GET ?replication", rule_to("other", ""))
            .on("HEAD", answer)
    };
    assert_eq!(
        said(&unsaid(text("").header("x-amz-bucket-region", "eu-west-1"))).await,
        ""
    );
    let theirs = said(&unsaid(error(403, "AccessDenied"))).await;
    assert!(
        theirs.starts_with(
            "bucket-replication at state_bucket: states are replicated to other (a bucket of \
             another account, or one that"
        ),
        "{theirs}"
    );
}

#[tokio::test]
async fn pages_and_browsers() {
    let website = text(
        "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></\
         WebsiteConfiguration>",
    );
    insta::assert_snapshot!(with("GET ?website", website).await, @"
    bucket-website at state_bucket: static website hosting is enabled
      aws s3api delete-bucket-website --bucket states
    ");
    let cors = "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</\
                AllowedOrigin></CORSRule></CORSConfiguration>";
    insta::assert_snapshot!(with("GET ?cors", text(cors)).await, @"
    bucket-cors at state_bucket: pages of * can read it with the permissions of their visitor
      aws s3api delete-bucket-cors --bucket states
    ");
}

#[tokio::test]
async fn a_second_endpoint() {
    let status = |status: &str| {
        text(format!(
            "<AccelerateConfiguration><Status>{status}</Status></AccelerateConfiguration>"
        ))
    };
    insta::assert_snapshot!(with("GET ?accelerate", status("Enabled")).await, @"
    bucket-acceleration at state_bucket: Transfer Acceleration is enabled
      aws s3api put-bucket-accelerate-configuration --bucket states --accelerate-configuration Status=Suspended
    ");
    assert_eq!(with("GET ?accelerate", status("Suspended")).await, "");
    assert_eq!(
        with("GET ?accelerate", error(405, "MethodNotAllowed")).await,
        "",
        "the region has none"
    );
    assert_eq!(
        with("GET ?accelerate", error(400, "UnsupportedArgument")).await,
        "",
        "nor has the partition"
    );
    let denied = with("GET ?accelerate", error(403, "AccessDenied")).await;
    assert!(
        denied.contains("needs s3:GetAccelerateConfiguration"),
        "{denied}"
    );
}

#[tokio::test]
async fn who_else_may_use_the_key() {
    let grant = |id: &str, who: &str| json!({"GrantId": id, "GranteePrincipal": who, "Operations": ["Decrypt"]});
    let first = data(
        json!({"Grants": [grant("g1", "dynamodb.eu-west-1.amazonaws.com"), grant("g2", "arn:aws:iam::111122223333:role/ci")],
        "Truncated": true, "NextMarker": "more"}),
    );
    let second = data(
        json!({"Grants": [grant("g3", "arn:aws:iam::444455556666:role/theirs")], "Truncated": false}),
    );
    let script = closed().on("ListGrants", first).on("ListGrants", second);
    insta::assert_snapshot!(said(&script).await, @"
    key-grants at key: the key is granted to arn:aws:iam::444455556666:role/theirs (grant g3)
      `aws kms revoke-grant --key-id arn:aws:kms:eu-west-1:111122223333:key/1 --grant-id ID`, or accept it with --ignore
    ");
}

#[tokio::test]
async fn what_the_table_lets_in_and_lets_go() {
    let policy = |who: &str| {
        let statement = json!({"Sid": "S", "Effect": "Allow", "Principal": {"AWS": who}, "Action": "dynamodb:PutItem", "Resource": "*"});
        data(
            json!({"Policy": json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()}),
        )
    };
    insta::assert_snapshot!(with("GetResourcePolicy", policy("444455556666")).await, @"
    table-open at lock_table: statement S allows 444455556666
      remove the statement, or all of it: `aws dynamodb delete-resource-policy --resource-arn arn:aws:dynamodb:eu-west-1:111122223333:table/locks`
    ");
    assert_eq!(with("GetResourcePolicy", policy("111122223333")).await, "");
    let expiry = data(
        json!({"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "Expires"}}),
    );
    insta::assert_snapshot!(with("DescribeTimeToLive", expiry).await, @"
    table-expiry at lock_table: items that have the attribute Expires are deleted at that time
      aws dynamodb update-time-to-live --table-name locks --time-to-live-specification Enabled=false,AttributeName=Expires
    ");
}

/// A missing resource is a finding of its own, an unsupported feature is not exposed, and a denied
/// read is unknown.
#[tokio::test]
async fn what_cannot_be_told() {
    let of = ExposureInputs {
        bucket: "states",
        table: Some("locks"),
        key: Some(KEY_ARN),
    };
    let gone = closed()
        .on("GET ?cors", error(404, "NoSuchBucket"))
        .on("GetResourcePolicy", error(400, "ResourceNotFoundException"))
        .on("ListGrants", error(400, "NotFoundException"));
    let left = checks(&gone.aws(), &of).await;
    assert_eq!(
        left.iter().map(|one| one.check.id).collect::<Vec<_>>(),
        [
            "bucket-replication",
            "bucket-website",
            "bucket-acceleration",
            "table-expiry"
        ]
    );
    assert_eq!(
        with("GetResourcePolicy", error(400, "UnknownOperationException")).await,
        ""
    );
    let denied = with("ListGrants", error(400, "AccessDeniedException")).await;
    assert!(
        denied.starts_with("key-grants at key: unreadable: kms:ListGrants"),
        "{denied}"
    );
    let denied = with("GET ?cors", error(403, "AccessDenied")).await;
    assert!(denied.contains("needs s3:GetBucketCORS"), "{denied}");
}

/// By its alias it is looked up, and one that leads nowhere is another finding.
#[tokio::test]
async fn a_key_by_its_alias() {
    let of = ExposureInputs {
        bucket: "states",
        table: None,
        key: Some("alias/acme"),
    };
    let ids = async |script: ScriptedServer| {
        checks(&script.aws(), &of)
            .await
            .iter()
            .map(|one| one.check.id)
            .collect::<Vec<_>>()
    };
    let found = data(json!({"KeyMetadata": {"KeyId": "1", "Arn": KEY_ARN}}));
    assert!(
        ids(closed().on("DescribeKey", found))
            .await
            .contains(&"key-grants")
    );
    assert!(
        !ids(closed().on("DescribeKey", error(400, "NotFoundException")))
            .await
            .contains(&"key-grants")
    );
}
