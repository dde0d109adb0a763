//! Responses of AWS, in the protocol of the request.

use std::time::Duration;

use aws_smithy_cbor::Encoder;
use aws_smithy_runtime_api::{
    client::orchestrator::HttpResponse,
    http::{Headers, StatusCode},
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::wire::{RecordedCall, WireProtocol};

#[derive(Clone, Debug)]
pub(crate) struct ScriptedAnswer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    content: AnswerBody,
    pub(super) takes: Duration,
}

#[derive(Clone, Debug)]
enum AnswerBody {
    Empty,
    Text(String),
    /// Unmodified, regardless of the protocol.
    Page(String),
    Data(Value),
    Error(String, String),
    Lost,
}

/// Returns an empty success.
pub(crate) fn empty() -> ScriptedAnswer {
    ScriptedAnswer {
        status: 200,
        headers: vec![],
        content: AnswerBody::Empty,
        takes: Duration::ZERO,
    }
}

/// Returns XML: a document of S3, or the content of the result element of IAM and SNS.
pub(crate) fn text(xml: impl Into<String>) -> ScriptedAnswer {
    ScriptedAnswer {
        content: AnswerBody::Text(xml.into()),
        ..empty()
    }
}

/// Returns JSON, or the same as CBOR for CloudWatch.
pub(crate) fn data(value: Value) -> ScriptedAnswer {
    ScriptedAnswer {
        content: AnswerBody::Data(value),
        ..empty()
    }
}

pub(crate) fn error(status: u16, code: &str) -> ScriptedAnswer {
    error_saying(status, code, "because")
}

pub(crate) fn error_saying(status: u16, code: &str, message: &str) -> ScriptedAnswer {
    ScriptedAnswer {
        status,
        content: AnswerBody::Error(code.to_owned(), message.to_owned()),
        ..empty()
    }
}

/// Returns a response that is not from AWS.
pub(crate) fn page(status: u16, kind: &str, body: &str) -> ScriptedAnswer {
    ScriptedAnswer {
        status,
        headers: vec![("content-type", kind.to_owned())],
        content: AnswerBody::Page(body.to_owned()),
        ..empty()
    }
}

/// Returns no response, although the call may have been executed.
pub(crate) fn lost() -> ScriptedAnswer {
    ScriptedAnswer {
        content: AnswerBody::Lost,
        ..empty()
    }
}

impl ScriptedAnswer {
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Delays the response.
    #[must_use]
    pub(crate) fn after(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    /// Returns `None` for a lost response.
    pub(super) fn to_response(&self, call: &RecordedCall) -> Option<HttpResponse> {
        let body = match &self.content {
            AnswerBody::Lost => return None,
            AnswerBody::Empty => success(call),
            AnswerBody::Text(text) => match call.protocol {
                WireProtocol::Query => result(call, text),
                WireProtocol::Xml | WireProtocol::Json | WireProtocol::Cbor => {
                    text.clone().into_bytes()
                }
            },
            AnswerBody::Page(body) => body.clone().into_bytes(),
            AnswerBody::Data(value) => encoded(call.protocol, value),
            AnswerBody::Error(code, message) => refusal(call, code, message),
        };
        let mut response = HttpResponse::new(
            StatusCode::try_from(self.status).expect("a status"),
            SdkBody::from(body),
        );
        let headers: &mut Headers = response.headers_mut();
        headers.insert("x-amzn-requestid", "REQUEST");
        if call.protocol == WireProtocol::Cbor {
            headers.insert("smithy-protocol", "rpc-v2-cbor");
        }
        for (name, value) in &self.headers {
            headers.insert(*name, value.clone());
        }
        Some(response)
    }
}

fn success(call: &RecordedCall) -> Vec<u8> {
    match call.protocol {
        WireProtocol::Xml => vec![],
        WireProtocol::Query => result(call, ""),
        protocol @ (WireProtocol::Json | WireProtocol::Cbor) => encoded(protocol, &json!({})),
    }
}

fn result(call: &RecordedCall, inner: &str) -> Vec<u8> {
    let operation = &call.operation;
    format!("<{operation}Response xmlns=\"https://example.com/doc\"><{operation}Result>{inner}</{operation}Result></{operation}Response>")
        .into_bytes()
}

fn refusal(call: &RecordedCall, code: &str, message: &str) -> Vec<u8> {
    match call.protocol {
        WireProtocol::Xml if call.operation == "HEAD" => vec![],
        // S3 Control wraps its errors like the query protocol.
        WireProtocol::Xml if call.text.contains("x-amz-account-id") => format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></\
             ErrorResponse>"
        )
        .into_bytes(),
        WireProtocol::Xml => {
            format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>").into_bytes()
        }
        WireProtocol::Query => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</\
             Message></Error></ErrorResponse>"
        )
        .into_bytes(),
        protocol @ (WireProtocol::Json | WireProtocol::Cbor) => encoded(
            protocol,
            &json!({ "__type": format!("com.amazonaws.service#{code}"), "message": message }),
        ),
    }
}

fn encoded(protocol: WireProtocol, value: &Value) -> Vec<u8> {
    if protocol != WireProtocol::Cbor {
        return value.to_string().into_bytes();
    }
    let mut encoder = Encoder::new(vec![]);
    encode(&mut encoder, value);
    encoder.into_writer()
}

fn encode(encoder: &mut Encoder, value: &Value) {
    match value {
        Value::Null => drop(encoder.null()),
        Value::Bool(yes) => drop(encoder.boolean(*yes)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => drop(encoder.long(whole)),
            None => drop(encoder.double(number.as_f64().expect("a number"))),
        },
        Value::String(text) => drop(encoder.str(text)),
        Value::Array(items) => {
            encoder.array(items.len());
            items.iter().for_each(|item| encode(encoder, item));
        }
        Value::Object(fields) => {
            encoder.map(fields.len());
            for (name, field) in fields {
                encoder.str(name);
                encode(encoder, field);
            }
        }
    }
}
