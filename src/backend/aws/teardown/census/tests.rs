//! What is counted, from all that S3 and DynamoDB say; and that what they do not say is said.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::json;

use super::*;
use crate::{
    backend::aws::{
        AwsProvider,
        clients::Clients,
        store::StoreAddress,
        testing::{ACCOUNT, ScriptedServer, data, error, text},
    },
    state::{
        census::{MOST, ObjectLock},
        layout::StateLayout,
    },
};

const LIST: &str = "GET ?list-type=2&encoding-type=url";
const VERSIONS: &str = "GET ?versions&encoding-type=url";
const UPLOADS: &str = "GET ?uploads&encoding-type=url";
const GET: &str = "GET ?x-id=GetObject";
const LOCK: &str = "GET ?object-lock";
const VERSIONING: &str = "GET ?versioning";
const INFO: &str = r#"{"ID":"one","Operation":"OperationTypeApply","Who":"ci@runner","Created":"2026-11-21T07:00:52Z"}"#;

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

fn listing(keys: &[&str]) -> String {
    let object = |key: &&str| {
        let size = if key.ends_with('/') { 0 } else { 3 };
        format!("<Contents><Key>{key}</Key><ETag>\"e\"</ETag><Size>{size}</Size></Contents>")
    };
    let objects: String = keys.iter().map(object).collect();
    format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</\
         IsTruncated>{objects}</ListBucketResult>"
    )
}

fn state(resources: &str) -> String {
    format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{{"pw":{{"value":"hunter2"}}}},"resources":[{resources}]}}"#
    )
}

const INSTANCE: &str = r#"{"mode":"managed","type":"t","name":"n","provider":"p","instances":[{"attributes":{"pw":"hunter2"}}]}"#;

