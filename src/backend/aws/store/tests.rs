//! Each call of the store: what is sent, what comes of it, and what is never taken for "not there".

use insta::assert_snapshot;
use serde_json::json;

use super::{
    content::{AtRestEncryption, ObjectHeaders},
    objects, table, *,
};
use crate::{
    backend::aws::{
        error::ServiceErrorKind,
        testing::{
            ACCOUNT, KEY_ARN, ScriptedAnswer, ScriptedServer, data, empty, error, lost, text,
        },
    },
    state::lock::LockError,
};

mod history;
mod lock_acquire;
mod many;
mod walk;
mod write;

const LIST: &str = "GET ?list-type=2&encoding-type=url";
const VERSIONS: &str = "GET ?versions&encoding-type=url";
const GET: &str = "GET ?x-id=GetObject";
const INFO: &str = r#"{"ID":"one","Operation":"OperationTypeApply","Info":"","Who":"ci@runner","Version":"1.11.4","Created":"2026-11-21T07:00:52.27Z","Path":"states/a.tfstate"}"#;

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

fn listing(keys: &[&str], next: Option<&str>) -> ScriptedAnswer {
    let object = |key: &&str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-21T07:00:00.000Z</\
             LastModified><ETag>\"e\"</ETag><Size>3</Size></Contents>"
        )
    };
    let objects: String = keys.iter().map(object).collect();
    let next = next.map_or_else(String::new, |next| {
        format!("<NextContinuationToken>{next}</NextContinuationToken>")
    });
    let truncated = !next.is_empty();
    text(format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{truncated}</\
         IsTruncated>{next}{objects}</ListBucketResult>"
    ))
}

fn head(etag: &str) -> ScriptedAnswer {
    let answer = empty()
        .header("content-length", "3")
        .header("etag", etag)
        .header("x-amz-version-id", "v1");
    answer
        .header("last-modified", "Sat, 21 Nov 2026 07:00:00 GMT")
        .header("x-amz-server-side-encryption", "AES256")
}

fn lock_item(id: &str, info: &str) -> serde_json::Value {
    json!({"LockID": {"S": id}, "Info": {"S": info}})
}

fn digest_item(id: &str, digest: &str) -> serde_json::Value {
    json!({"LockID": {"S": id}, "Digest": {"S": digest}})
}

