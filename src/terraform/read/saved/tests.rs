//! What `init` may have left, and what may lie there instead.

use super::*;
use crate::state::fingerprint::ValueFingerprint;

fn data(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("terraform.tfstate"), text).expect("written");
    dir
}

fn read(text: &str) -> Result<Option<SavedBackend>, String> {
    SavedBackend::read(data(text).path()).map_err(|unreadable| unreadable.error)
}

#[test]
fn arguments_that_are_set_are_read() {
    let saved = read(
        r#"{"version": 3, "backend": {"type": "s3", "hash": 4036975461, "config": {
            "bucket": "b", "acl": null, "encrypt": true, "secret_key": "CANARY",
            "endpoints": {"s3": "${x}", "iam": null}}}}"#,
    );
    let saved = saved.expect("it makes sense").expect("it is there");
    assert_eq!(
        (saved.kind.title(), saved.hash),
        ("backend \"s3\"".to_owned(), Some(4036975461))
    );
    let arguments: Vec<_> = saved
        .arguments
        .iter()
        .map(|argument| (argument.name.as_str(), &argument.value))
        .collect();
    let endpoints =
        ArgumentValue::Object([("s3".into(), ArgumentValue::Text("${x}".into()))].into());
    let bucket = ArgumentValue::Text("b".into());
    assert_eq!(
        arguments,
        [
            ("bucket", &bucket),
            ("encrypt", &ArgumentValue::Bool(true)),
            (
                "secret_key",
                &ArgumentValue::Secret(ValueFingerprint::of("CANARY"))
            ),
            ("endpoints", &endpoints)
        ]
    );
}

#[test]
fn each_kind_is_told() {
    let kind = |text: &str| {
        read(text)
            .expect("it makes sense")
            .expect("it is there")
            .kind
    };
    assert_eq!(
        kind(r#"{"backend": {"type": "gcs"}}"#),
        ConfiguredKind::Backend("gcs".into())
    );
    assert_eq!(
        kind(r#"{"backend": {"type": "cloud"}}"#),
        ConfiguredKind::Cloud
    );
    let store = r#"{"backend": null, "state_store": {"type": "aws_s3", "provider": {"config": {}}, "config": {"bucket": "b"}, "hash": 1}}"#;
    assert_eq!(kind(store), ConfiguredKind::StateStore("aws_s3".into()));
    assert_eq!(
        read(r#"{"state_store": {"provider": {}}}"#),
        Err("has a state_store without a type".into())
    );
}

#[test]
fn without_a_backend_there_is_none() {
    assert_eq!(SavedBackend::read(Path::new("/nowhere")), Ok(None));
    assert_eq!(read(r#"{"version": 3}"#), Ok(None));
    assert_eq!(read(r#"{"backend": null}"#), Ok(None));
}

#[test]
fn what_makes_no_sense_is_not_taken_for_none() {
    assert_eq!(
        read(""),
        Err("is not valid JSON at line 1, column 0".into())
    );
    assert_eq!(
        read(r#"{"backend": {"type": 1}}"#),
        Err("has a backend without a type".into())
    );
    assert_eq!(
        read(r#"{"backend": {"type": "s3", "config": []}}"#),
        Err("has a backend whose configuration is not an object".into())
    );
    assert_eq!(
        read(&" ".repeat(10 * 1024 * 1024)),
        Err("is larger than 4194304 bytes".into())
    );
}

#[test]
fn the_workspace_is_the_default_until_another_is_selected() {
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(workspace(&dir.path().join("nowhere")), Ok("default".into()));
    assert_eq!(workspace(dir.path()), Ok("default".into()));
    let file = dir.path().join("environment");
    for (text, name) in [("blue", "blue"), ("blue\n", "blue"), ("", "default")] {
        fs::write(&file, text).expect("written");
        assert_eq!(workspace(dir.path()), Ok(name.into()), "{text:?}");
    }
    fs::write(&file, b"\xff").expect("written");
    assert!(workspace(dir.path()).is_err());
}

#[test]
fn what_is_not_the_name_of_a_workspace_is_not_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    for text in [
        "AWS_SECRET_ACCESS_KEY=CANARY\0HOME=/root",
        "[default]\naws_secret_access_key = CANARY",
        "..",
        "a/b",
        "CANARY CANARY",
    ] {
        fs::write(dir.path().join("environment"), text).expect("written");
        let error = workspace(dir.path()).expect_err(text).to_string();
        assert!(
            error.ends_with("environment does not hold the name of a workspace"),
            "{error}"
        );
    }
    fs::write(dir.path().join("environment"), "a".repeat(1025)).expect("written");
    assert!(
        workspace(dir.path())
            .expect_err("too long")
            .to_string()
            .ends_with("is larger than 1024 bytes")
    );
}

#[cfg(unix)]
#[test]
fn no_link_is_followed_in_terraforms_own_folder() {
    use std::os::unix::fs::symlink;
    let outside = data(r#"{"backend": {"type": "s3", "config": {"bucket": "b"}}}"#);
    fs::write(outside.path().join("environment"), "CANARY").expect("written");
    let dir = tempfile::tempdir().expect("a folder");
    let refused = |data_dir: &Path| {
        let error = "is a symbolic link, which is not followed";
        assert_eq!(
            SavedBackend::read(data_dir).expect_err("a link").error,
            error
        );
        assert_eq!(workspace(data_dir).expect_err("a link").error, error);
    };
    symlink(outside.path(), dir.path().join(".terraform")).expect("a link");
    refused(&dir.path().join(".terraform"));
    let own = dir.path().join("own");
    fs::create_dir(&own).expect("made");
    for name in ["terraform.tfstate", "environment"] {
        symlink(outside.path().join(name), own.join(name)).expect("a link");
    }
    refused(&own);
}

#[test]
fn more_arguments_than_any_backend_has_are_not_read() {
    let config: Vec<String> = (0..1001)
        .map(|number| format!("\"a{number}\": 1"))
        .collect();
    let text = format!(
        r#"{{"backend": {{"type": "s3", "config": {{{}}}}}}}"#,
        config.join(",")
    );
    assert_eq!(
        read(&text),
        Err("has more than 1000 arguments in one place".into())
    );
}
