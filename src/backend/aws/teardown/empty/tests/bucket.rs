//! A bucket with versions, in memory: it answers as S3 does, loses its place as emulators do, and
//! sees what must never happen.

use std::{
    collections::{BTreeMap, BTreeSet},
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
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::backend::aws::{AwsProvider, clients::Clients, testing::ScriptedServer};

const PAGE: usize = 1000;

#[derive(Clone, Default)]
pub(super) struct Bucket(Arc<Mutex<State>>);

type Before = dyn FnMut(&mut State, &'static str) -> Option<(u16, String)> + Send;
type Refuse = dyn FnMut(&str, &str) -> Option<&'static str> + Send;

#[derive(Default)]
pub(super) struct State {
    /// Each newest first.
    pub names: BTreeMap<String, Vec<Stored>>,
    pub uploads: BTreeSet<(String, String)>,
    /// The names of all calls, in their order.
    pub calls: Vec<&'static str>,
    pub batches: Vec<usize>,
    /// Violated invariants.
    pub faults: Vec<String>,
    pub most_at_once: usize,
    /// The most that was listed and not yet gone, in one pass.
    pub most_waiting: usize,
    /// Decides about a call before anything is done: the status, and the XML.
    pub before: Option<Box<Before>>,
    /// The error code that is returned for a version instead of deleting it.
    pub refuse: Option<Box<Refuse>>,
    /// The duration of a batch.
    pub moment: Duration,
    listed: BTreeSet<(String, String)>,
    at_once: usize,
    waiting: usize,
    ids: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub id: String,
    pub marker: bool,
    /// Seconds since 1970.
    pub modified: u32,
}

impl State {
    pub(super) fn put(&mut self, key: &str, marker: bool) {
        self.ids += 1;
        let stored = Stored {
            id: format!("v{}", self.ids),
            marker,
            modified: 1,
        };
        self.names
            .entry(key.to_owned())
            .or_default()
            .insert(0, stored);
    }

    pub(super) fn count(&self) -> usize {
        self.names.values().map(Vec::len).sum()
    }

    pub(super) fn calls_of(&self, name: &str) -> usize {
        self.calls.iter().filter(|call| **call == name).count()
    }

    fn list(&mut self, query: &BTreeMap<String, String>) -> String {
        let text = |name: &str| query.get(name).map_or("", String::as_str);
        let (prefix, key_marker, id_marker) = (
            text("prefix"),
            text("key-marker"),
            text("version-id-marker"),
        );
        if key_marker.is_empty() {
            self.waiting = 0;
        }
        let mut rest = vec![];
        for (key, versions) in self.names.iter().filter(|(key, _)| key.starts_with(prefix)) {
            let from = match (key.as_str().cmp(key_marker), id_marker) {
                (std::cmp::Ordering::Less, _) | (std::cmp::Ordering::Equal, "") => continue,
                (std::cmp::Ordering::Greater, _) => 0,
                (std::cmp::Ordering::Equal, id) => versions
                    .iter()
                    .position(|v| v.id == id)
                    .map_or(versions.len(), |at| at + 1),
            };
            rest.extend(
                versions
                    .iter()
                    .enumerate()
                    .skip(from)
                    .map(|(at, version)| (key.clone(), at == 0, version.clone())),
            );
        }
        let lost = !id_marker.is_empty()
            && !self
                .names
                .get(key_marker)
                .is_some_and(|all| all.iter().any(|v| v.id == id_marker));
        self.faults
            .extend(lost.then(|| format!("the marker {key_marker} {id_marker} is gone")));
        let more = rest.len() > PAGE;
        rest.truncate(PAGE);
        let mut page = format!(
            "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>"
        );
        if let (true, Some((key, _, version))) = (more, rest.last()) {
            let key = encoded(key);
            let next = format!(
                "<NextKeyMarker>{key}</NextKeyMarker><NextVersionIdMarker>{}</NextVersionIdMarker>",
                version.id
            );
            page.push_str(&next);
        }
        for (
            key,
            latest,
            Stored {
                id,
                marker,
                modified,
            },
        ) in rest
        {
            let element = if marker { "DeleteMarker" } else { "Version" };
            let size = if marker { "" } else { "<Size>3</Size>" };
            let time = format!("1970-01-01T00:{:02}:{:02}Z", modified / 60, modified % 60);
            write!(
                page,
                "<{element}><Key>{}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest>",
                encoded(&key)
            )
            .unwrap();
            write!(
                page,
                "<LastModified>{time}</LastModified>{size}</{element}>"
            )
            .unwrap();
            self.listed.insert((key, id));
            self.waiting += 1;
        }
        self.most_waiting = self.most_waiting.max(self.waiting);
        page + "</ListVersionsResult>"
    }

    /// The code of why not.
    fn delete(&mut self, key: &str, id: &str) -> Option<&'static str> {
        if let Some(code) = self.refuse.as_mut().and_then(|refuse| refuse(key, id)) {
            return Some(code);
        }
        if !self.listed.contains(&(key.to_owned(), id.to_owned())) {
            self.faults.push(format!("{key:?} {id} was never listed"));
        }
        let versions = self.names.get_mut(key)?;
        let at = versions.iter().position(|version| version.id == id)?;
        versions.remove(at);
        self.waiting = self.waiting.saturating_sub(1);
        None
    }

    /// The previously current version of each name that still exists.
    fn current(&self) -> BTreeMap<String, String> {
        self.names
            .iter()
            .filter_map(|(key, versions)| Some((key.clone(), versions.first()?.id.clone())))
            .collect()
    }

    fn batch(&mut self, body: &str) -> (u16, String) {
        let Ok(document) = roxmltree::Document::parse(body) else {
            return error(400, "MalformedXML");
        };
        let text = |node: &roxmltree::Node<'_, '_>, name: &str| {
            node.children()
                .find(|child| {
                    child.has_tag_name((node.tag_name().namespace().unwrap_or_default(), name))
                })
                .map(|child| child.text().unwrap_or_default().to_owned())
        };
        let objects: Vec<_> = document
            .descendants()
            .filter(|node| node.tag_name().name() == "Object")
            .collect();
        if text(&document.root_element(), "Quiet").as_deref() != Some("true") {
            self.faults.push("not quiet".to_owned());
        }
        self.batches.push(objects.len());
        let mut answer = "<DeleteResult>".to_owned();
        let before = self.current();
        for object in objects {
            let (key, id) = (
                text(&object, "Key").expect("a key"),
                text(&object, "VersionId").expect("always by the id"),
            );
            if let Some(code) = self.delete(&key, &id) {
                let key = key
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('\n', "&#10;")
                    .replace('\r', "&#13;");
                write!(
                    answer,
                    "<Error><Key>{key}</Key><VersionId>{id}</VersionId><Code>{code}</Code>"
                )
                .unwrap();
                answer.push_str("<Message>because</Message></Error>");
            }
        }
        for (key, id) in self.current() {
            if before.get(&key).is_some_and(|before| *before != id) {
                self.faults
                    .push(format!("an older version of {key:?} became current"));
            }
        }
        self.names.retain(|_, versions| !versions.is_empty());
        (200, answer + "</DeleteResult>")
    }

    fn uploads(&self, query: &BTreeMap<String, String>) -> String {
        let text = |name: &str| query.get(name).cloned().unwrap_or_default();
        let after = (text("key-marker"), text("upload-id-marker"));
        let prefix = text("prefix");
        let rest: Vec<_> = self
            .uploads
            .iter()
            .filter(|upload| **upload > after && upload.0.starts_with(&prefix))
            .collect();
        let more = rest.len() > PAGE;
        let mut page = format!(
            "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>{more}</\
             IsTruncated>"
        );
        for (at, (key, id)) in rest.into_iter().take(PAGE).enumerate() {
            let key = encoded(key);
            write!(
                page,
                "<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>"
            )
            .unwrap();
            if more && at + 1 == PAGE {
                write!(
                    page,
                    "<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{id}</\
                     NextUploadIdMarker>"
                )
                .unwrap();
            }
        }
        page + "</ListMultipartUploadsResult>"
    }

    fn answer(&mut self, call: &Call) -> (u16, String) {
        self.calls.push(call.name);
        if let Some(mut before) = self.before.take() {
            let answer = before(self, call.name);
            self.before = Some(before);
            if let Some(answer) = answer {
                return answer;
            }
        }
        let text = |name: &str| call.query.get(name).cloned().unwrap_or_default();
        match call.name {
            "ListObjectVersions" => (200, self.list(&call.query)),
            "ListMultipartUploads" => (200, self.uploads(&call.query)),
            "DeleteObjects" => self.batch(&call.body),
            "DeleteObject" => match self.delete(&call.key, &text("versionId")) {
                Some(code) => error(403, code),
                None => {
                    self.names.retain(|_, versions| !versions.is_empty());
                    (204, String::new())
                }
            },
            _ => {
                if let Some(code) = self
                    .refuse
                    .as_mut()
                    .and_then(|refuse| refuse(&call.key, &text("uploadId")))
                {
                    return error(403, code);
                }
                if self.uploads.remove(&(call.key.clone(), text("uploadId"))) {
                    (204, String::new())
                } else {
                    error(404, "NoSuchUpload")
                }
            }
        }
    }
}

pub(super) fn error(status: u16, code: &str) -> (u16, String) {
    (
        status,
        format!("<Error><Code>{code}</Code><Message>because</Message></Error>"),
    )
}

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, NON_ALPHANUMERIC).to_string()
}

