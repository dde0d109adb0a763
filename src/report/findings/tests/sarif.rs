//! As SARIF.

use crate::text::invisible::is_invisible;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::report::findings::sarif::sarif;

fn log(document: &VerifyDocument) -> Value {
    serde_json::from_str(&sarif(document)).expect("JSON")
}

#[test]
fn a_result_for_each_finding() {
    let mut log = log(&made());
    log["runs"][0]["tool"]["driver"]["version"] = "0".into();
    log["runs"][0]["tool"]["driver"]["semanticVersion"] = "0".into();
    let run = &log["runs"][0];
    // The rest of the rules and results is as these are.
    let parts = json!({
        "driver": { "name": run["tool"]["driver"]["name"], "rules": &run["tool"]["driver"]["rules"].as_array().unwrap()[..2] },
        "automationDetails": run["automationDetails"],
        "invocations": run["invocations"],
        "results": &run["results"].as_array().unwrap()[..5],
    });
    insta::assert_snapshot!(format!("{parts:#}"), @r#"
    {
      "driver": {
        "name": "tfbackend",
        "rules": [
          {
            "id": "key-rotation",
            "shortDescription": {
              "text": "the key gets new material at least once a year"
            },
            "fullDescription": {
              "text": "the key gets new material at least once a year"
            },
            "help": {
              "text": "the key gets new material at least once a year\nhttps://docs.aws.amazon.com/x/y.html"
            },
            "defaultConfiguration": {
              "level": "warning"
            },
            "properties": {
              "security-severity": "5.5",
              "tags": [
                "keys",
                "security",
                "KMS.4",
                "CKV_AWS_7"
              ]
            },
            "helpUri": "https://docs.aws.amazon.com/x/y.html"
          },
          {
            "id": "bucket-versioning",
            "shortDescription": {
              "text": "every version of a state is kept"
            },
            "fullDescription": {
              "text": "a state that is overwritten or deleted is lost for good"
            },
            "help": {
              "text": "a state that is overwritten or deleted is lost for good\nhttps://docs.aws.amazon.com/x/y.html"
            },
            "defaultConfiguration": {
              "level": "error"
            },
            "properties": {
              "security-severity": "9.5",
              "tags": [
                "storage",
                "security",
                "S3.14",
                "CKV_AWS_21"
              ]
            },
            "helpUri": "https://docs.aws.amazon.com/x/y.html"
          }
        ]
      },
      "automationDetails": {
        "id": "tfbackend-verify/acme-tfstate-prod-123456789012-eu-west-1/"
      },
      "invocations": [
        {
          "executionSuccessful": true,
          "endTimeUtc": "2026-11-21T03:00:00Z",
          "toolExecutionNotifications": [
            {
              "level": "note",
              "message": {
                "text": "The alarms of `us-east-1` were not looked at."
              }
            }
          ]
        }
      ],
      "results": [
        {
          "ruleId": "bucket-versioning",
          "ruleIndex": 1,
          "kind": "fail",
          "level": "error",
          "message": {
            "text": "every version of a state is kept: versioning is `Suspended`. Fix: tfbackend bootstrap --env prod"
          },
          "locations": [
            {
              "logicalLocations": [
                {
                  "fullyQualifiedName": "state_bucket/versioning",
                  "kind": "resource",
                  "name": "arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1"
                }
              ],
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "infra/backend.tf",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1
                }
              }
            }
          ],
          "partialFingerprints": {
            "tfbackendFinding/v1": "efc42a58bca2809c89ca1d9a423b684e6c179a68cafa11fada613988c9a7fcfc"
          },
          "properties": {
            "severity": "critical",
            "group": "storage"
          }
        },
        {
          "ruleId": "bucket-encryption",
          "ruleIndex": 3,
          "kind": "open",
          "level": "none",
          "message": {
            "text": "states are encrypted with a key of one's own: cannot be read: s3:GetEncryptionConfiguration on acme-tfstate-prod-123456789012-eu-west-1: AccessDenied"
          },
          "locations": [
            {
              "logicalLocations": [
                {
                  "fullyQualifiedName": "state_bucket/encryption",
                  "kind": "resource",
                  "name": "arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1"
                }
              ],
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "infra/backend.tf",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1
                }
              }
            }
          ],
          "partialFingerprints": {
            "tfbackendFinding/v1": "75fd8529de0b309b2dea8be2e284fd2f36410d90e08facb5a8f28f29a62a6290"
          },
          "properties": {
            "severity": "high",
            "group": "encryption"
          }
        },
        {
          "ruleId": "state-key-plain",
          "ruleIndex": 8,
          "kind": "fail",
          "level": "error",
          "message": {
            "text": "a state is where it is looked for: its name holds characters that no tool expects: <script>alert(1)</script> [x] (https://evil.example) @root #1. Fix: Move it: `terraform state push` under another key, then delete this one."
          },
          "locations": [
            {
              "logicalLocations": [
                {
                  "fullyQualifiedName": "s3://acme-tfstate-prod-123456789012-eu-west-1/<b>a|b</b>`@root`${x}\\u{202e}\\u{1b}[31m\\n",
                  "kind": "resource"
                }
              ],
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "infra/backend.tf",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1
                }
              }
            }
          ],
          "partialFingerprints": {
            "tfbackendFinding/v1": "e61d6e45a74e60ce68e577f53cbd43d35d675ba6cad5894592e4d124e4e81e95"
          },
          "properties": {
            "severity": "high",
            "group": "usage"
          }
        },
        {
          "ruleId": "bucket-logs",
          "ruleIndex": 4,
          "kind": "fail",
          "level": "warning",
          "message": {
            "text": "each access to a state is written down: no access logs are written. Fix: tfbackend bootstrap --env prod"
          },
          "locations": [
            {
              "logicalLocations": [
                {
                  "fullyQualifiedName": "state_bucket/logging",
                  "kind": "resource"
                }
              ],
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "infra/backend.tf",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1
                }
              }
            }
          ],
          "partialFingerprints": {
            "tfbackendFinding/v1": "1ac9a3df5f6b8a7a2965ea1467ec4be22c2116afe70c7ea5fd89e46a1346278c"
          },
          "properties": {
            "severity": "medium",
            "group": "audit"
          },
          "suppressions": [
            {
              "kind": "external",
              "status": "accepted",
              "justification": "the organization's trail records it (until 2027-01-31)"
            }
          ]
        },
        {
          "ruleId": "conf-encrypt",
          "ruleIndex": 7,
          "kind": "fail",
          "level": "warning",
          "message": {
            "text": "backend.conf asks for encryption: `encrypt = false`. Fix: tfbackend render --env prod"
          },
          "locations": [
            {
              "logicalLocations": [
                {
                  "fullyQualifiedName": "infra prod/backend.conf",
                  "kind": "resource"
                }
              ],
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "infra%20prod/backend.conf",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 1
                }
              }
            }
          ],
          "partialFingerprints": {
            "tfbackendFinding/v1": "a4a476b3ca7f474a5966037b6344a7fdc3fb74887070cca4a313ee5c1cb2356a"
          },
          "properties": {
            "severity": "medium",
            "group": "files"
          }
        }
      ]
    }
    "#);
}

