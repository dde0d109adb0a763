//! Which policies allow too much.

use serde_json::{Value, json};

use super::*;
use crate::backend::aws::testing::{ScriptedAnswer, ScriptedServer, error, text};

const BUCKET: &str = "arn:aws:s3:::b";
const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/locks";

fn allowed(changes: &Value) -> Vec<&'static str> {
    let mut statement =
        json!({"Effect": "Allow", "Action": "*", "Resource": [BUCKET, "arn:aws:s3:::b/*", TABLE]});
    for (field, change) in changes.as_object().expect("changes") {
        statement[field] = change.clone();
    }
    statement
        .as_object_mut()
        .expect("a statement")
        .retain(|_, value| !value.is_null());
    let document: PolicyDocument =
        serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": [statement] }))
            .expect("a policy");
    excess(&document, BUCKET, Some(TABLE))
}

#[test]
fn what_terraform_never_needs() {
    assert_eq!(
        allowed(&json!({})).len(),
        ON_OBJECTS.len() + ON_BUCKET.len() + ON_TABLE.len()
    );
    assert_eq!(
        allowed(&json!({"Action": "s3:*", "Resource": "arn:aws:s3:::b/*"})),
        ON_OBJECTS
    );
    assert_eq!(
        allowed(&json!({"Action": "S3:put*", "Resource": BUCKET})),
        ON_BUCKET[2..]
    );
    assert_eq!(
        allowed(&json!({"Action": ["dynamodb:*"], "Resource": TABLE})),
        ON_TABLE
    );
    assert_eq!(
        allowed(&json!({"Action": null, "NotAction": "s3:*", "Resource": [TABLE, BUCKET]})),
        ON_TABLE
    );
    assert_eq!(
        allowed(&json!({"Action": "s3:DeleteObjectVersion", "Resource": "arn:aws:s3:::b*"})),
        ["s3:DeleteObjectVersion"]
    );
}

#[test]
fn what_is_needed_or_not_about_this_backend() {
    for changes in [
        json!({"Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "dynamodb:GetItem", "dynamodb:PutItem"]}),
        json!({"Effect": "Deny"}),
        json!({"Resource": "*"}),
        json!({"Resource": ["arn:aws:s3:::another", "arn:aws:s3:::another/*"]}),
        json!({"Resource": null, "NotResource": "arn:aws:s3:::another"}),
        json!({"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}),
        json!({"Action": null}),
    ] {
        assert_eq!(allowed(&changes), [""; 0], "{changes}");
    }
}

/// A managed policy of two versions, the second in force, and one of a role's own.
fn details(old: &str, new: &str, own: &str) -> ScriptedAnswer {
    let document = |action: &str| {
        format!(
            r#"%7B"Statement":%7B"Effect":"Allow","Action":"{action}","Resource":"arn:aws:s3:::b/*"%7D%7D"#
        )
    };
    let version = |action: &str, on: bool| {
        format!(
            "<member><Document>{}</Document><IsDefaultVersion>{on}</IsDefaultVersion></member>",
            document(action)
        )
    };
    text(format!(
        "<Policies><member><Arn>arn:aws:iam::111122223333:policy/p</Arn><PolicyVersionList>{}{}</\
         PolicyVersionList></member></Policies><RoleDetailList><member><Arn>arn:aws:\
         iam::111122223333:role/r</Arn><RolePolicyList><member><PolicyName>own</\
         PolicyName><PolicyDocument>{}</PolicyDocument></member></RolePolicyList></member></\
         RoleDetailList><IsTruncated>false</IsTruncated>",
        version(old, false),
        version(new, true),
        document(own)
    ))
}

async fn said(answer: ScriptedAnswer) -> Vec<String> {
    let script = ScriptedServer::new().on("GetAccountAuthorizationDetails", answer);
    let checked = checks(&script.aws(), "b", None).await.into_iter();
    let said = checked.map(|one| match one.verdict {
        Verdict::Holds => format!("{} holds", one.place.name.unwrap_or_default()),
        Verdict::Fails { found, .. } => format!("{}: {found}", one.place.name.unwrap_or_default()),
        Verdict::Unreadable { error } => format!("unreadable: {error}"),
        Verdict::FailsWith { check, place } => {
            format!("fails with {} at {}", check.id, place.shown())
        }
        Verdict::Untold { why } => format!("cannot be told: {why}"),
    });
    said.collect()
}

#[tokio::test]
async fn the_version_in_force_and_policies_of_ones_own() {
    assert_eq!(
        said(details("s3:*", "s3:GetObject", "s3:PutObject")).await,
        ["account 111122223333 holds"]
    );
    assert_eq!(
        said(details("s3:GetObject", "s3:*", "s3:DeleteObjectVersion")).await,
        [
            "arn:aws:iam::111122223333:policy/p: it allows s3:DeleteObjectVersion, s3:PutObjectAcl",
            "arn:aws:iam::111122223333:role/r, policy own: it allows s3:DeleteObjectVersion"
        ]
    );
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_taken_for_good() {
    let said = said(error(403, "AccessDenied")).await;
    assert!(
        said[0].starts_with("unreadable: ")
            && said[0].contains("iam:GetAccountAuthorizationDetails"),
        "{said:?}"
    );
}
