//! What is kept of a state, and what is not.

use super::*;

/// A state with one resource, whose instances are these.
pub fn state(instances: &str) -> String {
    format!(
        r#"{{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "l",
            "outputs": {{"url": {{"value": "CANARY-1", "type": "string"}}, "all": {{"value": {{"CANARY-2": 1}}, "sensitive": true}}}},
            "resources": [{{"module": "module.net", "mode": "managed", "type": "aws_x", "name": "y",
                "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]", "instances": {instances}}}]}}"#
    )
}

fn outline(instances: &str) -> Outline {
    Outline::parse(state(instances).as_bytes()).expect("a state")
}

#[test]
fn names_and_no_value() {
    let outline = outline(
        r#"[{"index_key": "a", "attributes": {"id": "CANARY-3", "tags": {"CANARY-4": ["CANARY-5"]}, "none": null}, "private": "CANARY-6",
             "sensitive_attributes": [[{"type": "get_attr", "value": "CANARY-7"}]]},
            {"index_key": "b", "status": "tainted", "attributes_flat": {"id": "CANARY-8", "tags.%": "1", "tags.CANARY-9": "x"}},
            {"index_key": "b", "deposed": "0a1b2c3d", "attributes": {}}, {"index_key": "b", "deposed": "4e5f6a7b", "attributes": {}}]"#,
    );
    assert!(!format!("{outline:?}").contains("CANARY"), "{outline:?}");
    let shown: Vec<String> =
        outline.objects.iter().map(|(object, it)| format!("{object} {:?} {}", it.by_name.keys().collect::<Vec<_>>(), it.tainted)).collect();
    assert_eq!(
        shown,
        [
            r#"module.net.aws_x.y["a"] ["id", "none", "tags"] false"#,
            r#"module.net.aws_x.y["b"] ["id", "tags"] true"#,
            r#"module.net.aws_x.y["b"] (deposed) [] false"#,
            r#"module.net.aws_x.y["b"] (deposed) [] false"#,
        ]
    );
    assert_eq!(outline.outputs.keys().collect::<Vec<_>>(), ["all", "url"]);
}

#[test]
fn what_is_not_known_has_no_names() {
    let encrypted =
        br#"{"serial": 9, "lineage": "l", "meta": {"key_provider.x": "CANARY"}, "encrypted_data": "CANARY", "encryption_version": "v0"}"#;
    let outline = Outline::parse(encrypted).expect("an envelope");
    assert!(!outline.is_known() && outline.objects.is_empty() && outline.snapshot.serial == Some(9));
    assert!(!format!("{outline:?}").contains("CANARY"));
    for broken in ["", "{", "[]", r#"{"version": 4, "resources": "CANARY"}"#] {
        let error = Outline::parse(broken.as_bytes()).expect_err("no state");
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error:?}");
    }
}

/// What cannot be compared is not taken for empty.
#[test]
fn a_value_may_be_too_deep() {
    let deep = format!(r#"[{{"attributes": {{"a": {}{}}}}}]"#, "[".repeat(500), "]".repeat(500));
    assert!(Snapshot::parse(state(&deep).as_bytes(), Want::Counts).is_ok());
    assert_eq!(Outline::parse(state(&deep).as_bytes()), Err(SnapshotError::TooDeep));
}
