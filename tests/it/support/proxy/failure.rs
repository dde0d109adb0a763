//! Errors of AWS, in the words and the form of the protocol that was spoken.

use aws_smithy_cbor::Encoder;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::server::Answer;

/// What goes wrong at AWS on a bad day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Internal,
    SlowDown,
    Throttling,
    RequestLimitExceeded,
    /// Two writes on one bucket at once.
    OperationAborted,
    ExpiredToken,
    AccessDenied,
    /// A policy names somebody whom IAM has not told it of yet.
    UnknownPrincipal,
    /// Backups of a table become available a while after the table.
    NoBackupsYet,
    /// A setting that some partitions do not take.
    UnsupportedArgument,
    /// What was made a moment ago is not seen yet; each service has a word of its own for it.
    NotFound(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// S3.
    Rest,
    /// IAM, SNS and STS.
    Query,
    /// KMS, DynamoDB and CloudTrail, in two versions.
    Json,
    /// CloudWatch.
    Cbor,
}

impl Protocol {
    fn of(request: &HttpRequest) -> Self {
        let header = |name| request.headers().get(name);
        let form =
            header("content-type").is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
        match (header("smithy-protocol"), header("x-amz-target"), form) {
            (Some(_), ..) => Self::Cbor,
            (None, Some(_), _) => Self::Json,
            (None, None, true) => Self::Query,
            (None, None, false) => Self::Rest,
        }
    }
}

impl Failure {
    /// What needs no more than its name, as S3 and the query services call it.
    pub(crate) const BAD_DAY: [(Self, &'static str); 8] = [
        (Self::Internal, "InternalError"),
        (Self::SlowDown, "SlowDown"),
        (Self::Throttling, "ThrottlingException"),
        (Self::RequestLimitExceeded, "RequestLimitExceeded"),
        (Self::OperationAborted, "OperationAborted"),
        (Self::ExpiredToken, "ExpiredToken"),
        (Self::AccessDenied, "AccessDenied"),
        (Self::UnsupportedArgument, "UnsupportedArgument"),
    ];

    fn status_and_code(self, protocol: Protocol) -> (u16, &'static str) {
        let json = matches!(protocol, Protocol::Json | Protocol::Cbor);
        match self {
            Self::Internal => (
                500,
                if json {
                    "InternalServerError"
                } else {
                    "InternalError"
                },
            ),
            Self::SlowDown => (503, "SlowDown"),
            // S3 says it with 503: an answer to HEAD has nothing but its status.
            Self::Throttling => (
                if protocol == Protocol::Rest { 503 } else { 400 },
                "ThrottlingException",
            ),
            Self::RequestLimitExceeded => (503, "RequestLimitExceeded"),
            Self::OperationAborted => (409, "OperationAborted"),
            Self::ExpiredToken => (
                if json { 400 } else { 403 },
                if json {
                    "ExpiredTokenException"
                } else {
                    "ExpiredToken"
                },
            ),
            Self::AccessDenied => (
                if json { 400 } else { 403 },
                if json {
                    "AccessDeniedException"
                } else {
                    "AccessDenied"
                },
            ),
            Self::UnknownPrincipal => (
                400,
                if json {
                    "MalformedPolicyDocumentException"
                } else {
                    "MalformedPolicy"
                },
            ),
            Self::UnsupportedArgument => (400, "UnsupportedArgument"),
            Self::NoBackupsYet => (400, "ContinuousBackupsUnavailableException"),
            Self::NotFound(code) => (if json { 400 } else { 404 }, code),
        }
    }

    /// As an answer to this request.
    pub(super) fn answer(self, request: &HttpRequest) -> Answer {
        let protocol = Protocol::of(request);
        let (status, code) = self.status_and_code(protocol);
        let message = if self == Self::UnknownPrincipal {
            "Invalid principal in policy"
        } else {
            "injected by a test"
        };
        let mut headers = vec![(
            "x-amzn-requestid".to_owned(),
            "5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10".to_owned(),
        )];
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        let (kind, body) = match protocol {
            Protocol::Rest => ("application/xml".to_owned(), error.into_bytes()),
            Protocol::Query => (
                "text/xml".to_owned(),
                format!("<ErrorResponse>{error}</ErrorResponse>").into_bytes(),
            ),
            Protocol::Json => {
                let kind = request
                    .headers()
                    .get("content-type")
                    .unwrap_or("application/x-amz-json-1.1");
                (
                    kind.to_owned(),
                    serde_json::json!({ "__type": code, "message": message })
                        .to_string()
                        .into_bytes(),
                )
            }
            Protocol::Cbor => {
                headers.push(("smithy-protocol".to_owned(), "rpc-v2-cbor".to_owned()));
                let mut body = Encoder::new(vec![]);
                body.begin_map()
                    .str("__type")
                    .str(code)
                    .str("message")
                    .str(message)
                    .end();
                ("application/cbor".to_owned(), body.into_writer())
            }
        };
        headers.push(("content-type".to_owned(), kind));
        Answer {
            status,
            headers,
            body,
        }
    }
}
