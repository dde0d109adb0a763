//! Which files count for which engine, and which block is left.

use std::fs;

use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}

fn read(files: &[(&str, &str)], engine: TerraformEngine) -> FolderConfiguration {
    let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folder = folder(files);
    FolderConfiguration::read(
        folder.path(),
        &LinkBoundary::of(folder.path()),
        &names,
        engine,
    )
}

/// Title, file and line of each block.
fn found(files: &[(&str, &str)], engine: TerraformEngine) -> Vec<String> {
    let shown = |block: ConfiguredBlock| {
        let line = block
            .at
            .line
            .map_or("-".to_owned(), |line| line.to_string());
        format!(
            "{} {} {line}",
            block.title(),
            block.at.path.file_name().expect("a name").display()
        )
    };
    let configuration = read(files, engine);
    assert_eq!(configuration.unreadable, []);
    configuration.blocks.into_iter().map(shown).collect()
}

const S3: &str = "# x\nterraform {\n  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\n";
const GCS: &str = "terraform {\n  backend \"gcs\" {}\n}\n";
const CLOUD: &str = "terraform {\n  cloud {\n  }\n}\n";
const JSON: &str = r#"{"terraform": [{"backend": {"s3": {"bucket": "b", "//": "a comment"}}}]}"#;

#[test]
fn blocks_are_found_in_each_form() {
    use TerraformEngine::Terraform;
    assert_eq!(
        found(&[("main.tf", "resource \"a\" \"b\" {}\n")], Terraform),
        [""; 0]
    );
    assert_eq!(
        found(&[("main.tf", S3)], Terraform),
        ["backend \"s3\" main.tf 3"]
    );
    assert_eq!(
        found(&[("main.tf.json", JSON)], Terraform),
        ["backend \"s3\" main.tf.json -"]
    );
    assert_eq!(found(&[("main.tf", CLOUD)], Terraform), ["cloud main.tf 2"]);
    assert_eq!(
        found(&[("a.tf", S3), ("b.tf", GCS)], Terraform),
        ["backend \"s3\" a.tf 3", "backend \"gcs\" b.tf 2"]
    );
    // Not of Terraform's, or not at the top.
    for name in [".a.tf", "a.tf~", "#a.tf#", "a.tf.bak", "a.tofu", "a.hcl"] {
        assert_eq!(found(&[(name, S3)], Terraform), [""; 0], "{name}");
    }
    assert_eq!(
        found(
            &[(
                "a.tf",
                "backend \"s3\" {}\nmodule \"cloud\" { backend = 1 }\n"
            )],
            Terraform
        ),
        [""; 0]
    );
}

#[test]
fn arguments_have_their_lines_and_comments_are_none() {
    let block = read(&[("a.tf", S3)], TerraformEngine::Terraform)
        .blocks
        .remove(0);
    assert_eq!(block.arguments.len(), 1);
    assert_eq!(
        (block.arguments[0].name.as_str(), block.arguments[0].at.line),
        ("bucket", Some(4))
    );
    let block = read(&[("a.tf.json", JSON)], TerraformEngine::Terraform)
        .blocks
        .remove(0);
    assert_eq!(
        block
            .arguments
            .iter()
            .map(|argument| argument.name.as_str())
            .collect::<Vec<_>>(),
        ["bucket"]
    );
}

#[test]
fn an_override_takes_the_place_of_the_whole_block() {
    use TerraformEngine::Terraform;
    let all = |files: &[(&str, &str)]| found(files, Terraform);
    assert_eq!(
        all(&[("a_override.tf", GCS), ("main.tf", S3)]),
        ["backend \"gcs\" a_override.tf 2"]
    );
    assert_eq!(
        all(&[("main.tf", S3), ("override.tf", CLOUD)]),
        ["cloud override.tf 2"]
    );
    // The last one stands, as with several of anything that is overridden.
    assert_eq!(
        all(&[
            ("a_override.tf", GCS),
            ("b_override.tf", S3),
            ("main.tf", CLOUD)
        ]),
        ["backend \"s3\" b_override.tf 3"]
    );
    // It also ends a quarrel before it, and one of no block changes nothing.
    assert_eq!(
        all(&[("main.tf", S3), ("override.tf", "locals {\n}\n")]),
        ["backend \"s3\" main.tf 3"]
    );
    assert_eq!(
        all(&[
            ("main.tf", S3),
            (
                "override.tf.json",
                r#"{"terraform": {"backend": {"local": {}}}}"#
            )
        ]),
        ["backend \"local\" override.tf.json -"]
    );
    assert_eq!(all(&[("my-override.tf", GCS), ("main.tf", S3)]).len(), 2);
}

