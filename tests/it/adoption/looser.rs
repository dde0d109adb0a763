//! Whether anything is looser than before: all that was there is still there, but for settings that
//! became stricter.

use serde_json::{Value, json};

/// How settings become stricter: the end of a path; what was there, or anything if null; what is
/// there now, or anything.
const STRICTER: &[(&str, Option<&str>, Option<&str>)] = &[
    ("/block/BlockPublicAcls", Some("false"), Some("true")),
    ("/block/BlockPublicPolicy", Some("false"), Some("true")),
    ("/block/IgnorePublicAcls", Some("false"), Some("true")),
    ("/block/RestrictPublicBuckets", Some("false"), Some("true")),
    ("/ownership", None, Some("\"BucketOwnerEnforced\"")),
    ("/versioning", None, Some("\"Enabled\"")),
    ("/algorithm", Some("\"AES256\""), Some("\"aws:kms\"")),
    ("/bucket key", Some("false"), Some("true")),
    ("/rotation", Some("false"), Some("true")),
    ("/protection", Some("false"), Some("true")),
    ("/recovery", Some("\"DISABLED\""), Some("\"ENABLED\"")),
    ("/ActionsEnabled", Some("false"), Some("true")),
    // Whose it is: what says so changes, and nothing else.
    ("/tags/ManagedBy", None, Some("\"tfbackend\"")),
    // What it costs is no matter of safety.
    (
        "/billing",
        Some("\"PROVISIONED\""),
        Some("\"PAY_PER_REQUEST\""),
    ),
];

/// What was there and no longer is, each with its path.
pub(super) fn losses(before: &Value, after: &Value) -> Vec<String> {
    let mut losses = vec![];
    compare("", before, after, &mut losses);
    losses
}

fn compare(path: &str, before: &Value, after: &Value, losses: &mut Vec<String>) {
    match (before, after) {
        // Where there was nothing there may be anything.
        (Value::Null, _) => {}
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                compare(
                    &format!("{path}/{name}"),
                    value,
                    after.get(name).unwrap_or(&Value::Null),
                    losses,
                );
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let lost = before
                .iter()
                .filter(|item| **item != json!("NONE") && !after.contains(item));
            losses.extend(lost.map(|item| format!("{path}: {item}")));
        }
        (before, after) if before == after || is_stricter(path, before, after) => {}
        (before, after) => losses.push(format!("{path}: {before} became {after}")),
    }
}

fn is_stricter(path: &str, before: &Value, after: &Value) -> bool {
    let is = |wanted: Option<&str>, text: &str| wanted.is_none_or(|wanted| text == wanted);
    let (old, new) = (before.to_string(), after.to_string());
    let by_a_managed_key =
        |value: &Value| value.as_str().is_some_and(|key| key.contains("alias/aws/"));
    (path.ends_with("/key") && by_a_managed_key(before) && after.is_string())
        || STRICTER
            .iter()
            .any(|(end, from, to)| path.ends_with(end) && is(*from, &old) && is(*to, &new))
}

#[test]
fn every_loss_is_seen() {
    let before = json!({"buckets": {"b": {
        "tags": {"Name": "x", "ManagedBy": "Terraform"}, "block": {"BlockPublicAcls": true}, "versioning": "Enabled", "algorithm": "aws:kms",
        "key": "arn:theirs", "policy": [{"Sid": "A"}, {"Sid": "B"}], "logging": {"TargetBucket": "t"}, "blocked": ["SSE-C"],
        "lifecycle": [{"ID": "r", "NoncurrentVersionExpiration": {"NoncurrentDays": 400}}]}}});
    assert_eq!(losses(&before, &before), [""; 0]);
    for (path, value) in [
        ("/buckets/b/tags/Name", json!("y")),
        ("/buckets/b/tags", json!({"ManagedBy": "tfbackend"})),
        ("/buckets/b/tags/ManagedBy", json!("somebody")),
        ("/buckets/b/block/BlockPublicAcls", json!(false)),
        ("/buckets/b/versioning", json!("Suspended")),
        ("/buckets/b/algorithm", json!("AES256")),
        ("/buckets/b/key", json!("arn:ours")),
        ("/buckets/b/policy", json!([{"Sid": "A"}, {"Sid": "Ours"}])),
        (
            "/buckets/b/policy",
            json!([{"Sid": "A"}, {"Sid": "B", "Effect": "Allow"}]),
        ),
        ("/buckets/b/logging/TargetBucket", json!("ours")),
        ("/buckets/b/logging", json!(null)),
        ("/buckets/b/blocked", json!([])),
        (
            "/buckets/b/lifecycle",
            json!([{"ID": "r", "NoncurrentVersionExpiration": {"NoncurrentDays": 90}}]),
        ),
        ("/buckets", json!({})),
    ] {
        let mut after = before.clone();
        *after.pointer_mut(path).expect(path) = value.clone();
        assert_eq!(losses(&before, &after).len(), 1, "{path} {value}");
    }
    let mut after = before.clone();
    after["buckets"]["b"]["tags"]["ManagedBy"] = json!("tfbackend");
    after["buckets"]["b"]["policy"]
        .as_array_mut()
        .expect("statements")
        .push(json!({"Sid": "Ours"}));
    assert_eq!(losses(&before, &after), [""; 0]);
}
