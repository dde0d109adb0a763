//! What people write in configurations, read as Terraform reads it: which backend there is, and
//! what it is told.
//!
//! Each row is tried with the real Terraform: it takes the file, and `init` stores the same
//! backend, or none.

use std::{fs, path::Path};

use serde_json::Value as Json;
use tfbackend::terraform::read::{
    ArgumentValue, ConfiguredKind, FolderReadOptions, SourcedArgument, WorkingDirectory,
};

use crate::{render::terraform::terraform, support::parts::in_parts};

mod rows;

/// Files by name.
type Files = Vec<(String, Vec<u8>)>;

fn folder(files: &Files) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).expect("written");
    }
    dir
}

/// The `path` of the local backend that `init` stored; the outer `None` without one.
fn terraforms(dir: &Path, name: &str) -> Option<Option<String>> {
    let ran = terraform(dir, &["init", "-no-color", "-input=false"], "");
    assert!(ran.ok, "{name}: Terraform does not take it: {}", ran.all());
    let stored = fs::read_to_string(dir.join(".terraform/terraform.tfstate")).ok()?;
    let stored: Json = serde_json::from_str(&stored).expect("JSON");
    assert_eq!(stored["backend"]["type"], "local", "{name}");
    Some(
        stored["backend"]["config"]["path"]
            .as_str()
            .map(str::to_owned),
    )
}

/// The same by our reading: whatever is no literal is what `value` says.
fn ours(dir: &Path, name: &str) -> Option<Option<ArgumentValue>> {
    let configuration = WorkingDirectory::read(dir, &FolderReadOptions::default())
        .expect("a folder")
        .configuration;
    assert_eq!(configuration.unreadable, [], "{name}");
    assert!(
        configuration.blocks.len() < 2,
        "{name}: {:?}",
        configuration.blocks
    );
    let block = configuration.block()?;
    assert_eq!(
        block.kind,
        ConfiguredKind::Backend("local".into()),
        "{name}"
    );
    let value =
        |argument: &SourcedArgument| (argument.name == "path").then(|| argument.value.clone());
    Some(
        block
            .arguments
            .iter()
            .find_map(value)
            .filter(|value| *value != ArgumentValue::Null),
    )
}

fn agree(name: &str, files: &Files) {
    let dir = folder(files);
    let (ours, terraforms) = (ours(dir.path(), name), terraforms(dir.path(), name));
    let same = match (&ours, &terraforms) {
        // Known to be unknown: then nothing is made of it.
        (Some(Some(ArgumentValue::NotLiteral)), Some(Some(_))) => rows::UNKNOWN.contains(&name),
        (Some(Some(value)), Some(Some(path))) => {
            value.as_text() == Some(path) && !rows::UNKNOWN.contains(&name)
        }
        (Some(None), Some(None)) | (None, None) => true,
        _ => false,
    };
    assert!(same, "{name}: {ours:?}, and Terraform has {terraforms:?}");
}

const REAL: &str = "terraform {\n  backend \"local\" {\n    path = \"real\"\n  }\n}\n";

async fn check_constructs(part: crate::support::parts::Part) {
    for (name, construct) in part.of(&rows::constructs()) {
        let file = |name: &str, parts: &[&[u8]]| (name.to_owned(), parts.concat());
        agree(name, &vec![file("main.tf", &[construct])]);
        agree(
            name,
            &vec![file("main.tf", &[construct, b"\n", REAL.as_bytes()])],
        );
        agree(name, &vec![file("main.tf", &[REAL.as_bytes(), construct])]);
        agree(
            name,
            &vec![
                file("a.tf", &[construct]),
                file("main.tf", &[REAL.as_bytes()]),
            ],
        );
    }
}

async fn check_blocks(part: crate::support::parts::Part) {
    for (name, files) in part.of(&rows::blocks()) {
        agree(name, files);
    }
}

