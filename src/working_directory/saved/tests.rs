//! What `init` may have left, and what may lie there instead.

use super::*;
use crate::state::fingerprint::Fingerprint;

fn data(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("terraform.tfstate"), text).expect("written");
    dir
}

fn read(text: &str) -> Result<Option<Saved>, String> {
    Saved::read(data(text).path()).map_err(|unreadable| unreadable.error)
}

#[test]
fn arguments_that_are_set_are_read() {
    let saved = read(
        r#"{"version": 3, "backend": {"type": "s3", "hash": 4036975461, "config": {
            "bucket": "b", "acl": null, "encrypt": true, "secret_key": "CANARY",
            "endpoints": {"s3": "${x}", "iam": null}}}}"#,
    );
    let saved = saved.expect("it makes sense").expect("it is there");
    assert_eq!((saved.kind.as_str(), saved.hash), ("s3", Some(4036975461)));
    let arguments: Vec<_> = saved.arguments.iter().map(|argument| (argument.name.as_str(), &argument.value)).collect();
    let endpoints = Value::Object([("s3".into(), Value::Text("${x}".into()))].into());
    let bucket = Value::Text("b".into());
    assert_eq!(
        arguments,
        [
            ("bucket", &bucket),
            ("encrypt", &Value::Bool(true)),
            ("secret_key", &Value::Secret(Fingerprint::of("CANARY"))),
            ("endpoints", &endpoints)
        ]
    );
}

#[test]
fn without_a_backend_there_is_none() {
    assert_eq!(Saved::read(Path::new("/nowhere")), Ok(None));
    assert_eq!(read(r#"{"version": 3}"#), Ok(None));
    assert_eq!(read(r#"{"backend": null}"#), Ok(None));
}

#[test]
fn what_makes_no_sense_is_not_taken_for_none() {
    assert_eq!(read(""), Err("is not valid JSON at line 1, column 0".into()));
    assert_eq!(read(r#"{"backend": {"type": 1}}"#), Err("has a backend without a type".into()));
    assert_eq!(read(r#"{"backend": {"type": "s3", "config": []}}"#), Err("has a backend whose configuration is no object".into()));
    assert_eq!(read(&" ".repeat(10 * 1024 * 1024)), Err("is larger than 4194304 bytes".into()));
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
