//! Ten thousand objects: all are looked at, few at a time, and a page is gone before the next
//! comes.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
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
use jiff::SignedDuration;

use super::*;
use crate::{
    backend::aws::{
        clients::Clients,
        store::{inventory::AT_ONCE, state_store::S3StateStore},
        verify::usage,
    },
    settings::layer::LockMechanism,
    store::inventory,
};

const OBJECTS: usize = 10_000;
const PAGE: usize = 1000;
const STATE: &str = r#"{"version": 4, "serial": 7, "resources": []}"#;

/// A bucket whose answers take a moment.
#[derive(Clone, Debug)]
struct Slow {
    objects: usize,
    count: Arc<Mutex<Count>>,
}

#[derive(Debug, Default)]
struct Count {
    listed: usize,
    looked_at: usize,
    at_once: usize,
    most_at_once: usize,
    most_waiting: usize,
}

impl Slow {
    fn of(objects: usize) -> Self {
        Self {
            objects,
            count: Arc::default(),
        }
    }

    fn aws(&self) -> AwsProvider {
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
            .http_client(self.clone())
            .build();
        AwsProvider {
            clients: Clients::new(&config),
            ..ScriptedServer::new().aws()
        }
    }

    /// Counted is one listing; another may go on at the same time.
    fn page(&self, from: usize) -> String {
        let mut count = self.count.lock().expect("no panic");
        count.listed = count.listed.max(from + PAGE);
        let more = from + PAGE < self.objects;
        count.most_waiting = count.most_waiting.max(count.listed - count.looked_at);
        drop(count);
        let mut page = format!(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>"
        );
        write!(
            page,
            "<NextContinuationToken>{}</NextContinuationToken>",
            from + PAGE
        )
        .expect("a string");
        for n in from..from + PAGE {
            write!(
                page,
                "<Contents><Key>env%3A/w{n:05}/a.tfstate</Key><Size>3</Size></Contents>"
            )
            .expect("a string");
        }
        page + "</ListBucketResult>"
    }
}

impl HttpClient for Slow {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Slow {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let slow = self.clone();
        HttpConnectorFuture::new(async move {
            if request.uri().contains("list-type") {
                let token = request.uri().split("continuation-token=").nth(1);
                let from = token
                    .and_then(|rest| rest.split('&').next()?.parse().ok())
                    .unwrap_or_default();
                return Ok(HttpResponse::new(
                    StatusCode::try_from(200).expect("a status"),
                    SdkBody::from(slow.page(from)),
                ));
            }
            {
                let mut count = slow.count.lock().expect("no panic");
                count.at_once += 1;
                count.most_at_once = count.most_at_once.max(count.at_once);
            }
            // Longer than it takes to send as many as may be.
            tokio::time::sleep(Duration::from_millis(5)).await;
            let body = if request.method() == "GET" {
                SdkBody::from(STATE)
            } else {
                SdkBody::empty()
            };
            let mut response =
                HttpResponse::new(StatusCode::try_from(200).expect("a status"), body);
            response
                .headers_mut()
                .insert("x-amz-server-side-encryption", "AES256");
            let mut count = slow.count.lock().expect("no panic");
            count.at_once -= 1;
            count.looked_at += 1;
            Ok(response)
        })
    }
}

#[tokio::test]
async fn ten_thousand_states_in_bounded_memory() {
    let slow = Slow::of(OBJECTS);
    let (aws, address) = (
        slow.aws(),
        StoreAddress {
            table: None,
            ..address()
        },
    );
    let expected = usage::ExpectedUsage {
        bucket: "states".to_owned(),
        key: Some(KEY_ARN.to_owned()),
        lock: Some(LockMechanism::S3),
        stale_after: SignedDuration::from_hours(1),
        contents: false,
        now: Timestamp::UNIX_EPOCH,
    };
    let checked = usage::check(&S3Store::new(&aws, &address), expected).await;
    let count = slow.count.lock().expect("no panic");
    assert_eq!(
        (count.listed, count.looked_at),
        (OBJECTS, OBJECTS),
        "all of them"
    );
    assert_eq!(
        count.most_at_once,
        usage::AT_ONCE,
        "as many at once as may be"
    );
    assert_eq!(
        count.most_waiting, PAGE,
        "no page is fetched before all of the last were looked at"
    );
    let faults: Vec<_> = checked
        .iter()
        .filter(|checked| checked.is_finding())
        .collect();
    assert_eq!(faults.len(), 101, "a hundred are named, the others counted");
    assert!(format!("{:?}", faults[100]).contains("at 9900 more places"));
}

#[tokio::test]
async fn states_are_read_few_at_a_time() {
    let slow = Slow::of(2 * PAGE);
    let (aws, address) = (
        slow.aws(),
        StoreAddress {
            table: None,
            ..address()
        },
    );
    let store = S3StateStore::to_read(S3Store::new(&aws, &address));
    let inventory = inventory::StateInventory::read(&store)
        .await
        .expect("listed");
    assert_eq!((inventory.entries.len(), inventory.others), (2 * PAGE, 0));
    let last = inventory.entries.last().expect("a state");
    assert_eq!(
        (
            last.id.workspace.as_str(),
            last.holds.facts().and_then(|facts| facts.serial)
        ),
        ("w01999", Some(7))
    );
    assert_eq!(
        last.encryption
            .as_ref()
            .and_then(|encryption| encryption.algorithm.as_deref()),
        Some("AES256")
    );
    assert!(inventory.locks.is_empty() && inventory.unseen.is_empty());
    assert_eq!(slow.count.lock().expect("no panic").most_at_once, AT_ONCE);
}

#[test]
fn large_states_wait_for_each_other() {
    assert_eq!(
        [0, 1 << 20, 5 << 20, 64 << 20, u64::MAX].map(inventory::room),
        [1, 2, 6, 65, 128]
    );
}
