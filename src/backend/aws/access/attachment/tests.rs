//! Attachments: to roles, users and groups, which must exist.

use super::*;
use crate::backend::aws::testing::{
    ScriptedAnswer, ScriptedServer, absent_only_by, empty, error, gone_only_by, look, retried_on,
    text,
};

const ARN: &str = "arn:aws:iam::111122223333:policy/runner";

fn attachment(kind: AttachmentTarget) -> PolicyAttachment {
    PolicyAttachment {
        policy: ARN.to_owned(),
        kind,
        name: "ci".to_owned(),
    }
}

fn page(arn: &str, marker: &str) -> ScriptedAnswer {
    let more = if marker.is_empty() {
        "<IsTruncated>false</IsTruncated>".to_owned()
    } else {
        format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>")
    };
    text(format!(
        "<AttachedPolicies><member><PolicyArn>{arn}</PolicyArn></member></AttachedPolicies>{more}"
    ))
}

const KINDS: [(AttachmentTarget, &str, &str, &str); 3] = [
    (
        AttachmentTarget::Role,
        "ListAttachedRolePolicies",
        "AttachRolePolicy",
        "RoleName",
    ),
    (
        AttachmentTarget::User,
        "ListAttachedUserPolicies",
        "AttachUserPolicy",
        "UserName",
    ),
    (
        AttachmentTarget::Group,
        "ListAttachedGroupPolicies",
        "AttachGroupPolicy",
        "GroupName",
    ),
];

#[tokio::test]
async fn present_on_any_page() {
    for (kind, list, _, parameter) in KINDS {
        let script = ScriptedServer::new()
            .on(list, page("arn:other", "more"))
            .on(list, page(ARN, ""));
        assert_eq!(
            look(&script, &attachment(kind))
                .await
                .unwrap()
                .unwrap()
                .spec,
            attachment(kind)
        );
        assert_eq!(
            script.sent(),
            format!("{list}\n  {parameter}=ci\n{list}\n  {parameter}=ci\n  Marker=more")
        );
    }
}

#[tokio::test]
async fn absent_only_where_the_principal_was_seen() {
    for (kind, list, ..) in KINDS {
        let script = ScriptedServer::new().on(list, page("arn:other", ""));
        assert_eq!(look(&script, &attachment(kind)).await.unwrap(), None);
        let script = ScriptedServer::new().on(list, error(404, "NoSuchEntity"));
        assert!(
            look(&script, &attachment(kind))
                .await
                .unwrap_err()
                .is(&["NoSuchEntity"]),
            "it is not ours to make"
        );
        absent_only_by(&attachment(kind), list, &[], |script| script).await;
    }
}

#[tokio::test]
async fn put() {
    for (kind, _, attach, parameter) in KINDS {
        let script = ScriptedServer::new().on(attach, empty());
        attachment(kind).write(&script.aws(), None).await.unwrap();
        assert_eq!(
            script.sent(),
            format!("{attach}\n  {parameter}=ci\n  PolicyArn={ARN}")
        );
        retried_on(
            &attachment(kind),
            None,
            attach,
            &["NoSuchEntity", "ConcurrentModification"],
            |script| script.always(attach, empty()),
        )
        .await;
    }
}

#[tokio::test]
async fn delete() {
    for (kind, _, attach, parameter) in KINDS {
        let detach = attach.replace("Attach", "Detach");
        let script = ScriptedServer::new().on(&detach, empty());
        attachment(kind).delete(&script.aws()).await.unwrap();
        assert_eq!(
            script.sent(),
            format!("{detach}\n  {parameter}=ci\n  PolicyArn={ARN}")
        );
        gone_only_by(&attachment(kind), &detach, ABSENT, |script| script).await;
    }
}
