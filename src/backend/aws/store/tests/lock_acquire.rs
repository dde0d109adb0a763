//! Locks taken and released: in the order of Terraform, on conditions, and with answers that get
//! lost.

use super::*;
use crate::{
    backend::aws::{
        error::AwsError,
        store::{
            lock_acquire::{AcquireError, LockMechanisms, S3LockGuard},
            lock_release::ReleaseReport,
            scan::{LiveLock, LockPlace},
            write::{ConditionalDelete, WriteEncryption},
        },
    },
    state::lock::LockInfo,
};

const PUT: &str = "PUT ?x-id=PutObject";
const DELETE: &str = "DELETE ?x-id=DeleteObject";
const PATH: &str = "env:/blue/a.tfstate";
const BOTH: LockMechanisms = LockMechanisms {
    table: true,
    file: true,
};
const TABLE: LockMechanisms = LockMechanisms {
    table: true,
    file: false,
};
const FILE: LockMechanisms = LockMechanisms {
    table: false,
    file: true,
};

fn info() -> LockInfo {
    let (aws, address) = (ScriptedServer::new().aws(), address());
    let now = "2026-11-21T07:00:52.270Z".parse().unwrap();
    let info =
        S3Store::new(&aws, &address).lock_info(PATH, "tfbackend state restore", "ci@runner", now);
    LockInfo {
        id: "5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10".to_owned(),
        ..info
    }
}

fn file(raw: &str, etag: &str) -> ScriptedAnswer {
    text(raw).header("etag", etag)
}

fn item(raw: &str) -> ScriptedAnswer {
    data(json!({"Item": lock_item("states/x", raw)}))
}

fn written(etag: &str) -> ScriptedAnswer {
    empty().header("etag", etag)
}

fn nothing() -> ScriptedAnswer {
    error(404, "NoSuchKey")
}

async fn take(
    script: &ScriptedServer,
    mechanisms: LockMechanisms,
) -> Result<S3LockGuard, AcquireError> {
    let (aws, address) = (script.aws(), address());
    S3Store::new(&aws, &address)
        .acquire(
            PATH,
            mechanisms,
            &info(),
            &WriteEncryption::Kms(KEY_ARN.to_owned()),
        )
        .await
}

async fn release(script: &ScriptedServer, lock: &LiveLock) -> ReleaseReport {
    let (aws, address) = (script.aws(), address());
    S3Store::new(&aws, &address).release(lock).await
}

/// Returns the holder, and whether anything of this lock remains.
fn refused(result: Result<S3LockGuard, AcquireError>) -> String {
    let all = |left: Vec<AwsError>| {
        left.iter()
            .map(|error| format!("; left: {error}"))
            .collect::<String>()
    };
    match result.expect_err("it is not to be had") {
        AcquireError::Failed { error, left } => format!("{error}{}", all(left)),
        AcquireError::Held { by, left } => {
            let half = |half: &LockPlace| match half {
                LockPlace::Held(held) => held
                    .info
                    .as_ref()
                    .map_or("unknown".to_owned(), |info| info.id.clone()),
                LockPlace::Free => "free".to_owned(),
                LockPlace::Unknown => "unknown".to_owned(),
            };
            format!(
                "held: file {}, item {}{}",
                half(&by.file),
                half(&by.item),
                all(left)
            )
        }
    }
}

