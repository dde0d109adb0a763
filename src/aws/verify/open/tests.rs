//! Who is let in: everybody, another account, or nobody else.

use serde_json::json;

use super::*;

const OURS: &str = "111122223333";

fn opened(statement: serde_json::Value) -> String {
    let document: Document = serde_json::from_value(json!({ "Statement": statement })).unwrap();
    openings(&document, OURS).join("; ")
}

#[test]
fn who_is_let_in() {
    let allow = |principal: serde_json::Value| json!([{ "Sid": "S", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject" }]);
    assert_eq!(opened(allow(json!("*"))), "statement S allows everybody");
    assert_eq!(opened(allow(json!({ "AWS": "*" }))), "statement S allows everybody");
    assert_eq!(opened(allow(json!({ "AWS": ["arn:aws:iam::111122223333:root", "*"] }))), "statement S allows everybody");
    assert_eq!(opened(allow(json!({ "AWS": "arn:aws:iam::444455556666:root" }))), "statement S allows arn:aws:iam::444455556666:root");
    assert_eq!(opened(allow(json!({ "AWS": ["444455556666", OURS] }))), "statement S allows 444455556666");
    assert_eq!(opened(allow(json!({ "AWS": "arn:aws:iam::111122223333:role/ci" }))), "");
    assert_eq!(opened(allow(json!({ "Service": "cloudtrail.amazonaws.com" }))), "");
    assert_eq!(opened(allow(json!({ "AWS": "AIDAEXAMPLE" }))), "", "a principal that is gone lets nobody in");
    assert_eq!(
        opened(json!([{ "Effect": "Allow", "NotPrincipal": { "AWS": OURS }, "Action": "s3:*" }])),
        "statement without Sid allows everybody but some (NotPrincipal)"
    );
    assert_eq!(opened(json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*" })), "", "a denial lets nobody in");
}

#[test]
fn conditions_that_keep_it_to_some() {
    let when = |condition: serde_json::Value| {
        opened(json!({ "Sid": "S", "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sns:Publish", "Condition": condition }))
    };
    for narrow in [
        json!({ "StringEquals": { "AWS:SourceOwner": OURS } }),
        json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
        json!({ "ArnLike": { "aws:SourceArn": "arn:aws:s3:::b" } }),
        json!({ "StringEquals": { "aws:SourceVpce": ["vpce-1"] }, "Bool": { "aws:SecureTransport": "true" } }),
    ] {
        assert_eq!(when(narrow.clone()), "", "{narrow}");
    }
    for wide in [
        json!({ "Bool": { "aws:SecureTransport": "true" } }),
        json!({ "StringNotEquals": { "aws:PrincipalAccount": "444455556666" } }),
        json!({ "StringEqualsIfExists": { "aws:PrincipalOrgID": "o-1" } }),
        json!({ "Null": { "aws:PrincipalArn": "false" } }),
        json!({ "ArnLike": { "aws:PrincipalArn": "*" } }),
        json!({ "IpAddress": { "aws:SourceIp": "0.0.0.0/0" } }),
    ] {
        assert_eq!(when(wide.clone()), "statement S allows everybody", "{wide}");
    }
}

/// The documents that tfbackend writes let in nobody.
#[test]
fn ours_are_closed() {
    let blueprint = crate::aws::blueprint::tests::built("--alarm-email a@example.com", "aws", "eu-west-1").unwrap();
    let seen = |spec: &AwsSpec| Seen::Present { spec: spec.clone(), output: None, owner: crate::observation::Owner::Us };
    let observation: Observation<AwsSpec> = blueprint.nodes().iter().map(|node| (node.address.clone(), seen(&node.spec))).collect();
    let checked = checks(&observation, OURS, &|_| None);
    assert_eq!(checked.len(), 4, "two buckets, the key, the topic");
    assert!(!checked.iter().any(Checked::is_finding), "{checked:?}");
}

/// As S3 decides it ("The meaning of public"), which is not the same as who is let in.
#[test]
fn what_s3_calls_public() {
    let public_by = |statement: serde_json::Value| {
        let document: Document = serde_json::from_value(json!({ "Statement": statement })).unwrap();
        public(&document).join("; ")
    };
    let allow = |principal: serde_json::Value, condition: serde_json::Value| json!([{ "Sid": "S", "Effect": "Allow", "Principal": principal, "Action": ["s3:GetObject", "s3:ListBucket"], "Condition": condition }]);
    let everybody = || json!({ "AWS": "*" });
    assert_eq!(public_by(allow(everybody(), json!({}))), "statement S allows everybody s3:GetObject, s3:ListBucket");
    assert_eq!(
        public_by(allow(everybody(), json!({ "Bool": { "aws:SecureTransport": "true" } }))),
        "statement S allows everybody s3:GetObject, s3:ListBucket"
    );
    for narrowed in [
        json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
        json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } }),
        json!({ "StringEquals": { "aws:SourceVpce": "vpce-1" } }),
    ] {
        assert_eq!(public_by(allow(everybody(), narrowed)), "");
    }
    assert_eq!(public_by(allow(json!({ "AWS": "444455556666" }), json!({}))), "", "another account is not everybody");
    assert_eq!(public_by(json!([{ "Effect": "Deny", "Principal": "*", "Action": "s3:*" }])), "");
    let but_some = json!([{ "Effect": "Allow", "NotPrincipal": { "AWS": OURS }, "NotAction": "s3:Put*" }]);
    assert_eq!(public_by(but_some), "statement without Sid allows everybody almost everything");
}
