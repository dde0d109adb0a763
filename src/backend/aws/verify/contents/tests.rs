//! States that were read: digests against their bytes, versions against the lock in use.

use serde_json::json;

use super::*;
use crate::{
    backend::aws::{
        store::StoreAddress,
        testing::{ACCOUNT, ScriptedAnswer, ScriptedServer, data, error, text},
    },
    state::layout::StateLayout,
};

const GET: &str = "GET ?x-id=GetObject";
const STATE: &str = r#"{"version":4,"terraform_version":"1.9.8","serial":1,"lineage":"l","outputs":{"p":{"value":"hunter2"}},"resources":[]}"#;

fn to_read(path: &str, digest: Option<&str>) -> ToRead {
    ToRead {
        path: path.to_owned(),
        is_state: path.ends_with(".tfstate"),
        digest: digest.map(str::to_owned),
    }
}

fn item(digest: &str) -> ScriptedAnswer {
    data(json!({"Item": {"LockID": {"S": "states/a.tfstate-md5"}, "Digest": {"S": digest}}}))
}

async fn said(script: &ScriptedServer, states: Vec<ToRead>, lock: LockMechanism) -> String {
    let aws = script.aws();
    let address = StoreAddress {
        bucket: "states".to_owned(),
        owner: ACCOUNT.to_owned(),
        table: Some("locks".to_owned()),
        layout: StateLayout {
            key: None,
            workspace_prefix: "env:".to_owned(),
        },
    };
    let checked = checks(&S3Store::new(&aws, &address), states, Some(lock)).await;
    let line = |one: CheckResult| {
        let verdict = match one.verdict {
            Verdict::Holds => "holds".to_owned(),
            Verdict::Fails { found, .. } => found,
            Verdict::Unreadable { error } => format!("unreadable: {error}"),
            Verdict::FailsWith { check, place } => {
                format!("fails with {} at {}", check.id, place.shown())
            }
            Verdict::Untold { why } => format!("cannot be told: {why}"),
        };
        format!("{} at {}: {verdict}", one.check.id, one.place.shown())
    };
    checked.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_fits_holds_and_the_version_counts() {
    let script = ScriptedServer::new()
        .on(GET, text(STATE))
        .on(GET, text(STATE));
    let digest = digest::of(STATE.as_bytes());
    let said = said(
        &script,
        vec![
            to_read("a.tfstate", Some(&digest)),
            to_read("b.tfstate", None),
        ],
        LockMechanism::S3,
    )
    .await;
    insta::assert_snapshot!(said, @"
    state-unreadable at s3://states/a.tfstate: holds
    state-digest at s3://states/a.tfstate: holds
    lock-mechanism-version at s3://states/a.tfstate: version 1.9.8 uses this state, and lock files are supported since 1.10
    state-unreadable at s3://states/b.tfstate: holds
    lock-mechanism-version at s3://states/b.tfstate: version 1.9.8 uses this state, and lock files are supported since 1.10
    ");
    assert!(
        script
            .sent()
            .contains("x-amz-expected-bucket-owner: 111122223333"),
        "{}",
        script.sent()
    );
    assert!(!said.contains("hunter2"));
}

#[tokio::test]
async fn another_digest_is_looked_at_once_more() {
    let now = digest::of(STATE.as_bytes());
    // Written while it was looked at.
    let script = ScriptedServer::new()
        .always(GET, text(STATE))
        .on("GetItem", item(&now));
    let fine = said(
        &script,
        vec![to_read(
            "a.tfstate",
            Some("fedcba9876543210fedcba9876543210"),
        )],
        LockMechanism::Dynamodb,
    )
    .await;
    assert!(
        fine.contains("state-digest at s3://states/a.tfstate: holds"),
        "{fine}"
    );
    let script = ScriptedServer::new()
        .always(GET, text(STATE))
        .on("GetItem", item("0123456789abcdef0123456789abcdef"));
    let wrong = said(
        &script,
        vec![to_read(
            "a.tfstate",
            Some("0123456789abcdef0123456789abcdef"),
        )],
        LockMechanism::Dynamodb,
    )
    .await;
    insta::assert_snapshot!(wrong, @"
    state-unreadable at s3://states/a.tfstate: holds
    state-digest at s3://states/a.tfstate: its MD5 is 7e0636a4b8ccfe24bb4ee8c05b930277, and the lock table says 0123456789abcdef0123456789abcdef: it was last written without the table, or not by Terraform
    lock-mechanism-version at s3://states/a.tfstate: holds
    ");
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let script = ScriptedServer::new()
        .on(GET, error(403, "AccessDenied"))
        .on(GET, error(404, "NoSuchKey"))
        .on(GET, text("no state"))
        .on(GET, text("notes"));
    let said = said(
        &script,
        vec![
            to_read("a.tfstate", Some("x")),
            to_read("gone.tfstate", None),
            to_read("c.tfstate", None),
            to_read("notes", None),
        ],
        LockMechanism::S3,
    )
    .await;
    insta::assert_snapshot!(said, @"
    state-digest at s3://states/a.tfstate: unreadable: s3:GetObject on s3://states/a.tfstate: AccessDenied: because (needs s3:GetObject) [request REQUEST]
    lock-mechanism-version at s3://states/a.tfstate: unreadable: s3:GetObject on s3://states/a.tfstate: AccessDenied: because (needs s3:GetObject) [request REQUEST]
    state-unreadable at s3://states/c.tfstate: Terraform cannot read it: it is not JSON (line 1, column 2)
    lock-mechanism-version at s3://states/notes: unreadable: it is not JSON (line 1, column 2)
    ");
}

/// A digest that was written for broken bytes does not make them a state.
#[tokio::test]
async fn contents_that_are_not_a_state_are_a_finding_whatever_their_digest() {
    let cut = &STATE[..60];
    let script = ScriptedServer::new()
        .always(GET, text(cut))
        .always("GetItem", item(&digest::of(cut.as_bytes())));
    let fitting = said(
        &script,
        vec![to_read("a.tfstate", Some(&digest::of(cut.as_bytes())))],
        LockMechanism::Dynamodb,
    )
    .await;
    insta::assert_snapshot!(fitting, @"state-unreadable at s3://states/a.tfstate: Terraform cannot read it: truncated JSON");

    // Terraform takes no bytes for no state, and no digest fits it.
    let nothing = digest::of(b"");
    let script = ScriptedServer::new()
        .always(GET, text(""))
        .always("GetItem", item(&nothing));
    let said = said(
        &script,
        vec![
            to_read("a.tfstate", Some(&nothing)),
            to_read("b.tfstate", None),
        ],
        LockMechanism::Dynamodb,
    )
    .await;
    insta::assert_snapshot!(said, @"
    state-digest at s3://states/a.tfstate: the lock table has a digest of this state, and the object is empty: Terraform does not treat it as a state, and fails on the digest
    state-unreadable at s3://states: holds
    ");
}
