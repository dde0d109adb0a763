//! The IAM policy: its document is ours alone, and there is always room for a new version.

use insta::assert_snapshot;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::*;
use crate::{
    backend::aws::{
        policy::Statement,
        testing::{
            ScriptedAnswer, ScriptedServer, absent_only_by, both_tags, empty, error, gone_only_by,
            look, lost, tags, text, their_tags, xml_tags,
        },
    },
    engine::observation::ResourceOwner,
};

const ARN: &str = "arn:aws:iam::111122223333:policy/runner";

fn document(action: &str) -> PolicyDocument {
    PolicyDocument::new(vec![
        Statement::allow("Read")
            .actions(&[action])
            .on(["arn:aws:s3:::acme/${*}/*".to_owned()]),
    ])
}

fn policy() -> RunnerPolicy {
    RunnerPolicy {
        name: "runner".to_owned(),
        description: "Run".to_owned(),
        document: document("s3:GetObject"),
        tags: tags(),
    }
}

fn got(tags: &Tags) -> ScriptedAnswer {
    text(got_named("runner", tags))
}

fn got_named(name: &str, tags: &Tags) -> String {
    format!(
        "<Policy><PolicyName>{name}</PolicyName><Arn>{ARN}</Arn><DefaultVersionId>v3</\
         DefaultVersionId><Description>Run</Description><Tags>{}</Tags></Policy>",
        xml_tags("member", tags)
    )
}

fn version(document: &str) -> ScriptedAnswer {
    text(format!(
        "<PolicyVersion><Document>{}</Document></PolicyVersion>",
        utf8_percent_encode(document, NON_ALPHANUMERIC)
    ))
}

fn there(script: ScriptedServer) -> ScriptedServer {
    script
        .always("GetPolicy", got(&tags()))
        .always("GetPolicyVersion", version(&policy().document.to_json()))
}

fn versions(ids: &[(&str, &str, bool)]) -> ScriptedAnswer {
    let members: String = ids
        .iter()
        .map(|(id, date, default)| {
            format!(
                "<member><VersionId>{id}</VersionId><CreateDate>{date}T00:00:00Z</\
                 CreateDate><IsDefaultVersion>{default}</IsDefaultVersion></member>"
            )
        })
        .collect();
    text(format!(
        "<Versions>{members}</Versions><IsTruncated>false</IsTruncated>"
    ))
}

