//! Files that somebody wrote to do harm: nothing of them acts on a terminal, breaks out of a
//! command, or fills the memory.

use insta::assert_snapshot;
use proptest::prelude::*;
use tfbackend::text::invisible::is_invisible;

use super::{CONF, SAVED, SAVED_AT, cloud, found, found_with};

#[test]
fn values_are_shown_quoted_and_bounded() {
    let conf = CONF
        .replace("\"b\"", r#""x\u001b[2J\u202e\"; rm -rf / #$${a}""#)
        .replace("\"k\"", &format!("\"{}\"", "k".repeat(5000)));
    let found = found_with(&cloud(), &[("backend.conf", &conf), (SAVED_AT, "")]);
    assert!(
        !found.contains(['\u{1b}', '\u{202e}']) && found.len() < 3000,
        "{found}"
    );
    assert!(
        found
            .contains(r#"`bucket` is "x\u001b[2J\u202e\"; rm -rf / #\u0024{a}" at backend.conf:1"#),
        "{found}"
    );
}

#[test]
fn names_are_shown_quoted_too() {
    let json = SAVED.replace("\"type\": \"s3\"", "\"type\": \"s3\\u001b[2J\"");
    assert_snapshot!(found(&[(SAVED_AT, &json)]), @r#"
    files-initialized-as-written .terraform/terraform.tfstate
      it was initialized with `backend "s3\u001b[2J"`
      -> `terraform init -reconfigure -backend-config=backend.conf`, or with `-migrate-state` instead of `-reconfigure` to migrate its state
    "#);
    let block = r#"{"terraform": {"backend": {"s3": {"a\u001b[2J": 1, "bucket": "${file(\"/etc/passwd\")}"}}}}"#;
    let found = found(&[
        ("backend.tf", ""),
        ("backend.tf.json", block),
        (SAVED_AT, ""),
    ]);
    assert!(!found.contains('\u{1b}'), "{found}");
    assert_snapshot!(found, @r#"
    files-literal-values backend.tf.json
      one is not a literal value: `bucket` (backend.tf.json)
      -> write the value itself, or pass it with `-backend-config=NAME=VALUE`
    files-known-arguments backend.tf.json
      Terraform does not support "a\u001b[2J" (backend.tf.json)
      -> backend.tf.json: remove it
    "#);
}

#[cfg(unix)]
#[test]
fn a_file_name_is_one_word_of_the_command() {
    let conf = CONF.replace("use_lockfile = true\n", "");
    let found = found(&[
        ("a'; rm -rf x; '.s3.tfbackend", &conf),
        ("backend.conf", ""),
        (SAVED_AT, ""),
    ]);
    assert!(
        found.contains(r"init -reconfigure -backend-config='a'\''; rm -rf x; '\''.s3.tfbackend'`"),
        "{found}"
    );
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let large = "# backend ".repeat(7 * 1024 * 1024);
    assert_snapshot!(found(&[("large.tf", &large)]), @"
    files-readable large.tf
      ? the file is larger than 67108864 bytes
    files-one-backend .
      ? a configuration file that may have a block cannot be parsed
    files-backend-declared backend.conf
      ? a configuration file that may have the block cannot be parsed
    ");
    assert_snapshot!(found(&[(SAVED_AT, &large)]), @"
    files-readable .terraform/terraform.tfstate
      ? the file is larger than 4194304 bytes
    ");
}

/// Text that is likely to be made of what is special to a terminal, a shell, HCL or JSON.
fn nasty() -> impl Strategy<Value = String> {
    let special = vec![
        "${",
        "%{",
        "\"",
        "\\",
        "'",
        "`",
        "$(",
        "\n",
        "\u{1b}[2J",
        "\u{202e}",
        "\u{9b}",
        "\0",
        "://a@b",
        "//",
    ];
    let piece = prop_oneof![
        proptest::sample::select(special).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
        "[a-z]{0,3}"
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nothing_that_is_said_hides_anything(name in nasty(), value in nasty(), start in nasty(), raw in nasty()) {
        let bucket = format!("{start}AKIAIOSFODNN7EXAMPLE");
        let json = serde_json::json!({ "bucket": bucket, "key": value, name.clone(): [{ name: value }], "kms_key_id": value }).to_string();
        let saved = format!("{{\"backend\": {{\"type\": \"s3\", \"config\": {json}}}}}");
        let files = [("backend.conf", ""), ("x.tfbackend.json", json.as_str()), (SAVED_AT, &saved), ("y.tfbackend", &format!("{raw} ")), ("z.tf", &format!("terraform {{ backend {raw}"))];
        let found = found_with(&cloud(), &files);
        let hidden = found.lines().any(|line| line.contains(is_invisible));
        prop_assert!(!hidden && !found.contains("AKIAIOSFODNN7EXAMPLE"), "{found:?}");
    }
}
