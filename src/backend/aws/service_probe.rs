//! Probes the endpoint of each service with one unsigned request: whether it responds, and its time.
//!
//! Needs no credentials, and appears in no record of an account.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_config::{SdkConfig, identity::IdentityCache, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::Headers,
};
use futures_util::future::{BoxFuture, join_all};
use tokio::time::timeout;

use super::{
    clients::{Clients, PreparedConnection},
    error::{chain, clocks::ClockSkew},
    http::{NoResponse, Unreachable, transport::endpoint},
};

/// A service that a backend uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbedService {
    Sts,
    S3,
    DynamoDb,
    Kms,
    Iam,
    CloudWatch,
    CloudTrail,
    Sns,
}

impl ProbedService {
    const ALL: [Self; 8] = [
        Self::Sts,
        Self::S3,
        Self::DynamoDb,
        Self::Kms,
        Self::Iam,
        Self::CloudWatch,
        Self::CloudTrail,
        Self::Sns,
    ];

    /// The prefix of its IAM actions.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::S3 => "s3",
            Self::DynamoDb => "dynamodb",
            Self::Kms => "kms",
            Self::Iam => "iam",
            Self::CloudWatch => "cloudwatch",
            Self::CloudTrail => "cloudtrail",
            Self::Sns => "sns",
        }
    }
}

/// The probe of one service.
#[derive(Debug)]
pub(crate) struct ServiceProbe {
    pub service: ProbedService,
    /// As in `https://sts.eu-west-1.amazonaws.com`; `None` if the SDK knows none.
    pub endpoint: Option<String>,
    pub outcome: ProbeOutcome,
}

#[derive(Debug)]
pub(crate) enum ProbeOutcome {
    Responds {
        /// Unknown if the response has no date.
        clock: Option<ClockSkew>,
    },
    /// The response is a web page, as of a proxy or of a sign-in.
    WebPage {
        status: u16,
    },
    NoResponse {
        reason: NoResponse,
        message: String,
    },
}

/// Probes all services at once; each has `limit` to respond.
pub(crate) async fn probe(prepared: &PreparedConnection, limit: Duration) -> Vec<ServiceProbe> {
    let each = ProbedService::ALL.map(|service| probe_service(service, prepared, limit));
    join_all(each).await
}

async fn probe_service(
    service: ProbedService,
    prepared: &PreparedConnection,
    limit: Duration,
) -> ServiceProbe {
    let client = ProbeClient {
        inner: prepared.http.clone(),
        record: Arc::default(),
    };
    let config = probing(&prepared.config, client.clone());
    let clients = prepared.clients_of(&config);
    let built = timeout(limit, request(service, &clients))
        .await
        .ok()
        .flatten();
    let ProbeRecord { endpoint, outcome } = mem::take(&mut *locked(&client.record));
    let outcome = outcome.unwrap_or_else(|| match (&endpoint, built) {
        (None, Some(message)) => ProbeOutcome::NoResponse {
            reason: NoResponse::Other,
            message,
        },
        _ => ProbeOutcome::NoResponse {
            reason: NoResponse::TimedOut,
            message: format!("no response within {} seconds", limit.as_secs()),
        },
    });
    ServiceProbe {
        service,
        endpoint,
        outcome,
    }
}

/// The same endpoints, without credentials and retries.
fn probing(config: &SdkConfig, client: ProbeClient) -> SdkConfig {
    let nothing = Credentials::new("none", "none", None, None, "probe");
    config
        .to_builder()
        .http_client(SharedHttpClient::new(client))
        .credentials_provider(SharedCredentialsProvider::new(nothing))
        .identity_cache(IdentityCache::lazy().build())
        .retry_config(RetryConfig::disabled())
        .build()
}

