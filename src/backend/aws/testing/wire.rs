//! A readable form of a request: operation, target, relevant headers, body.

use aws_smithy_cbor::{Decoder, data::Type};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireProtocol {
    /// S3.
    Xml,
    /// IAM, SNS, STS.
    Query,
    /// KMS, DynamoDB, CloudTrail.
    Json,
    /// CloudWatch.
    Cbor,
}

#[derive(Clone, Debug)]
pub(super) struct RecordedCall {
    pub protocol: WireProtocol,
    pub operation: String,
    pub text: String,
}

impl RecordedCall {
    pub(super) fn new(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default();
        let path = request
            .uri()
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map_or("", |(_, path)| path);
        if let Some(target) = request.headers().get("x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            let value: Value = serde_json::from_slice(body).expect("JSON");
            return Self {
                protocol: WireProtocol::Json,
                text: format!("{operation} {value}"),
                operation,
            };
        }
        if let Some((_, operation)) = path.split_once("/operation/") {
            let value = decoded(&mut Decoder::new(body));
            return Self {
                protocol: WireProtocol::Cbor,
                text: format!("{operation} {value}"),
                operation: operation.to_owned(),
            };
        }
        let body = std::str::from_utf8(body).expect("text");
        if body.starts_with("Action=") {
            let (operation, text) = form(body);
            return Self {
                protocol: WireProtocol::Query,
                operation,
                text,
            };
        }
        let method = request.method();
        let operation = match path.split_once('?') {
            Some((_, query)) => format!("{method} ?{query}"),
            None => method.to_owned(),
        };
        let mut headers: Vec<_> = request
            .headers()
            .iter()
            .filter(|(name, _)| says(name))
            .collect();
        headers.sort_unstable();
        let headers: String = headers
            .into_iter()
            .map(|(name, value)| format!("\n{name}: {value}"))
            .collect();
        let body = if body.is_empty() {
            String::new()
        } else {
            format!("\n{}", xml(body))
        };
        Self {
            protocol: WireProtocol::Xml,
            operation,
            text: format!("{method} {}{headers}{body}", request.uri()),
        }
    }
}

/// Returns the headers of the caller, without those of signing and transport.
fn says(header: &str) -> bool {
    const TRANSPORT: [&str; 5] = [
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-user-agent",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token",
    ];
    let chosen = header.starts_with("x-amz-") || header == "if-match" || header == "if-none-match";
    chosen && !header.starts_with("x-amz-checksum") && !TRANSPORT.contains(&header)
}

/// Removes the namespace of S3.
fn xml(body: &str) -> String {
    body.replace(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"", "")
}

/// Returns the operation, and one line for each parameter; maps are sorted.
fn form(body: &str) -> (String, String) {
    let decoded = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let mut fields: Vec<(String, String)> = body
        .split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let keys: Vec<(String, String)> = fields
        .iter()
        .filter(|(name, _)| name.contains(".entry."))
        .filter_map(|(name, value)| Some((name.strip_suffix(".key")?.to_owned(), value.clone())))
        .collect();
    fields.retain(|(name, _)| !(name.contains(".entry.") && name.ends_with(".key")));
    for (name, _) in &mut fields {
        if let Some((_, key)) = keys
            .iter()
            .find(|(entry, _)| format!("{entry}.value") == *name)
        {
            let (map, _) = name.split_once(".entry.").expect("an entry");
            *name = format!("{map}[{key}]");
        }
    }
    let operation = fields
        .iter()
        .find(|(name, _)| name == "Action")
        .expect("an action")
        .1
        .clone();
    fields.retain(|(name, _)| name != "Action" && name != "Version");
    fields.sort_by(|a, b| {
        a.0.contains('[').cmp(&b.0.contains('[')).then_with(|| {
            if a.0.contains('[') {
                a.0.cmp(&b.0)
            } else {
                std::cmp::Ordering::Equal
            }
        })
    });
    let lines: String = fields
        .into_iter()
        .map(|(name, value)| format!("\n  {name}={value}"))
        .collect();
    (operation.clone(), format!("{operation}{lines}"))
}

fn decoded(decoder: &mut Decoder<'_>) -> Value {
    const CBOR: &str = "CBOR";
    match decoder.datatype().expect(CBOR) {
        Type::Bool => Value::from(decoder.boolean().expect(CBOR)),
        Type::Null => {
            decoder.null().expect(CBOR);
            Value::Null
        }
        Type::F16 | Type::F32 | Type::F64 => Value::from(decoder.double().expect(CBOR)),
        Type::String | Type::StringIndef => Value::from(decoder.str().expect(CBOR).into_owned()),
        Type::Array | Type::ArrayIndef => {
            let count = decoder.list().expect(CBOR);
            let mut items = vec![];
            while more(decoder, count, items.len()) {
                items.push(decoded(decoder));
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let count = decoder.map().expect(CBOR);
            let mut fields = Map::new();
            while more(decoder, count, fields.len()) {
                let name = decoder.str().expect(CBOR).into_owned();
                fields.insert(name, decoded(decoder));
            }
            Value::Object(fields)
        }
        _ => Value::from(decoder.long().expect(CBOR)),
    }
}

fn more(decoder: &mut Decoder<'_>, count: Option<u64>, read: usize) -> bool {
    match count {
        Some(count) => u64::try_from(read).is_ok_and(|read| read < count),
        None if decoder.datatype().expect("CBOR") == Type::Break => {
            decoder.skip().expect("CBOR");
            false
        }
        None => true,
    }
}
