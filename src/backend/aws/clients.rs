//! The service clients, with a shared HTTP client, credentials cache and time-outs.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig,
    default_provider::region::DefaultRegionChain,
    ecs::EcsCredentialsProvider,
    identity::IdentityCache,
    imds::credentials::ImdsCredentialsProvider,
    meta::{credentials::CredentialsProviderChain, region::ProvideRegion},
    profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider},
    provider_config::ProviderConfig,
    sts::AssumeRoleProvider,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_runtime_api::client::{endpoint::EndpointFuture, http::SharedHttpClient};
use aws_smithy_types::{endpoint::Endpoint, retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{
    os_shim_internal::{Env, Fs},
    service_config::ServiceConfigKey,
};

use super::{
    error::{ApiOperation, AwsError},
    http::{
        CONNECT_TIMEOUT,
        transport::{Transport, endpoint, is_safe},
    },
};

/// If every third call is throttled, one of a hundred calls fails five times in a row, and a run
/// makes more than a hundred calls. One of a hundred thousand fails ten times.
pub(super) const ATTEMPTS: u32 = 10;
/// The sum of all delays is at most 13 seconds; then a call fails.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The time-outs of one attempt, and of all attempts with delays.
const ATTEMPT: Duration = Duration::from_secs(30);
const OPERATION: Duration = Duration::from_secs(120);
/// The minimum bandwidth for an upload, in bytes per second: 1 Mbit/s.
const SLOWEST: u64 = 128 * 1024;

/// Returns the time-outs of an upload of this size, which is sent in one piece and restarts with
/// each attempt.
pub(super) fn upload_timeouts(bytes: usize) -> TimeoutConfig {
    let upload = Duration::from_secs(u64::try_from(bytes).unwrap_or(u64::MAX) / SLOWEST);
    // Time for a second attempt.
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT + upload)
        .operation_timeout(OPERATION + 2 * upload)
        .build()
}

/// The endpoints and credentials. `None` uses the defaults of the SDK: environment, profile,
/// instance.
#[derive(Clone, Debug, Default)]
pub struct ConnectionOptions {
    pub region: Option<String>,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// Endpoints of single services, which take precedence.
    pub endpoints: ServiceEndpoints,
    pub fips: bool,
    pub dualstack: bool,
    /// A shared credentials file to use instead of the usual chain.
    pub credentials_file: Option<PathBuf>,
}

/// Endpoints of single services, as in `endpoints` of a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceEndpoints {
    pub s3: Option<String>,
    pub dynamodb: Option<String>,
    pub iam: Option<String>,
    pub sts: Option<String>,
}

const ASSUME: ApiOperation = ApiOperation::new("sts:AssumeRole");

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionRole {
    pub arn: String,
    pub session_name: String,
    pub external_id: Option<String>,
    pub duration: Option<Duration>,
}

/// A client per service.
#[derive(Clone, Debug)]
pub struct Clients {
    pub cloudtrail: aws_sdk_cloudtrail::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iam: aws_sdk_iam::Client,
    pub kms: aws_sdk_kms::Client,
    pub s3: aws_sdk_s3::Client,
    pub s3control: aws_sdk_s3control::Client,
    pub sns: aws_sdk_sns::Client,
    pub sts: aws_sdk_sts::Client,
    config: SdkConfig,
    endpoints: ServiceEndpoints,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no profile {name:?} in the AWS configuration")]
    NoProfile { name: String, known: Vec<String> },
    #[error("the AWS configuration files cannot be read")]
    Profiles(#[source] aws_config::profile::ProfileFileLoadError),
    #[error(
        "profile {name:?} requires MFA (mfa_serial), which the AWS SDK for Rust does not support"
    )]
    MfaProfile { name: String },
    #[error(
        "{url} is plain HTTP and not on this machine: credentials and states would be sent \
         unencrypted"
    )]
    PlainHttp { url: String },
    /// It is not repeated: it may be a password.
    #[error(
        "the URL of an endpoint contains a user name or a password, which no service of AWS takes"
    )]
    UserInfo,
}

