//! Which files are partial configurations, and what they and command lines say.

use std::fs;

use super::*;
use crate::terraform::write::header::stamp;

fn owner() -> HeaderOwner {
    HeaderOwner {
        project: "acme".into(),
        env: "prod".into(),
        kind: crate::kind::BackendKind::S3,
        place: "111122223333".into(),
        emulated: false,
    }
}

fn names(files: &[(&str, &str)], asked: &[&str], has_configuration: bool) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("written");
    }
    let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    let asked: Vec<PathBuf> = asked.iter().map(PathBuf::from).collect();
    read(
        dir.path(),
        &LinkBoundary::of(dir.path()),
        &names,
        &asked,
        has_configuration,
    )
    .iter()
    .map(PartialFile::name)
    .collect()
}

#[test]
fn they_are_known_by_name_or_by_our_header() {
    let ours = stamp(Some(&owner()), "bucket = \"b\"\n");
    let changed = format!("{ours}\nkey = \"k\"\n").replace('\n', "\r\n");
    let files = [
        ("backend.conf", ""),
        ("config.prod", ""),
        ("dev.s3.tfbackend", ""),
        ("json.tfbackend.json", "{}"),
        ("mine.conf", &ours),
        ("mine2.conf", &changed),
        ("nginx.conf", "server {}\n"),
        ("old.tfbackend~", ""),
        (".tfbackend", ""),
        ("prod.tfbackend", ""),
    ];
    let by_name = [
        "dev.s3.tfbackend",
        "json.tfbackend.json",
        "mine.conf",
        "mine2.conf",
        "prod.tfbackend",
    ];
    assert_eq!(
        names(&files, &[], true),
        [&["backend.conf"], &by_name[..]].concat()
    );
    assert_eq!(names(&files, &[], false), by_name);
    assert_eq!(
        names(&files, &["config.prod", "mine.conf"], false),
        [&by_name[..], &["config.prod"]].concat()
    );
}

fn file(name: &str, text: &str) -> PartialFile {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join(name), text).expect("written");
    PartialFile::read(&dir.path().join(name))
}

fn error(name: &str, text: &str) -> String {
    file(name, text)
        .arguments
        .expect_err("it makes no sense")
        .error
}

#[test]
fn hcl_and_json_say_the_same() {
    let plain = |partial: PartialFile| {
        partial
            .said()
            .iter()
            .map(|said| (said.name.clone(), said.value.clone()))
            .collect::<Vec<_>>()
    };
    let hcl = file(
        "a.conf",
        "// c\nbucket = \"b\" # x\nencrypt = true\n/* y */\nendpoints = { s3 = \"http://x\" }\n",
    );
    let json = file(
        "a.tfbackend.json",
        r#"{"bucket": "b", "encrypt": true, "endpoints": {"s3": "http://x"}, "//": 1}"#,
    );
    assert_eq!(plain(hcl), plain(json));
    assert_eq!(file("a.conf", "\n\nkey = \"k\"").said()[0].at.line, Some(3));
}

#[test]
fn the_owner_is_whom_an_intact_header_names() {
    let text = stamp(Some(&owner()), "bucket = \"b\"\n");
    assert_eq!(file("a.conf", &text).owner, Some(owner()));
    assert_eq!(
        file("a.conf", &text.replace('\n', "\r\n")).owner,
        Some(owner())
    );
    assert_eq!(file("a.conf", &text.replace("\"b\"", "\"c\"")).owner, None);
    assert_eq!(file("a.conf", "bucket = \"b\"\n").owner, None);
}

#[test]
fn what_terraform_stops_at_is_unreadable() {
    assert_eq!(
        error("a.conf", "terraform {\n backend \"s3\" {}\n}\n"),
        "has a block, but only arguments are allowed"
    );
    assert_eq!(
        error("a.conf", "bucket = \n"),
        "is not valid HCL at line 1, column 10"
    );
    assert_eq!(error("a.json", "1"), "is not a JSON object");
    assert_eq!(
        error("a.conf", "key = \"\"\nassume_role {\n"),
        "is not valid HCL at line 2, column 13"
    );
    assert_eq!(
        error("a.conf", &"#".repeat(10 * 1024 * 1024)),
        "is larger than 262144 bytes"
    );
    let gone = PartialFile::read(Path::new("/nowhere/x.conf"))
        .arguments
        .expect_err("it is not there");
    assert_eq!(gone.to_string(), "/nowhere/x.conf does not exist");
}

/// Each of these is taken by `terraform init -backend-config=FILE`.
#[test]
fn what_terraform_takes_is_read() {
    let plain = |name: &str, bytes: &[u8]| {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(name), bytes).expect("written");
        let partial = PartialFile::read(&dir.path().join(name));
        let shown = |argument: &SourcedArgument| {
            format!(
                "{}={}",
                argument.name,
                argument.value.as_text().unwrap_or("?")
            )
        };
        partial
            .arguments
            .expect("it is read")
            .iter()
            .map(shown)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        plain(
            "a.conf",
            b"# f\xfcr alle\r\nbucket = \"b\" // \xa9\r\n/* \" */ key = \"k\""
        ),
        "bucket=b key=k"
    );
    assert_eq!(
        plain(
            "a.conf",
            b"bucket = { a = \"x\", a = \"b\" }.a\nkey = \"k\"\n"
        ),
        "bucket=? key=k"
    );
    assert_eq!(plain("a.conf", b"\xef\xbb\xbfkey = \"k\"\n"), "key=k");
    assert_eq!(
        plain("a.json", b"[{\"bucket\": \"b\"}, {\"key\": \"k\"}]"),
        "bucket=b key=k"
    );
    assert_eq!(plain("a.json", b"[]"), "");
    assert_eq!(plain("a.json", b"{\"key\": \"\xfc\"}"), "key=\u{fffd}");
}

#[test]
fn a_command_line_says_text_as_it_is_and_all_else_in_hcl() {
    let value = |text: &str| assignment(text).expect("a value").value;
    assert_eq!(assignment("backend.conf"), None);
    assert_eq!(value("bucket=a=b"), ArgumentValue::Text("a=b".into()));
    assert_eq!(
        value("bucket=\"${x}\""),
        ArgumentValue::Text("\"${x}\"".into())
    );
    assert_eq!(value("encrypt=true").as_bool(), Some(true));
    assert_eq!(
        value("allowed_account_ids=[\"1\"]").as_texts(),
        Some(vec!["1".into()])
    );
    assert_eq!(
        value("endpoints={s3=\"http://x\"}")
            .as_object()
            .and_then(|all| all["s3"].as_text()),
        Some("http://x")
    );
    for no_literal in [
        "endpoints={s3=var.x}",
        "endpoints={",
        "endpoints=1\ny = 2",
        "endpoints=",
    ] {
        let value = value(no_literal);
        assert!(
            value.has_no_literal() || value.as_object().is_none(),
            "{no_literal}: {value:?}"
        );
    }
    let secret = assignment("secret_key=CANARY").expect("a value");
    assert!(!format!("{secret:?}").contains("CANARY"), "{secret:?}");
}
