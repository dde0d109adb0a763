//! Problems of states, and unknown results.

use serde_json::json;

use super::*;
use crate::{
    backend::aws::{
        store::StoreAddress,
        testing::{ACCOUNT, KEY_ARN, ScriptedServer, data, empty, error, text},
    },
    state::{digest, layout::StateLayout},
};

const LIST: &str = "GET ?list-type=2&encoding-type=url";
const GET: &str = "GET ?x-id=GetObject";
const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{},"resources":[]}"#;
const STALE: &str = "fedcba9876543210fedcba9876543210";

fn address() -> StoreAddress {
    StoreAddress {
        bucket: "states".to_owned(),
        owner: ACCOUNT.to_owned(),
        table: Some("locks".to_owned()),
        layout: StateLayout {
            key: None,
            workspace_prefix: "env:".to_owned(),
        },
    }
}

async fn checked(script: &ScriptedServer) -> CheckReport {
    let (aws, address) = (script.aws(), address());
    S3Store::new(&aws, &address)
        .check(
            None,
            &ExpectedEncryption {
                key: None,
                encrypt: &WriteEncryption::OfS3,
            },
        )
        .await
}

#[test]
fn what_is_better_than_was_asked_for_is_no_fault() {
    let kms = WriteEncryption::Kms(KEY_ARN.to_owned());
    let is = |algorithm: Option<&str>, key: Option<&str>| AtRestEncryption {
        algorithm: algorithm.map(str::to_owned),
        key: key.map(str::to_owned),
        bucket_key: false,
    };
    let ours = is(Some("aws:kms"), Some(KEY_ARN));
    let theirs = is(
        Some("aws:kms"),
        Some("arn:aws:kms:eu-west-1:111122223333:key/other"),
    );
    let of_s3 = is(Some("AES256"), None);
    for (encrypt, key, state, fits) in [
        (&kms, Some(KEY_ARN), &ours, true),
        (&kms, Some(KEY_ARN), &theirs, false),
        (&kms, Some(KEY_ARN), &of_s3, false),
        (&kms, None, &of_s3, true),
        (&WriteEncryption::OfS3, None, &ours, true),
        (&WriteEncryption::OfS3, None, &is(None, None), false),
        (&WriteEncryption::Unsaid, None, &is(None, None), true),
    ] {
        assert_eq!(
            ExpectedEncryption { key, encrypt }.is(state),
            fits,
            "{encrypt:?} {key:?} {state:?}"
        );
    }
}

/// Nothing is a fault of a state only because its bucket or its table cannot be read.
#[tokio::test]
async fn what_could_not_be_looked_at_is_said() {
    let none = || data(json!({"Items": []}));
    let broken = checked(
        &ScriptedServer::new()
            .always("Scan", none())
            .always(LIST, error(403, "AccessDenied")),
    )
    .await;
    assert_eq!(
        (broken.states, broken.faults.len(), broken.unseen.len()),
        (0, 0, 1),
        "{broken:?}"
    );
    assert!(broken.unseen[0].contains("s3:ListBucket"), "{broken:?}");

    let listing = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a.tfstate</\
                   Key><Size>3</Size></Contents></ListBucketResult>";
    let head = empty()
        .header("etag", "\"e\"")
        .header("x-amz-server-side-encryption", "AES256");
    let no_table = ScriptedServer::new()
        .always("Scan", error(400, "ResourceNotFoundException"))
        .always(LIST, text(listing))
        .always("HEAD", head.clone());
    let no_table = checked(
        &no_table.always(
            GET,
            text(STATE)
                .header("etag", "\"e\"")
                .header("x-amz-server-side-encryption", "AES256"),
        ),
    )
    .await;
    assert_eq!(
        (
            no_table.states,
            no_table.faults.len(),
            no_table.unseen.len()
        ),
        (1, 0, 1),
        "{no_table:?}"
    );

    // A state that may not be read: its MD5 is not its ETag.
    let item =
        json!({"Items": [{"LockID": {"S": "states/a.tfstate-md5"}, "Digest": {"S": STALE}}]});
    let denied = ScriptedServer::new()
        .always("Scan", data(item))
        .always(LIST, text(listing))
        .always("HEAD", head);
    let denied = checked(&denied.always(GET, error(403, "AccessDenied"))).await;
    assert_eq!(
        denied
            .faults
            .iter()
            .map(|fault| fault.what.name())
            .collect::<Vec<_>>(),
        ["unread"],
        "{denied:?}"
    );
    assert!(!denied.faults[0].what.can_be_repaired(true));
}

const VERSIONS: &str = "GET ?versions&encoding-type=url&prefix=a.tfstate";

