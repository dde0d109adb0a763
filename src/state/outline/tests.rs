//! What is kept of a state, and what is not.

use super::*;

/// A state with one resource, whose instances are these.
pub(super) fn state(instances: &str) -> String {
    format!(
        r#"{{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "l",
            "outputs": {{"url": {{"value": "CANARY-1", "type": "string"}}, "all": {{"value": {{"CANARY-2": 1}}, "sensitive": true}}}},
            "resources": [{{"module": "module.net", "mode": "managed", "type": "aws_x", "name": "y",
                "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]", "instances": {instances}}}]}}"#
    )
}

fn outline(instances: &str) -> StateOutline {
    StateOutline::parse(state(instances).as_bytes()).expect("a state")
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
    let shown: Vec<String> = outline
        .objects
        .iter()
        .map(|(object, it)| {
            format!(
                "{object} {:?} {}",
                it.by_name.keys().collect::<Vec<_>>(),
                it.tainted
            )
        })
        .collect();
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
    let outline = StateOutline::parse(encrypted).expect("an envelope");
    assert!(
        !outline.is_known() && outline.objects.is_empty() && outline.snapshot.serial == Some(9)
    );
    assert!(!format!("{outline:?}").contains("CANARY"));
    for broken in ["", "{", "[]", r#"{"version": 4, "resources": "CANARY"}"#] {
        let error = StateOutline::parse(broken.as_bytes()).expect_err("no state");
        assert!(
            !format!("{error} {error:?}").contains("CANARY"),
            "{error:?}"
        );
    }
}

/// Terraform reads all of these, and so what differs in them is found.
#[test]
fn values_are_compared_as_they_are_written_however_odd_they_are() {
    let deep = |inside: &str| format!("{}{inside}{}", "[".repeat(500), "]".repeat(500));
    for (one, other) in [
        ("7227701560655103598123", "7227701560655103599123"),
        ("1e400", "1e401"),
        ("0.1", "0.10000000000000000001"),
        (r#""\ud800x""#, r#""\ud800y""#),
        (&deep("1"), &deep("2")),
    ] {
        let of = |value: &str| {
            outline(&format!(
                r#"[{{"attributes": {{"a": {value}, "b": 1}}, "private": {value}}}]"#
            ))
        };
        assert_eq!(of(one), of(one));
        let (one, other) = (of(one), of(other));
        let attributes =
            |outline: &StateOutline| outline.objects.values().next().expect("an object").clone();
        let (one, other) = (attributes(&one), attributes(&other));
        assert_ne!(one.by_name["a"], other.by_name["a"]);
        assert_eq!(one.by_name["b"], other.by_name["b"]);
        assert_ne!(one.rest, other.rest);
    }
}

/// Go compares names without case, and so does Terraform.
#[test]
fn names_of_fields_are_read_in_any_case() {
    let instances = r#"[{"index_key": 1, "attributes": {"id": "x", "ID": "y"}, "status": "tainted", "private": "p"},
                        {"index_key": "k", "deposed": "0a1b2c3d", "attributes_flat": {"tags.a": "b"}}]"#;
    let odd = [
        ("\"resources\"", "\"Re\u{17f}ources\""),
        ("\"outputs\"", "\"OUTPUTS\""),
        ("\"instances\"", "\"Instances\""),
        ("\"index_key\"", "\"Index_\u{212a}ey\""),
        ("\"attributes\"", "\"Attributes\""),
        ("\"attributes_flat\"", "\"Attributes_Flat\""),
        ("\"deposed\"", "\"Deposed\""),
        ("\"status\"", "\"Status\""),
        ("\"private\"", "\"Private\""),
        ("\"provider\"", "\"Provider\""),
        ("\"module\"", "\"Module\""),
        ("\"mode\"", "\"Mode\""),
        ("\"type\": \"aws_x\"", "\"Type\": \"aws_x\""),
        ("\"name\"", "\"Name\""),
    ];
    let plain = state(instances);
    let written = odd
        .iter()
        .fold(plain.clone(), |text, (from, to)| text.replace(from, to));
    let [plain, written] =
        [plain, written].map(|text| StateOutline::parse(text.as_bytes()).expect("a state"));
    assert_eq!(written, plain);
    assert_eq!((written.objects.len(), written.outputs.len()), (2, 2));
}

/// As Terraform reads `index_key`: a number, of which what is behind the point is dropped.
/// The text of each is kept by Terraform, the last instead of the one before, and read later.
#[test]
fn of_two_fields_of_one_name_the_last_is_taken() {
    let last = outline(r#"[{"attributes": {"id": "b"}, "private": "y"}]"#);
    let twice = r#"[{"attributes": {"id": "a", "name": "a"}, "private": "x", "Attributes": {"id": "b"}, "private": "y"}]"#;
    assert_eq!(outline(twice), last);
    assert_eq!(
        outline(r#"[{"attributes": {"id": "a"}, "attributes": null}]"#),
        outline(r#"[{"attributes": {}}]"#)
    );
}

#[test]
fn the_key_of_an_instance_may_be_written_with_a_fraction() {
    let shown = |key: &str| {
        outline(&format!(r#"[{{"index_key": {key}}}]"#))
            .objects
            .keys()
            .next()
            .expect("an object")
            .to_string()
    };
    for (key, expected) in [
        ("2", "[2]"),
        ("0.0", "[0]"),
        ("1.7", "[1]"),
        ("1e1", "[10]"),
        ("\"1.7\"", "[\"1.7\"]"),
    ] {
        assert_eq!(shown(key), format!("module.net.aws_x.y{expected}"));
        let counted = StateSnapshot::parse(
            state(&format!(r#"[{{"index_key": {key}}}]"#)).as_bytes(),
            SnapshotDetail::Addresses,
        )
        .expect("a state");
        let StateFile::Known(counts) = counted.contents else {
            panic!("it is known")
        };
        assert_eq!(counts.addresses[0].to_string(), shown(key));
    }
}
