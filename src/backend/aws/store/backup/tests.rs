//! What is backed up, from all that S3 and DynamoDB say; and that what cannot be read is never left
//! out.

use std::fs;

use serde_json::json;

use super::*;
use crate::{
    backend::aws::{
        store::StoreAddress,
        testing::{ACCOUNT, REGION, ScriptedAnswer, ScriptedServer, data, error, lost, text},
    },
    state::layout::StateLayout,
    store::backup::{
        manifest::ManifestEntry,
        read::{self, ReadError, ReadLimits},
    },
};

const LIST: &str = "GET ?list-type=2&encoding-type=url";
const VERSIONS: &str = "GET ?versions&encoding-type=url";
const GET: &str = "GET ?x-id=GetObject";
const NOW: &str = "2026-11-21T15:45:00Z";

fn address(table: Option<&str>) -> StoreAddress {
    StoreAddress {
        bucket: "states".to_owned(),
        owner: ACCOUNT.to_owned(),
        table: table.map(str::to_owned),
        layout: StateLayout {
            key: None,
            workspace_prefix: "env:".to_owned(),
        },
    }
}

fn listing(objects: &[(&str, usize)]) -> ScriptedAnswer {
    let object = |(key, size): &(&str, usize)| {
        format!("<Contents><Key>{key}</Key><ETag>\"e\"</ETag><Size>{size}</Size></Contents>")
    };
    let objects: String = objects.iter().map(object).collect();
    text(format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</\
         IsTruncated>{objects}</ListBucketResult>"
    ))
}

fn state(serial: u64) -> String {
    format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":{serial},"lineage":"l","outputs":{{"pw":{{"value":"hunter2"}}}},"resources":[]}}"#
    )
}

async fn backed_up(
    script: &ScriptedServer,
    what: BackupExtent,
    dir: &Path,
) -> Result<BackupReport, BackupError> {
    let (aws, address) = (script.aws(), address(Some("locks")));
    let about = BackupSubject {
        env: "prod".to_owned(),
        key: None,
    };
    let mut last = BackupProgress::default();
    let written = write(
        &S3Store::new(&aws, &address),
        what,
        dir,
        about,
        NOW.parse().unwrap(),
        &mut |progress| last = progress,
    )
    .await;
    if let Ok(BackupReport {
        states,
        versions,
        bytes,
        ..
    }) = &written
    {
        assert_eq!(
            last,
            BackupProgress {
                states: *states,
                versions: *versions,
                bytes: *bytes
            }
        );
    }
    written
}

/// Each entry with its bytes.
fn all(path: &Path) -> Vec<(ManifestEntry, Vec<u8>)> {
    let mut entries = vec![];
    let backup = read::open(path, ReadLimits::default(), Default::default(), |entry| {
        entries.push(entry)
    })
    .unwrap();
    assert_eq!(
        (
            &*backup.header.bucket,
            &*backup.header.account,
            &*backup.header.region
        ),
        ("states", ACCOUNT, REGION)
    );
    let bytes: Result<Vec<_>, ReadError> = entries
        .into_iter()
        .map(|entry| Ok((entry.clone(), backup.bytes(&entry, 1 << 30)?)))
        .collect();
    bytes.unwrap()
}

