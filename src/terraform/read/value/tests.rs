//! Each form of a value, in HCL and in JSON; no credential is ever among them.

use std::path::Path;

use super::*;

fn read(text: &str) -> Vec<SourcedArgument> {
    let body: Body = text.parse().expect("HCL");
    arguments_of(&body, &LineIndex::of(text), Path::new("x.conf")).expect("few")
}

fn value(text: &str) -> ArgumentValue {
    read(&format!("x = {text}\n")).remove(0).value
}

fn text(text: &str) -> ArgumentValue {
    ArgumentValue::Text(text.into())
}

#[test]
fn literals_are_what_they_stand_for() {
    for (written, meant) in [
        (r#""a""#, text("a")),
        (r#""a\"b\\ \u00e9 $${x} %%{y}""#, text("a\"b\\ é ${x} %{y}")),
        ("<<EOT\na\nEOT", text("a\n")),
        ("true", ArgumentValue::Bool(true)),
        ("(false)", ArgumentValue::Bool(false)),
        ("5", ArgumentValue::Number("5".into())),
        ("null", ArgumentValue::Null),
        (
            r#"["a", 1]"#,
            ArgumentValue::List(vec![text("a"), ArgumentValue::Number("1".into())]),
        ),
        (
            r#"{ a = "b", "c" : true }"#,
            ArgumentValue::Object(
                [
                    ("a".into(), text("b")),
                    ("c".into(), ArgumentValue::Bool(true)),
                ]
                .into(),
            ),
        ),
    ] {
        assert_eq!(value(written), meant, "{written}");
    }
}

#[test]
fn what_is_no_literal_is_said_to_be_none() {
    for written in [
        "var.x",
        r#""a${var.x}""#,
        r#""%{ if true }a%{ endif }""#,
        "file(\"x\")",
        "1 + 1",
        "local.a ? 1 : 2",
        "{ (var.a) = 1 }",
    ] {
        assert_eq!(value(written), ArgumentValue::NotLiteral, "{written}");
    }
    assert!(
        value("[var.x]").has_no_literal()
            && value("{ a = [var.x] }").has_no_literal()
            && !value("[1]").has_no_literal()
    );
}

#[test]
fn a_template_in_json_is_unclear_and_in_a_record_it_is_text() {
    let json = |text: &str| Json::String(text.into());
    assert_eq!(
        ArgumentValue::of_json("x", &json("${var.x}")),
        ArgumentValue::NotLiteral
    );
    assert_eq!(
        ArgumentValue::of_json("x", &json("a%{b}")),
        ArgumentValue::NotLiteral
    );
    assert_eq!(
        ArgumentValue::of_json("x", &json("\u{1b}[2J\"")),
        text("\u{1b}[2J\"")
    );
    assert_eq!(
        ArgumentValue::of_record("x", &json("${var.x}")),
        text("${var.x}")
    );
}

#[test]
fn no_credential_is_kept() {
    let canary = "CANARY";
    let text = format!(
        r#"
        access_key = "{canary}"
        secret_key = "{canary}"
        token = "{canary}"
        sse_customer_key = "{canary}"
        assume_role_with_web_identity = {{ role_arn = "r", web_identity_token = "{canary}" }}
        assume_role {{
          secret_key = "{canary}"
        }}
        http_proxy = "http://user:{canary}@proxy:3128"
        endpoints = {{ s3 = "https://{canary}:x@s3" }}
        profile = "AKIAIOSFODNN7EXAMPLE"
        list = [{{ token = "{canary}" }}]
        "#
    );
    let arguments = read(&text);
    let shown = format!("{arguments:?}");
    assert!(
        !shown.contains(canary) && !shown.contains("AKIA"),
        "{shown}"
    );
    assert_eq!(shown.matches("Secret").count(), 10, "{shown}");
    // What says nothing is no credential, and neither is what only looks like one of these names.
    for harmless in [
        "token = \"\"",
        "token = null",
        "token_url = \"a\"",
        "http_proxy = \"http://proxy:3128/@x\"",
        "token = var.t",
    ] {
        assert!(
            !format!("{:?}", read(harmless)).contains("Secret"),
            "{harmless}"
        );
    }
}

#[test]
fn arguments_know_their_lines() {
    let arguments = read("# a\r\n\r\na = 1\r\nb = {\r\n  c = 1\r\n}\r\n\r\nd = \"x\"\r\n");
    let lines: Vec<_> = arguments
        .iter()
        .map(|argument| (argument.name.as_str(), argument.at.line))
        .collect();
    assert_eq!(lines, [("a", Some(3)), ("b", Some(4)), ("d", Some(8))]);
    assert_eq!(arguments[2].at.to_string(), "x.conf:8");
}

#[test]
fn text_is_converted_as_terraform_does() {
    assert_eq!(text("true").as_bool(), Some(true));
    assert_eq!(text("yes").as_bool(), None);
    assert_eq!(
        ArgumentValue::Number("111122223333".into()).as_text(),
        Some("111122223333")
    );
    assert_eq!(
        ArgumentValue::List(vec![text("a"), ArgumentValue::Bool(true)]).as_texts(),
        None
    );
}

#[test]
fn errors_have_nothing_of_the_file() {
    let error =
        serde_json::from_str::<Json>("{\"secret_key\": \"CANARY\" \"").expect_err("no JSON");
    assert_eq!(json_error(&error), "is not valid JSON at line 1, column 25");
}