struct Call {
    name: &'static str,
    key: String,
    query: BTreeMap<String, String>,
    body: String,
}

impl Call {
    fn of(request: &HttpRequest) -> Self {
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .expect("UTF-8")
                .into_owned()
        };
        let (path, query) = request.uri().split_once('?').unwrap_or((request.uri(), ""));
        let query: BTreeMap<_, _> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(k, v)| (k.to_owned(), decoded(v)))
            .collect();
        let key = path
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or("", |(_, key)| key);
        let name = match (request.method(), key.is_empty()) {
            ("GET", true) if query.contains_key("versions") => "ListObjectVersions",
            ("GET", true) if query.contains_key("uploads") => "ListMultipartUploads",
            ("POST", true) if query.contains_key("delete") => "DeleteObjects",
            ("DELETE", false) if query.contains_key("uploadId") => "AbortMultipartUpload",
            ("DELETE", false) if query.contains_key("versionId") => "DeleteObject",
            other => panic!("{other:?} {}", request.uri()),
        };
        let body =
            String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).expect("text");
        Self {
            name,
            key: decoded(key),
            query,
            body,
        }
    }
}

impl Bucket {
    pub(super) fn with(fill: impl FnOnce(&mut State)) -> Self {
        let bucket = Self::default();
        fill(&mut bucket.state());
        bucket
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    /// Without the SDK's own retries.
    pub(super) fn aws(&self) -> AwsProvider {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                None,
                None,
                "bucket",
            )))
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone())
            .build();
        AwsProvider {
            clients: Clients::new(&config),
            ..ScriptedServer::new().aws()
        }
    }
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bucket")
    }
}