fn left(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[tokio::test]
async fn every_state_and_its_digest() {
    let items = json!({"Items": [
        {"LockID": {"S": "states/a.tfstate-md5"}, "Digest": {"S": "of a"}},
        {"LockID": {"S": "states/a.tfstate"}, "Info": {"S": "{}"}},
        {"LockID": {"S": "other/env:/blue/b.tfstate-md5"}, "Digest": {"S": "of another bucket"}},
    ]});
    // More than is read ahead, so that it goes through a file, and cut off once on its way.
    let large = format!("{}{}", state(9), " ".repeat(SMALL));
    let length = large.len();
    let script = ScriptedServer::new()
        .on("Scan", data(items))
        .on(
            LIST,
            listing(&[
                ("a.tfstate", 3),
                ("a.tfstate.tflock", 3),
                ("env%3A/blue/b.tfstate", 3),
                ("folder/", 0),
                ("large", length),
            ]),
        )
        .about(
            GET,
            "/a.tfstate?",
            text(state(7))
                .header("x-amz-version-id", "v7")
                .header("last-modified", "Sat, 21 Nov 2026 07:00:00 GMT"),
        )
        .about(
            GET,
            "/env%3A/blue/b.tfstate?",
            text("no state \u{1b}[2J").header("x-amz-version-id", "v1"),
        );
    let cut = text(&large[..length - 5]).header("content-length", &length.to_string());
    let script = script.about(
        GET,
        "/large?",
        text(large.clone()).header("content-length", &length.to_string()),
    );
    let dir = tempfile::tempdir().unwrap();
    let backup = backed_up(&script, BackupExtent::Current, dir.path())
        .await
        .unwrap();
    assert_eq!(
        backup.path,
        dir.path()
            .join("tfbackend-backup-prod-20261121T154500Z.tar.zst")
    );
    assert_eq!((backup.states, backup.versions), (3, 3));
    let entries = all(&backup.path);
    let said: Vec<String> = entries
        .iter()
        .map(|(entry, _)| serde_json::to_string(&entry.state).unwrap())
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    {"path":"a.tfstate","workspace":"default","version":"v7","current":true,"modified":"2026-11-21T07:00:00Z","serial":7,"lineage":"l","terraform_version":"1.11.4","digest":"of a"}
    {"path":"env:/blue/b.tfstate","workspace":"blue","version":"v1","current":true,"modified":null,"serial":null,"lineage":null,"terraform_version":null,"digest":null}
    {"path":"large","workspace":"default","version":null,"current":true,"modified":null,"serial":9,"lineage":"l","terraform_version":"1.11.4","digest":null}
    "#);
    assert_eq!(entries[0].1, state(7).into_bytes());
    assert_eq!(
        entries[1].1,
        "no state \u{1b}[2J".as_bytes(),
        "an unknown object may be a state for a client"
    );
    assert_eq!(entries[2].1, large.as_bytes());
    assert_eq!(left(dir.path()), 1);

    // Cut off every time, it is none.
    let script = ScriptedServer::new()
        .on("Scan", data(json!({})))
        .on(LIST, listing(&[("large", length)]))
        .always(GET, cut);
    let error = backed_up(&script, BackupExtent::Current, dir.path())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("s3:GetObject on s3://states/large: streaming error"),
        "{error}"
    );
    assert!(error.to_string().contains(&length.to_string()), "{error}");
    assert_eq!(
        (script.count(GET), left(dir.path())),
        (TRIES, 1),
        "only the first is left"
    );
}

