//! Versioning: never on, on, suspended, and with the delete protection that only root may change.

use insta::assert_snapshot;

use super::*;
use crate::backend::aws::testing::{ScriptedServer, absent_only_by, empty, look, retried_on, text};

fn enabled() -> BucketVersioning {
    BucketVersioning::enabled("acme".to_owned())
}

async fn seen(inner: &str) -> BucketVersioning {
    let script = ScriptedServer::new().on(
        "GET ?versioning",
        text(format!(
            "<VersioningConfiguration>{inner}</VersioningConfiguration>"
        )),
    );
    let found = look(&script, &enabled()).await.unwrap().unwrap();
    assert_eq!(
        script.sent(),
        "GET https://acme.s3.eu-west-1.amazonaws.com/?versioning\nx-amz-expected-bucket-owner: \
         111122223333"
    );
    found.spec
}

#[tokio::test]
async fn present() {
    assert_eq!(seen("<Status>Enabled</Status>").await, enabled());
    assert_eq!(
        seen("").await,
        BucketVersioning {
            status: "Off".to_owned(),
            ..enabled()
        }
    );
    assert_eq!(
        seen("<Status>Suspended</Status>").await,
        BucketVersioning {
            status: "Suspended".to_owned(),
            ..enabled()
        }
    );
    let strict = seen("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>").await;
    assert_eq!(
        strict,
        BucketVersioning {
            mfa_delete: true,
            ..enabled()
        }
    );
    assert_eq!(
        enabled().merge_onto(&strict),
        strict,
        "what is stricter stays"
    );
    assert!(
        !seen("<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>")
            .await
            .mfa_delete
    );
}

#[tokio::test]
async fn absent() {
    absent_only_by(&enabled(), "GET ?versioning", &["NoSuchBucket"], |script| {
        script
    })
    .await;
}

#[tokio::test]
async fn put() {
    let script = ScriptedServer::new().on("PUT ?versioning", empty());
    enabled().write(&script.aws(), None).await.unwrap();
    assert_snapshot!(script.sent(), @"
    PUT https://acme.s3.eu-west-1.amazonaws.com/?versioning
    x-amz-expected-bucket-owner: 111122223333
    <VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>
    ");
    retried_on(
        &enabled(),
        None,
        "PUT ?versioning",
        &["OperationAborted", "NoSuchBucket"],
        |s| s.always("PUT ?versioning", empty()),
    )
    .await;
}