#[test]
fn opentofu_prefers_its_own_file_of_the_same_name() {
    let files = [
        ("a.tf", S3),
        ("a.tofu", GCS),
        ("b.tf.json", JSON),
        ("b.tofu.json", r#"{"terraform": {"cloud": {}}}"#),
        ("c.tf", ""),
    ];
    assert_eq!(
        found(&files, TerraformEngine::OpenTofu),
        ["backend \"gcs\" a.tofu 2", "cloud b.tofu.json -"]
    );
    assert_eq!(
        found(&files, TerraformEngine::Terraform),
        ["backend \"s3\" a.tf 3", "backend \"s3\" b.tf.json -"]
    );
    // Of another form, it does not shadow.
    assert_eq!(
        found(
            &[("a.tf", S3), ("a.tofu.json", "{}")],
            TerraformEngine::OpenTofu
        ),
        ["backend \"s3\" a.tf 3"]
    );
}

#[test]
fn the_engine_is_told_by_the_files() {
    let of = |names: &[&str]| {
        TerraformEngine::of(
            &names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(of(&["main.tf"]), TerraformEngine::Terraform);
    assert_eq!(of(&["main.tf", "x.tofu.json"]), TerraformEngine::OpenTofu);
    assert_eq!(of(&["main.tf", ".x.tofu"]), TerraformEngine::Terraform);
}

#[test]
fn what_cannot_be_understood_is_said_only_of_what_may_have_a_block() {
    let large = format!("# backend\n{}", " ".repeat(64 * 1024 * 1024));
    let files = [
        ("a.tf", "terraform { backend {{{"),
        ("b.tf", "terraform {{{"),
        ("c.tf", "cloud {{{"),
        ("d.tf.json", r#"{"terraform": {"backend"}}"#),
        (
            "e.tf.json",
            r#"{"terraform": {"backend": {"s3": {"key": "\x"}}}}"#,
        ),
        ("f.tf.json", r#"{"t\u0065rraform"#),
        ("g.tf.json", "{"),
        ("h.tf", &large),
        ("i.tf", S3),
    ];
    let read = read(&files, TerraformEngine::Terraform);
    let errors: Vec<_> = read
        .unreadable
        .iter()
        .map(|unreadable| unreadable.error.as_str())
        .collect();
    let expected = [
        "is not valid HCL at line 1, column 22",
        "is not valid JSON at line 1, column 25",
        "is not valid JSON at line 1, column 44",
        "is not valid JSON at line 1, column 16",
        "is larger than 67108864 bytes",
    ];
    assert_eq!(errors, expected);
    assert_eq!((read.blocks.len(), read.files.len()), (1, 9));
    assert_eq!(read.block(), None, "another one may count");
}

#[test]
fn deep_nesting_is_no_crash() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let hcl = format!("terraform {{ backend \"s3\" {{\n x = {deep}\n}}\n}}\n");
    let json = format!(r#"{{"terraform": {{"backend": {deep}}}}}"#);
    let read = |name, text: &str| read(&[(name, text)], TerraformEngine::Terraform);
    assert_eq!(
        read("a.tf", &hcl)
            .block()
            .map(|block| block.arguments[0].value.clone()),
        Some(crate::terraform::read::ArgumentValue::NotLiteral)
    );
    assert_eq!(read("a.tf.json", &json).unreadable.len(), 1);
    assert_eq!(
        read("a.tf.json", &format!(r#"{{"x": {deep}}}"#)).unreadable,
        [],
        "what has no backend is passed over"
    );
}

/// However large a file is, what is kept of it is not.
#[test]
fn json_of_which_too_much_matters_is_unreadable() {
    let large = [
        format!(
            r#"{{"terraform": {{"backend": {{"local": {{"x": [{}0]}}}}}}}}"#,
            "0,".repeat(70_000)
        ),
        format!(
            r#"{{"terraform": {{"backend": {{"local": {{"x": "{}"}}}}}}}}"#,
            "x".repeat(5 << 20)
        ),
        format!(
            r#"{{"terraform": [{}{{"backend": {{}}}}]}}"#,
            "{},".repeat(70_000)
        ),
        format!(
            r#"{{"terraform": {{"backend": {{"{}": {{}}}}}}}}"#,
            "x".repeat(5 << 20)
        ),
    ];
    for text in &large {
        let unreadable = read(&[("a.tf.json", text)], TerraformEngine::Terraform).unreadable;
        let errors: Vec<&str> = unreadable
            .iter()
            .map(|unreadable| unreadable.error.as_str())
            .collect();
        assert_eq!(
            errors,
            ["has more than 4194304 bytes of backend configuration"]
        );
        let elsewhere = text.replacen("terraform", "locals", 1);
        assert_eq!(
            read(&[("a.tf.json", &elsewhere)], TerraformEngine::Terraform).unreadable,
            []
        );
    }
}

#[test]
fn forms_of_json_mean_what_they_mean_to_hcl() {
    let arguments = |text: &str| {
        let blocks = read(&[("a.tf.json", text)], TerraformEngine::Terraform).blocks;
        blocks
            .iter()
            .map(|block| format!("{} {}", block.title(), block.arguments.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        arguments(r#"[{"terraform": {"backend": {"s3": {"bucket": "b"}}}}, {"terraform": {}}]"#),
        ["backend \"s3\" 1"]
    );
    assert_eq!(
        arguments(
            r#"{"terraform": {"backend": {"s3": {"bucket": "b", "key": "k"}}}, "terraform": {}}"#
        ),
        ["backend \"s3\" 2"]
    );
    assert_eq!(
        arguments(r#"{"terraform": {"backend": {"s3": {}, "s3": [{}, null]}}}"#).len(),
        3
    );
    for none in [
        r#"{"s3": null}"#,
        r#"{"s3": "x"}"#,
        r#"{"//": {}}"#,
        "null",
        "[]",
        "1",
    ] {
        assert_eq!(
            arguments(&format!(r#"{{"terraform": {{"backend": {none}}}}}"#)),
            [""; 0],
            "{none}"
        );
    }
    let state_store = r#"{"terraform": {"state_store": {"aws_s3": {"provider": {"aws": {}}, "bucket": "b"}}, "cloud": {}}}"#;
    assert_eq!(
        arguments(state_store),
        ["state_store \"aws_s3\" 2", "cloud 0"]
    );
}
