//! `tfbackend` without a command, in the folders of a newcomer: what it names is the next step, and
//! works.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{emulator::Emulator, program::Place};

fn overview(place: &Place) -> Value {
    let said = place.run(&["--output", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    serde_json::from_str(&said.out).expect("JSON")
}

/// Runs a command line as it is printed.
#[track_caller]
fn run(place: &Place, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    match words[0] {
        "tfbackend" => {
            let said = place.run(&words[1..]);
            assert_eq!(said.code, Some(0), "{line}: {}", said.err);
        }
        program => {
            let output = Command::new(program)
                .args(&words[1..])
                .current_dir(place.path())
                .env("CHECKPOINT_DISABLE", "1")
                .stdin(Stdio::null())
                .output()
                .expect("it runs");
            assert!(output.status.success(), "{line}: {output:?}");
        }
    }
}

#[test]
fn folder_is_led_from_a_local_state_to_a_backend() {
    let place = Place::bare();
    let empty = place.run(&[]);
    assert_eq!(empty.code, Some(0), "{}", empty.err);
    assert_eq!(
        empty.out,
        "This folder has no Terraform configuration.\n\nNext:\n  tfbackend bootstrap\n  tfbackend \
         --help\n"
    );

    fs::write(
        place.path().join("main.tf"),
        "resource \"terraform_data\" \"one\" {\n  input = \"hunter2\"\n}\n",
    )
    .expect("written");
    assert!(
        place
            .run(&[])
            .out
            .starts_with("This folder has a Terraform configuration, and no backend.\n")
    );
    run(&place, "terraform init");
    run(&place, "terraform apply -auto-approve");
    let local = overview(&place);
    assert_eq!(local["backend"], Value::Null);
    assert_eq!(
        local["local_states"],
        json!([{ "path": "terraform.tfstate", "resources": 1 }])
    );
    assert_eq!(local["next"][0], "tfbackend bootstrap");

    run(
        &place,
        "tfbackend bootstrap --backend local --env dev --project acme --save -y",
    );
    let made = overview(&place);
    assert_eq!(
        made["environments"],
        json!([{ "name": "dev", "kind": "local" }])
    );
    let next = made["next"][0].as_str().expect("a command");
    assert_eq!(next, "tfbackend migrate --from . --to backend.conf");
    run(&place, &format!("{next} -y"));
    run(
        &place,
        "terraform init -reconfigure -backend-config=backend.conf",
    );

    let moved = overview(&place);
    assert_eq!(moved["local_states"], json!([]), "{moved}");
    let backend = moved["backend"].as_str().expect("a backend");
    assert!(backend.starts_with("backend \"local\", path "), "{backend}");
    assert_eq!(
        moved["next"],
        json!([
            "tfbackend verify --env dev",
            "tfbackend state list",
            "tfbackend --help"
        ])
    );
    run(&place, "tfbackend bootstrap -y");
    for line in moved["next"].as_array().expect("commands") {
        run(&place, line.as_str().expect("a command"));
    }
    let said = place.run(&[]);
    assert!(
        !said.out.contains("hunter2") && said.out.contains("Environments: dev (local)"),
        "{}",
        said.out
    );
}

#[test]
fn state_that_was_not_written_comes_first() {
    let place = Place::bare();
    fs::write(place.path().join("main.tf"), "terraform {\n  backend \"s3\" {\n    bucket = \"states\"\n    key = \"a.tfstate\"\n  }\n}\n")
        .expect("written");
    fs::write(
        place.path().join("errored.tfstate"),
        "{\"version\":4,\"serial\":1,\"lineage\":\"l\",\"outputs\":{\"a\":{\"value\":\"hunter2\"}},\"resources\":[]}",
    )
    .expect("written");
    let document = overview(&place);
    assert_eq!(
        document["backend"],
        "backend \"s3\", bucket \"states\", key \"a.tfstate\""
    );
    assert_eq!(document["next"][0], "terraform state push errored.tfstate");
    assert!(!document.to_string().contains("hunter2"));
}

/// Without a settings file, the files for Terraform say whose they are.
#[tokio::test]
async fn files_of_the_folder_name_their_environment() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    run(
        &place,
        "tfbackend bootstrap --env prod --project acme --region eu-west-1 --lock s3 --alarms=false \
         --trail off --access-logs=false -y",
    );
    assert_eq!(
        overview(&place)["next"],
        json!([
            "terraform init -backend-config=backend.conf",
            "tfbackend verify --env prod",
            "tfbackend state list",
            "tfbackend --help"
        ])
    );
    for line in [
        "tfbackend verify --env prod",
        "tfbackend verify",
        "tfbackend verify --probe",
        "tfbackend plan",
        "tfbackend render --check",
        "tfbackend self-check",
        "tfbackend bootstrap -y",
        "tfbackend teardown --plan --unprotect",
    ] {
        run(&place, line);
    }
    // Of two environments, none is meant.
    run(
        &place,
        "tfbackend bootstrap --env test --project acme --region eu-west-1 --lock s3 --alarms=false \
         --trail off --access-logs=false --conf-file test.s3.tfbackend -y",
    );
    let said = place.run(&["verify"]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(
        said.err.contains("no environment was given"),
        "{}",
        said.err
    );
}
