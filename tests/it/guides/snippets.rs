//! The examples of `docs/guide/terragrunt-atmos.md` have the values of the partial configuration that
//! `bootstrap` writes.

use std::fs;

use serde_json::{Map, Value};

use super::follow::Guide;
use crate::{readme::ids, support::page};

/// The block of this language.
fn block(page: &str, language: &str) -> String {
    let start = format!("```{language}\n");
    let (_, rest) = page.split_once(&start).expect("a block");
    rest.split("```").next().expect("an end").to_owned()
}

/// Each argument that was written is in the example, and no other but `allowed`.
#[track_caller]
fn must_have(example: &Map<String, Value>, written: &Map<String, Value>, but: &[&str]) {
    let without = |map: &Map<String, Value>| -> Map<String, Value> {
        map.iter()
            .filter(|(name, _)| !but.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    assert_eq!(without(example), without(written));
}

#[tokio::test]
async fn examples_for_terragrunt_and_atmos_have_the_values_of_the_backend() {
    let guide = Guide::start().await;
    guide.prepare("terragrunt-atmos");
    let page = page::read("docs/guide/terragrunt-atmos.md");
    let conf = fs::read_to_string(guide.folder().join("backend.conf")).expect("backend.conf");
    let conf: String = conf.split_inclusive('\n').map(ids).collect();
    let written: Map<String, Value> = hcl::from_str(&conf).expect("arguments");
    assert!(written.len() > 5, "{written:?}");

    let terragrunt: Value = hcl::from_str(&block(&page, "hcl")).expect("a block");
    let remote_state = &terragrunt["remote_state"];
    assert_eq!(remote_state["disable_init"], true);
    must_have(
        remote_state["config"].as_object().expect("arguments"),
        &written,
        &["key"],
    );

    let atmos = guide.yaml(&block(&page, "yaml"));
    let terraform = &atmos["terraform"];
    assert_eq!(terraform["provision"]["backend"]["enabled"], false);
    let arguments = terraform["backend"]["s3"].as_object();
    must_have(arguments.expect("arguments"), &written, &[]);
}
