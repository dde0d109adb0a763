//! Turns errors of the lower layers into messages for users, each with a hint.

use super::failure::CliError;
use crate::{
    backend::{
        aws::{
            caller::CallerError,
            clients::ConnectError,
            error::{AwsError, NEEDS, ServiceErrorKind},
        },
        local::provider::LocalError,
    },
    exit,
    host::PromptError,
    settings::error::SettingsError,
    store::state_store::StoreError,
    terraform::write::RenderError,
    text::shell::shell_word,
};

/// An error of a backend kind, with what to do next.
pub(crate) trait ExplainedError: std::error::Error {
    /// Adds hints to a failure that this error caused.
    fn explain(&self, failure: CliError) -> CliError;
}

impl ExplainedError for AwsError {
    fn explain(&self, failure: CliError) -> CliError {
        aws(failure, self, None)
    }
}

impl ExplainedError for LocalError {
    fn explain(&self, failure: CliError) -> CliError {
        match self.source.kind() {
            std::io::ErrorKind::PermissionDenied => failure.hint(format!(
                "run it as the owner of {}, or choose another folder with --state-dir",
                self.path.display()
            )),
            _ => failure,
        }
    }
}

pub(crate) fn settings(error: &SettingsError) -> CliError {
    let failure = CliError::of(exit::FAILED, error);
    let refused = |failure: CliError| CliError {
        code: exit::REFUSED,
        message: format!("{}; nothing was changed", failure.message),
        ..failure
    };
    match error {
        SettingsError::NotYours { path, .. } => refused(failure).hint(format!(
            "if its settings are to be used, name it: --config {}",
            shell_word(&path.display().to_string())
        )),
        SettingsError::OutOfPlace { .. } => refused(failure).hint(
            "a settings file can only choose a folder below its own; for another folder, pass \
             --dir DIR",
        ),
        _ => failure,
    }
}

/// The same for a command that would ask for missing settings in a terminal (`would_ask`).
pub(crate) fn missing(error: &SettingsError, would_ask: bool) -> CliError {
    match (error, would_ask) {
        (SettingsError::Missing { .. }, true) => {
            settings(error).hint("or run it in a terminal to be asked")
        }
        (SettingsError::Missing { names }, false) if names[..] == ["state-dir"] => settings(error)
            .hint("its default is in the home folder, and HOME is not an absolute path"),
        _ => settings(error),
    }
}

pub(crate) fn prompt(error: &PromptError) -> CliError {
    match error {
        PromptError::Interrupted | PromptError::Back => {
            CliError::interrupted("interrupted; nothing was changed")
        }
        PromptError::CannotAsk { .. } | PromptError::Io(_) => CliError::of(exit::FAILED, error),
    }
}

pub(crate) fn connect(error: &ConnectError) -> CliError {
    let failure = CliError::of(exit::FAILED, error);
    match error {
        ConnectError::NoProfile { known, .. } if known.is_empty() => {
            failure.hint("there are no profiles; create one with `aws configure sso`")
        }
        ConnectError::NoProfile { known, .. } => {
            failure.hint(format!("known profiles: {}", known.join(", ")))
        }
        ConnectError::Profiles(_) => {
            failure.hint("see ~/.aws/config, or the file that AWS_CONFIG_FILE names")
        }
        ConnectError::MfaProfile { name } => failure.hint(format!(
            "get a session first: `eval \"$(aws configure export-credentials --profile {name} \
             --format env)\"`, then leave the profile out"
        )),
        ConnectError::UserInfo => failure.hint(
            "remove all up to `@` from --endpoint-url, AWS_ENDPOINT_URL…, or endpoint_url of the profile",
        ),
        ConnectError::PlainHttp { .. } => failure.hint(
            "use https; the endpoint is set by --endpoint-url, an AWS_ENDPOINT_URL variable, or \
             the profile",
        ),
    }
}

pub(crate) fn caller(error: &CallerError, region: &str) -> CliError {
    match error {
        CallerError::Aws(error) => {
            let summary = match (error.kind, &error.code) {
                (ServiceErrorKind::Credentials, None)
                    if error
                        .message
                        .as_deref()
                        .is_some_and(|text| text.contains(NO_CREDENTIALS)) =>
                {
                    return aws(
                        CliError::failed("there are no AWS credentials"),
                        error,
                        None,
                    );
                }
                (ServiceErrorKind::Credentials, None) => "cannot load the AWS credentials",
                (ServiceErrorKind::Credentials, Some(_)) => "AWS rejected these credentials",
                (ServiceErrorKind::Expired, _) => "the AWS credentials have expired",
                (ServiceErrorKind::Network, _) => "cannot reach AWS",
                (ServiceErrorKind::Unreadable, _) => "the response is not from AWS",
                (ServiceErrorKind::Clock, _) => "AWS rejected the signature of this machine",
                (
                    ServiceErrorKind::Denied
                    | ServiceErrorKind::Throttled
                    | ServiceErrorKind::Server
                    | ServiceErrorKind::Refused,
                    _,
                ) => "AWS does not return the caller identity",
            };
            aws(
                CliError::failed(summary).because(error),
                error,
                Some(region),
            )
        }
        CallerError::Nonsense(_) => CliError::of(exit::FAILED, error),
        CallerError::WrongAccount { .. } => CliError::refused(format!(
            "{error}; nothing was changed"
        ))
        .hint("use credentials of that account (--profile, AWS_PROFILE), or correct --account"),
        CallerError::WrongPartition { .. } => {
            CliError::refused(format!("{error}; nothing was changed"))
                .hint("use credentials of that partition, or another --region")
        }
    }
}

