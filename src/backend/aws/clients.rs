//! The service clients, all over one HTTP client, credentials cache and set of time-outs.

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
        way::{Transport, endpoint, is_safe},
    },
};

/// Where every third call is refused, one of a hundred calls would fail five times in a row, and a
/// run makes more than a hundred. Ten times it is one of a hundred thousand.
pub(super) const ATTEMPTS: u32 = 10;
/// All pauses together are 13 seconds at most: after that a call is given up.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// For one attempt, and for all of them with their pauses.
const ATTEMPT: Duration = Duration::from_secs(30);
const OPERATION: Duration = Duration::from_secs(120);
/// Bytes a second of the slowest line that an upload gets through on: 1 Mbit/s.
const SLOWEST: u64 = 128 * 1024;

/// Time-outs of a call that uploads so many bytes, which go in one piece and begin anew with each
/// attempt.
pub(super) fn upload_timeouts(bytes: usize) -> TimeoutConfig {
    let upload = Duration::from_secs(u64::try_from(bytes).unwrap_or(u64::MAX) / SLOWEST);
    // Time for a second attempt.
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT + upload)
        .operation_timeout(OPERATION + 2 * upload)
        .build()
}

/// Where and as whom to call. `None` leaves it to the SDK: environment, profile, instance.
#[derive(Clone, Debug, Default)]
pub struct ConnectionOptions {
    pub region: Option<String>,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// Of single services, over the one of all.
    pub endpoints: ServiceEndpoints,
    pub fips: bool,
    pub dualstack: bool,
    /// A shared credentials file to use instead of the usual chain.
    pub credentials_file: Option<PathBuf>,
}

/// Where single services answer, as the `endpoints` of a backend say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceEndpoints {
    pub s3: Option<String>,
    pub dynamodb: Option<String>,
    pub iam: Option<String>,
    pub sts: Option<String>,
}

const ASSUME: ApiOperation = ApiOperation::new("sts:AssumeRole");

/// A role to take on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionRole {
    pub arn: String,
    pub session_name: String,
    pub external_id: Option<String>,
    pub duration: Option<Duration>,
}

/// One client per service.
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
    #[error("there is no profile {name:?} in the AWS configuration")]
    NoProfile { name: String, known: Vec<String> },
    #[error("the AWS configuration files cannot be read")]
    Profiles(#[source] aws_config::profile::ProfileFileLoadError),
    #[error("profile {name:?} asks for MFA (mfa_serial), which the AWS SDK for Rust leaves out")]
    MfaProfile { name: String },
    #[error(
        "{url} is plain HTTP and not on this machine: credentials and states would travel in the \
         clear"
    )]
    PlainHttp { url: String },
}

/// Loads the configuration and checks what the SDK would let pass in silence.
pub async fn connect(
    connection: &ConnectionOptions,
    http: SharedHttpClient,
    vars: &impl Fn(&str) -> Option<String>,
) -> Result<SdkConfig, ConnectError> {
    for url in endpoints(connection, vars) {
        if !is_safe(&url) {
            return Err(ConnectError::PlainHttp { url });
        }
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
    // What was said for all services on the command line holds over what a profile says of them.
    if connection.endpoint_url.is_none()
        && let Some(url) = from_profile(&config).into_iter().find(|url| !is_safe(url))
    {
        return Err(ConnectError::PlainHttp { url });
    }
    Ok(config)
}

/// Credentials of a profile that was named, and those that a machine of AWS's lends to one without
/// any.
///
/// The SDK's own chain asks the variables first. A profile that is named goes before them, as with
/// boto3 and Terraform (botocore leaves out its `env` provider then); for `AWS_PROFILE` the
/// variables go first there, too.
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

/// The region that the SDK takes by itself: of the environment, the profile or the instance.
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

/// The region that a profile names in the AWS configuration files.
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

/// A profile that does not exist would silently fall through to the instance's own credentials.
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
    // One role may be assumed by way of another.
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

/// As a profile names them in the SDK's words, also those that a login goes to.
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

/// Where calls go that go neither to AWS's own endpoints nor to this machine.
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

/// Endpoints that the SDK found by itself.
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

    /// With single services elsewhere.
    pub fn at(config: &SdkConfig, endpoints: &ServiceEndpoints) -> Self {
        let of = |url: &Option<String>| match url {
            Some(url) => config.to_builder().endpoint_url(url.clone()).build(),
            None => config.clone(),
        };
        // Behind an endpoint of one's own, bucket names are not part of the host name.
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

    /// The same as a role that these credentials may take on: over the same HTTP client, to the
    /// same endpoints.
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

    /// What STS says where a role cannot be assumed: the SDK wraps it into errors of its own.
    /// `None` if it can be.
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

    /// Whether S3 is anything but AWS's own.
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

/// Behind an endpoint of one's own, the account is not part of the host name either: S3 Control
/// would put it there.
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
