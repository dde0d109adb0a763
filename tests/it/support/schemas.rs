//! What the program prints as JSON is valid under the schemas in `docs/reference/schema`.

use std::{collections::BTreeMap, fs, sync::LazyLock};

use jsonschema::Validator;
use serde_json::Value;

use super::page;

static SCHEMAS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let files = fs::read_dir(page::path("docs/reference/schema")).expect("schemas");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_stem().expect("a name").display().to_string();
            (name, validator(&page::read(&path.display().to_string())))
        })
        .collect()
});

fn validator(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).expect("JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Whether a document is valid under the schema of this name, and the first fault.
pub(crate) fn validate(name: &str, document: &Value) -> Result<(), String> {
    SCHEMAS[name]
        .validate(document)
        .map_err(|error| format!("{name}: {error} at {}", error.instance_path()))
}

/// Everything that a command printed with `--output json`.
///
/// # Panics
/// If it is not valid under the schema of the command.
#[track_caller]
pub(crate) fn must_be_valid(args: &[&str], out: &str) {
    let is_json =
        args.windows(2).any(|pair| pair == ["--output", "json"]) || args.contains(&"--output=json");
    if !is_json || args.contains(&"--help") {
        return;
    }
    for document in serde_json::Deserializer::from_str(out).into_iter::<Value>() {
        // A run that is cut off prints half a line.
        let Ok(document) = document else { return };
        let is_failure = document["error"].is_object();
        let Some(name) = (if is_failure {
            Some("error")
        } else {
            schema(args)
        }) else {
            return;
        };
        let valid = validate(name, &document);
        assert_eq!(valid, Ok(()), "{args:?}: {document:#}");
    }
}

/// The schema of a command line.
fn schema(args: &[&str]) -> Option<&'static str> {
    let is_command = |word: &&&str| {
        [
            "plan",
            "bootstrap",
            "teardown",
            "verify",
            "render",
            "config",
            "state",
            "lock",
            "migrate",
            "sandbox",
            "version",
            "self-check",
        ]
        .contains(*word)
    };
    if args == ["--output", "json"] {
        return Some("folder");
    }
    let at = args.iter().position(|word| is_command(&word))?;
    let has = |word: &str| args.contains(&word);
    let next = || args[at + 1..].iter().find(|word| !word.starts_with('-'));
    Some(match args[at] {
        "plan" => "plan",
        "bootstrap" => "bootstrap",
        "teardown" if has("--plan") => "teardown-plan",
        "teardown" => "teardown",
        "verify" if has("--all") => "verify-all",
        "verify" => "verify",
        "render" => "render",
        "migrate" => "migrate",
        "sandbox" => "sandbox",
        "version" => "version",
        "self-check" => "self-check",
        "config" if has("init") => "config-init",
        "config" => "config-show",
        "state" => match *next()? {
            "list" => "state-list",
            "show" => "state-show",
            "diff" => "state-diff",
            "versions" => "state-versions",
            "backup" => "state-backup",
            "check" => "state-check",
            "restore" => "state-restore",
            "pull" if args.iter().any(|word| word.starts_with("--out")) => "state-pull",
            _ => return None,
        },
        "lock" => match *next()? {
            "list" => "lock-list",
            "show" => "lock-show",
            "release" => "lock-release",
            "migrate" => "lock-migrate",
            _ => return None,
        },
        _ => return None,
    })
}
