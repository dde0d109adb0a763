//! Which statements deny Terraform for certain.

use serde_json::json;

use super::*;

const OURS: &str = "arn:aws:kms:eu-west-1:111122223333:key/ours";

fn parse(statements: &Value) -> PolicyDocument {
    serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": statements }))
        .expect("a policy")
}

fn sends(algorithm: &str, key: Option<&str>) -> EncryptionHeaders {
    EncryptionHeaders {
        bucket: "arn:aws:s3:::b".to_owned(),
        account: None,
        algorithm: Some(algorithm.to_owned()),
        key: key.map(str::to_owned),
    }
}

/// Returns what a Deny for all principals on all objects denies to a client that sends the key,
/// except for `changes`.
fn denied(changes: &Value) -> Vec<String> {
    denied_to(&sends("aws:kms", Some(OURS)), changes)
}

fn denied_to(sends: &EncryptionHeaders, changes: &Value) -> Vec<String> {
    let mut statement = json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"});
    for (field, change) in changes.as_object().expect("changes") {
        statement[field] = change.clone();
    }
    if let Some(fields) = statement.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    denials(&parse(&json!([statement])), sends)
}

fn condition(operator: &str, key: &str, value: &Value) -> Value {
    json!({ "Condition": { operator: { key: value } } })
}

#[test]
fn what_our_statements_let_through_is_sent() {
    let deny = |sid: &str, operator: &str, key: &str, value: &str| {
        json!({"Sid": sid, "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*",
            "Condition": {"Null": {key: "false"}, operator: {key: value}}})
    };
    let encryption = deny(
        "TfbackendDenyOtherEncryption",
        "StringNotEquals",
        ALGORITHM,
        "aws:kms",
    );
    let key = deny("TfbackendDenyOtherKey", "ArnNotEquals", KEY, OURS);
    assert_eq!(
        EncryptionHeaders::by(&parse(&json!([encryption, key]))),
        Some(sends("aws:kms", Some(OURS)))
    );
    let s3 = deny(
        "TfbackendDenyOtherEncryption",
        "StringNotEquals",
        ALGORITHM,
        "AES256",
    );
    assert_eq!(
        EncryptionHeaders::by(&parse(&json!([s3]))),
        Some(sends("AES256", None))
    );
    assert_eq!(
        EncryptionHeaders::by(&parse(&json!([]))),
        None,
        "a log bucket"
    );
}

#[test]
fn a_header_that_terraform_does_not_send() {
    let both = json!(["AES256", "aws:kms"]);
    assert_eq!(
        denied(&condition("StringNotEquals", ALGORITHM, &json!("AES256"))),
        [
            "statement Theirs denies writing states, writing lock files: it requires AES256, but \
             Terraform sends aws:kms; use --encryption sse-s3, or change the statement"
        ]
    );
    assert_eq!(
        denied(&condition("StringNotEquals", ALGORITHM, &both)),
        [""; 0]
    );
    assert_eq!(
        denied(&condition(
            "StringNotEqualsIfExists",
            ALGORITHM,
            &json!("AES256")
        ))
        .len(),
        1
    );
    assert_eq!(
        denied(&condition("Null", ALGORITHM, &json!(true))),
        [""; 0],
        "there is a header"
    );
    assert_eq!(
        denied_to(
            &sends("AES256", None),
            &condition("StringNotEquals", ALGORITHM, &json!("aws:kms"))
        )
        .len(),
        1
    );
    assert_eq!(
        denied_to(
            &sends("AES256", None),
            &condition("StringNotEquals", ALGORITHM, &both)
        ),
        [""; 0]
    );
    assert_eq!(
        denied_to(
            &sends("AES256", None),
            &condition("Null", KEY, &json!("true"))
        )
        .len(),
        1,
        "a key is wanted, and none is sent"
    );
    assert_eq!(
        denied(&condition(
            "StringNotEquals",
            "s3:x-amz-acl",
            &json!("bucket-owner-full-control")
        ))
        .len(),
        1
    );
    assert_eq!(
        denied(&condition(
            "StringEquals",
            "s3:x-amz-acl",
            &json!("public-read")
        )),
        [""; 0]
    );
}

#[test]
fn a_key_that_terraform_does_not_use() {
    for operator in [
        "StringNotEquals",
        "StringNotLike",
        "ArnNotEquals",
        "ArnNotEqualsIfExists",
    ] {
        assert_eq!(
            denied(&condition(
                operator,
                KEY,
                &json!("arn:aws:kms:eu-west-1:111122223333:key/theirs")
            ))
            .len(),
            1,
            "{operator}"
        );
        assert_eq!(
            denied(&condition(operator, KEY, &json!(OURS))),
            [""; 0],
            "{operator}"
        );
    }
    assert_eq!(
        denied(&condition(
            "ArnNotLike",
            KEY,
            &json!("arn:aws:kms:*:111122223333:key/*")
        )),
        [""; 0]
    );
    let said = denied(&condition("ArnNotEquals", KEY, &json!("arn:theirs")));
    assert!(
        said[0].contains("it requires the key arn:theirs, but Terraform sends arn:aws:kms"),
        "{said:?}"
    );
    let new = sends("aws:kms", Some("(known after apply: key)"));
    let said = denied_to(&new, &condition("ArnNotEquals", KEY, &json!(OURS)));
    assert!(
        said[0].contains("but Terraform sends a new key; use --kms-key arn:aws:kms"),
        "{said:?}"
    );
}

