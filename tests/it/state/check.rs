//! States that Terraform stops at, and that it reads again once they are repaired.

use std::fs;

use serde_json::{Value, json};

use super::world::{KEY, TABLE, World};
use crate::support::backend::said;

/// `path fault repaired` of each.
fn faults(document: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |fault: &Value| {
        format!(
            "{} {} {}",
            text(&fault["path"]),
            text(&fault["fault"]),
            fault["repaired"]
        )
    };
    document["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(one)
        .collect()
}

fn checked(world: &World, args: &[&str], code: i32) -> Value {
    let output = world.state(&[&["check", "--output", "json"], args].concat());
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[tokio::test]
async fn threat_15_a_wrong_digest_stops_terraform_until_it_is_repaired() {
    let world = World::make("both").await;
    world.apply(&[]);
    assert_eq!(
        checked(&world, &[], 0),
        json!({
            "format_version": 1,
            "states": 1,
            "faults": [],
            "unseen": [],
            "backend": {
                "kind": "s3",
                "title": "Amazon S3",
                "location": {
                    "bucket": world.bucket,
                    "key": KEY,
                    "region": world.backend.emulator.region(),
                    "dynamodb_table": TABLE,
                },
            },
        })
    );

    world.tool("digest", &[KEY, "0123456789abcdef0123456789abcdef"]);
    world.tool(
        "digest",
        &[
            "env:/gone/terraform.tfstate",
            "fedcba9876543210fedcba9876543210",
        ],
    );
    let refused = world.backend.terraform(&["plan"]);
    assert!(
        said(&refused).contains("does not have the expected content"),
        "{}",
        said(&refused)
    );
    let document = checked(&world, &[], 2);
    assert_eq!(
        faults(&document),
        [
            "env:/gone/terraform.tfstate digest-orphaned false",
            "terraform.tfstate digest-stale false"
        ]
    );
    let stale = &document["faults"][1];
    assert_eq!(stale["stored"], "0123456789abcdef0123456789abcdef");
    assert_eq!(stale["is"].as_str().map(str::len), Some(32));
    world.fails(
        &["check"],
        2,
        &[
            "digest-stale",
            "0123456789abcdef0123456789abcdef",
            "1 state: 2 faults",
            "state check --repair",
        ],
    );
    world.fails(
        &["check", "--repair"],
        3,
        &[
            "repairs need approval, but this is not a terminal; nothing was repaired",
            "--auto-approve",
        ],
    );
    assert!(
        world.standing().contains("digest wrong"),
        "nothing was repaired"
    );

    let document = checked(&world, &["--repair", "-y"], 0);
    assert_eq!(
        faults(&document),
        [
            "env:/gone/terraform.tfstate digest-orphaned true",
            "terraform.tfstate digest-stale true"
        ]
    );
    let kept = document["faults"][1]["kept"].as_str().expect("a file");
    let kept: Value = serde_json::from_slice(&fs::read(kept).expect("a file")).expect("JSON");
    assert_eq!(
        kept,
        json!({"LockID": format!("{}/terraform.tfstate-md5", world.bucket), "Digest": "0123456789abcdef0123456789abcdef"})
    );
    assert!(
        world.standing().ends_with("digest right locks none"),
        "{}",
        world.standing()
    );
    world.nothing_to_change(&[]);
    assert_eq!(faults(&checked(&world, &[], 0)), Vec::<String>::new());

    // There is none: Terraform would not look, and the next reader could not.
    world.tool("digest", &[KEY, "none"]);
    assert_eq!(
        faults(&checked(&world, &[], 2)),
        ["terraform.tfstate digest-missing false"]
    );
    assert_eq!(
        faults(&checked(&world, &[KEY, "--repair", "-y"], 0)),
        ["terraform.tfstate digest-missing true"]
    );
    assert!(
        world.standing().ends_with("digest right locks none"),
        "{}",
        world.standing()
    );
}

#[tokio::test]
async fn another_key_a_lock_and_a_lock_file_without_a_holder() {
    let world = World::make("both").await;
    // In two parts, so that its ETag says nothing.
    world.apply(&["blocks=320"]);
    let hostile = "odd \"name\"+\u{1b}[2J é.tfstate";
    let file = world.dir().join("state");
    fs::write(&file, world.backend.terraform_ok(&["state", "pull"])).expect("written");
    let file = file.to_str().expect("text");
    // Whoever may write may choose another key, unless a policy says no.
    for key in [KEY, hostile] {
        world.tool("as-root-put", &[key, file, "AES256"]);
    }
    world.tool("as-root-put", &["env:/new/terraform.tfstate.tflock", file]);
    let found = checked(&world, &[], 2);
    let expected = [
        "env:/new/terraform.tfstate lock-file-orphaned false".to_owned(),
        format!("{hostile} digest-missing false"),
        format!("{hostile} wrong-key false"),
        format!("{KEY} digest-stale false"),
        format!("{KEY} wrong-key false"),
    ];
    assert_eq!(faults(&found), expected);
    assert_eq!(found["faults"][4]["encryption"], "AES256");

    // Somebody holds one of them: that one waits, the others are repaired.
    world.tool("lock", &[hostile]);
    let document = checked(&world, &["--repair", "-y"], 4);
    let repaired: Vec<bool> = document["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| fault["repaired"] == true)
        .collect();
    assert_eq!(repaired, [false, false, false, true, true], "{document}");
    assert!(
        document["faults"][1]["error"]
            .as_str()
            .expect("a text")
            .contains("is locked by somebody@else"),
        "{document}"
    );
    world.tool("release", &[hostile]);
    let document = checked(&world, &["--repair", "-y"], 2);
    assert_eq!(
        faults(&document)[1..],
        [
            format!("{hostile} digest-missing true"),
            format!("{hostile} wrong-key true")
        ]
    );
    let text = world.fails(
        &["check"],
        2,
        &["lock-file-orphaned", "1 fault", "tfbackend lock release"],
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    let heads = world
        .backend
        .emulator
        .python("tests/it/terraform/head.py", &[&world.bucket, KEY, hostile]);
    let arn = world.backend.conf("kms_key_id");
    assert_eq!(
        heads.matches(&format!("aws:kms {arn}")).count(),
        2,
        "{heads}"
    );
    world.nothing_to_change(&["blocks=320"]);
}

/// Without a table, no digest says that there was a state: Terraform would start over without a
/// word.
#[tokio::test]
async fn state_that_was_emptied_or_deleted_is_missed() {
    let world = World::make("s3").await;
    assert_eq!(
        faults(&checked(&world, &[], 0)),
        Vec::<String>::new(),
        "none was ever there"
    );
    world.apply(&[]);
    world.apply(&["blocks=2"]);
    let empty = world.dir().join("empty");
    fs::write(&empty, "").expect("written");
    for (how, fault) in [("put", "state-unreadable"), ("delete", "state-deleted")] {
        world.tool(how, &[KEY, empty.to_str().expect("text")]);
        let document = checked(&world, &["--repair", "-y"], 2);
        assert_eq!(
            faults(&document),
            [format!("{KEY} {fault} false")],
            "nothing is written by itself"
        );
        let remediation = document["faults"][0]["remediation"]
            .as_str()
            .expect("a command");
        let words: Vec<&str> = remediation
            .strip_prefix("tfbackend state ")
            .expect("a command")
            .split(' ')
            .chain(["-y"])
            .collect();
        let restored = world.state(&words);
        assert_eq!(restored.status.code(), Some(0), "{}", said(&restored));
        world.nothing_to_change(&["blocks=2"]);
        assert_eq!(faults(&checked(&world, &[], 0)), Vec::<String>::new());
    }
    // What was never a state is none.
    world.tool("put", &["notes.tfstate", empty.to_str().expect("text")]);
    assert_eq!(faults(&checked(&world, &[], 0)), Vec::<String>::new());
}
