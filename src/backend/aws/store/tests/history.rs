//! The history of one state and the list of all: what cannot be read is part of the answer, and
//! never an absence.

use super::*;
use crate::{
    backend::aws::store::{history::VersionLookup, state_store::S3StateStore},
    state::census::StateContentsKind,
    store::{
        history::{StateHistory, VersionKind},
        inventory::StateInventory,
        state_store::StoreError,
    },
};

async fn history(store: S3Store<'_>, path: &str, limit: usize) -> Result<StateHistory, AwsError> {
    let store = S3StateStore::to_read(store);
    StateHistory::read(&store, &store.state_at(path), limit)
        .await
        .map_err(of_aws)
}

async fn inventory(store: S3Store<'_>) -> Result<StateInventory, AwsError> {
    StateInventory::read(&S3StateStore::to_read(store))
        .await
        .map_err(of_aws)
}

/// The error of the call that failed.
fn of_aws(error: StoreError) -> AwsError {
    let StoreError::Failed {
        source: Some(source),
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    *source.downcast().expect("an error of AWS")
}

const STATE: &str = r#"{"version": 4, "serial": 7, "lineage": "l", "resources": []}"#;

fn versions() -> ScriptedAnswer {
    text(
        "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>never</\
         NextKeyMarker><DeleteMarker><Key>a.tfstate</Key><VersionId>m3</VersionId><IsLatest>true</\
         IsLatest><LastModified>2026-11-21T07:00:03.000Z</LastModified></\
         DeleteMarker><Version><Key>a.tfstate</Key><VersionId>v2</VersionId><IsLatest>false</\
         IsLatest><LastModified>2026-11-21T07:00:02.000Z</LastModified><Size>60</Size></\
         Version><Version><Key>a.tfstate</Key><VersionId>v1</VersionId><IsLatest>false</\
         IsLatest><LastModified>2026-11-21T07:00:01.000Z</LastModified><Size>60</Size></\
         Version><Version><Key>a.tfstate.tflock</Key><VersionId>v0</VersionId><IsLatest>true</\
         IsLatest><LastModified>2026-11-21T07:00:01.000Z</LastModified><Size>3</Size></Version></\
         ListVersionsResult>",
    )
}

#[tokio::test]
async fn a_history_is_of_one_name_and_says_what_could_not_be_read() {
    let kms = text(STATE)
        .header("x-amz-server-side-encryption", "aws:kms")
        .header("x-amz-server-side-encryption-aws-kms-key-id", KEY_ARN);
    let script = ScriptedServer::new()
        .on(&format!("{VERSIONS}&prefix=a.tfstate"), versions())
        .on(&format!("{GET}&versionId=v2"), error(403, "AccessDenied"))
        .on(&format!("{GET}&versionId=v1"), kms);
    let (aws, address) = (script.aws(), address());
    let StateHistory {
        versions: past,
        count,
    } = history(S3Store::new(&aws, &address), "a.tfstate", usize::MAX)
        .await
        .expect("listed");
    assert_eq!(
        (
            past.iter()
                .map(|past| past.id.0.as_str())
                .collect::<Vec<_>>(),
            count
        ),
        (vec!["m3", "v2", "v1"], 3)
    );
    assert!(past[0].current && past[0].what == VersionKind::Deleted && past[0].serial().is_none());
    assert!(
        matches!(past[1].holds(), Some(StateContentsKind::Unreadable(error)) if error.contains("AccessDenied")),
        "{:?}",
        past[1]
    );
    assert_eq!(past[2].serial(), Some(7));
    assert!(
        matches!(&past[2].what, VersionKind::Written { encryption: Some(it), size: 60, .. } if it.key.as_deref() == Some(KEY_ARN))
    );
    // What comes after the name is not asked for.
    assert!(!script.sent().contains("never"));

    let script = ScriptedServer::new().on(&format!("{VERSIONS}&prefix=a.tfstate"), versions());
    let aws = script.aws();
    let StateHistory { versions, count } = history(S3Store::new(&aws, &address), "a.tfstate", 1)
        .await
        .expect("listed");
    assert_eq!((versions.len(), count), (1, 3), "and no other is read");
    let _ = script.sent();
}

#[tokio::test]
async fn no_history_is_an_error_and_no_version_is_none() {
    let address = address();
    never_absent(&format!("{VERSIONS}&prefix=a"), async |script| {
        history(S3Store::new(&script.aws(), &address), "a", 9).await
    })
    .await;

    let wanted = async |answer: ScriptedAnswer| {
        let script = ScriptedServer::new().on(&format!("{GET}&versionId=v"), answer);
        S3Store::new(&script.aws(), &address)
            .version("a", Some("v"), 1000)
            .await
    };
    assert!(
        matches!(wanted(text(STATE)).await, Ok(VersionLookup::There(content)) if content.bytes == STATE.as_bytes())
    );
    for no_such in [error(404, "NoSuchVersion"), error(400, "InvalidArgument")] {
        assert!(matches!(wanted(no_such).await, Ok(VersionLookup::NoSuch)));
    }
    assert!(matches!(
        wanted(error(405, "MethodNotAllowed")).await,
        Ok(VersionLookup::DeleteMarker)
    ));
    assert_eq!(
        wanted(error(403, "AccessDenied"))
            .await
            .expect_err("denied")
            .kind,
        ServiceErrorKind::Denied
    );
    assert!(
        wanted(text("x".repeat(1001))).await.is_err(),
        "more than is wanted"
    );
    let script = ScriptedServer::new().on(GET, error(400, "InvalidArgument"));
    assert!(
        S3Store::new(&script.aws(), &address)
            .version("a", None, 1000)
            .await
            .is_err(),
        "the current one has no ID to be wrong"
    );
}

#[tokio::test]
async fn a_list_says_what_it_could_not_see() {
    let script = ScriptedServer::new()
        .always(
            LIST,
            listing(
                &[
                    "a.tfstate",
                    "b.tfstate",
                    "folder/",
                    "notes.txt",
                    "odd-name",
                    "b.tfstate.tflock",
                ],
                None,
            ),
        )
        .about(GET, "b.tfstate.tflock", text(INFO))
        .about(
            GET,
            "/a.tfstate",
            text(STATE).header("x-amz-server-side-encryption", "AES256"),
        )
        .about(GET, "/b.tfstate", error(403, "AccessDenied"))
        .about(GET, "/notes.txt", text("hunter2"))
        .about(GET, "/odd-name", text(STATE))
        .always("Scan", error(400, "ResourceNotFoundException"));
    let (aws, address) = (script.aws(), address());
    let found = inventory(S3Store::new(&aws, &address))
        .await
        .expect("listed");
    let names: Vec<&str> = found
        .entries
        .iter()
        .map(|entry| entry.id.path.as_str())
        .collect();
    assert_eq!(
        (names, found.others),
        (vec!["a.tfstate", "b.tfstate", "odd-name"], 1),
        "a state may have any name"
    );
    assert!(
        matches!(&found.entries[1].holds, StateContentsKind::Unreadable(error) if error.contains("AccessDenied"))
    );
    assert_eq!(found.entries[1].encryption, None);
    assert_eq!(found.locks.keys().collect::<Vec<_>>(), ["b.tfstate"]);
    assert_eq!(
        found.unseen.len(),
        1,
        "whether the others are locked is not known"
    );
    assert!(!format!("{found:?}").contains("hunter2"));

    let address = StoreAddress {
        table: None,
        ..address
    };
    never_absent(LIST, async |script| {
        inventory(S3Store::new(&script.aws(), &address)).await
    })
    .await;
}
