//! What Terraform's own Go makes of a text in JSON, which is what we make of it in a lock.

use std::{fs, path::Path, process::Command};

use tfbackend::state::lock::LockInfo;

/// Every kind of character that Go escapes, or that one may think it does. None that NFC, which
/// Terraform puts its texts into, would change.
fn text() -> String {
    let low = (0..=0xff).filter_map(char::from_u32);
    let high = "\u{200b}\u{2027}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{d7ff}\u{e000}\u{feff}\
                \u{fffd}東京🦀\u{10ffff}";
    low.chain(high.chars()).chain("${x} %{y}".chars()).collect()
}

fn terraform(dir: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new("terraform");
    command
        .args(args)
        .current_dir(dir)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_IN_AUTOMATION", "1");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("this test needs `terraform` on PATH: {error}"));
    assert!(output.status.success(), "{args:?}: {output:?}");
    output.stdout
}

/// `jsonencode` is Go's `json.Marshal`, as of the Go that Terraform was built with.
#[test]
fn texts_of_a_lock_are_encoded_as_terraforms_go_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let escaped: String = text()
        .chars()
        .map(|c| format!("\\U{:08x}", u32::from(c)))
        .collect();
    fs::write(
        dir.path().join("main.tf"),
        format!("output \"text\" {{\n  value = jsonencode(\"{escaped}\")\n}}\n"),
    )
    .expect("written");
    terraform(dir.path(), &["init"]);
    terraform(dir.path(), &["apply", "-auto-approve"]);
    let theirs =
        String::from_utf8(terraform(dir.path(), &["output", "-raw", "text"])).expect("UTF-8");
    let ours = LockInfo {
        who: text(),
        ..LockInfo::default()
    }
    .to_go_json();
    let (_, ours) = ours.split_once(r#""Who":"#).expect("a field");
    assert_eq!(
        ours.strip_suffix(r#","Version":"","Created":"0001-01-01T00:00:00Z","Path":""}"#)
            .expect("fields"),
        theirs
    );
}
