//! Ten thousand objects: all are looked at, few at a time, and a page is gone before the next comes.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use jiff::SignedDuration;

use super::*;
use crate::{
    aws::{clients::Clients, verify::usage},
    settings::layer::LockMechanism,
};

const OBJECTS: usize = 10_000;
const PAGE: usize = 1000;

/// A bucket whose answers take a moment.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<Mutex<Count>>);

#[derive(Debug, Default)]
struct Count {
    listed: usize,
    looked_at: usize,
    at_once: usize,
    most_at_once: usize,
    most_waiting: usize,
}

impl Slow {
    fn aws(&self) -> Aws {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "secret", None, None, "script")))
            .http_client(self.clone())
            .build();
        Aws { clients: Clients::new(&config), ..Script::new().aws() }
    }

    fn page(&self) -> String {
        let mut count = self.0.lock().expect("no panic");
        let from = count.listed;
        count.listed += PAGE;
        let more = count.listed < OBJECTS;
        count.most_waiting = count.most_waiting.max(count.listed - count.looked_at);
        drop(count);
        let mut page = format!("<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>");
        page.push_str("<NextContinuationToken>more</NextContinuationToken>");
        for n in from..from + PAGE {
            write!(page, "<Contents><Key>env%3A/w{n:05}/a.tfstate</Key><Size>3</Size></Contents>").expect("a string");
        }
        page + "</ListBucketResult>"
    }
}

impl HttpClient for Slow {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Slow {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let slow = self.clone();
        HttpConnectorFuture::new(async move {
            if request.method() == "GET" {
                return Ok(HttpResponse::new(StatusCode::try_from(200).expect("a status"), SdkBody::from(slow.page())));
            }
            {
                let mut count = slow.0.lock().expect("no panic");
                count.at_once += 1;
                count.most_at_once = count.most_at_once.max(count.at_once);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            let mut response = HttpResponse::new(StatusCode::try_from(200).expect("a status"), SdkBody::empty());
            response.headers_mut().insert("x-amz-server-side-encryption", "AES256");
            let mut count = slow.0.lock().expect("no panic");
            count.at_once -= 1;
            count.looked_at += 1;
            Ok(response)
        })
    }
}

#[tokio::test]
async fn ten_thousand_states_in_bounded_memory() {
    let slow = Slow::default();
    let (aws, address) = (slow.aws(), StoreAddress { table: None, ..address() });
    let expected = usage::Expected {
        bucket: "states".to_owned(),
        key: Some(KEY_ARN.to_owned()),
        lock: Some(LockMechanism::S3),
        stale_after: SignedDuration::from_hours(1),
        now: Timestamp::UNIX_EPOCH,
    };
    let checked = usage::check(&Store::new(&aws, &address), expected).await;
    let count = slow.0.lock().expect("no panic");
    assert_eq!((count.listed, count.looked_at), (OBJECTS, OBJECTS), "all of them");
    assert_eq!(count.most_at_once, usage::AT_ONCE, "as many at once as may be");
    assert_eq!(count.most_waiting, PAGE, "no page is fetched before all of the last were looked at");
    let faults: Vec<_> = checked.iter().filter(|checked| checked.is_finding()).collect();
    assert_eq!(faults.len(), 101, "a hundred are named, the others counted");
    assert!(format!("{:?}", faults[100]).contains("in 9900 more places"));
}
