//! What no emulator does: plain HTTP of AWS's own, answers that are lost, and what is on the wire
//! of a lock.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::json;

use super::*;
use crate::{
    backend::aws::{
        policies::PolicyContext,
        testing::{
            ACCOUNT, KEY_ARN, REGION, ScriptedAnswer, ScriptedServer, data, empty, error,
            error_saying, lost, text,
        },
        verify::probe::ProbeJudge,
    },
    checks::Verdict,
    state::layout::StateLayout,
};

fn target() -> ProbeTarget {
    let layout = StateLayout {
        key: None,
        workspace_prefix: "env:".to_owned(),
    };
    let address = StoreAddress {
        bucket: "states".to_owned(),
        owner: ACCOUNT.to_owned(),
        table: Some("locks".to_owned()),
        layout,
    };
    ProbeTarget {
        address,
        lock_files: true,
        key: ProbeEncryption::Arn(KEY_ARN.to_owned()),
    }
}

fn probe<'a>(aws: &'a AwsProvider, target: &'a ProbeTarget) -> BackendProbe<'a> {
    let now = "2026-11-21T13:58:00Z".parse().expect("a time");
    BackendProbe {
        tried: aws,
        cleaner: aws,
        role: None,
        target,
        name: ProbeName::new(now),
        who: "me@here".to_owned(),
        now,
        cancel: CancellationToken::new(),
    }
}

/// `id: word` of each, and what is the case.
fn judged(probe: &BackendProbe<'_>, facts: &ProbeFacts) -> Vec<String> {
    let checked = ProbeJudge {
        probe,
        remediation: "remediation",
        of_aws: true,
    }
    .checks(facts);
    let word = |verdict: &Verdict| match verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Fails { found, .. } => format!("fails: {found}"),
        Verdict::Unreadable { error } => format!("unreadable: {error}"),
        Verdict::FailsWith { check, place } => {
            format!("fails with {} at {}", check.id, place.shown())
        }
        Verdict::Untold { why } => format!("unknown: {why}"),
    };
    checked
        .iter()
        .map(|one| format!("{} {}", one.check.id, word(&one.verdict)))
        .collect()
}

/// Returns the same response to all requests, and records them.
#[derive(Clone, Debug)]
struct Web(u16, Option<&'static str>, Arc<Mutex<Vec<HttpRequest>>>);

impl HttpConnector for Web {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.2.lock().expect("no panic").push(request);
        let mut answer = HttpResponse::new(
            StatusCode::try_from(self.0).expect("a status"),
            SdkBody::empty(),
        );
        if let Some(location) = self.1 {
            answer.headers_mut().insert("location", location);
        }
        HttpConnectorFuture::ready(Ok(answer))
    }
}

fn policy(protected: bool) -> String {
    let place = PolicyContext {
        partition: "aws".to_owned(),
        dns_suffix: "amazonaws.com".to_owned(),
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        bucket: "states".to_owned(),
        log_bucket: "logs".to_owned(),
        table: "locks".to_owned(),
        topic: "topic".to_owned(),
        trail: "trail".to_owned(),
        alarm_prefix: "acme".to_owned(),
        key: Some(KEY_ARN.to_owned()),
        old_keys: vec![],
        workspace_prefix: "env:".to_owned(),
    };
    place.state_bucket_policy(protected).to_json()
}

async fn over_http(status: u16, location: Option<&'static str>, policy: ScriptedAnswer) -> String {
    let script = ScriptedServer::new().always("GET ?policy", policy);
    let (aws, target) = (script.aws(), target());
    let probe = probe(&aws, &target);
    let web = Web(status, location, Arc::default());
    let http = probe
        .asked(
            &SharedHttpConnector::new(web.clone()),
            "http://states.s3.eu-west-1.amazonaws.com/tfbackend-probe/x",
        )
        .await;
    let asked = web.2.lock().expect("no panic");
    let [request] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(
        (request.method(), request.headers().len()),
        ("GET", 0),
        "it is unsigned: {request:?}"
    );
    assert!(
        !request.uri().contains('?'),
        "nor is it presigned: {request:?}"
    );
    judged(
        &probe,
        &ProbeFacts {
            http: Some(http),
            ..ProbeFacts::default()
        },
    )
    .remove(0)
}

