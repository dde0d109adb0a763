//! The pipelines of `docs/guide/ci.md`: what the page shows are the files, and their scripts do what
//! the page says, on a backend without findings and on one with a finding.

use std::{
    fs::{self, File},
    process::Output,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tfbackend::{host::user::who, state::lock::LockInfo};

use super::follow::Guide;
use crate::support::page;

const SETTINGS: &str = "project = \"acme\"\nregion = \"eu-west-1\"\nalarms = false\n[env.prod]\n";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
const TABLE: &str = "acme-tfstate-prod-locks";
const KEY: &str = "terraform.tfstate";
const RELEASE: &str = "tfbackend lock release";
const STARTED: &str = "TFBACKEND_RUN_STARTED_AT";
const PIPELINES: [&str; 3] = ["github-actions", "gitlab-ci", "azure-pipelines"];

/// A script of a pipeline, as one text.
struct Script {
    name: String,
    text: String,
}

/// What the service would run, without what only installs and logs in.
fn scripts(pipeline: &Value) -> Vec<Script> {
    let mut found = vec![];
    collect("", pipeline, &mut found);
    found.retain(|script| {
        ["tfbackend ", STARTED]
            .iter()
            .any(|own| script.text.contains(own))
    });
    found
}

fn collect(name: &str, value: &Value, found: &mut Vec<Script>) {
    match value {
        Value::Object(fields) => {
            let own = ["name", "displayName"]
                .iter()
                .find_map(|field| fields.get(*field)?.as_str());
            for (field, value) in fields {
                let lines = match value {
                    Value::Array(lines) if ["script", "after_script"].contains(&field.as_str()) => {
                        lines
                            .iter()
                            .map(|line| line.as_str().expect("a line"))
                            .collect::<Vec<_>>()
                            .join("\n")
                    }
                    Value::String(text)
                        if ["run", "script", "inlineScript"].contains(&field.as_str()) =>
                    {
                        text.clone()
                    }
                    _ => {
                        let inner = if field == "inputs" { own } else { None };
                        collect(inner.unwrap_or(field), value, found);
                        continue;
                    }
                };
                // What only installs is no command of tfbackend.
                if !lines.contains("install.sh") {
                    let name = own.unwrap_or(name).to_owned();
                    found.push(Script { name, text: lines });
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(name, value, found)),
        _ => {}
    }
}

fn text(name: &str) -> String {
    page::read(&format!("docs/guide/ci/{name}.yml"))
}

#[test]
fn pipelines_of_the_page_are_the_files() {
    let parts: Vec<(&str, String)> = PIPELINES
        .iter()
        .map(|name| (*name, format!("```yaml\n{}```", text(name))))
        .collect();
    page::parts_must_be("docs/guide/ci.md", &parts);
}

/// As the services run them: a command that fails ends the script.
fn run(guide: &Guide, script: &Script) -> Output {
    let file = guide.folder().join("script.sh");
    fs::write(&file, &script.text).expect("written");
    guide.sh("bash --noprofile --norc -e -o pipefail script.sh")
}

/// A moment in the past, before which no other process of the tests started.
fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// A lock that Terraform left in this job.
fn left_lock() -> String {
    let info = LockInfo {
        id: "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10".to_owned(),
        operation: "OperationTypeApply".to_owned(),
        who: who(),
        version: "1.11.4".to_owned(),
        created: Some(hours_ago(1)),
        ..LockInfo::default()
    };
    info.to_go_json()
}

/// Says when the job started, as the service does it.
fn start_job(guide: &mut Guide, service: &str, scripts: &[Script]) {
    const OTHERS: [&str; 3] = ["GITHUB_EVENT_PATH", "CI_JOB_STARTED_AT", STARTED];
    for name in OTHERS {
        guide.vars.remove(name);
    }
    let started = hours_ago(2);
    match service {
        "github-actions" => {
            let event = guide.folder().join("out/event.json");
            let file = File::create(&event).expect("a file");
            file.set_modified(started.into()).expect("a time");
            let path = event.display().to_string();
            guide.vars.insert("GITHUB_EVENT_PATH".to_owned(), path);
        }
        "gitlab-ci" => {
            let time = started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            guide.vars.insert("CI_JOB_STARTED_AT".to_owned(), time);
        }
        _ => {
            let start = scripts.iter().find(|script| script.text.contains(STARTED));
            let said = guide.printed(&run(guide, start.expect("a script")));
            let set = said.trim().strip_prefix("##vso[task.setvariable variable=");
            let (name, time) = set.and_then(|set| set.split_once(']')).expect(&said);
            assert_eq!(name, STARTED);
            let time: Timestamp = time.parse().expect("a time");
            let since = time.duration_until(Timestamp::now());
            assert!((0..600).contains(&since.as_secs()), "{said}");
            // Hours ago, as in the others.
            guide.vars.insert(name.to_owned(), started.to_string());
        }
    }
}

#[tokio::test]
async fn pipelines_plan_and_verify() {
    let mut guide = Guide::start().await;
    let out = guide.folder().join("out");
    fs::create_dir(&out).expect("a folder");
    for (name, value) in [
        ("CI", "true".to_owned()),
        (
            "GITHUB_STEP_SUMMARY",
            out.join("summary.md").display().to_string(),
        ),
        ("BUILD_ARTIFACTSTAGINGDIRECTORY", out.display().to_string()),
    ] {
        guide.vars.insert(name.to_owned(), value);
    }
    fs::write(guide.folder().join("tfbackend.toml"), SETTINGS).expect("written");
    guide.must("tfbackend bootstrap --env prod -y");
    let pipelines: Vec<(&str, Value)> = PIPELINES
        .iter()
        .map(|name| (*name, guide.yaml(&text(name))))
        .collect();
    for findings in [0, 1] {
        if findings > 0 {
            guide.python(&["tests/it/guides/trouble.py", "unlogged", BUCKET]);
        }
        for (name, pipeline) in &pipelines {
            let scripts = scripts(pipeline);
            let verifies = scripts
                .iter()
                .filter(|it| it.text.contains("tfbackend verify"));
            let plans = scripts
                .iter()
                .filter(|it| it.text.contains("tfbackend plan"));
            let releases = scripts.iter().filter(|it| it.text.contains(RELEASE));
            assert_eq!(
                (plans.count(), verifies.count(), releases.count()),
                (1, 1, 1),
                "{name}"
            );
            start_job(&mut guide, name, &scripts);
            for script in &scripts {
                // GitLab takes this status for a warning.
                let code = match script.text.contains("exit $status") && *name == "gitlab-ci" {
                    true => 2 * findings,
                    false => 0,
                };
                if script.text.contains(RELEASE) {
                    let lock = left_lock();
                    guide.python(&["tests/it/lock/locks.py", BUCKET, TABLE, "item", KEY, &lock]);
                }
                let output = run(&guide, script);
                let printed = guide.printed(&output);
                let what = format!("{name}, {}, {findings}: {printed}", script.name);
                assert_eq!(output.status.code(), Some(code), "{what}");
                if script.text.contains(RELEASE) {
                    assert!(printed.contains("item of the table deleted"), "{what}");
                }
                if script.text.contains("tfbackend plan") {
                    let says = ["Plan: nothing to do", "Plan: 0 to create, 1 to update"];
                    let found = usize::try_from(findings).expect("a number");
                    assert!(printed.contains(says[found]), "{what}");
                }
                let file = ["tfbackend.sarif", "out/tfbackend.sarif"]
                    .iter()
                    .find(|file| guide.folder().join(file).exists());
                if script.text.contains("--output sarif") {
                    let file = guide.folder().join(file.expect("a SARIF file"));
                    let sarif = fs::read_to_string(&file).expect("a file");
                    let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
                    let results = sarif["runs"][0]["results"].as_array().expect("results");
                    assert_eq!(
                        results.len(),
                        usize::try_from(findings).expect("a number"),
                        "{what}"
                    );
                    fs::remove_file(file).expect("removed");
                }
            }
        }
    }
    let allowed = &pipelines[1].1["verify"]["allow_failure"]["exit_codes"];
    assert_eq!(*allowed, serde_json::json!([2]));
    let summary = fs::read_to_string(out.join("summary.md")).expect("a summary");
    assert!(summary.contains("1 to update"), "{summary}");
    let junit = fs::read_to_string(guide.folder().join("tfbackend.xml")).expect("a report");
    assert!(junit.contains("bucket-access-logs"), "{junit}");
}
