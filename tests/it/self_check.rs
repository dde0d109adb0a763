//! `tfbackend self-check`: each thing that can be wrong with a machine, and how it is named.

mod caller;
mod machine;
mod network;

use serde_json::Value;

use crate::support::program::{Place, Said};

const ENV: &str = "--env dev --project acme --region eu-west-1";
const SERVICES: [&str; 8] = [
    "sts",
    "s3",
    "dynamodb",
    "kms",
    "iam",
    "cloudwatch",
    "cloudtrail",
    "sns",
];

fn run(place: &Place, line: &str) -> Said {
    let line = format!("self-check {line}");
    place.run(&line.split_whitespace().collect::<Vec<_>>())
}

/// The document, whose counts and exit code agree with its checks.
#[track_caller]
fn checked(place: &Place, line: &str) -> Value {
    let said = run(place, &format!("{line} --output json"));
    assert_eq!(said.err, "", "{}", said.all());
    let document: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let checks = document["checks"].as_array().expect("checks");
    for status in ["ok", "warning", "failed"] {
        let count = checks
            .iter()
            .filter(|check| check["status"] == status)
            .count();
        assert_eq!(document["counts"][status], count, "{document:#}");
    }
    for check in checks {
        let is_ok = check["status"] == "ok";
        assert_eq!(check["remediation"].is_null(), is_ok, "{check}");
    }
    let code = if document["counts"]["failed"] == 0 {
        0
    } else {
        1
    };
    assert_eq!(said.code, Some(code), "{}", said.all());
    document
}

/// Status, what was found, and the next step of one check.
#[track_caller]
fn of<'d>(document: &'d Value, id: &str) -> (&'d str, &'d str, &'d str) {
    let check = document["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["id"] == id)
        .unwrap_or_else(|| panic!("no {id}: {document:#}"));
    let text = |name: &str| check[name].as_str().unwrap_or_default();
    (text("status"), text("found"), text("remediation"))
}

fn has(document: &Value, id: &str) -> bool {
    let checks = document["checks"].as_array().expect("checks");
    checks.iter().any(|check| check["id"] == id)
}

fn failed(document: &Value) -> Vec<&str> {
    let checks = document["checks"].as_array().expect("checks");
    checks
        .iter()
        .filter(|check| check["status"] == "failed")
        .filter_map(|check| check["id"].as_str())
        .collect()
}