impl HttpClient for Bucket {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Bucket {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call::of(&request);
        let header = |name: &str| request.headers().get(name).map(str::to_owned);
        let mut state = self.state();
        if header("x-amz-expected-bucket-owner").as_deref() != Some("111122223333") {
            state
                .faults
                .push(format!("{} without the owner", call.name));
        }
        if header("x-amz-bypass-governance-retention").is_some() {
            state.faults.push("governance was bypassed".to_owned());
        }
        if call.name == "DeleteObjects"
            && header("x-amz-checksum-crc32").is_none()
            && header("content-md5").is_none()
        {
            state.faults.push("no checksum".to_owned());
        }
        let deletes = call.name == "DeleteObjects";
        state.at_once += usize::from(deletes);
        state.most_at_once = state.most_at_once.max(state.at_once);
        let moment = if deletes {
            state.moment
        } else {
            Duration::ZERO
        };
        drop(state);
        let bucket = self.clone();
        HttpConnectorFuture::new(async move {
            // What is sent is carried out, though later.
            tokio::time::sleep(moment).await;
            let mut state = bucket.state();
            let (status, body) = state.answer(&call);
            state.at_once -= usize::from(deletes);
            drop(state);
            Ok(HttpResponse::new(
                StatusCode::try_from(status).expect("a status"),
                SdkBody::from(body),
            ))
        })
    }
}