/// Returns the failure for a role that the credentials may not assume.
pub(crate) fn role(arn: &str, external_id: Option<&str>, error: &AwsError) -> CliError {
    let failure = aws(
        CliError::failed(format!("cannot assume the role {arn}")).because(error),
        error,
        None,
    );
    if error.kind != ServiceErrorKind::Denied {
        return failure;
    }
    let id = match external_id {
        Some(id) => format!(" with the external ID {id}"),
        None => ", and must not require an external ID (--external-id)".to_owned(),
    };
    failure.hint(format!(
        "its trust policy must allow these credentials to assume it{id}; they need sts:AssumeRole \
         on it"
    ))
}

/// The SDK's message if no source has credentials. The list of sources is omitted, because it does
/// not help the user.
const NO_CREDENTIALS: &str = "no credentials found in chain";

/// Returns the IAM actions that must be allowed according to these errors.
pub(crate) fn missing_actions<'a>(errors: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let named = errors.filter_map(|error| error.split_once(NEEDS)?.1.split_once(')'));
    let mut actions: Vec<&str> = named.map(|(action, _)| action).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

pub(crate) fn render(error: &RenderError) -> CliError {
    let failure = CliError::of(exit::FAILED, error);
    match error {
        RenderError::ReadOnlyFolder { .. }
        | RenderError::NotAFolder { .. }
        | RenderError::Io { .. } => failure.hint("choose another folder with --dir"),
        _ => failure,
    }
}

/// Returns whether a region is disabled by default in an account, as regions launched after March
/// 2019 are.
fn is_opt_in(region: &str) -> bool {
    const ALWAYS_ENABLED: [&str; 17] = [
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ];
    const OTHER_PARTITIONS: [&str; 3] = ["cn-", "us-gov-", "eusc-"];
    !ALWAYS_ENABLED.contains(&region)
        && !OTHER_PARTITIONS
            .iter()
            .any(|partition| region.starts_with(partition))
}

/// Adds the error of a store to the causes, and hints where it is an error of a call.
pub(crate) fn store(failure: CliError, error: &StoreError) -> CliError {
    let failure = failure.because(error);
    let source = match error {
        StoreError::Failed { source, .. } => source.as_deref(),
        _ => None,
    };
    match source.and_then(|source| source.downcast_ref::<AwsError>()) {
        Some(error) => aws(failure, error, None),
        None => failure,
    }
}

/// Adds hints for an error of a call. `region` is set if the call is the first one.
pub(crate) fn aws(failure: CliError, error: &AwsError, region: Option<&str>) -> CliError {
    match error.kind {
        ServiceErrorKind::Denied => failure.hint(format!(
            "allow {} on {}, then run the same command again",
            error.needed_action(),
            error.resource
        )),
        ServiceErrorKind::Expired => failure.hint(
            "get new credentials (`aws sso login`, `aws login`), then run the same command again",
        ),
        ServiceErrorKind::Unreadable => failure.hint(
            "a proxy, a sign-in page of the network or another service answers: check the \
             network, HTTPS_PROXY and the endpoint (--endpoint-url, AWS_ENDPOINT_URL), then run \
             the same command again",
        ),
        // AWS says the same of good credentials in a region that the account has not enabled.
        ServiceErrorKind::Credentials if region.is_some_and(is_opt_in) && error.code.is_some() => {
            let region = region.unwrap_or_default();
            failure.hint(format!(
                "is {region} enabled in this account? See `aws account get-region-opt-status \
                 --region-name {region}`; if it is, the credentials are wrong: --profile or \
                 AWS_PROFILE, `aws sso login`, or the AWS_ACCESS_KEY_ID variables"
            ))
        }
        ServiceErrorKind::Credentials => failure.hint(
            "give credentials as for the AWS CLI: --profile or AWS_PROFILE, `aws sso login`, or \
             the AWS_ACCESS_KEY_ID variables",
        ),
        ServiceErrorKind::Throttled => failure.hint(
            "AWS throttles the calls; run the same command again with a smaller --parallelism",
        ),
        ServiceErrorKind::Network => match region {
            Some(region) => failure.hint(format!(
                "is the network up, and is {region} a region that the account has enabled?"
            )),
            None => failure.hint("is the network up? then run the same command again"),
        },
        ServiceErrorKind::Clock => failure
            .hint("the clock of this machine is wrong; set it, then run the same command again"),
        ServiceErrorKind::Server => {
            failure.hint("AWS returned a server error; run the same command again")
        }
        ServiceErrorKind::Refused => match error.code.as_deref() {
            Some("BucketAlreadyExists") => failure.hint(
                "another account has a bucket of this name; choose one with --bucket, or use \
                 --namespace account-regional",
            ),
            Some("InvalidBucketName") => failure.hint("choose another name with --bucket"),
            Some("EntityAlreadyExists") => failure.hint(
                "IAM has a policy of this name, perhaps in another letter case: delete that, \
                 choose another --project or --env, or leave the policy out with --policy=false",
            ),
            _ => failure,
        },
    }
}