in_parts! { fn constructs_do_not_hide_the_block: check_constructs in first second third fourth }
in_parts! { fn each_form_of_block_is_read: check_blocks in first second }

/// Marks that Unicode 16 and later have, and the tables of Terraform 1.11 (Unicode 15) do not: it
/// keeps them where they stand.
const NEWER: &str = "\u{5c8}\u{5c9}\u{897}\u{1acf}\u{1ad0}\u{1ad1}\u{1ad2}\u{1ad3}\u{1ad4}\
                     \u{1ad5}\u{1ad6}\u{1ad7}\u{1ad8}\u{1ad9}\u{1ada}\u{1adb}\u{1adc}\u{1add}\
                     \u{1ade}\u{1adf}\u{1ae0}\u{1ae1}\u{1ae2}\u{1ae3}\u{1ae4}\u{1ae5}\u{1ae6}\
                     \u{1ae7}\u{1ae8}\u{1ae9}\u{1aea}\u{1aeb}\u{1aec}\u{1aed}\u{1aee}\u{1aef}\
                     \u{1af0}";

/// Terraform normalizes every text: no other character is composed in another way here.
#[test]
fn texts_are_composed_as_terraform_does() {
    let text = rows::with_marks();
    let output = format!("output \"text\" {{\n  value = \"{text}\"\n}}\n");
    let applied = folder(&vec![("main.tf".to_owned(), output.into_bytes())]);
    assert!(terraform(applied.path(), &["apply", "-auto-approve"], "").ok);
    let state = fs::read_to_string(applied.path().join("terraform.tfstate")).expect("a state");
    let state: Json = serde_json::from_str(&state).expect("JSON");
    // In one argument, it would be too long for one of a backend.
    let (first, second) = text.split_at(text.match_indices('|').nth(5000).expect("several").0);
    let block = format!(
        "terraform {{\n  backend \"s3\" {{\n    key = \"{first}\"\n    region = \"{second}\"\n  \
         }}\n}}\n"
    );
    let read = folder(&vec![("main.tf".to_owned(), block.into_bytes())]);
    let configuration = WorkingDirectory::read(read.path(), &FolderReadOptions::default())
        .expect("a folder")
        .configuration;
    let arguments = &configuration.block().expect("a block").arguments;
    let ours: String = arguments
        .iter()
        .map(|argument| argument.value.as_text().expect("a text"))
        .collect();
    let terraforms = state["outputs"]["text"]["value"].as_str().expect("a text");
    let each = |text: &str| text.split('|').map(str::to_owned).collect::<Vec<_>>();
    let (ours, terraforms, written) = (each(&ours), each(terraforms), each(&text));
    assert!(
        ours != written && ours.len() == terraforms.len(),
        "texts are composed, each beside what is not"
    );
    let differs = ours
        .iter()
        .zip(&terraforms)
        .zip(&written)
        .filter(|((ours, terraforms), _)| ours != terraforms);
    let characters: String = differs
        .filter_map(|(_, written)| written.chars().nth(1))
        .collect();
    let others: String = characters.chars().filter(|c| !NEWER.contains(*c)).collect();
    assert_eq!(others.escape_unicode().to_string(), "");
}

#[test]
fn what_terraform_refuses_is_unreadable_if_it_may_have_a_block() {
    for (text, error) in rows::REFUSED {
        let dir = folder(&vec![("main.tf".to_owned(), text.to_vec())]);
        let read = WorkingDirectory::read(dir.path(), &FolderReadOptions::default())
            .expect("a folder")
            .configuration;
        let errors: Vec<&str> = read
            .unreadable
            .iter()
            .map(|unreadable| unreadable.error.as_str())
            .collect();
        let shown = String::from_utf8_lossy(text);
        assert_eq!(errors, [*error], "{shown}");
        assert!(
            !terraform(dir.path(), &["init", "-no-color", "-input=false"], "").ok,
            "{shown}"
        );
    }
}
