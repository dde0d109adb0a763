//! What tutorials make, made by real Terraform: `docs/concepts/what-tutorials-leave-open.md`, and what
//! adopting it sets right.

use std::thread;

use serde_json::Value;

use super::{
    provider::apply,
    world::{Taker, place, text},
};
use crate::support::{emulator::Emulator, page, program::Place};

const PAGE: &str = "docs/concepts/what-tutorials-leave-open.md";

/// A tutorial: its file, the bucket and the table that it makes.
struct Tutorial {
    name: &'static str,
    bucket: &'static str,
    table: &'static str,
    /// Changes that the user must make after adoption.
    left: &'static [&'static str],
}

const WIKI: Tutorial = Tutorial {
    name: "wiki",
    bucket: "my-terraform-state-000000000000",
    table: "terraform-state-locks",
    left: &[
        // Their rule keeps deleting: to be removed, or given a floor.
        "bucket-history-cut state_bucket/lifecycle",
        // Their alarms: to be deleted, or set right.
        "alarm-fires terraform-lock-duration",
        "alarm-tells terraform-lock-duration",
        "alarm-tells terraform-state-file-size",
        "bucket-acceleration state_bucket",
    ],
};
const OTHERS: [Tutorial; 3] = [
    Tutorial {
        name: "article",
        bucket: "my-terraform-state-bucket",
        table: "terraform-locks",
        left: &[],
    },
    Tutorial {
        name: "hashnode",
        bucket: "my-terraform-state-bucket-2023",
        table: "my-terraform-state-lock",
        left: &[],
    },
    Tutorial {
        name: "blog",
        bucket: "my-terraform-state-bucket-uniq-example",
        table: "terraform-locks-example",
        left: &[],
    },
];

#[tokio::test]
async fn what_the_tutorials_leave_open() {
    // The wiki's trail is one of the whole account: it has an account of its own.
    let (wiki, others) = (Emulator::start().await, Emulator::start().await);
    thread::scope(|scope| {
        scope.spawn(|| apply(&wiki, &["wiki.tf"]));
        scope.spawn(|| apply(&others, &["article.tf", "hashnode.tf", "blog.tf"]));
    });
    let mut parts = vec![(WIKI.name, table(&findings(&wiki, &WIKI)))];
    parts.extend(
        OTHERS
            .iter()
            .map(|tutorial| (tutorial.name, table(&findings(&others, tutorial)))),
    );
    page::parts_must_be(PAGE, &parts);

    thread::scope(|scope| {
        scope.spawn(|| {
            OTHERS
                .iter()
                .for_each(|tutorial| adopted(&others, tutorial, ""));
        });
        let key = emulated_key(&wiki);
        adopted(
            &wiki,
            &WIKI,
            &format!("--kms-key {key} --trail off --alarms=false"),
        );
    });
}

/// All that `verify` finds, the worst first.
fn findings(emulator: &Emulator, tutorial: &Tutorial) -> Vec<Value> {
    let place = Place::with(emulator);
    let Tutorial { bucket, table, .. } = tutorial;
    let said = place.run(&[
        "verify",
        "--bucket",
        bucket,
        "--table",
        table,
        "--region",
        emulator.region(),
        "--min-severity",
        "info",
        "--output",
        "json",
    ]);
    assert_eq!(said.code, Some(2), "{}", said.all());
    let document: Value = serde_json::from_str(&said.out).expect("a document");
    let findings = document["findings"].as_array().expect("findings");
    assert!(
        findings.iter().all(|finding| finding["status"] == "open"),
        "{document}"
    );
    findings.clone()
}

fn table(findings: &[Value]) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('*', "\\*");
    let row = |finding: &Value| {
        let [severity, id, what] = ["severity", "id", "found"].map(|field| text(&finding[field]));
        format!(
            "| {severity} | `{id}` | `{}` | {} |",
            place(finding),
            cell(what)
        )
    };
    let mut rows = vec![
        "| severity | id | at | found |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    rows.extend(findings.iter().map(row));
    rows.join("\n")
}

/// Refused without `--adopt`; after adoption, it keeps its settings, and lacks only the changes
/// that are left to the user.
fn adopted(emulator: &Emulator, tutorial: &Tutorial, more: &str) {
    let Tutorial {
        name,
        bucket,
        table,
        left,
    } = tutorial;
    let taker = Taker::new(
        emulator,
        &format!("--env {name} --bucket {bucket} --table {table} {more}"),
    );
    let why = taker.refused("");
    assert!(
        why.contains("exists, but was not created by tfbackend; pass `--adopt` to adopt it"),
        "{why}"
    );
    assert_eq!(taker.adopts(), *left, "{name}");
}

/// The ARN of the wiki's own key.
fn emulated_key(emulator: &Emulator) -> String {
    let taker = Taker::new(
        emulator,
        &format!("--env wiki --bucket {} --table {}", WIKI.bucket, WIKI.table),
    );
    let why = taker
        .refused("--adopt --trail off --alarms=false")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        why.contains("would be encrypted with another key; pass --kms-key"),
        "{why}"
    );
    let keys = super::world::seen(emulator)["keys"]
        .as_object()
        .expect("keys")
        .keys()
        .cloned()
        .collect::<Vec<_>>();
    let [key] = &keys[..] else { panic!("{keys:?}") };
    format!(
        "arn:aws:kms:{}:{}:key/{key}",
        emulator.region(),
        emulator.account()
    )
}
