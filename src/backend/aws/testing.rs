//! A scripted AWS for unit tests: responses by operation, and a record of requests.
//!
//! Operations of S3 are named by method and query (`PUT ?policy`), all others by their name.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::retry::RetryConfig;

use super::{
    AwsProvider,
    caller::Caller,
    clients::Clients,
    error::{AwsError, ServiceErrorKind},
    ownership::{EnvironmentId, Tags},
    resource::{AwsResource, ObserveContext, ObservedResource},
};

mod answer;
mod wire;

pub(crate) use answer::{ScriptedAnswer, data, empty, error, error_saying, lost, page, text};
use wire::RecordedCall;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const KEY_ARN: &str =
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

pub(crate) fn mark() -> EnvironmentId {
    EnvironmentId {
        project: "acme".to_owned(),
        env: "dev".to_owned(),
    }
}

/// The tags of a protected environment.
pub(crate) fn tags() -> Tags {
    mark().tags(true, &Tags::new())
}

/// Tags of another owner.
pub(crate) fn their_tags() -> Tags {
    Tags::from([("team".to_owned(), "platform".to_owned())])
}

pub(crate) fn both_tags() -> Tags {
    their_tags().into_iter().chain(tags()).collect()
}

/// Returns a tag list in XML, each tag in an element of this name.
pub(crate) fn xml_tags(element: &str, tags: &Tags) -> String {
    tags.iter()
        .map(|(key, value)| {
            format!("<{element}><Key>{key}</Key><Value>{value}</Value></{element}>")
        })
        .collect()
}

/// Returns a tag list in JSON, with these two field names.
pub(crate) fn json_tags(key: &str, value: &str, tags: &Tags) -> serde_json::Value {
    tags.iter()
        .map(|(k, v)| serde_json::json!({ key: k, value: v }))
        .collect()
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptedServer(Arc<Mutex<ScriptState>>);

#[derive(Debug, Default)]
struct ScriptState {
    next: HashMap<String, VecDeque<ScriptedAnswer>>,
    always: HashMap<String, ScriptedAnswer>,
    about: Vec<(String, String, ScriptedAnswer)>,
    calls: Vec<RecordedCall>,
}

impl ScriptedServer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds the next response of an operation; several are returned in turn.
    #[must_use]
    pub(crate) fn on(self, operation: &str, answer: ScriptedAnswer) -> Self {
        self.0
            .lock()
            .expect("no panic")
            .next
            .entry(operation.to_owned())
            .or_default()
            .push_back(answer);
        self
    }

    /// Sets the default response of an operation.
    #[must_use]
    pub(crate) fn always(self, operation: &str, answer: ScriptedAnswer) -> Self {
        self.0
            .lock()
            .expect("no panic")
            .always
            .insert(operation.to_owned(), answer);
        self
    }

    /// Sets the response of an operation for requests that contain this text.
    #[must_use]
    pub(crate) fn about(self, operation: &str, text: &str, answer: ScriptedAnswer) -> Self {
        self.0.lock().expect("no panic").about.push((
            operation.to_owned(),
            text.to_owned(),
            answer,
        ));
        self
    }

    pub(crate) fn aws(&self) -> AwsProvider {
        self.aws_in("aws", REGION)
    }

    pub(crate) fn aws_in(&self, partition: &str, region: &str) -> AwsProvider {
        let caller = Caller {
            account: ACCOUNT.to_owned(),
            partition: partition.to_owned(),
            arn: format!("arn:{partition}:iam::{ACCOUNT}:user/admin"),
        };
        AwsProvider::new(
            Clients::new(&self.config(region)),
            caller,
            region.to_owned(),
            mark(),
        )
    }

    fn config(&self, region: &str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIDEXAMPLE",
                "secret",
                None,
                None,
                "script",
            )))
            .http_client(self.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .sleep_impl(SharedAsyncSleep::new(NoSleep))
            .build()
    }

    /// Returns all requests, and asserts that all scripted responses were used.
    #[track_caller]
    pub(crate) fn sent(&self) -> String {
        let state = self.0.lock().expect("no panic");
        let left: Vec<_> = state
            .next
            .iter()
            .filter(|(_, answers)| !answers.is_empty())
            .collect();
        assert!(left.is_empty(), "never asked for: {left:?}");
        let texts: Vec<_> = state.calls.iter().map(|call| call.text.as_str()).collect();
        texts.join("\n")
    }

    /// Returns the operations of all requests.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.0
            .lock()
            .expect("no panic")
            .calls
            .iter()
            .map(|call| call.operation.clone())
            .collect()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.operations()
            .iter()
            .filter(|name| *name == operation)
            .count()
    }
}

impl HttpClient for ScriptedServer {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for ScriptedServer {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = RecordedCall::new(&request);
        let mut state = self.0.lock().expect("no panic");
        let answer = state
            .next
            .get_mut(&call.operation)
            .and_then(VecDeque::pop_front);
        let about = |(operation, text, _): &&(String, String, ScriptedAnswer)| {
            *operation == call.operation && call.text.contains(&**text)
        };
        let answer = answer.or_else(|| {
            state
                .about
                .iter()
                .find(about)
                .map(|(_, _, answer)| answer.clone())
        });
        let answer = answer.or_else(|| state.always.get(&call.operation).cloned());
        let takes = answer
            .as_ref()
            .map_or(Duration::ZERO, |answer| answer.takes);
        let response = answer.map(|answer| answer.to_response(&call));
        let text = call.text.clone();
        state.calls.push(call);
        drop(state);
        // Not as a future: the SDK never sleeps here and would time out.
        std::thread::sleep(takes);
        HttpConnectorFuture::ready(match response {
            Some(Some(response)) => Ok(response),
            Some(None) => Err(ConnectorError::io("the connection broke".into())),
            None => panic!("nothing was said about {text}"),
        })
    }
}