/// Returns the requests, with the attributes of an item sorted by name, since the SDK has no order.
fn sent(script: &ScriptedServer) -> String {
    let in_order = |line: &str| {
        let Some(mut body) = line
            .strip_prefix("PutItem ")
            .map(|body| serde_json::from_str::<serde_json::Value>(body).unwrap())
        else {
            return line.to_owned();
        };
        body["Item"].as_object_mut().unwrap().sort_keys();
        format!("PutItem {body}")
    };
    script
        .sent()
        .lines()
        .map(in_order)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every kind of failure is an error, and none is an absence.
async fn never_absent<T: std::fmt::Debug>(
    operation: &str,
    call: impl AsyncFn(ScriptedServer) -> Result<T, crate::backend::aws::error::AwsError>,
) {
    for (status, code, kind) in [
        (403, "AccessDenied", ServiceErrorKind::Denied),
        (403, "ExpiredToken", ServiceErrorKind::Expired),
        (404, "NoSuchBucket", ServiceErrorKind::Refused),
        (400, "ResourceNotFoundException", ServiceErrorKind::Refused),
        (500, "InternalError", ServiceErrorKind::Server),
    ] {
        let error = call(ScriptedServer::new().always(operation, error(status, code)))
            .await
            .expect_err(code);
        assert_eq!(error.kind, kind, "{error}");
    }
    let error = call(ScriptedServer::new().always(operation, lost()))
        .await
        .expect_err("lost");
    assert_eq!(error.kind, ServiceErrorKind::Network, "{error}");
}

#[tokio::test]
async fn objects_page_by_page() {
    let (aws, address) = (ScriptedServer::new(), address());
    let script = aws
        .on(
            LIST,
            listing(
                &["a.tfstate", "env%3A/bl%20ue+1/%C3%A9%01%22%24%7Bx%7D"],
                Some("more"),
            ),
        )
        .on(
            &format!("{LIST}&continuation-token=more"),
            listing(&["z%2Bz"], None),
        );
    let aws = script.aws();
    let mut pages = S3Store::new(&aws, &address).objects("");
    let first = pages.next().await.unwrap().unwrap();
    let keys: Vec<&str> = first.iter().map(|object| &*object.key).collect();
    assert_eq!(keys, ["a.tfstate", "env:/bl ue 1/é\u{1}\"${x}"]);
    let modified = "2026-11-21T07:00:00Z".parse().ok();
    assert_eq!(
        first[0],
        objects::CurrentObject {
            key: "a.tfstate".to_owned(),
            size: 3,
            modified,
            etag: "\"e\"".to_owned()
        }
    );
    assert_eq!(pages.next().await.unwrap().unwrap()[0].key, "z+z");
    assert_eq!(pages.next().await.unwrap(), None);
    assert_snapshot!(script.sent(), @"
    GET https://states.s3.eu-west-1.amazonaws.com/?list-type=2&encoding-type=url
    x-amz-expected-bucket-owner: 111122223333
    GET https://states.s3.eu-west-1.amazonaws.com/?list-type=2&encoding-type=url&continuation-token=more
    x-amz-expected-bucket-owner: 111122223333
    ");

    never_absent(LIST, async |script| {
        S3Store::new(&script.aws(), &address)
            .objects("")
            .next()
            .await
    })
    .await;
    let script = ScriptedServer::new().on(
        LIST,
        text("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"),
    );
    let aws = script.aws();
    let error = S3Store::new(&aws, &address)
        .objects("")
        .next()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "s3:ListObjectsV2 on states: is truncated, but has no marker for the next page"
    );
}

#[tokio::test]
async fn versions_and_markers_in_one_order() {
    let version = |element: &str, key: &str, id: &str, latest: bool, minute: u32| {
        format!(
            "<{element}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</\
             IsLatest><LastModified>2026-11-21T07:0{minute}:00.000Z</LastModified><Size>3</\
             Size><ETag>\"e\"</ETag></{element}>"
        )
    };
    let page = format!(
        "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</\
         IsTruncated><NextKeyMarker>a%20b</NextKeyMarker><NextVersionIdMarker>v1</\
         NextVersionIdMarker>{}{}{}</ListVersionsResult>",
        version("Version", "a%20b", "v3", false, 3),
        version("Version", "a%20b", "v1", false, 1),
        version("DeleteMarker", "a%20b", "m4", true, 4)
            + &version("DeleteMarker", "a%20b", "m2", false, 2),
    );
    let rest = format!(
        "<ListVersionsResult>{}</ListVersionsResult>",
        version("Version", "c", "null", true, 1)
    );
    let script = ScriptedServer::new()
        .on(&format!("{VERSIONS}&prefix=a"), text(page))
        .on(
            "GET ?versions&encoding-type=url&key-marker=a%20b&prefix=a&version-id-marker=v1",
            text(rest),
        );
    let (aws, address) = (script.aws(), address());
    let mut pages = S3Store::new(&aws, &address).versions("a");
    let mut seen = vec![];
    while let Some(page) = pages.next().await.unwrap() {
        seen.extend(page.into_iter().map(|version| {
            format!(
                "{} {} {} {:?}",
                version.key, version.id, version.latest, version.what
            )
        }));
    }
    assert_snapshot!(seen.join("\n"), @r#"
    a b m4 true DeleteMarker
    a b v3 false Data { size: 3, etag: "\"e\"" }
    a b m2 false DeleteMarker
    a b v1 false Data { size: 3, etag: "\"e\"" }
    c null true Data { size: 3, etag: "\"e\"" }
    "#);
    assert_snapshot!(script.sent(), @"
    GET https://states.s3.eu-west-1.amazonaws.com/?versions&encoding-type=url&prefix=a
    x-amz-expected-bucket-owner: 111122223333
    GET https://states.s3.eu-west-1.amazonaws.com/?versions&encoding-type=url&key-marker=a%20b&prefix=a&version-id-marker=v1
    x-amz-expected-bucket-owner: 111122223333
    ");
    never_absent(VERSIONS, async |script| {
        S3Store::new(&script.aws(), &address)
            .versions("")
            .next()
            .await
    })
    .await;
}

#[tokio::test]
async fn how_an_object_is_encrypted() {
    let answer = head("\"900150983cd24fb0d6963f7d28e17f72\"");
    let kms = empty()
        .header("x-amz-server-side-encryption", "aws:kms")
        .header("x-amz-server-side-encryption-aws-kms-key-id", KEY_ARN);
    let kms = kms
        .header("x-amz-server-side-encryption-bucket-key-enabled", "true")
        .header("etag", "\"900150983cd24fb0d6963f7d28e17f72\"");
    let script = ScriptedServer::new()
        .on("HEAD", answer)
        .on("HEAD ?versionId=v1", kms)
        .on("HEAD", error(404, "NotFound"));
    let (aws, address) = (script.aws(), address());
    let store = S3Store::new(&aws, &address);
    let plain = store
        .head("env:/blue/a b+c.tfstate", None)
        .await
        .unwrap()
        .unwrap();
    let encryption = AtRestEncryption {
        algorithm: Some("AES256".to_owned()),
        key: None,
        bucket_key: false,
    };
    let expected = ObjectHeaders {
        size: 3,
        modified: "2026-11-21T07:00:00Z".parse().ok(),
        version: Some("v1".to_owned()),
        etag: "\"900150983cd24fb0d6963f7d28e17f72\"".to_owned(),
        encryption,
    };
    assert_eq!(
        (plain.md5(), &plain),
        (Some("900150983cd24fb0d6963f7d28e17f72"), &expected)
    );
    let ours = store.head("a", Some("v1")).await.unwrap().unwrap();
    assert_eq!(
        ours.encryption,
        AtRestEncryption {
            algorithm: Some("aws:kms".to_owned()),
            key: Some(KEY_ARN.to_owned()),
            bucket_key: true
        }
    );
    assert_eq!(
        ours.md5(),
        None,
        "what KMS encrypted has an ETag of no meaning"
    );
    let parts = ObjectHeaders {
        etag: "\"900150983cd24fb0d6963f7d28e17f72-2\"".to_owned(),
        ..plain
    };
    assert_eq!(parts.md5(), None);
    assert_eq!(store.head("gone", None).await.unwrap(), None);
    assert_snapshot!(script.sent(), @"
    HEAD https://states.s3.eu-west-1.amazonaws.com/env%3A/blue/a%20b%2Bc.tfstate
    x-amz-expected-bucket-owner: 111122223333
    HEAD https://states.s3.eu-west-1.amazonaws.com/a?versionId=v1
    x-amz-expected-bucket-owner: 111122223333
    HEAD https://states.s3.eu-west-1.amazonaws.com/gone
    x-amz-expected-bucket-owner: 111122223333
    ");

    let denied = ScriptedServer::new().always("HEAD", error(403, ""));
    let error = S3Store::new(&denied.aws(), &address)
        .head("a", None)
        .await
        .unwrap_err();
    assert_snapshot!(error, @"s3:HeadObject on s3://states/a: HTTP 403 (needs s3:GetObject) [request REQUEST]");
}

#[tokio::test]
async fn bytes_of_a_version_up_to_a_limit() {
    let script = ScriptedServer::new()
        .on(
            GET,
            text("secret")
                .header("etag", "\"e\"")
                .header("x-amz-version-id", "v2"),
        )
        .on("GET ?x-id=GetObject&versionId=v1", text("older"))
        .on(GET, text("secret").header("content-length", "6"))
        .on(GET, text("secret"))
        .on(GET, error(404, "NoSuchKey"));
    let (aws, address) = (script.aws(), address());
    let store = S3Store::new(&aws, &address);
    let content = store.get("a.tfstate", None, 6).await.unwrap().unwrap();
    assert_eq!(
        (&*content.bytes, content.version.as_deref()),
        (&b"secret"[..], Some("v2"))
    );
    assert_eq!(
        format!("{content:?}"),
        "Content(6 bytes, \"e\")",
        "it may be a state"
    );
    assert_eq!(
        store
            .get("a.tfstate", Some("v1"), 6)
            .await
            .unwrap()
            .unwrap()
            .bytes,
        b"older"
    );
    for _ in 0..2 {
        let error = store.get("a.tfstate", None, 5).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "s3:GetObject on s3://states/a.tfstate: is longer than 5 bytes"
        );
    }
    assert_eq!(store.get("a.tfstate", None, 5).await.unwrap(), None);
    assert_snapshot!(script.sent(), @"
    GET https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=GetObject
    x-amz-expected-bucket-owner: 111122223333
    GET https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=GetObject&versionId=v1
    x-amz-expected-bucket-owner: 111122223333
    GET https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=GetObject
    x-amz-expected-bucket-owner: 111122223333
    GET https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=GetObject
    x-amz-expected-bucket-owner: 111122223333
    GET https://states.s3.eu-west-1.amazonaws.com/a.tfstate?x-id=GetObject
    x-amz-expected-bucket-owner: 111122223333
    ");
    never_absent(GET, async |script| {
        S3Store::new(&script.aws(), &address)
            .get("a", None, 5)
            .await
    })
    .await;
}

#[tokio::test]
async fn lock_files() {
    let script = ScriptedServer::new()
        .on(GET, text(INFO).header("etag", "\"e\""))
        .on(GET, text(""))
        .on(GET, error(404, "NoSuchKey"));
    let (aws, address) = (script.aws(), address());
    let store = S3Store::new(&aws, &address);
    let file = store.lock_file("a.tfstate").await.unwrap().unwrap();
    assert_eq!(
        (&*file.raw, &*file.etag, &*file.info.unwrap().id),
        (INFO, "\"e\"", "one")
    );
    assert_eq!(
        store.lock_file("a.tfstate").await.unwrap().unwrap().info,
        Err(LockError::Empty)
    );
    assert_eq!(store.lock_file("a.tfstate").await.unwrap(), None);
    assert!(script.sent().starts_with(
        "GET https://states.s3.eu-west-1.amazonaws.com/a.tfstate.tflock?x-id=GetObject"
    ));
}

#[tokio::test]
async fn items_page_by_page() {
    let first = json!({
        "Items": [
            lock_item("states/a.tfstate", INFO),
            digest_item("states/a.tfstate-md5", "d"),
            lock_item("states/a-md5", INFO),
            digest_item("states/no-suffix", "d"),
            {"LockID": {"S": "states/other"}, "Info": {"N": "17"}},
            {"LockID": {"N": "17"}},
        ],
        "LastEvaluatedKey": {"LockID": {"S": "states/other"}},
    });
    let script = ScriptedServer::new().on("Scan", data(first)).on(
        "Scan",
        data(json!({"Items": [lock_item("states-2/a.tfstate", INFO)]})),
    );
    let (aws, address) = (script.aws(), address());
    let mut pages = S3Store::new(&aws, &address).items().unwrap();
    let mut seen = vec![];
    while let Some(page) = pages.next().await.unwrap() {
        for item in page {
            let what = match item.what {
                table::ItemKind::Lock(_) => "lock",
                table::ItemKind::Digest(_) => "digest",
                table::ItemKind::Other => "other",
            };
            seen.push(format!(
                "{} {what} {:?}",
                item.lock_id,
                item.path_in("states")
            ));
        }
    }
    assert_snapshot!(seen.join("\n"), @r#"
    states/a.tfstate lock Some("a.tfstate")
    states/a.tfstate-md5 digest Some("a.tfstate")
    states/a-md5 lock Some("a-md5")
    states/no-suffix lock Some("no-suffix")
    states/other lock Some("other")
    states-2/a.tfstate lock None
    "#);
    assert_snapshot!(script.sent(), @r#"
    Scan {"TableName":"locks","ProjectionExpression":"LockID, Info, Digest","ConsistentRead":true}
    Scan {"TableName":"locks","ExclusiveStartKey":{"LockID":{"S":"states/other"}},"ProjectionExpression":"LockID, Info, Digest","ConsistentRead":true}
    "#);
    assert!(
        S3Store::new(
            &aws,
            &StoreAddress {
                table: None,
                ..address.clone()
            }
        )
        .items()
        .is_none()
    );
    never_absent("Scan", async |script| {
        S3Store::new(&script.aws(), &address)
            .items()
            .unwrap()
            .next()
            .await
    })
    .await;
}

#[tokio::test]
async fn one_item() {
    let script = ScriptedServer::new()
        .on(
            "GetItem",
            data(json!({"Item": lock_item("states/a", INFO)})),
        )
        .on(
            "GetItem",
            data(json!({"Item": digest_item("states/a-md5", "d")})),
        )
        .on("GetItem", data(json!({})));
    let (aws, address) = (script.aws(), address());
    let store = S3Store::new(&aws, &address);
    assert_eq!(store.lock_item("a").await.unwrap().as_deref(), Some(INFO));
    assert_eq!(store.digest_item("a").await.unwrap().as_deref(), Some("d"));
    assert_eq!(store.lock_item("a").await.unwrap(), None);
    assert_snapshot!(script.sent(), @r#"
    GetItem {"TableName":"locks","Key":{"LockID":{"S":"states/a"}},"ConsistentRead":true,"ProjectionExpression":"LockID, Info"}
    GetItem {"TableName":"locks","Key":{"LockID":{"S":"states/a-md5"}},"ConsistentRead":true,"ProjectionExpression":"LockID, Digest"}
    GetItem {"TableName":"locks","Key":{"LockID":{"S":"states/a"}},"ConsistentRead":true,"ProjectionExpression":"LockID, Info"}
    "#);
    never_absent("GetItem", async |script| {
        S3Store::new(&script.aws(), &address).lock_item("a").await
    })
    .await;
}