/// The requests of Terraform 1.11, byte for byte and in order; and the conditional release.
#[tokio::test]
async fn both_places_as_terraform_does() {
    let script = ScriptedServer::new()
        .on(PUT, written("\"f\""))
        .on("PutItem", data(json!({})));
    let hold = take(&script, BOTH).await.unwrap();
    assert_snapshot!(sent(&script), @r#"
    PUT https://states.s3.eu-west-1.amazonaws.com/env%3A/blue/a.tfstate.tflock?x-id=PutObject
    if-none-match: *
    x-amz-expected-bucket-owner: 111122223333
    x-amz-server-side-encryption: aws:kms
    x-amz-server-side-encryption-aws-kms-key-id: arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
    {"ID":"5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10","Operation":"tfbackend state restore","Info":"","Who":"ci@runner","Version":"0.1.0","Created":"2026-11-21T07:00:52.27Z","Path":"states/env:/blue/a.tfstate"}
    PutItem {"TableName":"locks","Item":{"Info":{"S":"{\"ID\":\"5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10\",\"Operation\":\"tfbackend state restore\",\"Info\":\"\",\"Who\":\"ci@runner\",\"Version\":\"0.1.0\",\"Created\":\"2026-11-21T07:00:52.27Z\",\"Path\":\"states/env:/blue/a.tfstate\"}"},"LockID":{"S":"states/env:/blue/a.tfstate"}},"ConditionExpression":"attribute_not_exists(LockID)"}
    "#);
    assert_eq!(
        (&*hold.lock.located.key, &*hold.lock.located.workspace),
        ("a.tfstate", "blue")
    );

    let script = ScriptedServer::new()
        .on(DELETE, empty())
        .on("DeleteItem", data(json!({})));
    let released = release(&script, &hold.lock).await;
    assert!(released.is_gone() && !released.is_changed(), "{released:?}");
    assert_snapshot!(sent(&script), @r#"
    DELETE https://states.s3.eu-west-1.amazonaws.com/env%3A/blue/a.tfstate.tflock?x-id=DeleteObject
    if-match: "f"
    x-amz-expected-bucket-owner: 111122223333
    DeleteItem {"TableName":"locks","Key":{"LockID":{"S":"states/env:/blue/a.tfstate"}},"ConditionExpression":"Info = :exact","ExpressionAttributeValues":{":exact":{"S":"{\"ID\":\"5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10\",\"Operation\":\"tfbackend state restore\",\"Info\":\"\",\"Who\":\"ci@runner\",\"Version\":\"0.1.0\",\"Created\":\"2026-11-21T07:00:52.27Z\",\"Path\":\"states/env:/blue/a.tfstate\"}"}}}
    "#);
}

#[tokio::test]
async fn each_place_alone_and_no_other() {
    let script = ScriptedServer::new().on("PutItem", data(json!({})));
    let hold = take(&script, TABLE).await.unwrap();
    assert!(matches!(
        (&hold.lock.file, &hold.lock.item),
        (LockPlace::Unknown, LockPlace::Held(_))
    ));
    let script = ScriptedServer::new().on("DeleteItem", data(json!({})));
    assert!(release(&script, &hold.lock).await.is_gone());
    assert_eq!(script.operations(), ["DeleteItem"]);

    let script = ScriptedServer::new().on(PUT, written("\"f\""));
    let hold = take(&script, FILE).await.unwrap();
    assert!(matches!(
        (&hold.lock.file, &hold.lock.item),
        (LockPlace::Held(_), LockPlace::Unknown)
    ));
    let script = ScriptedServer::new().on(DELETE, empty());
    assert!(release(&script, &hold.lock).await.is_gone());
    assert_eq!(script.operations(), [DELETE]);

    assert_ne!(info().path, "");
    let (aws, address) = (
        ScriptedServer::new().aws(),
        StoreAddress {
            table: None,
            ..address()
        },
    );
    let refusal = S3Store::new(&aws, &address)
        .acquire(PATH, TABLE, &info(), &WriteEncryption::Unsaid)
        .await;
    assert_eq!(
        refused(refusal),
        "dynamodb:PutItem on states: this backend has no lock table"
    );
}

#[tokio::test]
async fn who_holds_it_is_said_of_both_places() {
    let other = INFO.replace("\"one\"", "\"two\"");
    // The file: nothing is written to the table any more.
    let script = ScriptedServer::new()
        .on(PUT, error(412, "PreconditionFailed"))
        .always(GET, file(INFO, "\"e\""))
        .on("GetItem", item(&other));
    assert_eq!(
        refused(take(&script, BOTH).await),
        "held: file one, item two"
    );
    assert_eq!(script.count("PutItem"), 0);
    // The table: the file is released before the holder is read.
    let script = ScriptedServer::new()
        .on(PUT, written("\"f\""))
        .on("PutItem", error(400, "ConditionalCheckFailedException"));
    let script = script
        .always("GetItem", item(&other))
        .on(DELETE, empty())
        .on(GET, nothing());
    assert_eq!(
        refused(take(&script, BOTH).await),
        "held: file free, item two"
    );
    assert_eq!(
        script.operations(),
        [PUT, "PutItem", "GetItem", DELETE, GET, "GetItem"]
    );
    assert!(script.sent().contains("if-match: \"f\""));
    // Released since, or nothing that says who.
    let script = ScriptedServer::new().on("PutItem", error(400, "ConditionalCheckFailedException"));
    let script = script
        .always("GetItem", data(json!({})))
        .on(GET, error(403, "AccessDenied"));
    assert_eq!(
        refused(take(&script, TABLE).await),
        "held: file unknown, item free"
    );
}

#[tokio::test]
async fn what_could_not_be_given_back_is_said() {
    let script = ScriptedServer::new()
        .on(PUT, written("\"f\""))
        .on("PutItem", error(400, "AccessDeniedException"));
    let script = script.always("GetItem", error(400, "AccessDeniedException"));
    let script = script
        .always(DELETE, error(403, "AccessDenied"))
        .always(GET, file(&info().to_go_json(), "\"f\""));
    assert_snapshot!(refused(take(&script, BOTH).await), @"dynamodb:PutItem on locks: AccessDeniedException: because (needs dynamodb:PutItem) [request REQUEST]; left: s3:DeleteObject on s3://states/env:/blue/a.tfstate.tflock: AccessDenied: because (needs s3:DeleteObject) [request REQUEST]");
    // It was denied, so it was not written: no word of anything left.
    let script = ScriptedServer::new()
        .on(PUT, error(403, "AccessDenied"))
        .always(GET, error(403, "AccessDenied"));
    assert_snapshot!(refused(take(&script, BOTH).await), @"s3:PutObject on s3://states/env:/blue/a.tfstate.tflock: AccessDenied: because (needs s3:PutObject) [request REQUEST]");
    // No answer, and no way to look: it may be there.
    for (operation, mechanisms) in [(PUT, FILE), ("PutItem", TABLE)] {
        let script = ScriptedServer::new()
            .always(operation, lost())
            .always(GET, lost())
            .always("GetItem", lost());
        let said = refused(take(&script, mechanisms).await);
        assert!(
            said.contains("the connection broke") && said.contains("; left: "),
            "{said}"
        );
    }
}

/// The first answer is lost, and the second says that there is a lock: our own.
#[tokio::test]
async fn its_own_lock_is_recognised_after_a_lost_answer() {
    let ours = info().to_go_json();
    for last in [
        error(412, "PreconditionFailed"),
        lost(),
        error(503, "SlowDown"),
        error(403, "ExpiredToken"),
    ] {
        let script = ScriptedServer::new()
            .on(PUT, lost())
            .always(PUT, last)
            .on(GET, file(&ours, "\"r\""));
        let hold = take(&script, FILE).await.unwrap();
        let script = ScriptedServer::new().on(DELETE, empty());
        assert!(release(&script, &hold.lock).await.is_gone());
        assert!(
            script.sent().contains("if-match: \"r\""),
            "what was read is what is deleted"
        );
    }
    for last in [
        error(400, "ConditionalCheckFailedException"),
        lost(),
        error(400, "ThrottlingException"),
    ] {
        let script = ScriptedServer::new()
            .on("PutItem", lost())
            .always("PutItem", last)
            .on("GetItem", item(&ours));
        assert_eq!(take(&script, TABLE).await.unwrap().info, info());
    }
    // It was not carried out at all.
    let script = ScriptedServer::new()
        .always(PUT, lost())
        .always(GET, nothing());
    assert!(!refused(take(&script, FILE).await).contains("left"));
    // A lock of another client with the same content except the ID.
    let theirs = ours.replace("5e2d4b6e", "00000000");
    let script = ScriptedServer::new()
        .on(PUT, lost())
        .on(PUT, error(412, "PreconditionFailed"))
        .always(GET, file(&theirs, "\"t\""));
    let script = script.on("GetItem", data(json!({})));
    assert_eq!(
        refused(take(&script, FILE).await),
        "held: file 00000000-7d3f-4b0c-9a51-3c1a6a2c5f10, item free"
    );
    // Two at the same moment: S3 wants to be asked again.
    let script = ScriptedServer::new()
        .on(PUT, error(409, "ConditionalRequestConflict"))
        .on(PUT, written("\"f\""));
    assert_eq!(take(&script, FILE).await.unwrap().info, info());
}

#[tokio::test]
async fn threat_16_a_lock_that_was_taken_meanwhile_survives() {
    let hold = take(
        &ScriptedServer::new()
            .on(PUT, written("\"f\""))
            .on("PutItem", data(json!({}))),
        BOTH,
    )
    .await
    .unwrap();
    let outcome = |outcome: Option<Result<ConditionalDelete, AwsError>>| match outcome
        .expect("it was held there")
    {
        Ok(deleted) => format!("{deleted:?}"),
        Err(error) => error
            .code
            .map_or_else(|| format!("{:?}", error.kind), String::from),
    };
    for (file_now, item_now, expected) in [
        (file(INFO, "\"new\""), item(INFO), ["Changed", "Changed"]),
        (nothing(), data(json!({})), ["AlreadyGone", "AlreadyGone"]),
        (
            error(403, "AccessDenied"),
            error(400, "AccessDeniedException"),
            ["PreconditionFailed", "ConditionalCheckFailedException"],
        ),
        (
            file("{}", "\"f\""),
            item(&info().to_go_json()),
            ["PreconditionFailed", "ConditionalCheckFailedException"],
        ),
    ] {
        let script = ScriptedServer::new()
            .always(DELETE, error(412, "PreconditionFailed"))
            .always(GET, file_now);
        let script = script
            .always("DeleteItem", error(400, "ConditionalCheckFailedException"))
            .always("GetItem", item_now);
        let released = release(&script, &hold.lock).await;
        assert_eq!(released.is_changed(), expected[0] == "Changed");
        assert_eq!(released.is_gone(), !expected[0].ends_with("Failed"));
        assert_eq!([outcome(released.file), outcome(released.item)], expected);
    }
    // The answer to the first try was lost; and one place that denies does not keep the other.
    let script = ScriptedServer::new()
        .on(DELETE, lost())
        .on(DELETE, error(404, "NoSuchKey"))
        .on(GET, nothing());
    let script = script
        .on("DeleteItem", error(400, "AccessDeniedException"))
        .on("GetItem", error(400, "AccessDeniedException"));
    let released = release(&script, &hold.lock).await;
    assert!(!released.is_gone());
    assert_eq!(
        [outcome(released.file), outcome(released.item)],
        ["AlreadyGone", "AccessDeniedException"]
    );
}

#[tokio::test]
async fn every_lock_of_ours_looks_alike() {
    let (aws, address) = (ScriptedServer::new().aws(), address());
    let store = S3Store::new(&aws, &address);
    let now = "2026-11-21T07:00:52.000000001Z".parse().unwrap();
    let [one, other] =
        [0, 1].map(|_| store.lock_info("a.tfstate", "tfbackend teardown", "ci@runner", now));
    assert_ne!(one.id, other.id);
    let shape: String = one
        .id
        .chars()
        .map(|c| if c.is_ascii_hexdigit() { 'x' } else { c })
        .collect();
    assert_eq!(
        (&*shape, one.id.as_bytes()[14]),
        ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", b'4')
    );
    assert!(b"89ab".contains(&one.id.as_bytes()[19]), "{}", one.id);
    let json = LockInfo {
        id: String::new(),
        ..one
    }
    .to_go_json();
    assert_eq!(
        json,
        r#"{"ID":"","Operation":"tfbackend teardown","Info":"","Who":"ci@runner","Version":"0.1.0","Created":"2026-11-21T07:00:52.000000001Z","Path":"states/a.tfstate"}"#
    );
}
