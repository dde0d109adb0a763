//! Settings as they are read.

use serde_json::json;

use super::*;
use crate::report::plan::tests::{deny, policy};

fn update(from: Value, to: Value) -> String {
    changed(
        &from,
        &to,
        &|_| None,
        TextStyles {
            color: false,
            unicode: true,
        },
    )
    .join("\n")
}

#[test]
fn differences_of_lists_and_of_what_is_set_or_not() {
    let list =
        |range: std::ops::Range<u8>| json!(range.map(|i| format!("s3:{i}")).collect::<Vec<_>>());
    let reversed = json!((0..6).rev().map(|i| format!("s3:{i}")).collect::<Vec<_>>());
    insta::assert_snapshot!(update(
        json!({ "rules": [{ "id": "a", "on": 1 }, { "id": "b" }], "null": null, "short": ["a"], "long": list(0..6), "order": list(0..6), "none": null, "gone": { "x": 1 }, "same": 1, "Tags": [{ "Key": "a", "Value": "1" }] }),
        json!({ "rules": [{ "id": "b" }, { "id": "a", "on": 1 }], "null": {}, "short": ["a", "b"], "long": list(1..7), "order": reversed, "none": { "days": 3, "on": false }, "same": 1, "Tags": [{ "Key": "a", "Value": "2" }] }),
    ), @r#"
    rules: equivalent, in another order or form
    null: (not set) → (none)
    short: ["a"] → ["a", "b"]
    long: + "s3:6", - "s3:0"
    order: ["s3:0", "s3:1", "s3:2", "s3:3", "s3:4", "s3:5"] → ["s3:5", "s3:4", "s3:3", "s3:2", "s3:1", "s3:0"]
    none.days: (not set) → 3
    none.on: (not set) → false
    Tags: ~ a=1 → 2
    gone: {x: 1} → (not set)
    "#);
}

#[test]
fn a_tag_cannot_pass_for_two() {
    insta::assert_snapshot!(update(
        json!({ "tags": { "a": "", "b, c": "x y", "url": "https://x/?q" } }),
        json!({ "tags": { "a": "1, ~ b=2", "url": "https://x/?q", "new": "" } }),
    ), @r#"
    tags: ~ a="" → "1, ~ b=2", + new="", - "b, c"
    "#);
}

#[test]
fn a_policy_in_a_text_is_a_policy() {
    let document = |statements| json!({ "assume_role_policy": policy(statements).to_string() });
    insta::assert_snapshot!(update(document(vec![deny("A", json!("x"))]), document(vec![deny("A", json!("x")), deny("B", json!("x"))])), @"
    assume_role_policy: + B (Deny)
    ");
}

#[test]
fn a_policy_that_only_looks_different_says_so() {
    insta::assert_snapshot!(update(
        json!({ "policy": policy(vec![deny("A", json!("x")), deny("B", json!("x"))]) }),
        json!({ "policy": policy(vec![deny("B", json!("x")), deny("A", json!("x"))]) }),
    ), @"
    policy: equivalent, in another order or form
    ");
}

#[test]
fn a_policy_that_comes_or_goes_is_summarised() {
    insta::assert_snapshot!(update(
        json!({ "policy": null, "other": policy(vec![deny("C", json!("x"))]) }),
        json!({ "policy": policy(vec![deny("A", json!("x")), deny("A", json!("y"))]), "other": null }),
    ), @"
    policy: (not set) → 2 statements: A, A
    other: 1 statement: C → (not set)
    ");
}

#[test]
fn sids_that_come_twice_are_not_taken_for_one_another() {
    insta::assert_snapshot!(update(
        json!({ "policy": policy(vec![deny("A", json!("x")), deny("A", json!("y"))]) }),
        json!({ "policy": policy(vec![deny("A", json!("x")), deny("A", json!("z"))]) }),
    ), @r#"
    policy: ~ A (Deny)
    policy.A.Action: "y" → "z"
    "#);
}