/// A connection before its first call.
#[derive(Clone, Debug)]
pub struct PreparedConnection {
    pub(super) config: SdkConfig,
    pub(super) http: SharedHttpClient,
    options: ConnectionOptions,
}

impl PreparedConnection {
    /// # Errors
    /// As [`connect`].
    pub async fn new(
        options: ConnectionOptions,
        http: SharedHttpClient,
        vars: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConnectError> {
        let config = connect(&options, http.clone(), vars).await?;
        Ok(Self {
            config,
            http,
            options,
        })
    }

    pub fn clients(&self) -> Clients {
        Clients::at(&self.config, &self.options.endpoints)
    }

    /// The same with another configuration.
    pub(super) fn with_config(&self, config: SdkConfig) -> Self {
        Self {
            config,
            ..self.clone()
        }
    }

    /// The clients of another configuration, at the same endpoints.
    pub(super) fn clients_of(&self, config: &SdkConfig) -> Clients {
        Clients::at(config, &self.options.endpoints)
    }

    /// Returns the endpoint of all services, if it is not that of AWS.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.config.endpoint_url()
    }

    /// Returns the endpoints that are neither of AWS nor on this machine.
    pub fn elsewhere(&self) -> Vec<String> {
        elsewhere(&self.config, &self.options)
    }
}

/// Loads the configuration and checks what the SDK silently ignores.
pub async fn connect(
    connection: &ConnectionOptions,
    http: SharedHttpClient,
    vars: &impl Fn(&str) -> Option<String>,
) -> Result<SdkConfig, ConnectError> {
    for url in endpoints(connection, vars) {
        must_be_safe(url)?;
    }
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .timeout_config(upload_timeouts(0));
    if vars("AWS_MAX_ATTEMPTS").is_none() && vars("AWS_RETRY_MODE").is_none() {
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        loader = loader.retry_config(
            retries
                .with_initial_backoff(FIRST_PAUSE)
                .with_max_backoff(LONGEST_PAUSE),
        );
    }
    if let Some(region) = &connection.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &connection.endpoint_url {
        loader = loader.endpoint_url(url.clone());
    }
    if connection.fips {
        loader = loader.use_fips(true);
    }
    if connection.dualstack {
        loader = loader.use_dual_stack(true);
    }
    if let Some(path) = &connection.credentials_file {
        let files = EnvConfigFiles::builder()
            .with_file(EnvConfigFileKind::Credentials, path)
            .build();
        loader = loader.credentials_provider(
            ProfileFileCredentialsProvider::builder()
                .profile_files(files)
                .profile_name("default")
                .build(),
        );
    } else if let Some(name) = &connection.profile {
        check_profile(name, &Fs::real(), &Env::real()).await?;
        let mut config = ProviderConfig::default().with_http_client(http);
        config = config.with_region(connection.region.clone().map(Region::new));
        loader = loader
            .profile_name(name)
            .credentials_provider(of_profile(name, &config));
    } else if let Some(name) = vars("AWS_PROFILE").filter(|name| !name.is_empty()) {
        check_profile(&name, &Fs::real(), &Env::real()).await?;
        loader = loader.profile_name(name);
    }
    let config = loader.load().await;
    // An endpoint on the command line takes precedence over those of a profile.
    if connection.endpoint_url.is_none() {
        from_profile(&config)
            .into_iter()
            .try_for_each(must_be_safe)?;
    }
    Ok(config)
}

fn must_be_safe(url: String) -> Result<(), ConnectError> {
    if url.contains('@') {
        return Err(ConnectError::UserInfo);
    }
    if is_safe(&url) {
        Ok(())
    } else {
        Err(ConnectError::PlainHttp { url })
    }
}

/// Credentials of the given profile, or of the instance metadata for a profile without any.
///
/// The default chain of the SDK reads the variables first. A given profile takes precedence over
/// them, as in boto3 and Terraform (botocore skips its `env` provider then); `AWS_PROFILE` does
/// not, as there.
fn of_profile(name: &str, config: &ProviderConfig) -> CredentialsProviderChain {
    let profile = ProfileFileCredentialsProvider::builder()
        .configure(config)
        .profile_name(name)
        .build();
    let container = EcsCredentialsProvider::builder().configure(config).build();
    let instance = ImdsCredentialsProvider::builder().configure(config).build();
    CredentialsProviderChain::first_try("Profile", profile)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", instance)
}