#[tokio::test]
async fn the_whole_history() {
    let version = |element: &str, key: &str, id: &str, latest: bool, minute: u32| {
        format!(
            "<{element}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</\
             IsLatest><LastModified>2026-11-21T07:0{minute}:00.000Z</LastModified><Size>3</Size></\
             {element}>"
        )
    };
    let page = format!(
        "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</\
         IsTruncated><NextKeyMarker>b</NextKeyMarker><NextVersionIdMarker>v1</\
         NextVersionIdMarker>{}{}{}{}</ListVersionsResult>",
        version("Version", "a", "v2", true, 2),
        version("Version", "a", "v1", false, 1),
        version("Version", "b", "v1", false, 1),
        version("DeleteMarker", "b", "m2", true, 2),
    );
    let rest = format!(
        "<ListVersionsResult>{}{}</ListVersionsResult>",
        version("Version", "b", "null", false, 0),
        version("Version", "c.tflock", "v1", true, 1)
    );
    let script = ScriptedServer::new()
        .on(
            "Scan",
            data(json!({"Items": [{"LockID": {"S": "states/a-md5"}, "Digest": {"S": "of a"}}]})),
        )
        .on(VERSIONS, text(page))
        .on(
            &format!("{VERSIONS}&key-marker=b&version-id-marker=v1"),
            text(rest),
        )
        .about("GET ?x-id=GetObject&versionId=v2", "/a?", text(state(2)))
        .about("GET ?x-id=GetObject&versionId=v1", "/a?", text(state(1)))
        .about("GET ?x-id=GetObject&versionId=v1", "/b?", text(state(4)))
        .about("GET ?x-id=GetObject&versionId=null", "/b?", text(state(3)));
    let dir = tempfile::tempdir().unwrap();
    let backup = backed_up(&script, BackupExtent::AllVersions, dir.path())
        .await
        .unwrap();
    assert_eq!((backup.states, backup.versions), (2, 4));
    let said = |(ManifestEntry { state, .. }, _): &(ManifestEntry, Vec<u8>)| {
        format!(
            "{} {:?} {} {:?} {:?}",
            state.path,
            state.version.as_deref(),
            state.current,
            state.facts.serial,
            state.digest
        )
    };
    insta::assert_snapshot!(all(&backup.path).iter().map(said).collect::<Vec<_>>().join("\n"), @r#"
    a Some("v2") true Some(2) Some("of a")
    a Some("v1") false Some(1) None
    b Some("v1") false Some(4) None
    b Some("null") false Some(3) None
    "#);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_no_backup() {
    let one = || ScriptedServer::new().on(LIST, listing(&[("a", 3), ("b%1B[2J", 3)]));
    let good = || {
        one()
            .always("Scan", data(json!({})))
            .about(GET, "/a?", text(state(1)))
    };
    for (script, says) in [
        (
            good().always(GET, error(403, "AccessDenied")),
            "s3:GetObject on s3://states/b\u{1b}[2J: AccessDenied",
        ),
        (
            good().always(GET, error(404, "NoSuchKey")),
            "s3://states/b\u{1b}[2J was deleted during the backup",
        ),
        (good().always(GET, lost()), "s3:GetObject on s3://states/b"),
        (
            ScriptedServer::new().always("Scan", error(400, "ResourceNotFoundException")),
            "dynamodb:Scan on locks: ResourceNotFoundException",
        ),
        (
            ScriptedServer::new()
                .always("Scan", data(json!({})))
                .always(LIST, error(403, "AccessDenied")),
            "s3:ListObjectsV2 on states: AccessDenied",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let error = backed_up(&script, BackupExtent::Current, dir.path())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert_eq!(left(dir.path()), 0, "{says}");
    }
    let huge = snapshot::MAX_BYTES + 1;
    let size = usize::try_from(huge).unwrap();
    let script = ScriptedServer::new()
        .on(LIST, listing(&[("disk.img", size)]))
        .always("Scan", data(json!({})));
    let script = script.always(GET, text("").header("content-length", &huge.to_string()));
    let dir = tempfile::tempdir().unwrap();
    let error = backed_up(&script, BackupExtent::Current, dir.path())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            BackupError::NotWritten(ArchiveError::TooLarge { .. })
        ),
        "{error}"
    );
}

/// Ctrl-C drops it, wherever it is.
#[tokio::test]
async fn dropped_on_the_way_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let script = ScriptedServer::new()
        .always("Scan", data(json!({})))
        .always(LIST, listing(&[("a", 3)]))
        .always(GET, text(state(1)));
    for polls in (0..20).map(|power| 1_u32 << power) {
        let mut backup = Box::pin(backed_up(&script, BackupExtent::Current, dir.path()));
        let mut done = false;
        for _ in 0..polls {
            if !done {
                done = futures_util::poll!(&mut backup).is_ready();
            }
            tokio::task::yield_now().await;
        }
        drop(backup);
        if done {
            break;
        }
        assert_eq!(left(dir.path()), 0, "after {polls} steps");
    }
    assert_eq!(left(dir.path()), 1);
}
