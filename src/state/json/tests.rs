//! JSON of every shape, and what Go takes that other readers refuse.

use proptest::prelude::*;

use super::*;

fn of(json: &str) -> ValueFingerprint {
    of_bytes(json.as_bytes()).expect("JSON")
}

fn of_bytes(json: &[u8]) -> Option<ValueFingerprint> {
    let mut walk = JsonWalk::new(json);
    let value = walk.fingerprint()?;
    assert_eq!(walk.peek(), None, "all of it is read");
    let mut walk = JsonWalk::new(json);
    walk.skip()?;
    assert_eq!(walk.peek(), None, "all of it is passed over");
    Some(value)
}

#[test]
fn the_same_is_the_same_however_it_is_written() {
    assert_eq!(
        of(r#"{"a": [1, {"b": null}], "c": "x"}"#),
        of("{\"c\":\"\\u0078\",\n\"a\":[1,{\"b\":null}]}")
    );
    assert_eq!(of(r#""\ud83d\ude00\/\b""#), of("\"\u{1f600}/\\u0008\""));
}

#[test]
fn what_differs_in_anything_differs() {
    let all = [
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "1.5",
        // Numbers that are one as floating point.
        "7227701560655103598123",
        "7227701560655103599123",
        "9007199254740993",
        "9007199254740992",
        "0.1",
        "0.10000000000000000001",
        "1e400",
        "1e401",
        "-1e400",
        "1e-400",
        "1e-401",
        "\"1\"",
        "\"1e400\"",
        "\"\"",
        "[]",
        "[1]",
        "[[1]]",
        "[1, 2]",
        "[2, 1]",
        "[[1], 2]",
        "{}",
        "[{}]",
        r#"{"a": 1}"#,
        r#"{"b": 1}"#,
        r#"{"a": 2}"#,
        r#"{"a": "b"}"#,
        r#"{"a": 1, "b": 2}"#,
        r#"{"a": 2, "b": 1}"#,
        r#"{"a": {"b": 1}}"#,
    ];
    for (at, one) in all.iter().enumerate() {
        for other in &all[..at] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
    }
}

#[test]
fn text_that_is_none_is_read_as_go_reads_it() {
    for (written, read) in [
        (&br#""\ud800""#[..], "\u{fffd}"),
        (br#""\ud800\n\t\"x\\""#, "\u{fffd}\n\t\"x\\"),
        (br#""\ud800\u0041""#, "\u{fffd}A"),
        (br#""\ud800\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
        (br#""\udc00\b\f\r\/""#, "\u{fffd}\u{8}\u{c}\r/"),
        (b"\"B\xfccher\"", "B\u{fffd}cher"),
        (
            b"\"\xe2\x82d\xf0\x9f\x98\"",
            "\u{fffd}\u{fffd}d\u{fffd}\u{fffd}\u{fffd}",
        ),
    ] {
        assert_eq!(decoded(written), read);
        assert_eq!(JsonWalk::new(written).text(), Some(Some(read.to_owned())));
        assert_eq!(
            of_bytes(written),
            Some(of(&serde_json::to_string(read).expect("text"))),
            "{read}"
        );
    }
}

#[test]
fn nesting_may_be_deep() {
    let deep = |inside: &str| {
        format!(
            "{}{inside}{}",
            "[{\"a\":".repeat(20_000),
            "}]".repeat(20_000)
        )
    };
    assert_eq!(of(&deep("1")), of(&deep("1")));
    assert_ne!(of(&deep("1")), of(&deep("2")));
}

#[test]
fn fields_and_items_are_walked_and_other_values_have_none() {
    let mut seen = vec![];
    let json = r#" { "list" : [ 1 , "two", {"a":3}, [], null, true ] , "\u006fbject": {"x": 1.50}, "text": "x", "none": [ ] } "#;
    let mut walk = JsonWalk::new(json.as_bytes());
    let walked = walk.object(|json, name| {
        seen.push(name);
        json.list(|json| {
            seen.push(format!("{:?}", json.scalar()?));
            Some(())
        })
    });
    assert_eq!(walked, Some(()));
    assert_eq!(
        seen,
        [
            "list",
            "Number(\"1\")",
            "Text(\"two\")",
            "Other",
            "Other",
            "Null",
            "Other",
            "object",
            "text",
            "none"
        ],
        "the object and the text have no items"
    );
    assert_eq!(JsonWalk::new(b"[17]").object(|_, _| None), Some(()));
    assert_eq!(
        JsonWalk::new(b" -1.50e+7 ").scalar(),
        Some(JsonScalar::Number("-1.50e+7"))
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_hang(bytes in proptest::collection::vec(prop_oneof![Just(b'{'), Just(b'"'), Just(b'\\'), Just(b','), any::<u8>()], 0..60)) {
        let _ = JsonWalk::new(&bytes).fingerprint();
        let _ = JsonWalk::new(&bytes).skip();
        let _ = JsonWalk::new(&bytes).object(|json, _| json.list(|json| json.scalar().map(drop)));
        let _ = decoded(&bytes);
    }
}