/// The requirements of the SARIF 2.1.0 schema and of code scanning.
#[test]
fn keeps_the_rules_of_sarif() {
    let log = log(&made());
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<_> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), rules.len(), "each rule once");
    for rule in rules {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
        assert!(
            (0.0..=10.0).contains(
                &rule["properties"]["security-severity"]
                    .as_str()
                    .unwrap()
                    .parse::<f64>()
                    .unwrap()
            )
        );
        let tags: Vec<_> = rule["properties"]["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag.as_str().unwrap())
            .collect();
        assert_eq!(
            tags.iter().collect::<BTreeSet<_>>().len(),
            tags.len(),
            "tags are unique: {tags:?}"
        );
    }
    assert_eq!(
        run["results"].as_array().unwrap().len(),
        made().findings.len()
    );
    let mut fingerprints = BTreeSet::new();
    for (result, finding) in run["results"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&made().findings)
    {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(
            (&rule["id"], result["ruleId"].as_str()),
            (&result["ruleId"], Some(finding.id.as_str()))
        );
        let [kind, level] = ["kind", "level"].map(|name| result[name].as_str().unwrap());
        assert!(
            [
                "pass",
                "open",
                "informational",
                "notApplicable",
                "review",
                "fail"
            ]
            .contains(&kind)
        );
        assert!(["none", "note", "warning", "error"].contains(&level));
        assert_eq!(
            kind == "fail",
            level != "none",
            "only what fails has a level"
        );
        assert_eq!(kind == "open", finding.status == CheckStatus::Unreadable);
        assert_eq!(
            result["suppressions"].is_array(),
            finding.status == CheckStatus::Accepted
        );
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert!(
            fingerprints.insert(
                result["partialFingerprints"]["tfbackendFinding/v1"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            )
        );
        let location = &result["locations"][0];
        let uri = location["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .expect("code scanning shows nothing without a file");
        assert_eq!(
            uri == "infra/backend.tf",
            finding.group != CheckGroup::Files
        );
    }
}

#[test]
fn a_file_is_relative_to_the_working_copy() {
    let uri = |path: &str| {
        let mut document = made();
        document.findings[4].resource = Some(path.to_owned());
        log(&document)["runs"][0]["results"][4]["locations"][0]["physicalLocation"]
            ["artifactLocation"]
            .clone()
    };
    assert_eq!(
        uri("./infra prod/backend.conf"),
        json!({ "uri": "infra%20prod/backend.conf", "uriBaseId": "%SRCROOT%" })
    );
    assert_eq!(
        uri(r"infra\a:b#?%.conf"),
        json!({ "uri": "infra/a%3Ab%23%3F%25.conf", "uriBaseId": "%SRCROOT%" })
    );
    assert_eq!(
        uri("/home/me/backend.conf"),
        json!({ "uri": "file:///home/me/backend.conf" })
    );
    assert_eq!(
        uri("//evil.example/x"),
        json!({ "uri": "file:///evil.example/x" })
    );
}

#[test]
fn a_fingerprint_is_of_the_place_and_not_of_the_words() {
    let of = |document: &VerifyDocument| {
        log(document)["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    let first = of(&made());
    let mut reworded = VerifyDocument {
        at: "2027-01-01T00:00:00Z".into(),
        score: 1,
        ..made()
    };
    let finding = &mut reworded.findings[0];
    (
        finding.found,
        finding.rationale,
        finding.expected,
        finding.severity,
    ) = ("b".into(), "c".into(), "d".into(), Severity::Low);
    assert_eq!(of(&reworded), first);
    for change in [
        |document: &mut VerifyDocument| document.about.bucket = Some("other".into()),
        |document: &mut VerifyDocument| document.about.region = Some("other".into()),
        |document: &mut VerifyDocument| document.about.account = Some("other".into()),
        |document: &mut VerifyDocument| document.findings[0].id = "other".into(),
        |document: &mut VerifyDocument| document.findings[0].address = None,
        |document: &mut VerifyDocument| document.findings[0].resource = None,
    ] {
        let mut other = made();
        change(&mut other);
        assert_ne!(of(&other), first);
    }
}

/// The names of all fields, in order.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name}({})", shape(value)))
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| format!("[{}]", shape(item)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => String::new(),
    }
}

proptest! {
    #[test]
    fn hostile_text_is_text(hostile in hostile()) {
        // A path that starts with a slash would be an absolute one, of another shape.
        let said = sarif(&filled_with(&format!("x{hostile}")));
        prop_assert!(!said.contains(|c| c != '\n' && is_invisible(c)), "{said:?}");
        let log: Value = serde_json::from_str(&said).unwrap();
        prop_assert_eq!(shape(&log), shape(&self::log(&filled_with("word"))));
        for result in log["runs"][0]["results"].as_array().unwrap() {
            let text = result["message"]["text"].as_str().unwrap();
            prop_assert!(!text.contains("]("), "a link: {text:?}");
            let braces = text.replace("{{", "").replace("}}", "");
            prop_assert!(!braces.contains(['{', '}']), "a placeholder: {text:?}");
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap_or_default();
            prop_assert!(uri.chars().all(|c| c.is_ascii_alphanumeric() || "/-._~%:".contains(c)), "{uri:?}");
        }
    }
}

/// A viewer shows the page of each rule; a URI that is none would make the whole file invalid.
#[test]
fn each_rule_has_the_page_of_its_check() {
    let mut document = made();
    let rules = |document: &VerifyDocument| {
        log(document)["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert!(
        rules(&document)
            .iter()
            .all(|rule| rule["helpUri"] == "https://docs.aws.amazon.com/x/y.html")
    );
    document.checks[0].docs = "no page".to_owned();
    assert_eq!(rules(&document)[0]["helpUri"], Value::Null);
}
