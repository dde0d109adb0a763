//! `tfbackend version`: one line, or what the program was built from.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::program::Place;

fn rustc(args: &[&str]) -> String {
    let output = Command::new("rustc").args(args).output().expect("rustc");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn version_prints_the_line_of_the_option() {
    let place = Place::bare();
    let said = place.run(&["version"]);
    let line = format!("tfbackend {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((said.code, said.out, &*said.err), (Some(0), line, ""));
    assert_eq!(place.run(&["--version"]).out, place.run(&["version"]).out);
    let refused = place.run(&["version", "--output", "sarif"]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
}

/// What is compared with is what built the tests, with the same compiler and the same variables.
#[test]
fn version_names_what_it_was_built_from() {
    let said = Place::bare().run(&["version", "--output", "json"]);
    let document: Value = serde_json::from_str(&said.out).expect("JSON");
    let verbose = rustc(&["-vV"]);
    let host = verbose
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a target");
    let told = |value: Option<&'static str>| json!(value.filter(|text| !text.is_empty()));
    assert_eq!(
        document,
        json!({
            "format_version": 1,
            "version": env!("CARGO_PKG_VERSION"),
            "commit": told(option_env!("TFBACKEND_COMMIT")),
            "commit_date": told(option_env!("TFBACKEND_COMMIT_DATE")),
            "target": host,
            "rustc": rustc(&["--version"]).trim(),
            "license": "MIT OR Apache-2.0",
            "backends": ["s3", "local"],
        })
    );
}