/// The SDK retries without delay.
#[derive(Debug)]
struct NoSleep;

impl AsyncSleep for NoSleep {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}

pub(crate) async fn look<R: AwsResource>(
    script: &ScriptedServer,
    spec: &R,
) -> Result<Option<ObservedResource<R>>, AwsError> {
    look_in(script, spec, "aws", REGION).await
}

pub(crate) async fn look_in<R: AwsResource>(
    script: &ScriptedServer,
    spec: &R,
    partition: &str,
    region: &str,
) -> Result<Option<ObservedResource<R>>, AwsError> {
    let aws = script.aws_in(partition, region);
    spec.look(&ObserveContext::new(&aws)).await
}

/// Asserts that a read returns absence for `codes` of `operation`, and an error for any other code.
pub(crate) async fn absent_only_by<R: AwsResource>(
    spec: &R,
    operation: &str,
    codes: &[&str],
    others: impl Fn(ScriptedServer) -> ScriptedServer,
) {
    let answered = async |answer: ScriptedAnswer| {
        let script = others(ScriptedServer::new().always(operation, answer));
        let found = look(&script, spec).await;
        assert!(script.count(operation) > 0, "{operation} was not asked");
        found
    };
    for code in codes {
        let found = answered(error(404, code)).await;
        assert!(matches!(found, Ok(None)), "{operation} {code}: {found:?}");
    }
    for (status, code, kind) in [
        (403, "AccessDenied", ServiceErrorKind::Denied),
        (400, "AccessDeniedException", ServiceErrorKind::Denied),
        (403, "AuthorizationError", ServiceErrorKind::Denied),
        (403, "ExpiredToken", ServiceErrorKind::Expired),
        (400, "ThrottlingException", ServiceErrorKind::Throttled),
        (500, "InternalError", ServiceErrorKind::Server),
        (404, "NotWhatItSays", ServiceErrorKind::Refused),
    ] {
        match answered(error(status, code)).await {
            Err(error) => assert_eq!(error.kind, kind, "{operation} {code}: {error}"),
            Ok(found) => panic!("{operation} {code} was taken for {found:?}"),
        }
    }
    match answered(lost()).await {
        Err(error) => assert_eq!(error.kind, ServiceErrorKind::Network, "{error}"),
        Ok(found) => panic!("no answer to {operation} was taken for {found:?}"),
    }
}

/// Asserts that a write is retried for `codes`, and not for a denial.
pub(crate) async fn retried_on<R: AwsResource>(
    spec: &R,
    from: Option<&R>,
    operation: &str,
    codes: &[&str],
    others: impl Fn(ScriptedServer) -> ScriptedServer,
) {
    for code in codes {
        let script = others(ScriptedServer::new().on(operation, error(400, code)));
        spec.write(&script.aws(), from)
            .await
            .unwrap_or_else(|error| panic!("{operation} is tried again on {code}: {error}"));
        assert_eq!(script.count(operation), 2, "{operation} {code}");
    }
    let script = others(ScriptedServer::new().on(operation, error(403, "AccessDenied")));
    let error = spec
        .write(&script.aws(), from)
        .await
        .expect_err("a denial is for good");
    assert_eq!(
        (error.kind, script.count(operation)),
        (ServiceErrorKind::Denied, 1),
        "{operation}: {error}"
    );
}

/// Asserts that a delete succeeds for `codes` of `operation`, which mean absence, and fails for
/// other errors.
pub(crate) async fn gone_only_by<R: AwsResource>(
    spec: &R,
    operation: &str,
    codes: &[&str],
    others: impl Fn(ScriptedServer) -> ScriptedServer,
) {
    let answered = async |answer: ScriptedAnswer| {
        let script = others(ScriptedServer::new().always(operation, answer));
        let deleted = spec.delete(&script.aws()).await;
        assert!(script.count(operation) > 0, "{operation} was not asked");
        deleted
    };
    for code in codes {
        let deleted = answered(error(404, code)).await;
        assert!(deleted.is_ok(), "{operation} {code}: {deleted:?}");
    }
    for (status, code, kind) in [
        (403, "AccessDenied", ServiceErrorKind::Denied),
        (400, "AccessDeniedException", ServiceErrorKind::Denied),
        (403, "ExpiredToken", ServiceErrorKind::Expired),
        (400, "ThrottlingException", ServiceErrorKind::Throttled),
        (500, "InternalError", ServiceErrorKind::Server),
        (404, "NotWhatItSays", ServiceErrorKind::Refused),
    ] {
        let error = answered(error(status, code)).await.expect_err(code);
        assert_eq!(error.kind, kind, "{operation} {code}: {error}");
    }
    assert_eq!(
        answered(lost())
            .await
            .expect_err("no answer is no success")
            .kind,
        ServiceErrorKind::Network
    );
}
