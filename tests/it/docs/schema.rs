//! `docs/schema/plan.json`: what `plan --output json` prints, as a JSON Schema.

use std::fs;

use serde_json::{Value, json};
use tfbackend::{
    cli::describe::describe,
    plan::{Change, Plan, Reason},
    report::{
        json::{Document, pretty},
        plan::document::{About, PlanDocument, schema},
    },
    spec::Address,
};

use super::{EVERYTHING, SETTINGS};
use crate::support::{
    made_up::{self, ACCOUNT},
    page,
};

#[test]
fn the_schema_is_that_of_the_types() {
    page::must_be("docs/schema/plan.json", &pretty(&schema()));
}

fn written() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&page::read("docs/schema/plan.json")).expect("JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// The document of an environment in which nothing is there.
fn document(toml: &str, env: &str, line: &str, change: impl FnOnce(&mut Plan<tfbackend::aws::resources::AwsSpec>)) -> Value {
    let environment = made_up::environment(env, line, toml);
    let mut plan = made_up::plan(&environment);
    change(&mut plan);
    let about = About { project: "acme".into(), env: env.into(), account: ACCOUNT.into(), region: "eu-west-1".into() };
    serde_json::to_value(Document::new(PlanDocument::of(&plan, about, &describe))).expect("plain data")
}

/// Every action, and every reason why a step is blocked.
fn of_all_kinds() -> Value {
    document(SETTINGS, "prod", EVERYTHING, |plan| {
        let text = || "\u{1b}[2J\u{202e}\"${x}".to_owned();
        let reasons = [
            Reason::Unreadable { error: text() },
            Reason::NotLookedAt,
            Reason::Unmanaged,
            Reason::Foreign { owner: text() },
            Reason::Impossible { why: text() },
            Reason::Missing { what: text() },
        ];
        let mut steps = plan.steps.iter_mut();
        for (step, reason) in steps.by_ref().zip(reasons) {
            step.change = Change::Blocked { reason };
        }
        for (step, kind) in steps.zip(0..3) {
            let Change::Create { to } = step.change.clone() else { panic!("{}", step.address) };
            step.change = match kind {
                0 => Change::NoOp { spec: to },
                1 => Change::Update { from: to.clone(), to },
                _ => Change::Adopt { from: to.clone(), to },
            };
        }
    })
}

#[test]
fn the_documents_of_all_examples_are_valid() {
    let schema = written();
    let mut seen = 0;
    for example in fs::read_dir(page::path("examples")).expect("examples") {
        let name = example.expect("a folder").file_name().into_string().expect("a name");
        let toml = page::read(&format!("examples/{name}/tfbackend.toml"));
        for env in toml.lines().filter_map(|line| line.strip_prefix("[env.")?.strip_suffix(']')) {
            let document = document(&toml, env, "", |_| {});
            assert!(schema.is_valid(&document), "{name} {env}: {:?}", schema.validate(&document).map_err(|error| error.to_string()));
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
    let document = of_all_kinds();
    assert!(schema.is_valid(&document), "{:?}", schema.validate(&document).map_err(|error| error.to_string()));
}

#[test]
fn a_wrong_document_is_not_valid() {
    let (schema, good) = (written(), of_all_kinds());
    assert!(schema.is_valid(&good));
    for (at, value) in [
        ("/format_version", json!("1")),
        ("/format_version", Value::Null),
        ("/account", json!(123_456_789_012_u64)),
        ("/changes", json!("yes")),
        ("/counts/create", json!(-1)),
        ("/counts/no-op", Value::Null),
        ("/monthly_cost", json!(3)),
        ("/steps", json!({})),
        ("/steps/0/action", json!("delete")),
        ("/steps/0/needs", json!([1])),
        ("/steps/0/reason/kind", json!("because")),
        ("/steps/0/reason/error", Value::Null),
        ("/steps/0/address", json!(Address::new("key").parent())),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(at).unwrap_or_else(|| panic!("{at}")) = value;
        assert!(!schema.is_valid(&wrong), "{at}");
    }
    // What a later version may add is not wrong.
    let mut newer = good;
    newer["steps"][0]["more"] = json!(true);
    assert!(schema.is_valid(&newer));
}
