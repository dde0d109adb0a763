//! An HTTP client that remembers which calls went through it, and when.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};

use super::chain::{Trip, longest};

/// One request, in the words of the services' API references.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// As IAM knows it: `cloudwatch`, not `monitoring`.
    pub service: String,
    pub operation: String,
    /// The account that the bucket must belong to (S3 only).
    pub expected_owner: Option<String>,
}

impl Call {
    /// As in `sts:GetCallerIdentity`.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    pub(crate) fn is_write(&self) -> bool {
        ![
            "Get",
            "List",
            "Describe",
            "Head",
            "Scan",
            "Query",
            "BatchGet",
            "Simulate",
            "AssumeRole",
        ]
        .iter()
        .any(|verb| self.operation.starts_with(verb))
    }

    /// What IAM has to allow, where it is not called as the operation is.
    pub(crate) fn action(&self) -> String {
        let action = match &*self.operation {
            "HeadBucket" | "ListObjectsV2" => "ListBucket",
            "GetBucketEncryption" => "GetEncryptionConfiguration",
            "PutBucketEncryption" => "PutEncryptionConfiguration",
            "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
            "PutBucketLifecycleConfiguration" => "PutLifecycleConfiguration",
            "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
            "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
            "GetBucketNotificationConfiguration" => "GetBucketNotification",
            "PutBucketNotificationConfiguration" => "PutBucketNotification",
            operation => operation,
        };
        format!("{}:{action}", self.service)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    inner: SharedHttpClient,
    calls: Arc<Mutex<Vec<Call>>>,
    /// What was answered.
    trips: Arc<Mutex<Vec<Trip>>>,
}

impl Recorder {
    pub(crate) fn new(inner: SharedHttpClient) -> Self {
        Self {
            inner,
            calls: Arc::default(),
            trips: Arc::default(),
        }
    }

    /// The calls since the last time.
    pub(crate) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().expect("the calls"))
    }

    /// The longest chain of the calls that were answered since the last time.
    pub(crate) fn take_chain(&self) -> Vec<String> {
        longest(std::mem::take(&mut *self.trips.lock().expect("the trips")))
    }
}

impl HttpClient for Recorder {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Recording {
            inner,
            calls: Arc::clone(&self.calls),
            trips: Arc::clone(&self.trips),
        })
    }
}

#[derive(Debug)]
struct Recording {
    inner: SharedHttpConnector,
    calls: Arc<Mutex<Vec<Call>>>,
    trips: Arc<Mutex<Vec<Trip>>>,
}

impl HttpConnector for Recording {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (call, start, trips) = (call(&request), Instant::now(), Arc::clone(&self.trips));
        let name = call.name();
        self.calls.lock().expect("the calls").push(call);
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            trips.lock().expect("the trips").push(Trip {
                name,
                start,
                end: Instant::now(),
            });
            answer
        })
    }
}

/// Which call a signed request is.
pub(crate) fn call(request: &HttpRequest) -> Call {
    let header = |name: &str| request.headers().get(name);
    // Credential=ID/DATE/REGION/SERVICE/aws4_request
    let scope = header("authorization").and_then(|header| header.split("Credential=").nth(1));
    let service = scope
        .and_then(|scope| scope.split('/').nth(3))
        .unwrap_or("unsigned")
        .replace("monitoring", "cloudwatch");
    let body = request
        .body()
        .bytes()
        .map(String::from_utf8_lossy)
        .unwrap_or_default()
        .into_owned();
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    let operation = match (
        header("x-amz-target"),
        request.uri().split_once("/operation/"),
        action,
    ) {
        (Some(target), _, _) => target.rsplit('.').next().expect("a name").to_owned(),
        (None, Some((_, operation)), _) => operation.to_owned(),
        (None, None, Some(action)) => action.to_owned(),
        (None, None, None) => s3_operation(request),
    };
    Call {
        service,
        operation,
        expected_owner: header("x-amz-expected-bucket-owner").map(str::to_owned),
    }
}

fn s3_operation(request: &HttpRequest) -> String {
    if request
        .uri()
        .ends_with("/v20180820/configuration/publicAccessBlock")
    {
        return format!(
            "{}AccountPublicAccessBlock",
            if request.method() == "GET" {
                "Get"
            } else {
                request.method()
            }
        );
    }
    let (path, query) = request.uri().split_once('?').unwrap_or((request.uri(), ""));
    let verb = match request.method() {
        "GET" => "Get",
        "PUT" => "Put",
        "HEAD" => "Head",
        "DELETE" => "Delete",
        other => other,
    };
    // Behind a proxy the URI has no host.
    let in_bucket = path.split_once("://").map_or(path, |(_, rest)| {
        rest.split_once('/').map_or("", |(_, path)| path)
    });
    if in_bucket.trim_matches('/').contains('/') {
        return format!("{verb}Object");
    }
    let of = match query.split(['&', '=']).next().unwrap_or_default() {
        "" if verb == "Head" => return "HeadBucket".to_owned(),
        "" if verb == "Put" => return "CreateBucket".to_owned(),
        "" if verb == "Delete" => return "DeleteBucket".to_owned(),
        "delete" => return "DeleteObjects".to_owned(),
        "list-type" => return "ListObjectsV2".to_owned(),
        "versions" => return "ListObjectVersions".to_owned(),
        "uploads" => return "ListMultipartUploads".to_owned(),
        "object-lock" => "ObjectLockConfiguration",
        "encryption" => "BucketEncryption",
        "lifecycle" => "BucketLifecycleConfiguration",
        "logging" => "BucketLogging",
        "notification" => "BucketNotificationConfiguration",
        "ownershipControls" => "BucketOwnershipControls",
        "policy" => "BucketPolicy",
        "publicAccessBlock" => "PublicAccessBlock",
        "tagging" => "BucketTagging",
        "versioning" => "BucketVersioning",
        // What tfbackend does not call: as it says itself, or as most are called.
        other => {
            let said = query.split('&').find_map(|pair| pair.strip_prefix("x-id="));
            let (first, rest) = other.split_at(other.chars().next().map_or(0, char::len_utf8));
            return said.map_or_else(
                || format!("{verb}Bucket{}{rest}", first.to_uppercase()),
                str::to_owned,
            );
        }
    };
    format!("{verb}{of}")
}