#[test]
fn without_a_condition_everybody_is_denied() {
    assert_eq!(
        denied(&json!({})),
        [
            "statement Theirs denies writing states, writing lock files for every run; change the \
             statement"
        ]
    );
    assert!(
        denied(&json!({"Action": "S3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}))[0]
            .contains("listing states")
    );
    assert!(
        denied(&json!({"Action": ["s3:Get*"], "Sid": null}))[0]
            .starts_with("a statement without Sid denies reading states for")
    );
    assert!(
        denied(&json!({"Resource": "arn:aws:s3:::b/*.tflock"}))[0]
            .contains("denies writing lock files for")
    );
    assert_eq!(
        denied(&json!({"Action": null, "NotAction": "s3:Get*"})).len(),
        1
    );
    assert_eq!(
        denied(&json!({"Principal": {"AWS": ["111122223333", "*"]}})).len(),
        1
    );
    // A condition on the header that was meant for writes denies reads, which have none.
    let reads = json!({"Action": "s3:*", "Condition": {"StringNotEquals": {ALGORITHM: "aws:kms"}}});
    assert!(denied(&reads)[0].contains("denies reading states:"));
}

#[test]
fn what_is_not_certain_is_not_said() {
    for changes in [
        json!({"Effect": "Allow"}),
        json!({"Principal": {"AWS": "arn:aws:iam::111122223333:role/other"}}),
        json!({"Principal": {"Service": "*"}}),
        json!({"Principal": null, "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:role/terraform"}}),
        json!({"Action": "s3:DeleteObject"}),
        json!({"Action": null, "NotAction": ["s3:PutObject", "s3:GetObject", "s3:ListBucket"]}),
        json!({"Resource": "arn:aws:s3:::another/*"}),
        json!({"Resource": null, "NotResource": "arn:aws:s3:::b/*"}),
        condition("Bool", "aws:SecureTransport", &json!(false)),
        condition("NumericLessThan", "s3:TlsVersion", &json!(1.2)),
        condition("NumericLessThan", "s3:TlsVersion", &json!("1.3")),
        condition("NotIpAddress", "aws:SourceIp", &json!("10.0.0.0/8")),
        condition(
            "StringNotEquals",
            "aws:PrincipalArn",
            &json!("arn:aws:iam::111122223333:role/terraform"),
        ),
        condition(
            "StringNotEquals",
            ALGORITHM,
            &json!("${aws:PrincipalTag/sse}"),
        ),
        condition("ForAllValues:StringNotEquals", ALGORITHM, &json!("AES256")),
        condition("Unheard", ALGORITHM, &json!("AES256")),
        json!({"Condition": "broken"}),
        json!({"Condition": {"StringNotEquals": "broken"}}),
        // All of the conditions must be met.
        json!({"Condition": {"StringNotEquals": {ALGORITHM: "AES256"}, "StringEquals": {"aws:username": "intern"}}}),
        json!({"Sid": "TfbackendOurs"}),
    ] {
        assert_eq!(denied(&changes), [""; 0], "{changes}");
    }
}

/// Returns what a Deny of deletions denies to a run with lock files, and to a run that locks in a
/// table.
#[test]
fn deletions_that_terraform_needs() {
    let statement = |fields: Value| {
        let mut statement = json!({"Sid": "Keep", "Effect": "Deny", "Principal": "*", "Resource": "arn:aws:s3:::b/*"});
        statement
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("fields").clone());
        parse(&json!([statement]))
    };
    let sends = sends("aws:kms", Some(OURS));
    let all = |document: &PolicyDocument, lock_files| {
        all_denials(document, &sends, lock_files).join("; ")
    };
    for action in ["s3:DeleteObject", "s3:Delete*", "s3:*Object"] {
        let document = statement(json!({"Action": action}));
        assert!(
            all(&document, true).contains("deleting lock files, deleting states of workspaces"),
            "{action}: {}",
            all(&document, true)
        );
        assert!(
            all(&document, false).contains("deleting states of workspaces"),
            "{action}"
        );
        assert!(
            !all(&document, false).contains("deleting lock files"),
            "{action}: a lock table is released otherwise"
        );
    }
    let names_others =
        statement(json!({"NotAction": ["s3:PutObject", "s3:GetObject", "s3:ListBucket"]}));
    assert!(all(&names_others, true).contains("deleting lock files"));
    let of_states =
        statement(json!({"Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::b/*.tfstate"}));
    assert_eq!(
        all(&of_states, true),
        "statement Keep denies deleting states of workspaces for every run; change the statement"
    );
    assert_eq!(
        denials(&of_states, &sends),
        [""; 0],
        "an apply goes on without it"
    );
    let of_versions = statement(json!({"Action": "s3:DeleteObjectVersion"}));
    assert_eq!(all(&of_versions, true), "");

    let unknown = EncryptionHeaders::to("arn:aws:s3:::b".to_owned(), "111122223333");
    let locks = |document: &PolicyDocument| denials_of_locks(document, &unknown).join("; ");
    assert_eq!(
        locks(&statement(json!({"Action": "s3:Delete*"}))),
        "statement Keep denies deleting lock files for every run; change the statement"
    );
    for root in ["arn:aws:iam::111122223333:root", "111122223333"] {
        let of_root = statement(json!({"Action": "s3:DeleteObject", "Principal": {"AWS": root}}));
        assert!(locks(&of_root).contains("deleting lock files"), "{root}");
    }
    assert_eq!(
        locks(&statement(
            json!({"Action": "s3:DeleteObject", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}})
        )),
        ""
    );
    // Which encryption the files ask for is not known: nothing is certain.
    let encryption =
        json!({"Action": "s3:PutObject", "Condition": {"StringNotEquals": {ALGORITHM: "AES256"}}});
    assert_eq!(locks(&statement(encryption)), "");
}