/// One state with these bytes, this digest in the table, and an older version that is a state.
async fn of_bytes(bytes: &str, digest: Option<&str>) -> Vec<StateProblem> {
    let item = |digest: Option<&str>| {
        digest
            .map(|digest| json!({"LockID": {"S": "states/a.tfstate-md5"}, "Digest": {"S": digest}}))
    };
    let listing = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a.tfstate</\
         Key><Size>{}</Size></Contents></ListBucketResult>",
        bytes.len()
    );
    let version = |id: &str| {
        format!("<Version><Key>a.tfstate</Key><VersionId>{id}</VersionId><Size>9</Size></Version>")
    };
    let versions = format!(
        "<ListVersionsResult>{}{}</ListVersionsResult>",
        version("new"),
        version("old")
    );
    let head = empty()
        .header("etag", "\"e\"")
        .header("content-length", &bytes.len().to_string());
    let head = head.header("x-amz-server-side-encryption", "AES256");
    let script = ScriptedServer::new()
        .always(
            "Scan",
            data(json!({"Items": item(digest).into_iter().collect::<Vec<_>>()})),
        )
        .always(
            "GetItem",
            data(item(digest).map_or(json!({}), |item| json!({"Item": item}))),
        )
        .always(LIST, text(&listing))
        .always("HEAD", head)
        .always(
            GET,
            text(bytes)
                .header("etag", "\"e\"")
                .header("x-amz-server-side-encryption", "AES256"),
        )
        .always(VERSIONS, text(&versions))
        .always("GET ?x-id=GetObject&versionId=new", text(bytes))
        .always("GET ?x-id=GetObject&versionId=old", text(STATE));
    let checked = checked(&script).await;
    assert_eq!(
        (checked.states, checked.unseen.len()),
        (1, 0),
        "{checked:?}"
    );
    checked.faults
}

/// An unreadable state is found regardless of its digest, and has no repair.
#[tokio::test]
async fn check_broken_state_is_unreadable_and_names_the_version_of_the_digest() {
    let old = digest::of(STATE.as_bytes());
    for bytes in [
        &STATE[..30],
        "{}",
        "[]",
        "null",
        "\n",
        "<html><body>503</body></html>",
        "\u{1f}\u{8b}\u{8}",
        "{\"version\": \"x\"}",
    ] {
        for (stored, has_the_digest) in [
            (Some(old.clone()), true),
            (Some(digest::of(bytes.as_bytes())), false),
            (None, false),
        ] {
            let faults = of_bytes(bytes, stored.as_deref()).await;
            let names: Vec<&str> = faults.iter().map(|fault| fault.what.name()).collect();
            assert_eq!(names, ["state-unreadable"], "{bytes:?} {stored:?}");
            assert!(!faults[0].what.can_be_repaired(true), "{bytes:?}");
            let expected = RestorableVersion {
                id: "old".to_owned(),
                serial: Some(7),
                has_the_digest,
            };
            assert_eq!(
                faults[0].what.restorable(),
                Some(&expected),
                "{bytes:?} {stored:?}"
            );
        }
    }
}

/// Terraform takes an object of 0 bytes for no state: no digest fits it, and it needs none.
#[tokio::test]
async fn check_empty_state_needs_no_digest() {
    for none in [None, Some("no digest")] {
        let emptied = of_bytes("", none).await;
        assert_eq!(
            emptied
                .iter()
                .map(|fault| fault.what.name())
                .collect::<Vec<_>>(),
            ["state-unreadable"],
            "it was a state: {none:?}"
        );
        assert!(!emptied[0].what.can_be_repaired(true), "{emptied:?}");
    }
    let of_nothing = of_bytes("", Some(&digest::of(b""))).await;
    assert_eq!(
        of_nothing
            .iter()
            .map(|fault| fault.what.name())
            .collect::<Vec<_>>(),
        ["digest-orphaned"]
    );
    assert!(of_nothing[0].what.can_be_repaired(false), "{of_nothing:?}");
    // It was a state, and is written over with nothing: without its digest Terraform would start
    // over.
    let emptied = of_bytes("", Some(&digest::of(STATE.as_bytes()))).await;
    assert_eq!(
        emptied
            .iter()
            .map(|fault| fault.what.name())
            .collect::<Vec<_>>(),
        ["state-unreadable"]
    );
    assert!(
        !emptied[0].what.can_be_repaired(true) && emptied[0].what.restorable().is_some(),
        "{emptied:?}"
    );
}

#[tokio::test]
async fn check_readable_states_of_every_kind_and_their_digests() {
    let encrypted =
        r#"{"serial":1,"lineage":"l","meta":{},"encrypted_data":"AA==","encryption_version":"v0"}"#;
    for bytes in [
        STATE,
        encrypted,
        r#"{"version":3,"serial":1}"#,
        r#"{"version":99,"serial":1}"#,
    ] {
        let right = digest::of(bytes.as_bytes());
        assert_eq!(of_bytes(bytes, Some(&right)).await, []);
        assert_eq!(
            of_bytes(bytes, Some(&right.to_uppercase())).await,
            [],
            "Terraform decodes either case"
        );
        let what = async |stored: Option<&str>| {
            of_bytes(bytes, stored)
                .await
                .into_iter()
                .map(|fault| fault.what)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            what(Some(STALE)).await,
            [ProblemKind::Stale {
                stored: STALE.to_owned(),
                is: right.clone()
            }]
        );
        assert_eq!(
            what(None).await,
            [ProblemKind::Missing {
                is: right.clone(),
                stored: None
            }]
        );
        assert_eq!(
            what(Some("none")).await,
            [ProblemKind::Missing {
                is: right,
                stored: Some("none".to_owned())
            }]
        );
    }
}