#[tokio::test]
async fn plain_http_is_refused_by_the_policy_or_not_at_all() {
    let without = policy(true).replace(
        "\"TfbackendDenyPlaintext\",\"Effect\":\"Deny\"",
        "\"X\",\"Effect\":\"Allow\"",
    );
    assert_ne!(without, policy(true));
    for good in [policy(true), policy(false)] {
        assert_eq!(
            over_http(403, None, text(good)).await,
            "probe-plain-http holds"
        );
    }
    assert_eq!(
        over_http(
            301,
            Some("https://states.s3.eu-west-1.amazonaws.com/"),
            text(without.clone())
        )
        .await,
        "probe-plain-http holds"
    );
    let refused = "probe-plain-http fails: unsigned requests are denied, and the bucket policy \
                   does not deny signed ones";
    for bad in [
        text(without),
        error(404, "NoSuchBucketPolicy"),
        text(policy(true).replace(
            "\"aws:SecureTransport\":\"false\"",
            "\"aws:SecureTransport\":\"true\"",
        )),
    ] {
        assert_eq!(over_http(403, None, bad).await, refused);
    }
    assert_eq!(
        over_http(404, None, text(policy(true))).await,
        "probe-plain-http fails: an unsigned request was answered: HTTP 404"
    );
    assert_eq!(
        over_http(307, Some("http://elsewhere/"), text(policy(true))).await,
        "probe-plain-http fails: an unsigned request was answered: HTTP 307"
    );
    let unreadable = over_http(403, None, error(403, "AccessDenied")).await;
    assert!(
        unreadable.starts_with("probe-plain-http unreadable: ")
            && unreadable.contains("needs s3:GetBucketPolicy"),
        "{unreadable}"
    );
    assert!(
        over_http(403, None, text("{"))
            .await
            .starts_with("probe-plain-http unreadable: ")
    );
}

#[test]
fn where_plain_http_cannot_be_tried_nothing_is_proved() {
    let script = ScriptedServer::new();
    let (aws, target) = (script.aws(), target());
    let probe = probe(&aws, &target);
    for (http, expected) in [
        (PlainHttp::OwnEndpoint, "unknown"),
        (PlainHttp::Silent("no route".to_owned()), "unreadable"),
    ] {
        let said = judged(
            &probe,
            &ProbeFacts {
                http: Some(http),
                ..ProbeFacts::default()
            },
        );
        assert!(
            said[0].starts_with(&format!("probe-plain-http {expected}: ")),
            "{said:?}"
        );
    }
}

const PUT: &str = "PUT ?x-id=PutObject";
const GET: &str = "GET ?x-id=GetObject";
const DELETE: &str = "DELETE ?x-id=DeleteObject";

/// Each release says which lock it is about: a later one survives.
#[tokio::test]
async fn locks_are_taken_and_released_on_conditions() {
    let lock = r#"{"ID":"one","Operation":"o","Info":"","Who":"w","Version":"1","Created":"2026-11-21T07:00:52Z","Path":"p"}"#;
    let script = ScriptedServer::new()
        .on("PutItem", data(json!({})))
        .on("PutItem", error(400, "ConditionalCheckFailedException"))
        .on(
            "GetItem",
            data(json!({"Item": {"LockID": {"S": "x"}, "Info": {"S": lock}}})),
        )
        .on("DeleteItem", data(json!({})))
        .on(PUT, empty())
        .on(PUT, error(409, "ConditionalRequestConflict"))
        .on(PUT, error(412, "PreconditionFailed"))
        .on(PUT, error(403, "AccessDenied"))
        .on(GET, text(lock).header("etag", "\"held\""))
        .on(DELETE, empty());
    let (aws, target) = (script.aws(), target());
    let probe = probe(&aws, &target);
    let facts = ProbeFacts {
        item: Some(probe.lock_item().await),
        file: Some(probe.lock_file().await),
        ..ProbeFacts::default()
    };
    let said = judged(&probe, &facts);
    assert!(
        said.len() == 7 && said.iter().all(|line| line.ends_with(" holds")),
        "{said:?}"
    );
    let sent = script.sent();
    for (count, what) in [
        (2, "attribute_not_exists(LockID)"),
        (1, "Info = :exact"),
        (3, "if-none-match: *"),
        (1, "if-match: \"held\""),
        (4, KEY_ARN),
        (4, "x-amz-server-side-encryption: aws:kms"),
    ] {
        assert_eq!(sent.matches(what).count(), count, "{what}:\n{sent}");
    }
    assert_eq!(
        sent.matches("PUT ").count()
            + sent.matches("DELETE ").count()
            + sent.matches("GET ").count(),
        6,
        "{sent}"
    );
    assert_eq!(
        sent.matches(&format!("x-amz-expected-bucket-owner: {ACCOUNT}"))
            .count(),
        6,
        "{sent}"
    );
}

