//! `tfbackend teardown`: what it looks at, what forbids it, and what is left of a backend that it
//! took down.

mod empty;
mod everything;
mod faults;
mod guards;
mod meanwhile;
mod regions;
mod shared;
mod unusual;
mod whole;

use serde_json::{Value, json};

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

const LINE: &str = "--env prod --project acme --region eu-west-1";

fn teardown(place: &Place, line: &str) -> (Value, String) {
    let args: Vec<&str> = ["teardown", "--plan", "--output", "json"]
        .into_iter()
        .chain(line.split_whitespace())
        .collect();
    let said = place.run(&args);
    assert_eq!(said.code, Some(0), "{}", said.all());
    (
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all())),
        said.all(),
    )
}

/// `action address` of each step.
fn steps(document: &Value) -> Vec<String> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    document["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|step| format!("{} {}", text(step, "action"), text(step, "address")))
        .collect()
}

#[tokio::test]
async fn a_plan_to_take_everything_down_writes_nothing() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());

    let (document, _) = teardown(&place, LINE);
    assert_eq!(
        (
            steps(&document).len(),
            &document["changes"],
            &document["census"]
        ),
        (0, &Value::Bool(false), &Value::Null),
        "nothing is there"
    );

    assert_eq!(
        place.bootstrap(&format!("{LINE} --lock both -y")).code,
        Some(0)
    );
    proxy.take();
    let (document, all) = teardown(&place, &format!("{LINE} --lock both"));
    let calls = proxy.take();
    let reads = ["Get", "List", "Describe", "Head", "Scan"];
    let writes: Vec<_> = calls
        .iter()
        .filter(|call| {
            !call
                .split(':')
                .nth(1)
                .is_some_and(|name| reads.iter().any(|read| name.starts_with(read)))
        })
        .collect();
    assert!(calls.len() > 20 && writes.is_empty(), "{writes:?}");
    insta::assert_snapshot!(steps(&document).join("\n"), @"
    delete alarm[lock_errors]
    delete alarm[lock_throttles]
    delete alarm[lock_contention]
    delete alarm[object_count]
    delete alarm[bucket_size]
    delete trail
    delete state_bucket/notifications
    delete topic
    delete state_bucket
    delete lock_table
    delete runner_policy
    keep log_bucket
    keep key
    ");
    assert_eq!(
        (
            &document["census"]["states"]["count"],
            &document["census"]["unseen"]["count"]
        ),
        (&Value::from(0), &Value::from(0)),
        "{all}"
    );

    // Somebody's state, its older version, and a workspace's that is deleted.
    emulator.python(
        "tests/it/teardown/states.py",
        &["acme-tfstate-prod-000000000000-eu-west-1"],
    );
    let (document, all) = teardown(&place, &format!("{LINE} --lock both"));
    let census = &document["census"];
    let row = &census["states"]["first"][0];
    assert_eq!(
        (
            &census["states"]["count"],
            &census["in_use"],
            &census["locks"]["count"]
        ),
        (&json!(1), &json!(1), &json!(1)),
        "{all}"
    );
    assert_eq!(
        (&row["path"], &row["serial"], &row["managed"]),
        (&json!("prod/terraform.tfstate"), &json!(2), &json!(1)),
        "{all}"
    );
    assert_eq!(
        (&census["versions"], &census["delete_markers"]),
        (&json!(4), &json!(1)),
        "{all}"
    );
    assert!(!all.contains("hunter2"), "no value is shown");
    let said = place.run(
        &[
            &[
                "teardown",
                "--plan",
                "--lock",
                "both",
                "--purge-logs",
                "--key-window",
                "7",
            ][..],
            &LINE.split_whitespace().collect::<Vec<_>>(),
        ]
        .concat(),
    );
    assert!(
        said.out
            .contains("1 state: 1 in use, 0 empty; 1 lock held."),
        "{}",
        said.all()
    );
    assert!(
        said.out.contains("- delete  lock_table") && said.out.contains("- delete  key"),
        "{}",
        said.all()
    );
    assert!(!said.all().contains("hunter2"));
    assert!(
        said.out.contains(
            "the key is deleted in 7 days: its policy, which denies fewer than 30 days, is \
             changed first"
        ),
        "{}",
        said.all()
    );

    let (again, _) = teardown(&place, &format!("{LINE} --lock both"));
    assert_eq!(again, document, "nothing was changed");
}