fn nothing_else(script: ScriptedServer) -> ScriptedServer {
    script
        .always(LIST, text(listing(&[])))
        .always(
            VERSIONS,
            text("<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>"),
        )
        .always(
            UPLOADS,
            text(
                "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></\
                 ListMultipartUploadsResult>",
            ),
        )
        .always(LOCK, error(404, "ObjectLockConfigurationNotFoundError"))
        .always(
            VERSIONING,
            text("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        )
        .always("Scan", data(json!({ "Items": [] })))
}

async fn taken(script: &ScriptedServer) -> StateCensus {
    let (aws, address) = (script.aws(), address());
    take(&S3Store::new(&aws, &address), &TeardownScope::Whole).await
}

#[tokio::test]
async fn everything_that_would_be_lost() {
    // Names with an escape, a line break, two slashes; a folder, a lock file, and what is no state.
    let names = [
        "a.tfstate",
        "a.tfstate.tflock",
        "empty.tfstate",
        "env%3A/w/a.tfstate",
        "x%1B%5B2J%0Ay//z",
        "folder/",
        "huge",
        "tofu",
        "gone",
    ];
    let versions = "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</\
                    IsTruncated><Version><Key>a</Key><VersionId>2</VersionId><IsLatest>true</\
                    IsLatest><LastModified>2026-11-21T07:00:00.000Z</LastModified><Size>5</Size></\
                    Version><Version><Key>a</Key><VersionId>1</\
                    VersionId><LastModified>2026-11-20T07:00:00.000Z</LastModified><Size>7</\
                    Size></Version><DeleteMarker><Key>b</Key><VersionId>3</\
                    VersionId><IsLatest>true</IsLatest></DeleteMarker></ListVersionsResult>";
    let uploads = "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</\
                   IsTruncated><NextKeyMarker>a%20b</NextKeyMarker><NextUploadIdMarker>u1</\
                   NextUploadIdMarker><Upload><Key>a%20b</Key><UploadId>u1</UploadId></Upload></\
                   ListMultipartUploadsResult>";
    let last = "<ListMultipartUploadsResult><Upload><Key>c</Key><UploadId>u2</UploadId></Upload></\
                ListMultipartUploadsResult>";
    let lock = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</\
                ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>7</Days></\
                DefaultRetention></Rule></ObjectLockConfiguration>";
    let script = ScriptedServer::new()
        .always(LIST, text(listing(&names)))
        .about(GET, "a.tfstate.tflock", text(INFO))
        .about(GET, "empty.tfstate", text(state("")))
        .about(GET, "/w/a.tfstate", text(state(INSTANCE)))
        .about(GET, "a.tfstate", text(state(INSTANCE)))
        .about(GET, "huge", text("").header("content-length", &(crate::state::snapshot::LARGEST_OF_MANY + 1).to_string()))
        .about(GET, "tofu", text(r#"{"serial":1,"lineage":"l","meta":{},"encrypted_data":"aGk=","encryption_version":"v0"}"#))
        .about(GET, "gone", error(404, "NoSuchKey"))
        .about(GET, "%1B", text("\u{1b}[2J hunter2"))
        .on(VERSIONS, text(versions))
        .on(UPLOADS, text(uploads))
        .on("GET ?uploads&encoding-type=url&key-marker=a%20b&upload-id-marker=u1", text(last))
        .on(LOCK, text(lock))
        .on(VERSIONING, text("<VersioningConfiguration><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>"))
        .always("Scan", data(json!({"Items": [{"LockID": {"S": "states/b.tfstate"}, "Info": {"S": "broken"}}]})))
        .always("GetItem", data(json!({"Item": {"LockID": {"S": "states/b.tfstate"}, "Info": {"S": "broken"}}})))
        .about(GET, "b.tfstate.tflock", error(404, "NoSuchKey"));
    let census = taken(&script).await;

    let rows: Vec<_> = census
        .states
        .rows
        .iter()
        .map(|row| (&*row.path, &*row.workspace, row.holds.is_empty()))
        .collect();
    assert_eq!(
        rows,
        [
            ("a.tfstate", "default", false),
            ("empty.tfstate", "default", true),
            ("env:/w/a.tfstate", "w", false),
            ("x\u{1b}[2J\ny//z", "default", false),
            ("huge", "default", false),
            ("tofu", "default", false),
        ]
    );
    assert_eq!(
        (
            census.empty,
            census.in_use,
            census.unreadable,
            census.needed()
        ),
        (1, 3, 2, 5)
    );
    assert_eq!(
        (
            census.versions.count,
            census.versions.bytes,
            census.versions.delete_markers
        ),
        (2, 12, 1)
    );
    assert_eq!((census.uploads, census.mfa_delete), (2, true));
    assert_eq!(
        census.object_lock,
        Some(ObjectLock {
            mode: Some("GOVERNANCE".to_owned()),
            days: Some(7)
        })
    );
    assert_eq!(census.kept_until(), "2026-11-28T07:00:00Z".parse().ok());
    let locks: Vec<_> = census
        .locks
        .rows
        .iter()
        .map(|row| (&*row.path, row.item, row.file, row.who.as_deref()))
        .collect();
    assert!(
        locks.contains(&("b.tfstate", true, false, None)),
        "a lock that is broken is a lock: {locks:?}"
    );
    assert!(
        locks
            .iter()
            .any(|(path, _, file, who)| *path == "a.tfstate" && *file && *who == Some("ci@runner")),
        "{locks:?}"
    );
    assert_eq!(census.unseen.rows, [""; 0]);
    assert!(
        !format!("{census:?}").contains("hunter2"),
        "no value is kept"
    );
    for call in script
        .sent()
        .split("\nGET ")
        .filter(|call| call.contains(".s3."))
    {
        assert!(
            call.contains(&format!("x-amz-expected-bucket-owner: {ACCOUNT}")),
            "{call}"
        );
    }
}

#[tokio::test]
async fn nothing_at_all() {
    let script = nothing_else(ScriptedServer::new());
    assert_eq!(taken(&script).await, StateCensus::default());
    assert!(
        script
            .operations()
            .iter()
            .all(|operation| operation.starts_with("GET") || operation == "Scan"),
        "{:?}",
        script.operations()
    );
}

/// An unreadable object is never treated as absent.
#[tokio::test]
async fn what_is_denied_is_said() {
    for operation in [LIST, VERSIONS, UPLOADS, LOCK, VERSIONING, "Scan"] {
        for answer in [
            error(403, "AccessDenied"),
            error(404, "NoSuchBucket"),
            error(500, "InternalError"),
        ] {
            let script = nothing_else(ScriptedServer::new());
            let script = script.always(operation, answer);
            let census = taken(&script).await;
            assert!(census.unseen.count > 0, "{operation}");
        }
    }
    let script = nothing_else(ScriptedServer::new())
        .always(LIST, text(listing(&["a.tfstate"])))
        .always(GET, error(403, "AccessDenied"));
    let census = taken(&script).await;
    assert_eq!(
        (census.unreadable, census.needed()),
        (1, 1),
        "a state that may not be read counts as in use"
    );
}

const ALL: usize = 10_000;
const PAGE: usize = 1000;

/// A bucket of ten thousand versions, which says where each page was asked for.
#[derive(Clone, Debug, Default)]
struct Many(Arc<Mutex<Vec<String>>>);

impl Many {
    fn page(&self, uri: &str) -> String {
        if !uri.contains("?versions") {
            return String::new();
        }
        let mut asked = self.0.lock().expect("no panic");
        let marker = uri
            .split('&')
            .find_map(|part| part.strip_prefix("key-marker="))
            .unwrap_or_default()
            .to_owned();
        let from = asked.len() * PAGE;
        asked.push(marker);
        let more = from + PAGE < ALL;
        let last = from + PAGE - 1;
        let mut page = format!(
            "<ListVersionsResult><IsTruncated>{more}</IsTruncated><NextKeyMarker>k{last:05}</\
             NextKeyMarker>"
        );
        for n in from..from + PAGE {
            write!(
                page,
                "<Version><Key>k{n:05}</Key><VersionId>v</VersionId><Size>3</Size></Version>"
            )
            .expect("a string");
        }
        page + "</ListVersionsResult>"
    }
}

impl HttpClient for Many {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Many {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = self.page(request.uri());
        let body = if body.is_empty() {
            "<Empty/>".to_owned()
        } else {
            body
        };
        HttpConnectorFuture::ready(Ok(HttpResponse::new(
            StatusCode::try_from(200).expect("a status"),
            SdkBody::from(body),
        )))
    }
}

#[tokio::test]
async fn ten_thousand_versions_in_bounded_memory() {
    let many = Many::default();
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            None,
            None,
            "script",
        )))
        .http_client(many.clone())
        .build();
    let aws = AwsProvider {
        clients: Clients::new(&config),
        ..ScriptedServer::new().aws()
    };
    let address = StoreAddress {
        table: None,
        ..address()
    };
    let census = versions(&S3Store::new(&aws, &address), &TeardownScope::Whole).await;
    assert_eq!(
        (
            census.versions.count,
            census.versions.bytes,
            census.unseen.count
        ),
        (ALL as u64, 3 * ALL as u64, 0)
    );
    let asked = many.0.lock().expect("no panic").clone();
    let ends: Vec<String> = (0..ALL / PAGE)
        .map(|page| {
            if page == 0 {
                String::new()
            } else {
                format!("k{:05}", page * PAGE - 1)
            }
        })
        .collect();
    assert_eq!(asked, ends, "each page once, from where the last one ended");
    assert_eq!(
        census.states.rows.len() + census.locks.rows.len(),
        0,
        "counted, and not kept: {MOST} rows at most of anything"
    );
}