/// Returns whether a source has credentials; whether AWS takes them is not known.
pub async fn has_credentials(config: &SdkConfig) -> bool {
    use aws_credential_types::provider::ProvideCredentials;
    match config.credentials_provider() {
        Some(provider) => provider.provide_credentials().await.is_ok(),
        None => false,
    }
}

/// Returns the default region of the SDK: from the environment, the profile or the instance.
pub async fn default_region(profile: Option<&str>) -> Option<String> {
    profile
        .into_iter()
        .fold(DefaultRegionChain::builder(), |chain, name| {
            chain.profile_name(name)
        })
        .build()
        .region()
        .await
        .map(text)
}

/// Returns the region of a profile in the AWS configuration files.
pub async fn profile_region(profile: Option<&str>) -> Option<String> {
    profile
        .into_iter()
        .fold(ProfileFileRegionProvider::builder(), |provider, name| {
            provider.profile_name(name)
        })
        .build()
        .region()
        .await
        .map(text)
}

fn text(region: Region) -> String {
    region.to_string()
}

/// A missing profile would silently fall back to the credentials of the instance.
async fn check_profile(name: &str, files: &Fs, env: &Env) -> Result<(), ConnectError> {
    let profiles = aws_config::profile::load(files, env, &EnvConfigFiles::default(), None)
        .await
        .map_err(ConnectError::Profiles)?;
    if profiles.get_profile(name).is_none() {
        let mut known: Vec<String> = profiles.profiles().map(str::to_owned).collect();
        known.sort();
        return Err(ConnectError::NoProfile {
            name: name.to_owned(),
            known,
        });
    }
    // Roles may be chained.
    let mut seen = BTreeSet::new();
    let mut next = Some(name);
    while let Some(name) = next.filter(|name| seen.insert(*name)) {
        let role = profiles
            .get_profile(name)
            .filter(|profile| profile.get("role_arn").is_some());
        if role.is_some_and(|role| role.get("mfa_serial").is_some()) {
            return Err(ConnectError::MfaProfile {
                name: name.to_owned(),
            });
        }
        next = role.and_then(|role| role.get("source_profile"));
    }
    Ok(())
}

/// The service IDs of the SDK in a profile, including those of a login.
const SERVICES: &[&str] = &[
    "CloudTrail",
    "CloudWatch",
    "DynamoDB",
    "IAM",
    "KMS",
    "S3",
    "S3 Control",
    "SNS",
    "STS",
    "SSO",
    "SSO OIDC",
    "Signin",
];

/// Returns the endpoints that are neither of AWS nor on this machine.
pub fn elsewhere(config: &SdkConfig, connection: &ConnectionOptions) -> Vec<String> {
    let ServiceEndpoints {
        s3,
        dynamodb,
        iam,
        sts,
    } = connection.endpoints.clone();
    let found = connection
        .endpoint_url
        .clone()
        .map_or_else(|| from_profile(config), |url| vec![url]);
    let all = found
        .into_iter()
        .chain([s3, dynamodb, iam, sts].into_iter().flatten());
    let others: BTreeSet<String> = all
        .filter(|url| Transport::of(url, true) == Transport::Elsewhere)
        .map(|url| endpoint(&url))
        .collect();
    others.into_iter().collect()
}

/// Returns the endpoints that the SDK found in its configuration.
fn from_profile(config: &SdkConfig) -> Vec<String> {
    let of = |service| config.service_config()?.load_config(endpoint_of(service));
    config
        .endpoint_url()
        .map(str::to_owned)
        .into_iter()
        .chain(SERVICES.iter().filter_map(|service| of(service)))
        .collect()
}

fn endpoint_of(service: &str) -> ServiceConfigKey<'_> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url");
    key.build().expect("all three parts are given")
}

