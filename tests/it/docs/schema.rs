//! `docs/reference/schema`: what each command prints with `--output json`, as a JSON Schema.

use std::fs;

use serde_json::{Value, json};
use tfbackend::{
    backend::aws::permissions::needed,
    cli::schemas,
    engine::{
        plan::{BlockReason, KeepReason, Plan, PlannedChange},
        spec::{Address, KnownOutputs},
    },
    report::{
        json::{VersionedDocument, pretty},
        plan::{
            ResourceTitle,
            document::{PlanDocument, PlanSubject},
        },
    },
};

use super::{EVERYTHING, SETTINGS};
use crate::support::{
    emulator::Emulator,
    made_up::{self, ACCOUNT, location},
    page,
    program::Place,
};

#[test]
fn the_schemas_are_those_of_the_types() {
    let schemas = schemas::all();
    let page = page::read("docs/reference/json.md");
    for (name, schema) in &schemas {
        let file = format!("docs/reference/schema/{name}.json");
        page::must_be(&file, &pretty(schema));
        assert!(
            page.contains(&format!("](schema/{name}.json)")),
            "docs/reference/json.md does not link to {file}"
        );
    }
    let files = fs::read_dir(page::path("docs/reference/schema")).expect("schemas");
    assert_eq!(files.count(), schemas.len(), "a schema of no document");
}

fn written() -> jsonschema::Validator {
    let schema: Value =
        serde_json::from_str(&page::read("docs/reference/schema/plan.json")).expect("JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// The document of an environment in which nothing is there.
fn document(
    toml: &str,
    env: &str,
    line: &str,
    change: impl FnOnce(&mut Plan<tfbackend::backend::aws::resources::AwsSpec>),
) -> Value {
    let environment = made_up::environment(env, line, toml);
    let mut plan = made_up::plan(&environment);
    change(&mut plan);
    let about = PlanSubject {
        project: "acme".into(),
        env: env.into(),
        backend: Some(location(&[
            ("bucket", "acme-tfstate-prod-123456789012-eu-west-1"),
            ("key", "terraform.tfstate"),
            ("region", "eu-west-1"),
            ("dynamodb_table", "acme-tfstate-prod-locks"),
        ])),
        account: Some(ACCOUNT.into()),
        region: Some("eu-west-1".into()),
    };
    let policy = needed(
        &environment.provider.blueprint,
        &plan,
        &KnownOutputs::new(),
        &environment.provider.aws,
    )
    .policy();
    let needed_actions = serde_json::to_value(policy).ok();
    let document = PlanDocument {
        needed_actions,
        ..PlanDocument::of(&plan, about, &ResourceTitle::of)
    };
    serde_json::to_value(VersionedDocument::new(document)).expect("plain data")
}

/// Every action, and every reason why a step is blocked.
fn of_all_kinds() -> Value {
    document(SETTINGS, "prod", EVERYTHING, |plan| {
        let text = || "\u{1b}[2J\u{202e}\"${x}".to_owned();
        let reasons = [
            BlockReason::Unreadable { error: text() },
            BlockReason::NotLookedAt,
            BlockReason::Unmanaged,
            BlockReason::Foreign { owner: text() },
            BlockReason::Impossible { why: text() },
            BlockReason::Missing { what: text() },
            BlockReason::NeedsOrder {
                what: text(),
                remedy: text(),
            },
        ];
        let mut steps = plan.steps.iter_mut();
        for (step, reason) in steps.by_ref().zip(reasons) {
            step.change = PlannedChange::Blocked { reason };
        }
        let kept = [
            KeepReason::Unmanaged,
            KeepReason::Foreign { owner: text() },
            KeepReason::Used,
            KeepReason::Asked { how: text() },
            KeepReason::Needed {
                by: Address::named(&text()),
            },
        ];
        for (step, why) in steps.by_ref().zip(kept) {
            let PlannedChange::Create { to } = step.change.clone() else {
                panic!("{}", step.address)
            };
            step.change = PlannedChange::Keep { spec: to, why };
        }
        for (step, kind) in steps.zip(0..4) {
            let PlannedChange::Create { to } = step.change.clone() else {
                panic!("{}", step.address)
            };
            step.change = match kind {
                0 => PlannedChange::NoOp { spec: to },
                1 => PlannedChange::Delete { from: to },
                2 => PlannedChange::Update {
                    from: to.clone(),
                    to,
                },
                _ => PlannedChange::Adopt {
                    from: to.clone(),
                    to,
                },
            };
        }
    })
}

/// What the built program prints for each environment of each example, on an account in which
/// nothing is there.
#[tokio::test]
async fn the_documents_of_all_examples_are_valid() {
    let schema = written();
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let (mut seen, mut deep) = (0, 0);
    for example in fs::read_dir(page::path("examples")).expect("examples") {
        let folder = example.expect("a folder").path();
        let toml = fs::read_to_string(folder.join("tfbackend.toml")).expect("settings");
        let account = format!("--account={}", emulator.account());
        for env in toml
            .lines()
            .filter_map(|line| line.strip_prefix("[env.")?.strip_suffix(']'))
        {
            let chdir = folder.to_str().expect("text");
            let said = place.run(&[
                "plan", "--env", env, "--output", "json", "--chdir", chdir, &account,
            ]);
            let document: Value = serde_json::from_str(&said.out).expect("JSON");
            let code = if document["counts"]["blocked"] == json!(0) {
                0
            } else {
                3
            };
            assert_eq!(said.code, Some(code), "{}", said.all());
            let valid = schema
                .validate(&document)
                .map_err(|error| error.to_string());
            assert_eq!(valid, Ok(()), "{chdir} {env}");
            assert!(
                document["needed_actions"]["Statement"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty()),
                "{document:#}"
            );
            if document["counts"]["blocked"] == json!(0) {
                let path = &document["critical_path"];
                let parts: Vec<u64> = ["caller", "look", "make", "look_again"]
                    .iter()
                    .filter_map(|part| path[part].as_u64())
                    .collect();
                assert_eq!(
                    (parts.len(), Some(parts.iter().sum())),
                    (4, path["round_trips"].as_u64()),
                    "{path}"
                );
                assert!(
                    path["round_trips"]
                        .as_u64()
                        .is_some_and(|trips| trips <= 10),
                    "from nothing: {path}"
                );
                deep += 1;
            }
            seen += 1;
        }
    }
    assert!(seen >= 6 && deep >= 4, "{seen}, {deep}");
}

#[test]
fn a_document_of_all_kinds_is_valid() {
    assert_eq!(
        written()
            .validate(&of_all_kinds())
            .map_err(|error| error.to_string()),
        Ok(())
    );
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
        ("/needed_actions/Statement", json!("*")),
        ("/counts/create", json!(-1)),
        ("/counts/no-op", Value::Null),
        ("/monthly_cost", json!(3)),
        ("/steps", json!({})),
        ("/steps/0/action", json!("destroy")),
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
