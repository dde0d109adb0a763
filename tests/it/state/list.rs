//! All states of a backend, however it is named.

use std::fs;

use serde_json::{Value, json};

use super::{json, run};
use crate::{
    support::backend::said,
    terraform::running::{Holder, apply, initialized, nothing_to_change},
};

/// macOS writes names decomposed, and Terraform composes them.
#[tokio::test]
async fn a_key_that_is_decomposed_is_the_one_that_terraform_uses() {
    let (decomposed, composed) = (
        "gro\u{308}\u{df}e/app.tfstate",
        "gr\u{f6}\u{df}e/app.tfstate",
    );
    let backend = initialized(&["--lock", "s3", "--key", decomposed]).await;
    apply(&backend, &[]);
    nothing_to_change(&backend, &[]);
    assert_eq!(backend.conf("key"), composed);
    assert!(said(&backend.bootstrap()).contains("nothing to do"));
    let bucket = backend.conf("bucket");
    let flags = [
        "--bucket",
        &bucket,
        "--endpoint-url",
        backend.emulator.endpoint(),
    ];
    let pulled = |args: &[&str]| {
        let output = super::command(&backend, &[&["pull"], args, &flags].concat())
            .output()
            .expect("the program");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (is_there, state) = pulled(&[composed]);
    assert!(is_there && state.contains("\"serial\": 1"), "{state}");
    assert_eq!(pulled(&["--key", decomposed]), (true, state.clone()));
    let listed = json(&backend, &["list", "--key", decomposed]);
    assert_eq!(listed["states"][0]["path"], composed, "{listed}");
    // What has the other name is no state of Terraform's: it is named by its path.
    assert!(!pulled(&[decomposed]).0);
    let path = backend.dir().join("other.json");
    fs::write(&path, state.replace("\"serial\": 1", "\"serial\": 7")).expect("written");
    backend.emulator.python(
        "tests/it/state/tool.py",
        &[
            "as-root-put",
            &bucket,
            "-",
            decomposed,
            path.to_str().expect("text"),
        ],
    );
    assert!(pulled(&[decomposed]).1.contains("\"serial\": 7"));
    assert_eq!(pulled(&["--key", decomposed]), (true, state));
}

#[tokio::test]
async fn every_state_is_listed_however_the_backend_is_named() {
    let backend = initialized(&["--lock", "both", "--key", "shop/app.tfstate"]).await;
    apply(&backend, &[]);
    backend.terraform_ok(&["workspace", "new", "blue"]);
    let mut holder = Holder::start(&backend);

    // The folder says it all: where AWS is, and which state is locked.
    let document = json(&backend, &["list"]);
    let states = document["states"].as_array().expect("states");
    let row = |state: &Value| {
        [
            &state["path"],
            &state["key"],
            &state["workspace"],
            &state["serial"],
            &state["resources"],
            &state["locked"],
        ]
        .map(Clone::clone)
    };
    assert_eq!(
        states.iter().map(row).collect::<Vec<_>>(),
        [
            [
                json!("env:/blue/shop/app.tfstate"),
                json!("shop/app.tfstate"),
                json!("blue"),
                json!(1),
                json!(0),
                json!(true)
            ],
            [
                json!("shop/app.tfstate"),
                json!("shop/app.tfstate"),
                json!("default"),
                json!(1),
                json!(1),
                json!(false)
            ],
        ],
        "{document}"
    );
    assert!(
        states[0]["lock"]["id"]
            .as_str()
            .is_some_and(|id| id.len() == 36)
            && states[0]["lock"]["operation"] == "OperationTypeApply"
    );
    for state in states {
        assert_eq!(
            (
                &state["encryption"]["algorithm"],
                &state["encryption"]["key"]
            ),
            (&json!("aws:kms"), &json!(backend.conf("kms_key_id")))
        );
        assert!(
            state["bytes"].as_u64().is_some_and(|bytes| bytes > 100)
                && state["modified"].is_string()
                && state["lineage"].is_string()
        );
    }
    assert_eq!(
        (
            &document["bucket"],
            &document["account"],
            &document["notes"]
        ),
        (
            &json!(backend.conf("bucket")),
            &json!(backend.emulator.account()),
            &json!([])
        )
    );
    holder.release();
    assert!(holder.finish().status.success());

    // By every other name it is the same.
    let endpoint = backend.emulator.endpoint();
    let at = ["--endpoint-url", endpoint];
    let bucket = backend.conf("bucket");
    let unlocked = json(&backend, &["list"]);
    assert_eq!(unlocked["states"][0]["locked"], json!(false));
    let environment = [
        "list",
        "--env",
        "prod",
        "--project",
        "acme",
        "--region",
        backend.emulator.region(),
        "--lock",
        "both",
        "--key",
        "shop/app.tfstate",
    ];
    let ways: [&[&str]; 2] = [&["list", "--backend-config", "backend.conf"], &environment];
    for way in ways {
        let document = super::with(&backend, &[way, &at].concat());
        assert_eq!(document, unlocked, "{way:?}");
    }
    // Where it is, S3 says; a table that is not there is said.
    let document = super::with(
        &backend,
        &[
            &[
                "list",
                "--bucket",
                &bucket,
                "--region",
                "eu-central-1",
                "--table",
                "no-locks",
            ][..],
            &at,
        ]
        .concat(),
    );
    assert_eq!(
        document["notes"],
        json!([
            format!(
                "the bucket is in {}, not in eu-central-1; using eu-west-1",
                backend.emulator.region()
            ),
            format!(
                "there is no table no-locks in {}: Terraform cannot lock with it, and it is \
                 ignored",
                backend.emulator.region()
            ),
        ])
    );
    assert_eq!(
        document["states"].as_array().map(Vec::len),
        Some(2),
        "{document}"
    );
    backend
        .emulator
        .python("tests/it/state/table.py", &["far-locks", "eu-central-1"]);
    let far = [
        "list",
        "--bucket",
        &bucket,
        "--region",
        "eu-central-1",
        "--table",
        "far-locks",
    ];
    assert_eq!(
        super::with(&backend, &[&far[..], &at].concat())["notes"][1],
        format!(
            "table far-locks is in eu-central-1, and the bucket in {}: Terraform expects both in \
             one region; the table is ignored",
            backend.emulator.region()
        )
    );
    let other = super::with(
        &backend,
        &[
            &["list", "--bucket", &bucket, "--account", "111122223333"][..],
            &at,
        ]
        .concat(),
    );
    assert_eq!(other["account"], "111122223333");
    assert_eq!(
        other["notes"][0],
        "the bucket must belong to account 111122223333, and these credentials are for account \
         000000000000"
    );
    let bare = super::with(
        &backend,
        &[&["list", "--bucket", &bucket][..], &at].concat(),
    );
    assert_eq!(
        (&bare["states"][1]["workspace"], &bare["states"][1]["key"]),
        (&json!("default"), &json!("shop/app.tfstate"))
    );

    // The role of the backend is taken on: what it may not is not known.
    backend
        .emulator
        .python("tests/it/verify/probe.py", &["role", "runner"]);
    fs::write(
        backend.dir().join("role.conf"),
        "assume_role = { role_arn = \"arn:aws:iam::000000000000:role/runner\" }\n",
    )
    .expect("written");
    let role = super::with(
        &backend,
        &[
            &[
                "list",
                "--backend-config",
                "backend.conf",
                "--backend-config",
                "role.conf",
            ][..],
            &at,
        ]
        .concat(),
    );
    assert!(
        role["locks_unseen"][0]
            .as_str()
            .is_some_and(|error| error.contains("needs dynamodb:Scan")),
        "{role}"
    );
    assert_eq!(
        (&role["states"][0]["locked"], &role["states"][0]["serial"]),
        (&Value::Null, &unlocked["states"][0]["serial"])
    );

    let text = run(&backend, &["list"]);
    let shown = said(&text);
    assert!(
        shown.contains(", as .terraform/terraform.tfstate says"),
        "{shown}"
    );
    assert!(
        shown.contains("2 states: 0 locked, 0 with unknown content."),
        "{shown}"
    );
    assert!(
        shown.contains(&format!("[1] {}", backend.conf("kms_key_id"))),
        "{shown}"
    );

    // Refused, and what is not there.
    for (args, says) in [
        (
            &["list", "--bucket", "no-such-states"][..],
            "there is no bucket no-such-states",
        ),
        (
            &[
                "list",
                "--bucket",
                &bucket,
                "--table",
                "locks",
                "--account",
                "111122223333",
            ],
            "name the table by its ARN",
        ),
        (
            &[
                "list",
                "--env",
                "dev",
                "--project",
                "acme",
                "--region",
                "eu-west-1",
            ],
            "`tfbackend bootstrap --env dev --project acme --region eu-west-1",
        ),
        (
            &[
                "list",
                "--backend-config",
                "backend.conf",
                "--bucket",
                "other",
            ],
            "conflicting values for bucket",
        ),
    ] {
        let output = super::command(&backend, &[args, &at].concat())
            .output()
            .expect("the program");
        // Where a line breaks is another matter.
        let text = said(&output)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            !output.status.success() && text.contains(says),
            "{says}: {text}"
        );
    }
}
