//! Tries plain HTTP: an unsigned request, so that nothing can be intercepted, and the statement of
//! the bucket policy on signed requests. S3 always denies the former; both together are the proof.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};

use super::{BackendProbe, ProbeResult};
use crate::backend::aws::{
    error::{ApiOperation, AwsError, found},
    http::{ProxyPolicy, connector},
    policies::dns_suffix,
    policy::{PolicyDocument, Statement},
};

const POLICY: ApiOperation = ApiOperation::new("s3:GetBucketPolicy");
const NO_POLICY: &[&str] = &["NoSuchBucketPolicy"];
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub enum PlainHttp {
    /// The plain HTTP address of this endpoint is unknown.
    OwnEndpoint,
    /// There was no response.
    Silent(String),
    Answered {
        status: u16,
        /// True for a redirect to TLS.
        to_tls: bool,
        /// Whether the policy denies all plain HTTP requests.
        denied: ProbeResult<bool>,
    },
}

impl BackendProbe<'_> {
    pub(super) async fn plain_http(&self) -> PlainHttp {
        if self.tried.clients.has_own_endpoint() {
            return PlainHttp::OwnEndpoint;
        }
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .build();
        let (region, suffix) = (
            &self.cleaner.region,
            dns_suffix(&self.cleaner.caller.partition),
        );
        let url = format!(
            "http://{}.s3.{region}.{suffix}/{}",
            self.bucket(),
            self.name.never()
        );
        match connector(None, ProxyPolicy::FromEnvironment, &settings) {
            Ok(connector) => self.asked(&connector, &url).await,
            Err(error) => PlainHttp::Silent(error.to_string()),
        }
    }

    pub(super) async fn asked(&self, connector: &SharedHttpConnector, url: &str) -> PlainHttp {
        let mut request = HttpRequest::empty();
        if let Err(error) = request.set_uri(url) {
            return PlainHttp::Silent(error.to_string());
        }
        let answer = match connector.call(request).await {
            Ok(answer) => answer,
            Err(error) => return PlainHttp::Silent(error.to_string()),
        };
        let to_tls = answer
            .headers()
            .get("location")
            .is_some_and(|location| location.starts_with("https://"));
        PlainHttp::Answered {
            status: answer.status().as_u16(),
            to_tls,
            denied: self.denies_plain_http().await,
        }
    }

    async fn denies_plain_http(&self) -> ProbeResult<bool> {
        let request = self
            .cleaner
            .clients
            .s3
            .get_bucket_policy()
            .bucket(self.bucket())
            .expected_bucket_owner(self.owner());
        let answer = found(
            self.cleaner
                .read(POLICY, self.bucket(), request.send())
                .await,
            NO_POLICY,
        )?;
        let Some(text) = answer.and_then(|answer| answer.policy) else {
            return Ok(false);
        };
        let document: PolicyDocument = serde_json::from_str(&text)
            .map_err(|_| AwsError::nonsense(POLICY, self.bucket(), "is not a valid policy"))?;
        let bucket = format!(
            "arn:{}:s3:::{}",
            self.cleaner.caller.partition,
            self.bucket()
        );
        Ok(denies(&document, &bucket))
    }
}

/// Returns whether the policy denies all requests without TLS on objects of the bucket to all
/// principals.
fn denies(document: &PolicyDocument, bucket: &str) -> bool {
    let objects = format!("{bucket}/*");
    let places = [vec![bucket.to_owned(), objects.clone()], vec![objects]];
    let forms = places.iter().flat_map(|on| {
        ["s3:*", "*"]
            .into_iter()
            .flat_map(move |action| ["Bool", "BoolIfExists"].map(|test| (on, action, test)))
    });
    forms.into_iter().any(|(on, action, test)| {
        let denial = Statement::deny("")
            .everybody()
            .actions(&[action])
            .on(on.clone());
        document.says(&denial.when(test, "aws:SecureTransport", ["false".to_owned()]))
    })
}