#[tokio::test]
async fn present() {
    let script = there(ScriptedServer::new());
    let found = look(&script, &policy()).await.unwrap().unwrap();
    assert_eq!(
        found,
        ObservedResource {
            spec: policy(),
            output: Some(ARN.to_owned()),
            owner: ResourceOwner::Us
        }
    );
    assert_snapshot!(script.sent(), @"
    GetPolicy
      PolicyArn=arn:aws:iam::111122223333:policy/runner
    GetPolicyVersion
      PolicyArn=arn:aws:iam::111122223333:policy/runner
      VersionId=v3
    ");
    let script = there(ScriptedServer::new()).on("GetPolicy", got(&their_tags()));
    assert_eq!(
        look(&script, &policy()).await.unwrap().unwrap().owner,
        ResourceOwner::Unmanaged
    );
    let script = there(ScriptedServer::new()).on("GetPolicyVersion", version("not JSON"));
    assert!(
        look(&script, &policy())
            .await
            .unwrap_err()
            .to_string()
            .contains("invalid policy")
    );
}

#[tokio::test]
async fn absent() {
    absent_only_by(&policy(), "GetPolicy", ABSENT, |script| script).await;
    absent_only_by(&policy(), "GetPolicyVersion", ABSENT, |script| {
        script.always("GetPolicy", got(&tags()))
    })
    .await;
}

#[tokio::test]
async fn it_is_made_in_one_call() {
    let script = ScriptedServer::new().on("CreatePolicy", empty());
    assert_eq!(
        policy()
            .write(&script.aws(), None)
            .await
            .unwrap()
            .as_deref(),
        Some(ARN)
    );
    assert_snapshot!(script.sent(), @r#"
    CreatePolicy
      PolicyName=runner
      PolicyDocument={"Version":"2012-10-17","Statement":[{"Sid":"TfbackendRead","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/${*}/*"}]}
      Description=Run
      Tags.member.1.Key=ManagedBy
      Tags.member.1.Value=tfbackend
      Tags.member.2.Key=tfbackend:env
      Tags.member.2.Value=dev
      Tags.member.3.Key=tfbackend:project
      Tags.member.3.Value=acme
      Tags.member.4.Key=tfbackend:protected
      Tags.member.4.Value=true
      Tags.member.5.Key=tfbackend:version
      Tags.member.5.Value=1
    "#);
    let script = ScriptedServer::new().on("CreatePolicy", empty());
    let arn = policy()
        .write(&script.aws_in("aws-cn", "cn-north-1"), None)
        .await
        .unwrap();
    assert_eq!(
        arn.as_deref(),
        Some("arn:aws-cn:iam::111122223333:policy/runner")
    );
}

#[tokio::test]
async fn a_policy_that_exists_by_now_is_success_if_it_is_ours() {
    let taken = || {
        there(
            ScriptedServer::new()
                .on("CreatePolicy", lost())
                .on("CreatePolicy", error(409, "EntityAlreadyExists")),
        )
    };
    policy().write(&taken().aws(), None).await.unwrap();
    for tags in [their_tags(), Tags::new()] {
        let error = policy()
            .write(&taken().on("GetPolicy", got(&tags)).aws(), None)
            .await
            .unwrap_err();
        assert!(error.is(&["EntityAlreadyExists"]), "{error}");
    }
}

#[tokio::test]
async fn an_update_is_a_new_version() {
    let from = RunnerPolicy {
        document: document("s3:*"),
        description: "Mine".to_owned(),
        tags: their_tags(),
        ..policy()
    };
    let to = policy().merge_onto(&from);
    assert_eq!(
        (&to.document, &to.tags, &*to.description),
        (&policy().document, &both_tags(), "Mine")
    );
    let script = ScriptedServer::new()
        .on(
            "ListPolicyVersions",
            versions(&[("v1", "2026-01-01", true)]),
        )
        .on("CreatePolicyVersion", empty())
        .on("TagPolicy", empty());
    to.write(&script.aws(), Some(&from)).await.unwrap();
    assert_snapshot!(script.sent(), @r#"
    ListPolicyVersions
      PolicyArn=arn:aws:iam::111122223333:policy/runner
    CreatePolicyVersion
      PolicyArn=arn:aws:iam::111122223333:policy/runner
      PolicyDocument={"Version":"2012-10-17","Statement":[{"Sid":"TfbackendRead","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme/${*}/*"}]}
      SetAsDefault=true
    TagPolicy
      PolicyArn=arn:aws:iam::111122223333:policy/runner
      Tags.member.1.Key=ManagedBy
      Tags.member.1.Value=tfbackend
      Tags.member.2.Key=tfbackend:env
      Tags.member.2.Value=dev
      Tags.member.3.Key=tfbackend:project
      Tags.member.3.Value=acme
      Tags.member.4.Key=tfbackend:protected
      Tags.member.4.Value=true
      Tags.member.5.Key=tfbackend:version
      Tags.member.5.Value=1
    "#);
    let script = ScriptedServer::new();
    policy()
        .write(&script.aws(), Some(&policy()))
        .await
        .unwrap();
    assert_eq!(script.sent(), "");
}

#[tokio::test]
async fn the_oldest_version_that_is_not_in_force_makes_room() {
    let from = RunnerPolicy {
        document: document("s3:*"),
        ..policy()
    };
    let five = [
        ("v9", "2026-05-05", false),
        ("v5", "2026-01-01", true),
        ("v7", "2026-03-03", false),
        ("v6", "2026-02-02", false),
        ("v8", "2026-04-04", false),
    ];
    let script = ScriptedServer::new()
        .on("ListPolicyVersions", versions(&five))
        .on("DeletePolicyVersion", empty())
        .on("CreatePolicyVersion", empty());
    policy().write(&script.aws(), Some(&from)).await.unwrap();
    assert!(
        script.sent().contains(&format!(
            "DeletePolicyVersion\n  PolicyArn={ARN}\n  VersionId=v6\n"
        )),
        "{}",
        script.sent()
    );
    assert_eq!(
        script.operations(),
        [
            "ListPolicyVersions",
            "DeletePolicyVersion",
            "CreatePolicyVersion"
        ]
    );
    let script = ScriptedServer::new()
        .on("ListPolicyVersions", versions(&five))
        .on("DeletePolicyVersion", error(403, "AccessDenied"));
    policy()
        .write(&script.aws(), Some(&from))
        .await
        .unwrap_err();
}

#[test]
fn a_document_of_the_same_meaning_is_no_difference() {
    let there = RunnerPolicy {
        document: document("S3:getobject"),
        ..policy()
    };
    assert_eq!(policy().merge_onto(&there), there);
}

/// All versions, the one in force last and with the policy itself.
#[tokio::test]
async fn delete() {
    let all = || {
        versions(&[
            ("v3", "2026-01-03", true),
            ("v2", "2026-01-02", false),
            ("v1", "2026-01-01", false),
        ])
    };
    let script = ScriptedServer::new()
        .on("ListPolicyVersions", all())
        .always("DeletePolicyVersion", empty())
        .on("DeletePolicy", empty());
    policy().delete(&script.aws()).await.unwrap();
    assert_snapshot!(script.sent(), @"
    ListPolicyVersions
      PolicyArn=arn:aws:iam::111122223333:policy/runner
    DeletePolicyVersion
      PolicyArn=arn:aws:iam::111122223333:policy/runner
      VersionId=v2
    DeletePolicyVersion
      PolicyArn=arn:aws:iam::111122223333:policy/runner
      VersionId=v1
    DeletePolicy
      PolicyArn=arn:aws:iam::111122223333:policy/runner
    ");
    let others = |script: ScriptedServer| {
        script
            .always("ListPolicyVersions", all())
            .always("DeletePolicyVersion", empty())
    };
    gone_only_by(&policy(), "ListPolicyVersions", ABSENT, |script| script).await;
    gone_only_by(&policy(), "DeletePolicyVersion", ABSENT, |script| {
        script
            .always("ListPolicyVersions", all())
            .always("DeletePolicy", empty())
    })
    .await;
    gone_only_by(&policy(), "DeletePolicy", ABSENT, others).await;
}

/// The policy is attached to a principal by others: the attachment and its permissions are kept.
#[tokio::test]
async fn delete_detaches_nobody() {
    let script = ScriptedServer::new()
        .on("ListPolicyVersions", versions(&[]))
        .on("DeletePolicy", error(409, "DeleteConflict"));
    assert!(
        policy()
            .delete(&script.aws())
            .await
            .unwrap_err()
            .is(&["DeleteConflict"])
    );
    assert_eq!(script.operations(), ["ListPolicyVersions", "DeletePolicy"]);
}

/// The buckets of one environment in two regions: with one policy for both, runs in one region
/// would lose it to the other.
#[tokio::test]
async fn a_policy_that_serves_another_bucket_is_left_to_it() {
    let on = |bucket: &str| {
        let bucket = [
            format!("arn:aws:s3:::{bucket}"),
            "arn:aws:dynamodb:us-east-1:111122223333:table/locks".to_owned(),
        ];
        RunnerPolicy {
            document: PolicyDocument::new(vec![
                Statement::allow("ListStates")
                    .actions(&["s3:ListBucket"])
                    .on(bucket),
            ]),
            ..policy()
        }
    };
    let why = on("ours").blocked_by(&on("theirs")).unwrap();
    assert!(why.contains("is for bucket theirs in us-east-1"), "{why}");
    assert_eq!(on("ours").blocked_by(&on("ours")), None);
    assert_eq!(
        on("ours").blocked_by(&on("*")),
        None,
        "it was made wider, and serves ours as well"
    );
}

/// The name of today is looked for first, and one that may not be looked at may have the former
/// name.
#[tokio::test]
async fn what_an_older_version_made_keeps_its_name() {
    const FORMER: &str = "arn:aws:iam::111122223333:policy/acme-runner";
    let named = RunnerPolicy {
        name: "acme-runner-eu-west-1".to_owned(),
        ..policy()
    };
    let former = |tags: &Tags| text(got_named("acme-runner", tags));
    let document = |bucket: &str| {
        policy()
            .document
            .to_json()
            .replace(":::acme/", &format!(":::{bucket}/"))
    };
    for answer in [error(404, "NoSuchEntity"), error(403, "AccessDenied")] {
        let denied = format!("{answer:?}").contains("AccessDenied");
        let script = |tags: &Tags, bucket: &str| {
            ScriptedServer::new()
                .about("GetPolicy", "acme-runner-eu-west-1", answer.clone())
                .always("GetPolicy", former(tags))
                .always("GetPolicyVersion", version(&document(bucket)))
        };
        let found = look(&script(&tags(), "acme"), &named)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (&*found.spec.name, found.output.as_deref()),
            ("acme-runner", Some(FORMER))
        );
        assert_eq!(
            named.merge_onto(&found.spec).name,
            "acme-runner",
            "it is not made again"
        );
        for (tags, bucket) in [(tags(), "theirs"), (their_tags(), "acme")] {
            let found = look(&script(&tags, bucket), &named).await;
            assert!(
                if denied {
                    found.is_err()
                } else {
                    found.unwrap().is_none()
                },
                "{bucket}"
            );
        }
    }
}
