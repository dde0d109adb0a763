//! The end of a key: only ever scheduled, as late as KMS allows, and of no key but ours.

use super::*;
use crate::backend::aws::testing::gone_only_by;

const OTHER: &str = "arn:aws:kms:eu-west-1:111122223333:key/ffffffff-12ab-34cd-56ef-1234567890ab";

fn writes(script: &ScriptedServer) -> Vec<String> {
    let sent = script.sent();
    let reads = ["DescribeKey", "ListKeys", "ListResourceTags"];
    sent.lines()
        .filter(|call| !reads.iter().any(|read| call.starts_with(read)))
        .map(str::to_owned)
        .collect()
}

fn scheduled() -> String {
    format!(r#"ScheduleKeyDeletion {{"KeyId":"{KEY_ARN}","PendingWindowInDays":30}}"#)
}

fn without_alias() -> String {
    format!(r#"DeleteAlias {{"AliasName":"{ALIAS}"}}"#)
}

#[tokio::test]
async fn is_scheduled_and_loses_its_name() {
    let script = aliased(ScriptedServer::new())
        .on("ScheduleKeyDeletion", empty())
        .on("DeleteAlias", empty());
    key().delete(&script.aws()).await.unwrap();
    assert_eq!(writes(&script), [scheduled(), without_alias()]);
}

#[tokio::test]
async fn goes_on_where_another_run_was_cut_off() {
    for state in DOOMED {
        let script = ScriptedServer::new()
            .about("DescribeKey", ALIAS, metadata(KEY_ARN, state, 1))
            .always("ListKeys", keys(&[]))
            .always("ListResourceTags", tagged(&tags()))
            .on("DeleteAlias", empty());
        key().delete(&script.aws()).await.unwrap();
        assert_eq!(
            writes(&script),
            [without_alias()],
            "{state}: only the name is left"
        );
    }
    let script = not_aliased(ScriptedServer::new()).always("ListKeys", keys(&[]));
    key().delete(&script.aws()).await.unwrap();
    assert_eq!(writes(&script), [""; 0], "nothing is left");
}

/// The alias points to a key of another owner: the owned key is deleted, and the alias is kept.
#[tokio::test]
async fn a_name_of_another_key_stays() {
    let script = ScriptedServer::new()
        .about("DescribeKey", ALIAS, metadata(OTHER, ENABLED, 1))
        .about("DescribeKey", KEY_ARN, metadata(KEY_ARN, ENABLED, 2))
        .always("ListKeys", keys(&[KEY_ARN]))
        .about("ListResourceTags", KEY_ARN, tagged(&tags()))
        .always("ListResourceTags", tagged(&their_tags()))
        .on("ScheduleKeyDeletion", empty());
    key().delete(&script.aws()).await.unwrap();
    assert_eq!(writes(&script), [scheduled()]);
}

#[tokio::test]
async fn a_key_that_is_not_ours_any_more_is_left_alone() {
    let script = ScriptedServer::new()
        .about("DescribeKey", ALIAS, metadata(KEY_ARN, ENABLED, 1))
        .always("ListKeys", keys(&[]))
        .always("ListResourceTags", tagged(&their_tags()));
    let error = key().delete(&script.aws()).await.unwrap_err();
    assert!(error.to_string().contains("it was not changed"), "{error}");
    assert_eq!(writes(&script), [""; 0]);
}

/// Only if the key is on its way out is the state that KMS complains of the one that was asked for.
#[tokio::test]
async fn another_run_may_have_been_faster() {
    let there = |now: &str| {
        let script = ScriptedServer::new()
            .on("DescribeKey", metadata(KEY_ARN, ENABLED, 1))
            .on("DescribeKey", metadata(KEY_ARN, now, 1));
        let script = script
            .always("DescribeKey", error(400, "NotFoundException"))
            .always("ListKeys", keys(&[]));
        script.always("ListResourceTags", tagged(&tags())).on(
            "ScheduleKeyDeletion",
            error(400, "KMSInvalidStateException"),
        )
    };
    key().delete(&there("PendingDeletion").aws()).await.unwrap();
    assert!(
        key()
            .delete(&there("Creating").aws())
            .await
            .unwrap_err()
            .is(&["KMSInvalidStateException"])
    );
}

#[tokio::test]
async fn what_is_gone_is_no_error() {
    gone_only_by(
        &key(),
        "ScheduleKeyDeletion",
        &["NotFoundException"],
        |script| aliased(script).always("DeleteAlias", empty()),
    )
    .await;
    gone_only_by(&key(), "DeleteAlias", &["NotFoundException"], |script| {
        aliased(script).always("ScheduleKeyDeletion", empty())
    })
    .await;
}

/// The floor in the key's own policy goes first, and whatever else is in it stays.
#[tokio::test]
async fn a_shorter_window_lifts_the_floor_first() {
    let theirs = crate::backend::aws::policy::Statement::allow("x")
        .everybody()
        .actions(&["kms:Decrypt"])
        .on(["*".to_owned()]);
    let guarded = PolicyDocument::new(vec![
        Statement::deny(SHORT_WINDOW)
            .everybody()
            .actions(&["kms:ScheduleKeyDeletion"]),
        theirs.clone(),
    ]);
    let script = aliased(ScriptedServer::new())
        .on("GetKeyPolicy", policy(&guarded))
        .on("PutKeyPolicy", empty())
        // A policy that was just written does not hold everywhere at once.
        .on("ScheduleKeyDeletion", error(400, "AccessDeniedException"))
        .on(
            "ScheduleKeyDeletion",
            data(json!({ "KeyId": KEY_ARN, "DeletionDate": 1_796_083_200 })),
        )
        .on("DeleteAlias", empty());
    let doomed = key().schedule(&script.aws(), 7).await.unwrap();
    assert_eq!(
        doomed,
        Some(ScheduledDeletion {
            arn: KEY_ARN.to_owned(),
            on: "2026-12-01T00:00:00Z".parse().ok()
        })
    );
    let writes = writes(&script);
    let policy = PolicyDocument::new(vec![theirs]).to_json();
    assert!(
        writes[0].starts_with("GetKeyPolicy")
            && writes[1].contains(&serde_json::to_string(&policy).unwrap()),
        "{writes:?}"
    );
    assert!(
        writes[2..4]
            .iter()
            .all(|call| call.contains(r#""PendingWindowInDays":7"#))
            && writes[4] == without_alias(),
        "{writes:?}"
    );
}

/// Without a floor a denial is one.
#[tokio::test]
async fn a_denial_is_not_waited_for_if_nothing_was_lifted() {
    let script = aliased(ScriptedServer::new())
        .on("GetKeyPolicy", policy(&PolicyDocument::new(vec![])))
        .on("ScheduleKeyDeletion", error(400, "AccessDeniedException"));
    assert!(
        key()
            .schedule(&script.aws(), 7)
            .await
            .unwrap_err()
            .is(&["AccessDeniedException"])
    );
}