/// A lock that a second client acquires, and a lock file that any client can overwrite.
#[tokio::test]
async fn threat_17_locks_that_keep_nobody_out() {
    let script = ScriptedServer::new()
        .always("PutItem", data(json!({})))
        .always("GetItem", data(json!({})))
        .always(PUT, empty())
        .always(GET, error(404, "NoSuchKey"));
    let (aws, target) = (script.aws(), target());
    let probe = probe(&aws, &target);
    let facts = ProbeFacts {
        item: Some(probe.lock_item().await),
        file: Some(probe.lock_file().await),
        ..ProbeFacts::default()
    };
    let fails: Vec<String> = judged(&probe, &facts)
        .into_iter()
        .filter(|line| !line.ends_with(" holds"))
        .collect();
    insta::assert_snapshot!(fails.join("\n"), @"
    probe-lock-item-held fails: a second client acquired it while it was held
    probe-lock-file-held fails: a second client acquired it while it was held
    probe-lock-file-overwrite fails: the write succeeded
    ");
}

/// The word of KMS is not that of the bucket, and no answer is none at all.
#[tokio::test]
async fn who_refused_matters() {
    let head = || {
        empty()
            .header("content-length", "3")
            .header("x-amz-version-id", "v1")
            .header("x-amz-server-side-encryption", "aws:kms")
            .header("x-amz-server-side-encryption-aws-kms-key-id", KEY_ARN)
    };
    let denied_by_kms = "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: \
                         kms:GenerateDataKey on this resource";
    for (answer, begins) in [
        (
            error_saying(
                403,
                "AccessDenied",
                "with an explicit deny in a resource-based policy",
            ),
            "holds",
        ),
        (
            error_saying(403, "AccessDenied", denied_by_kms),
            "fails: the bucket allowed it, and only KMS denied it: ",
        ),
        (
            error(400, "KMS.NotFoundException"),
            "fails: the bucket allowed it, and only KMS denied it: ",
        ),
        (empty(), "fails: the write succeeded"),
        (error(503, "SlowDown"), "unreadable: "),
        (error(500, "InternalError"), "unreadable: "),
        (lost(), "unreadable: "),
    ] {
        let script = ScriptedServer::new()
            .on(PUT, empty().header("x-amz-version-id", "v1"))
            .on(PUT, empty().header("x-amz-version-id", "v2"))
            .always("HEAD", head())
            .always(GET, text("x"))
            .always(PUT, answer);
        let (aws, target) = (script.aws(), target());
        let probe = probe(&aws, &target);
        let objects = probe.objects().await;
        let facts = ProbeFacts {
            objects: Some(objects),
            refused: Some(probe.refused().await),
            ..ProbeFacts::default()
        };
        let said = judged(&probe, &facts);
        for id in [
            "probe-other-algorithm",
            "probe-other-key",
            "probe-customer-key",
        ] {
            assert!(
                said.iter()
                    .any(|line| line.starts_with(&format!("{id} {begins}"))),
                "{begins}: {said:?}"
            );
        }
        assert!(
            said.contains(&"probe-encryption holds".to_owned())
                && said.contains(
                    &"probe-bucket-key fails: objects are encrypted without a bucket key"
                        .to_owned()
                ),
            "{said:?}"
        );
        assert!(
            said.iter()
                .any(|line| line.starts_with("probe-read fails: ")
                    && line.ends_with("is not what was written")),
            "{said:?}"
        );
    }
}

/// Interrupted before it began, it writes nothing.
#[tokio::test]
async fn interrupted_before_it_began() {
    let denied = || error(403, "AccessDenied");
    let script = ScriptedServer::new()
        .always(
            "GET ?versions&encoding-type=url&prefix=tfbackend-probe%2F",
            denied(),
        )
        .always(
            "GET ?versions&encoding-type=url&prefix=env%3A%2Ftfbackend-probe%2F",
            denied(),
        )
        .always(
            "GET ?list-type=2&encoding-type=url&prefix=tfbackend-probe%2F",
            denied(),
        )
        .always(
            "GET ?list-type=2&encoding-type=url&prefix=env%3A%2Ftfbackend-probe%2F",
            denied(),
        );
    let (aws, target) = (script.aws(), target());
    let probe = probe(&aws, &target);
    probe.cancel.cancel();
    let facts = probe.run().await;
    assert!(
        facts.interrupted && facts.objects.is_none() && facts.swept.errors.len() == 2,
        "{facts:?}"
    );
    assert!(
        script
            .operations()
            .iter()
            .all(|operation| operation.starts_with("GET ?")),
        "{:?}",
        script.operations()
    );
}
