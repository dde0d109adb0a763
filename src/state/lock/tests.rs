//! Locks as Go writes them, and as others may have left them.

use proptest::prelude::*;

use super::*;

/// As Terraform 1.11.4 wrote it.
const HELD: &str = r#"{"ID":"5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10","Operation":"OperationTypeApply","Info":"","Who":"ci@runner","Version":"1.11.4","Created":"2026-11-21T07:00:52.275447487Z","Path":"states/env:/blue/terraform.tfstate"}"#;

fn written(who: &str) -> String {
    let json = LockInfo {
        who: who.to_owned(),
        ..LockInfo::default()
    }
    .to_go_json();
    json.split_once(r#""Who":"#)
        .unwrap()
        .1
        .split_once(r#","Version""#)
        .unwrap()
        .0
        .to_owned()
}

#[test]
fn read_and_written_as_terraform_does() {
    let lock = LockInfo::parse(HELD.as_bytes()).unwrap();
    assert_eq!(lock.id, "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10");
    assert_eq!(
        (&*lock.operation, &*lock.who, &*lock.version),
        ("OperationTypeApply", "ci@runner", "1.11.4")
    );
    assert_eq!(lock.path, "states/env:/blue/terraform.tfstate");
    assert_eq!(lock.to_go_json(), HELD);
}

/// The output of Go's `json.Marshal` for these (`encoding/json/encode.go` and `tables.go`, Go 1.22
/// and later).
#[test]
fn every_escape_of_go() {
    for (text, json) in [
        ("a\"b\\c/d", r#""a\"b\\c/d""#),
        ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
        (
            "\0\u{1}\u{b}\u{1b}[2J\u{1f}",
            r#""\u0000\u0001\u000b\u001b[2J\u001f""#,
        ),
        ("\u{7f}\u{80}\u{9b}", "\"\u{7f}\u{80}\u{9b}\""),
        ("<a>&'", r#""\u003ca\u003e\u0026'""#),
        (
            "\u{2027}\u{2028}\u{2029}\u{202a}",
            "\"\u{2027}\\u2028\\u2029\u{202a}\"",
        ),
        (
            "Zürich 東京 🦀 \u{feff}\u{fffd}",
            "\"Zürich 東京 🦀 \u{feff}\u{fffd}\"",
        ),
        ("${x} %{y}", r#""${x} %{y}""#),
    ] {
        assert_eq!(written(text), json);
        let whole = LockInfo {
            who: text.to_owned(),
            ..LockInfo::default()
        };
        assert_eq!(
            LockInfo::parse(whole.to_go_json().as_bytes()).unwrap(),
            whole
        );
    }
}

#[test]
fn times_as_go_writes_them() {
    for (read, written) in [
        (
            "2026-11-21T07:00:52.275447487Z",
            "2026-11-21T07:00:52.275447487Z",
        ),
        ("2026-11-21T07:00:52.270000000Z", "2026-11-21T07:00:52.27Z"),
        ("2026-11-21T07:00:52.000000Z", "2026-11-21T07:00:52Z"),
        (
            "2026-11-21T07:00:52.000000001Z",
            "2026-11-21T07:00:52.000000001Z",
        ),
        ("2026-11-21T09:00:52+02:00", "2026-11-21T07:00:52Z"),
        ("0001-01-01T00:00:00Z", NO_TIME),
        ("yesterday", NO_TIME),
        ("-009999-01-02T00:00:00Z", NO_TIME),
        ("", NO_TIME),
    ] {
        let json = LockInfo::parse(format!(r#"{{"Created":"{read}"}}"#).as_bytes())
            .unwrap()
            .to_go_json();
        assert_eq!(
            json,
            format!(
                r#"{{"ID":"","Operation":"","Info":"","Who":"","Version":"","Created":"{written}","Path":""}}"#
            ),
            "{read}"
        );
    }
}

#[test]
fn what_is_missing_or_strange_is_tolerated() {
    let parse = |json: &str| LockInfo::parse(json.as_bytes());
    assert_eq!(parse("{}"), Ok(LockInfo::default()));
    let strange = r#"{"ID":1,"Who":{"a":[1,2]},"Info":null,"Version":["1"],"Operation":true,"Path":1e3,"more":"s3cret","id":"a","ID":"b"}"#;
    assert_eq!(
        parse(strange),
        Ok(LockInfo {
            id: "b".to_owned(),
            ..LockInfo::default()
        }),
        "the last is taken, case means nothing"
    );
    assert!(LockInfo::parse(b"{\"Who\":\"a\xff\"}").unwrap().who == "a\u{fffd}");
    assert_eq!(
        parse("{}\n"),
        Ok(LockInfo::default()),
        "as `echo` leaves it"
    );
}

#[test]
fn what_is_no_lock_is_said_without_quoting_it() {
    let text = |bytes: &[u8]| LockInfo::parse(bytes).unwrap_err().to_string();
    assert_eq!(text(b""), "it is empty");
    assert_eq!(text(b"s3cret"), "it is not JSON (line 1, column 1)");
    assert_eq!(
        text(br#"{"ID":"s3cret"#),
        "it is not JSON (line 1, column 13)"
    );
    assert_eq!(
        text(br#"{"ID":"a"} s3cret"#),
        "it is not JSON (line 1, column 12)"
    );
    for no_object in ["null", "\"s3cret\"", "[\"s3cret\"]", "17"] {
        assert_eq!(
            text(no_object.as_bytes()),
            "it is JSON, but not lock info",
            "{no_object}"
        );
    }
    assert_eq!(
        text(&vec![b' '; MAX_BYTES + 1]),
        "it is longer than 65536 bytes"
    );
}

#[test]
fn age_is_never_less_than_nothing() {
    let lock = LockInfo::parse(HELD.as_bytes()).unwrap();
    let age = |now: &str| lock.age(now.parse().unwrap()).unwrap().as_secs();
    assert_eq!(age("2026-11-21T09:00:53Z"), 2 * 60 * 60);
    assert_eq!(
        age("2026-11-21T07:00:00Z"),
        0,
        "the holder's clock is ahead"
    );
    assert_eq!(LockInfo::default().age(Timestamp::UNIX_EPOCH), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = LockInfo::parse(&bytes);
    }

    #[test]
    fn what_was_written_is_read(who in any::<String>(), info in any::<String>(), nanos in 1i128..4_000_000_000_000_000_000) {
        let lock = LockInfo { who, info, created: Timestamp::from_nanosecond(nanos).ok(), ..LockInfo::default() };
        let json = lock.to_go_json();
        let harmful = |c: char| c < ' ' || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        prop_assert!(!json.contains(harmful));
        prop_assert_eq!(LockInfo::parse(json.as_bytes()), Ok(lock));
    }
}
