//! Errors of AWS calls, as facts: user texts are added by the callers.

use std::error::Error;

use aws_smithy_runtime_api::{
    client::result::{DispatchFailure, SdkError},
    http::Response,
};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::ErrorKind};

pub(crate) mod clocks;
mod foreign;

use super::http::Unreachable;
use clocks::ClockSkew;

/// An operation of a service, and the IAM action that allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiOperation {
    /// As in `s3:PutBucketEncryption`.
    pub operation: &'static str,
    /// As in `s3:PutEncryptionConfiguration`.
    pub action: &'static str,
}

impl ApiOperation {
    /// Returns an operation that is allowed by the action of the same name.
    pub const fn new(operation: &'static str) -> Self {
        Self {
            operation,
            action: operation,
        }
    }

    /// Returns an operation that is allowed by an action of another name.
    pub const fn allowed_by(operation: &'static str, action: &'static str) -> Self {
        Self { operation, action }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceErrorKind {
    /// The caller has no permission, or the resource belongs to another account.
    Denied,
    /// The credentials have expired.
    Expired,
    /// There are no credentials, or they are invalid.
    Credentials,
    /// AWS throttled the call, also after all retries.
    Throttled,
    /// No response: name resolution, connection, TLS, or a time-out.
    Network,
    /// The clock skew of this machine is too large for a signature.
    Clock,
    /// A server error of AWS: 5xx.
    Server,
    /// The response is not from AWS, or corrupted: whether AWS executed the call is unknown.
    Unreadable,
    /// The service rejected the call, for the reason in `code`.
    Refused,
}

/// The text before the required action in a denial; the action ends at `)`.
pub(crate) const NEEDS: &str = " (needs ";
/// The text between the principal and the action in the message of AWS.
const NOT_AUTHORIZED: &str = "not authorized to perform: ";
/// The text between the action and the resource.
const ON: &str = " on resource: ";

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub struct AwsError {
    pub api: ApiOperation,
    /// The target of the call: a name or an ARN.
    pub resource: Box<str>,
    pub kind: ServiceErrorKind,
    pub code: Option<Box<str>>,
    pub message: Option<Box<str>>,
    pub status: Option<u16>,
    pub request_id: Option<Box<str>>,
    /// The region of the bucket, if S3 returned it.
    pub bucket_region: Option<Box<str>>,
}

impl std::fmt::Display for AwsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.api.operation, self.resource)?;
        match (&self.code, self.status) {
            (Some(code), _) => write!(f, ": {code}")?,
            (None, Some(status)) => write!(f, ": HTTP {status}")?,
            (None, None) => {}
        }
        if let Some(message) = &self.message {
            match self.denial() {
                Some(denial) => write!(f, ": {denial}")?,
                None => write!(f, ": {message}")?,
            }
        }
        if self.kind == ServiceErrorKind::Denied {
            write!(f, "{NEEDS}{})", self.needed_action())?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}

impl AwsError {
    /// Returns the message of AWS on who is denied and why, without the action, and without the
    /// resource if it is the target of the call. Another resource, such as the key of a bucket, is
    /// kept.
    fn denial(&self) -> Option<String> {
        let (who, rest) = self
            .message
            .as_deref()
            .filter(|_| self.kind == ServiceErrorKind::Denied)?
            .split_once(NOT_AUTHORIZED)?;
        let action = rest.split_whitespace().next()?;
        let why = [" because ", " with an explicit deny"]
            .into_iter()
            .find_map(|start| rest.find(start))?;
        let (on, why) = (
            rest.get(action.len()..why)?,
            rest.get(why..)?
                .replace(&format!(" the {action} action"), " this"),
        );
        let other = match on
            .strip_prefix(ON)
            .map(|resource| resource.trim_matches('"'))
        {
            Some(resource) => (!self.is_about(resource)).then(|| format!(" on {resource}")),
            // KMS: `on the resource associated with this ciphertext`.
            None => on.starts_with(" on the resource ").then(|| on.to_owned()),
        };
        Some(format!(
            "{who}not authorized{}{why}",
            other.unwrap_or_default()
        ))
    }

    /// Returns whether a resource in a message of AWS is the target of the call, or a wildcard
    /// (`key/*`).
    fn is_about(&self, named: &str) -> bool {
        let before = named.strip_suffix(&*self.resource);
        named.ends_with('*')
            || before.is_some_and(|before| before.is_empty() || before.ends_with([':', '/', ' ']))
    }

    /// Returns the denied action. AWS returns it if a call requires additional actions, as
    /// `CreateKey` with tags.
    pub fn needed_action(&self) -> &str {
        let named = self.message.as_deref().and_then(|message| {
            message
                .split_once(NOT_AUTHORIZED)?
                .1
                .split_whitespace()
                .next()
        });
        let is_action = |word: &&str| {
            word.contains(':')
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ":-*".contains(c))
        };
        named.filter(is_action).unwrap_or(self.api.action)
    }