fn endpoints(
    connection: &ConnectionOptions,
    vars: &impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let names = SERVICES.iter().map(|service| {
        format!(
            "AWS_ENDPOINT_URL_{}",
            service.to_uppercase().replace(' ', "_")
        )
    });
    let from_vars = ["AWS_ENDPOINT_URL".to_owned()]
        .into_iter()
        .chain(names)
        .filter_map(|name| vars(&name));
    let ServiceEndpoints {
        s3,
        dynamodb,
        iam,
        sts,
    } = connection.endpoints.clone();
    [connection.endpoint_url.clone(), s3, dynamodb, iam, sts]
        .into_iter()
        .flatten()
        .chain(from_vars)
        .collect()
}

impl Clients {
    pub fn new(config: &SdkConfig) -> Self {
        Self::at(config, &ServiceEndpoints::default())
    }

    /// Sets endpoints of single services.
    pub fn at(config: &SdkConfig, endpoints: &ServiceEndpoints) -> Self {
        let of = |url: &Option<String>| match url {
            Some(url) => config.to_builder().endpoint_url(url.clone()).build(),
            None => config.clone(),
        };
        // With a custom endpoint, bucket names are not part of the host name.
        let own_endpoint = has_own_endpoint(config);
        let s3 = of(&endpoints.s3);
        let s3 = aws_sdk_s3::config::Builder::from(&s3)
            .force_path_style(own_endpoint || endpoints.s3.is_some())
            .build();
        let mut s3control = aws_sdk_s3control::config::Builder::from(config);
        if let (true, Some(url)) = (own_endpoint, config.endpoint_url()) {
            s3control = s3control.endpoint_resolver(OwnEndpoint(url.to_owned()));
        }
        Self {
            cloudtrail: aws_sdk_cloudtrail::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(&of(&endpoints.dynamodb)),
            iam: aws_sdk_iam::Client::new(&of(&endpoints.iam)),
            kms: aws_sdk_kms::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            s3control: aws_sdk_s3control::Client::from_conf(s3control.build()),
            sns: aws_sdk_sns::Client::new(config),
            sts: aws_sdk_sts::Client::new(&of(&endpoints.sts)),
            config: config.clone(),
            endpoints: endpoints.clone(),
        }
    }

    /// Returns clients for a role that these credentials can assume, with the same HTTP client and
    /// endpoints.
    pub async fn as_role(&self, role: &ConnectionRole) -> Self {
        let ConnectionRole {
            arn,
            session_name,
            external_id,
            duration,
        } = role;
        let mut sts = self.config.to_builder();
        if let Some(url) = &self.endpoints.sts {
            sts = sts.endpoint_url(url.clone());
        }
        let mut provider = AssumeRoleProvider::builder(arn)
            .session_name(session_name)
            .configure(&sts.build());
        if let Some(id) = external_id {
            provider = provider.external_id(id);
        }
        if let Some(duration) = duration {
            provider = provider.session_length(*duration);
        }
        let config = self
            .config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider.build().await))
            .identity_cache(IdentityCache::lazy().build());
        Self::at(&config.build(), &self.endpoints)
    }

    /// Returns the error of STS if a role cannot be assumed, which the SDK wraps; `None` if it can.
    pub async fn why_not_assumed(&self, role: &ConnectionRole) -> Option<AwsError> {
        let asked = self
            .sts
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(&role.session_name);
        let answer = asked.set_external_id(role.external_id.clone()).send().await;
        answer
            .err()
            .map(|error| AwsError::from_sdk(ASSUME, &role.arn, error))
    }

    /// Returns whether S3 has a custom endpoint.
    pub fn has_own_endpoint(&self) -> bool {
        self.endpoints.s3.is_some() || has_own_endpoint(&self.config)
    }
}

fn has_own_endpoint(config: &SdkConfig) -> bool {
    config.endpoint_url().is_some()
        || config
            .service_config()
            .is_some_and(|service| service.load_config(endpoint_of("S3")).is_some())
}

/// With a custom endpoint, the account is not part of the host name either, as it is by default in
/// S3 Control.
#[derive(Debug)]
struct OwnEndpoint(String);

impl aws_sdk_s3control::config::endpoint::ResolveEndpoint for OwnEndpoint {
    fn resolve_endpoint<'a>(
        &'a self,
        _: &'a aws_sdk_s3control::config::endpoint::Params,
    ) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
    }
}

#[cfg(test)]
mod tests;