/// A call by which the SDK finds the endpoint; [`ProbeClient`] sends another one in its place. The
/// result is why the call could not be built, if so.
fn request(service: ProbedService, clients: &Clients) -> BoxFuture<'_, Option<String>> {
    fn why<T, E: std::error::Error + 'static>(result: Result<T, E>) -> Option<String> {
        result.err().map(|error| chain(&error))
    }
    const ANY: &str = "probe";
    match service {
        ProbedService::Sts => {
            let call = clients.sts.get_caller_identity();
            Box::pin(async { why(call.send().await) })
        }
        ProbedService::S3 => {
            let call = clients.s3.list_buckets();
            Box::pin(async { why(call.send().await) })
        }
        ProbedService::DynamoDb => {
            let call = clients.dynamodb.describe_table().table_name(ANY);
            Box::pin(async { why(call.send().await) })
        }
        ProbedService::Kms => {
            let call = clients.kms.describe_key().key_id(ANY);
            Box::pin(async { why(call.send().await) })
        }
        ProbedService::Iam => {
            let call = clients.iam.list_account_aliases();
            Box::pin(async { why(call.send().await) })
        }
        ProbedService::CloudWatch => {
            let call = clients.cloudwatch.describe_alarms();
            Box::pin(async { why(call.send().await) })
        }
        ProbedService::CloudTrail => {
            let call = clients.cloudtrail.describe_trails();
            Box::pin(async { why(call.send().await) })
        }
        ProbedService::Sns => {
            let call = clients.sns.get_topic_attributes().topic_arn(ANY);
            Box::pin(async { why(call.send().await) })
        }
    }
}

/// What became of a probe.
#[derive(Debug, Default)]
struct ProbeRecord {
    endpoint: Option<String>,
    outcome: Option<ProbeOutcome>,
}

/// Sends an unsigned `GET /` to the host of each request, and records what comes of it.
#[derive(Clone, Debug)]
struct ProbeClient {
    inner: SharedHttpClient,
    record: Arc<Mutex<ProbeRecord>>,
}

impl HttpClient for ProbeClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(ProbeConnector {
            inner: self.inner.http_connector(settings, components),
            record: Arc::clone(&self.record),
        })
    }
}

#[derive(Debug)]
struct ProbeConnector {
    inner: SharedHttpConnector,
    record: Arc<Mutex<ProbeRecord>>,
}

impl HttpConnector for ProbeConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = endpoint(request.uri());
        locked(&self.record).endpoint = Some(host.clone());
        let answer = HttpRequest::get(format!("{host}/")).map(|probe| self.inner.call(probe));
        let record = Arc::clone(&self.record);
        HttpConnectorFuture::new(async move {
            let outcome = match answer {
                Ok(answer) => match answer.await {
                    Ok(response) => of_response(&response),
                    Err(error) => of_error(&error),
                },
                Err(error) => ProbeOutcome::NoResponse {
                    reason: NoResponse::Other,
                    message: error.to_string(),
                },
            };
            locked(&record).outcome = Some(outcome);
            // The call of the SDK ends here.
            Err(ConnectorError::user("probed".into()))
        })
    }
}

fn locked(record: &Mutex<ProbeRecord>) -> MutexGuard<'_, ProbeRecord> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

fn of_response(response: &HttpResponse) -> ProbeOutcome {
    let headers = response.headers();
    let is_page = headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("text/html"));
    if is_page && !is_of_aws(headers) {
        return ProbeOutcome::WebPage {
            status: response.status().as_u16(),
        };
    }
    let clock = headers
        .get("date")
        .and_then(|date| ClockSkew::new(jiff::Timestamp::now(), date));
    ProbeOutcome::Responds { clock }
}

/// Some services redirect an unsigned request to a page about them.
fn is_of_aws(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| name.starts_with("x-amz"))
}

fn of_error(error: &ConnectorError) -> ProbeOutcome {
    // The host is named already.
    let why = Unreachable::in_error(error).and_then(std::error::Error::source);
    let message = why.map_or_else(|| chain(error), chain);
    ProbeOutcome::NoResponse {
        reason: NoResponse::of(error),
        message,
    }
}
