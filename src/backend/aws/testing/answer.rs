//! Answers of AWS, in the protocol of whoever asked.

use std::time::Duration;

use aws_smithy_cbor::Encoder;
use aws_smithy_runtime_api::{
    client::orchestrator::HttpResponse,
    http::{Headers, StatusCode},
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::wire::{Call, Protocol};

#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    content: Content,
    pub(super) takes: Duration,
}

#[derive(Clone, Debug)]
enum Content {
    Empty,
    Text(String),
    /// As it is, whatever protocol is spoken.
    Page(String),
    Data(Value),
    Error(String, String),
    Lost,
}

/// Success, and nothing more to say.
pub fn empty() -> Answer {
    Answer {
        status: 200,
        headers: vec![],
        content: Content::Empty,
        takes: Duration::ZERO,
    }
}

/// XML: a whole document of S3, or what stands in the result of IAM and SNS.
pub fn text(xml: impl Into<String>) -> Answer {
    Answer {
        content: Content::Text(xml.into()),
        ..empty()
    }
}

/// JSON, or the same as CBOR for CloudWatch.
pub fn data(value: Value) -> Answer {
    Answer {
        content: Content::Data(value),
        ..empty()
    }
}

pub fn error(status: u16, code: &str) -> Answer {
    error_saying(status, code, "because")
}

pub fn error_saying(status: u16, code: &str, message: &str) -> Answer {
    Answer {
        status,
        content: Content::Error(code.to_owned(), message.to_owned()),
        ..empty()
    }
}

/// What is not an answer of AWS's.
pub fn page(status: u16, kind: &str, body: &str) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", kind.to_owned())],
        content: Content::Page(body.to_owned()),
        ..empty()
    }
}

/// No answer, though the call may have been carried out.
pub fn lost() -> Answer {
    Answer {
        content: Content::Lost,
        ..empty()
    }
}

impl Answer {
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Given so much later.
    #[must_use]
    pub fn after(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    /// `None` where the answer gets lost.
    pub(super) fn to_response(&self, call: &Call) -> Option<HttpResponse> {
        let body = match &self.content {
            Content::Lost => return None,
            Content::Empty => success(call),
            Content::Text(text) => match call.protocol {
                Protocol::Query => result(call, text),
                Protocol::Xml | Protocol::Json | Protocol::Cbor => text.clone().into_bytes(),
            },
            Content::Page(body) => body.clone().into_bytes(),
            Content::Data(value) => encoded(call.protocol, value),
            Content::Error(code, message) => refusal(call, code, message),
        };
        let mut response = HttpResponse::new(
            StatusCode::try_from(self.status).expect("a status"),
            SdkBody::from(body),
        );
        let headers: &mut Headers = response.headers_mut();
        headers.insert("x-amzn-requestid", "REQUEST");
        if call.protocol == Protocol::Cbor {
            headers.insert("smithy-protocol", "rpc-v2-cbor");
        }
        for (name, value) in &self.headers {
            headers.insert(*name, value.clone());
        }
        Some(response)
    }
}

fn success(call: &Call) -> Vec<u8> {
    match call.protocol {
        Protocol::Xml => vec![],
        Protocol::Query => result(call, ""),
        protocol @ (Protocol::Json | Protocol::Cbor) => encoded(protocol, &json!({})),
    }
}

fn result(call: &Call, inner: &str) -> Vec<u8> {
    let operation = &call.operation;
    format!("<{operation}Response xmlns=\"https://example.com/doc\"><{operation}Result>{inner}</{operation}Result></{operation}Response>")
        .into_bytes()
}

fn refusal(call: &Call, code: &str, message: &str) -> Vec<u8> {
    match call.protocol {
        Protocol::Xml if call.operation == "HEAD" => vec![],
        // S3 Control wraps its errors as the query protocol does.
        Protocol::Xml if call.text.contains("x-amz-account-id") => format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></\
             ErrorResponse>"
        )
        .into_bytes(),
        Protocol::Xml => {
            format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>").into_bytes()
        }
        Protocol::Query => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</\
             Message></Error></ErrorResponse>"
        )
        .into_bytes(),
        protocol @ (Protocol::Json | Protocol::Cbor) => encoded(
            protocol,
            &json!({ "__type": format!("com.amazonaws.service#{code}"), "message": message }),
        ),
    }
}

fn encoded(protocol: Protocol, value: &Value) -> Vec<u8> {
    if protocol != Protocol::Cbor {
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