    pub fn from_sdk<E>(api: ApiOperation, resource: &str, error: SdkError<E, Response>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let raw = error.raw_response();
        let status = raw.map(|response| response.status().as_u16());
        let header = |name: &str| {
            raw.and_then(|response| response.headers().get(name))
                .map(Box::<str>::from)
        };
        let request_id = header("x-amzn-requestid")
            .or_else(|| header("x-amz-request-id"))
            .or_else(|| error.meta().extra("aws_request_id").map(Into::into));
        let code = error
            .code()
            .filter(|code| !code.is_empty())
            .map(Box::<str>::from);
        let clocks = raw.and_then(|response| {
            ClockSkew::new(jiff::Timestamp::now(), response.headers().get("date")?)
        });
        let kind = match kind(&error, code.as_deref(), error.message(), status) {
            ServiceErrorKind::Denied | ServiceErrorKind::Refused
                if code.is_none() && raw.is_some_and(foreign::is_foreign) =>
            {
                ServiceErrorKind::Unreadable
            }
            ServiceErrorKind::Credentials
                if is_bad_signature(code.as_deref())
                    && clocks.is_some_and(|clocks| clocks.disagree()) =>
            {
                ServiceErrorKind::Clock
            }
            kind => kind,
        };
        let message = match &error {
            _ if kind == ServiceErrorKind::Unreadable => {
                Some(foreign::shown(raw, &chain(&error)).into())
            }
            SdkError::ServiceError(_) => error
                .message()
                .filter(|text| !text.is_empty())
                .map(Box::from),
            _ => Some(
                Unreachable::in_error(&error)
                    .map_or_else(|| chain(&error), |why| chain(why))
                    .into(),
            ),
        };
        let message = match clocks {
            Some(clocks) if kind == ServiceErrorKind::Clock => {
                Some(format!("{} ({clocks})", message.as_deref().unwrap_or_default()).into())
            }
            _ => message,
        };
        let bucket_region = header("x-amz-bucket-region");
        Self {
            api,
            resource: resource.into(),
            kind,
            code,
            message,
            status,
            request_id,
            bucket_region,
        }
    }

    /// Returns an error for an invalid response of AWS.
    pub fn nonsense(api: ApiOperation, resource: &str, message: &str) -> Self {
        Self {
            api,
            resource: resource.into(),
            kind: ServiceErrorKind::Refused,
            code: None,
            message: Some(message.into()),
            status: None,
            request_id: None,
            bucket_region: None,
        }
    }

    /// Returns an error for a resource that was deleted after it was read.
    pub fn vanished(api: ApiOperation, resource: &str) -> Self {
        Self::nonsense(api, resource, "was deleted during the run; run again")
    }

    pub fn is(&self, codes: &[&str]) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    }
}

/// Error codes of services in regions or partitions without the operation.
pub(crate) const NOT_OFFERED: &[&str] = &[
    "MethodNotAllowed",
    "NotImplemented",
    "XNotImplemented",
    "UnsupportedArgument",
    "UnsupportedOperation",
    "UnknownOperationException",
];

/// Returns `None` for the not-found codes of the service; other errors are returned.
pub(crate) fn found<T>(
    result: Result<T, AwsError>,
    absent: &[&str],
) -> Result<Option<T>, AwsError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is(absent) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Either the secret or the time is wrong.
fn is_bad_signature(code: Option<&str>) -> bool {
    matches!(
        code,
        Some("SignatureDoesNotMatch" | "InvalidSignatureException")
    )
}

fn kind<E: Error + 'static>(
    error: &SdkError<E, Response>,
    code: Option<&str>,
    message: Option<&str>,
    status: Option<u16>,
) -> ServiceErrorKind {
    match error {
        SdkError::TimeoutError(_) => return ServiceErrorKind::Network,
        SdkError::DispatchFailure(failure) => {
            let text = chain(error);
            return if is_expired(&text) {
                ServiceErrorKind::Expired
            } else if failure.is_timeout()
                || failure.is_io()
                || is_cut_off(failure)
                || Unreachable::in_error(error).is_some()
            {
                ServiceErrorKind::Network
            } else {
                ServiceErrorKind::Credentials
            };
        }
        SdkError::ConstructionFailure(_) => return ServiceErrorKind::Credentials,
        _ => {}
    }
    // All services except S3 use the text `Signature expired: … is now earlier than …`.
    if message.is_some_and(|text| {
        text.contains("Signature expired") || text.contains("Signature not yet current")
    }) {
        return ServiceErrorKind::Clock;
    }
    match code {
        Some(
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "AuthorizationErrorException"
            | "UnauthorizedOperation"
            | "AllAccessDisabled",
        ) => ServiceErrorKind::Denied,
        Some("ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired") => ServiceErrorKind::Expired,
        Some(
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "AuthFailure"
            | "MissingAuthenticationToken"
            | "IncompleteSignature"
            | "InvalidToken",
        ) => ServiceErrorKind::Credentials,
        Some("RequestTimeTooSkewed") => ServiceErrorKind::Clock,
        Some(
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            // SNS.
            | "Throttled"
            | "KMSThrottling"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "TooManyRequestsException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "BandwidthLimitExceeded"
            | "ProvisionedThroughputExceededException"
            | "PriorRequestNotComplete",
        ) => ServiceErrorKind::Throttled,
        // HEAD has no body, so that a denial has no code.
        None if status == Some(403) => ServiceErrorKind::Denied,
        _ if status.is_some_and(|status| status >= 500) => ServiceErrorKind::Server,
        _ => ServiceErrorKind::Refused,
    }
}

/// Returns whether a source of credentials failed because a session of the user expired: its error
/// has no type.
pub(super) fn is_expired(text: &str) -> bool {
    ["ExpiredToken", "session has expired", "token has expired"]
        .iter()
        .any(|expired| text.contains(expired))
}

/// The connection ended before the response: whether AWS executed the call is unknown.
fn is_cut_off(failure: &DispatchFailure) -> bool {
    failure.as_other() == Some(ErrorKind::TransientError)
}

/// Returns the error and its sources on one line, without repetitions.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests;
