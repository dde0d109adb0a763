//! Access by everyone, by another account, or by this account only.

use serde_json::json;

use super::*;

const OURS: &str = "111122223333";

fn opened(statement: serde_json::Value) -> String {
    let document: PolicyDocument =
        serde_json::from_value(json!({ "Statement": statement })).unwrap();
    openings(&document, OURS).join("; ")
}

#[test]
fn who_is_let_in() {
    let allow = |principal: serde_json::Value| json!([{ "Sid": "S", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject" }]);
    assert_eq!(opened(allow(json!("*"))), "statement S allows everyone");
    assert_eq!(
        opened(allow(json!({ "AWS": "*" }))),
        "statement S allows everyone"
    );
    assert_eq!(
        opened(allow(
            json!({ "AWS": ["arn:aws:iam::111122223333:root", "*"] })
        )),
        "statement S allows everyone"
    );
    assert_eq!(
        opened(allow(json!({ "AWS": "arn:aws:iam::444455556666:root" }))),
        "statement S allows arn:aws:iam::444455556666:root"
    );
    assert_eq!(
        opened(allow(json!({ "AWS": ["444455556666", OURS] }))),
        "statement S allows 444455556666"
    );
    assert_eq!(
        opened(allow(json!({ "AWS": "arn:aws:iam::111122223333:role/ci" }))),
        ""
    );
    assert_eq!(
        opened(allow(json!({ "Service": "cloudfront.amazonaws.com" }))),
        "statement S allows cloudfront.amazonaws.com on behalf of any account (no aws:SourceArn \
         or aws:SourceAccount)"
    );
    let identity = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1";
    assert_eq!(
        opened(allow(json!({ "AWS": identity }))),
        format!("statement S allows {identity}")
    );
    assert_eq!(
        opened(allow(json!({ "CanonicalUser": "79a5" }))),
        "statement S allows canonical user 79a5"
    );
    assert_eq!(
        opened(allow(json!({ "Federated": "graph.facebook.com" }))),
        "statement S allows federated users of graph.facebook.com"
    );
    assert_eq!(
        opened(allow(json!({ "AWS": "AIDAEXAMPLE" }))),
        "",
        "a principal that is gone lets no one in"
    );
    assert_eq!(
        opened(json!([{ "Effect": "Allow", "NotPrincipal": { "AWS": OURS }, "Action": "s3:*" }])),
        "statement without Sid allows everyone except some (NotPrincipal)"
    );
    assert_eq!(
        opened(json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*" })),
        "",
        "a denial lets no one in"
    );
}

#[test]
fn conditions_that_keep_it_to_some() {
    let when = |condition: serde_json::Value| {
        opened(
            json!({ "Sid": "S", "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sns:Publish", "Condition": condition }),
        )
    };
    for narrow in [
        json!({ "StringEquals": { "AWS:SourceOwner": OURS } }),
        json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
        json!({ "ArnLike": { "aws:SourceArn": "arn:aws:s3:::b" } }),
        json!({ "StringEquals": { "aws:SourceVpce": ["vpce-1"] }, "Bool": { "aws:SecureTransport": "true" } }),
        json!({ "StringEquals": { "aws:PrincipalAccount": [OURS, OURS] } }),
        json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/*" } }),
        json!({ "StringEquals": { "s3:DataAccessPointAccount": OURS } }),
        json!({ "StringLike": { "s3:DataAccessPointArn": "arn:aws:s3:eu-west-1:111122223333:accesspoint/*" } }),
        json!({ "StringLike": { "aws:userid": "AROAEXAMPLE:*" } }),
        json!({ "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-1/r-2/*" } }),
        json!({ "ForAllValues:StringEquals": { "aws:PrincipalOrgID": "o-1" }, "Null": { "aws:PrincipalOrgID": "false" } }),
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
        json!({ "StringLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/ci" } }),
        json!({ "StringLike": { "aws:PrincipalOrgID": "o-*" } }),
        json!({ "StringLike": { "aws:SourceVpce": ["vpce-1", "vpce-*"] } }),
        json!({ "ForAllValues:StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
        json!({ "StringEquals": { "aws:PrincipalAccount": "${aws:PrincipalAccount}" } }),
        json!({ "ArnLike": { "aws:SourceArn": "arn:aws:s3:::*" } }),
        json!({ "StringLike": { "aws:userid": "*:ci" } }),
        json!({ "StringEquals": { "aws:PrincipalTag/team": "infra" } }),
        json!({ "StringEquals": { "aws:PrincipalAccount": [] } }),
    ] {
        assert_eq!(when(wide.clone()), "statement S allows everyone", "{wide}");
    }
    for theirs in [
        json!({ "StringEquals": { "aws:PrincipalAccount": [OURS, "444455556666"] } }),
        json!({ "StringEquals": { "aws:SourceAccount": "444455556666" } }),
    ] {
        assert_eq!(
            when(theirs.clone()),
            "statement S allows 444455556666",
            "{theirs}"
        );
    }
    let role = "arn:aws:iam::444455556666:role/ci";
    assert_eq!(
        when(json!({ "StringEquals": { "aws:PrincipalArn": role } })),
        format!("statement S allows {role}")
    );
    // All conditions must hold: one that keeps it to ours is enough.
    assert_eq!(
        when(json!({ "StringEquals": { "aws:PrincipalArn": role, "aws:PrincipalAccount": OURS } })),
        ""
    );
}

#[test]
fn on_whose_behalf_a_service_comes() {
    let when = |condition: serde_json::Value| {
        let service = json!({ "Service": "cloudfront.amazonaws.com" });
        opened(
            json!({ "Sid": "S", "Effect": "Allow", "Principal": service, "Action": "s3:GetObject", "Condition": condition }),
        )
    };
    assert_eq!(
        when(
            json!({ "StringEquals": { "AWS:SourceArn": "arn:aws:cloudfront::111122223333:distribution/E1" } })
        ),
        ""
    );
    assert_eq!(
        when(json!({ "StringEquals": { "aws:SourceAccount": OURS } })),
        ""
    );
    let theirs = "arn:aws:cloudfront::444455556666:distribution/E1";
    assert_eq!(
        when(json!({ "StringEquals": { "AWS:SourceArn": theirs } })),
        format!("statement S allows cloudfront.amazonaws.com on behalf of {theirs}")
    );
    assert!(when(json!({ "Bool": { "aws:SecureTransport": "true" } })).contains("any account"));
}

/// As S3 decides it ("The meaning of public"), which is not the same as who is let in.
#[test]
fn what_s3_calls_public() {
    let public_by = |statement: serde_json::Value| {
        let document: PolicyDocument =
            serde_json::from_value(json!({ "Statement": statement })).unwrap();
        public(&document).join("; ")
    };
    let allow = |principal: serde_json::Value, condition: serde_json::Value| json!([{ "Sid": "S", "Effect": "Allow", "Principal": principal, "Action": ["s3:GetObject", "s3:ListBucket"], "Condition": condition }]);
    let everybody = || json!({ "AWS": "*" });
    assert_eq!(
        public_by(allow(everybody(), json!({}))),
        "statement S allows everyone s3:GetObject, s3:ListBucket"
    );
    assert_eq!(
        public_by(allow(
            everybody(),
            json!({ "Bool": { "aws:SecureTransport": "true" } })
        )),
        "statement S allows everyone s3:GetObject, s3:ListBucket"
    );
    for narrowed in [
        json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }),
        json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } }),
        json!({ "StringEquals": { "aws:SourceVpce": "vpce-1" } }),
        json!({ "StringEquals": { "aws:userid": "AIDAEXAMPLE" } }),
        json!({ "ArnLike": { "s3:DataAccessPointArn": "arn:aws:s3:eu-west-1:444455556666:accesspoint/*" } }),
        json!({ "IpAddress": { "aws:SourceIp": ["2001:db8::/32", "192.0.2.1"] } }),
    ] {
        assert_eq!(public_by(allow(everybody(), narrowed)), "");
    }
    for wide in [
        json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/*" } }),
        json!({ "StringLike": { "aws:PrincipalOrgID": "o-*" } }),
        json!({ "IpAddress": { "aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/7"] } }),
        json!({ "IpAddress": { "aws:SourceIp": "2001:db8::/16" } }),
    ] {
        assert_ne!(public_by(allow(everybody(), wide.clone())), "", "{wide}");
    }
    assert_eq!(
        public_by(allow(json!({ "AWS": "444455556666" }), json!({}))),
        "",
        "another account is not everyone"
    );
    assert_eq!(
        public_by(json!([{ "Effect": "Deny", "Principal": "*", "Action": "s3:*" }])),
        ""
    );
    let but_some =
        json!([{ "Effect": "Allow", "NotPrincipal": { "AWS": OURS }, "NotAction": "s3:Put*" }]);
    assert_eq!(
        public_by(but_some),
        "statement without Sid allows everyone almost everything"
    );
}
