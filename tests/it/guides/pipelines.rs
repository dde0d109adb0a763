//! The pipelines of `docs/guide/ci.md`: what the page shows are the files, and their scripts do what
//! the page says, on a backend without findings and on one with a finding.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use super::follow::Guide;
use crate::{lock::this_run::left_lock, support::page};

const SETTINGS: &str = "project = \"acme\"\nregion = \"eu-west-1\"\nalarms = false\n[env.prod]\n";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
const TABLE: &str = "acme-tfstate-prod-locks";
const KEY: &str = "terraform.tfstate";
const RELEASE: &str = "tfbackend lock release";
const LOG: &str = "TF_LOG_PATH=";
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
    found.retain(|script| script.text.contains("tfbackend "));
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

const LEFT: &str = "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10";

/// Sets the variables of the log, as the pipeline sets them for the job in which a lock is released,
/// and writes it as Terraform does.
fn log_locks(guide: &mut Guide, service: &str, pipeline: &Value, out: &Path) {
    let (folder, level, path) = match service {
        "github-actions" => {
            let job = &pipeline["jobs"]["apply"];
            let steps = job["steps"].as_array().expect("steps");
            let line = steps
                .iter()
                .filter_map(|step| {
                    step["run"]
                        .as_str()?
                        .lines()
                        .find(|line| line.contains(LOG))
                })
                .next();
            let (_, path) = line.expect("a line").split_once(LOG).expect("a path");
            let path = path.split('"').next().expect("a path");
            ("$RUNNER_TEMP", &job["env"]["TF_LOG_CORE"], path.to_owned())
        }
        "gitlab-ci" => {
            let vars = &pipeline["apply"]["variables"];
            let path = vars["TF_LOG_PATH"].as_str().expect("a path");
            ("/tmp", &vars["TF_LOG_CORE"], path.to_owned())
        }
        _ => {
            let vars = &pipeline["variables"];
            let path = vars["TF_LOG_PATH"].as_str().expect("a path");
            (
                "$(Agent.TempDirectory)",
                &vars["TF_LOG_CORE"],
                path.to_owned(),
            )
        }
    };
    let out = out.display().to_string();
    let path = path.strip_prefix(folder).expect("a folder of the job");
    let path = format!("{out}{path}");
    fs::write(&path, format!("Locked: tf_backend.lock.id={LEFT} \n")).expect("written");
    let level = level.as_str().expect("a level").to_owned();
    guide.vars.insert("TF_LOG_CORE".to_owned(), level);
    guide.vars.insert("TF_LOG_PATH".to_owned(), path);
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
            for script in &scripts {
                // GitLab takes this status for a warning.
                let code = match script.text.contains("exit $status") && *name == "gitlab-ci" {
                    true => 2 * findings,
                    false => 0,
                };
                if script.text.contains(RELEASE) {
                    let lock = left_lock(LEFT);
                    guide.python(&["tests/it/lock/locks.py", BUCKET, TABLE, "item", KEY, &lock]);
                    log_locks(&mut guide, name, pipeline, &out);
                }
                let output = run(&guide, script);
                guide.vars.remove("TF_LOG_CORE");
                guide.vars.remove("TF_LOG_PATH");
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
