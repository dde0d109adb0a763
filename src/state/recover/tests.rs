//! Only the serial is another, whatever else is in a state.

use proptest::prelude::*;

use super::*;

const V3: &[u8] = br#"{"version":4,"serial":3,"lineage":"l","resources":[]}"#;

fn fit(wanted: &[u8], newest: Option<&[u8]>, allow_lineage: bool) -> Result<NextState, UnfitState> {
    let newest = newest.map(|bytes| snapshot(bytes).unwrap());
    next(
        wanted,
        &snapshot(wanted).unwrap(),
        StatePast {
            newest: newest.as_ref(),
            allow_lineage,
        },
    )
}

#[test]
fn only_the_digits_of_the_serial_change() {
    let wanted = b"{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\" :\t1 ,\n  \"lineage\": \"l\",\n  \"outputs\": \
        {\"serial\": {\"value\": 0.1000000000000000055511151231257827, \"type\": \"number\"}, \"b\": {\"value\": 123456789012345678901234567890}},\n  \
        \"resources\": [],\n  \"check_results\": null,\n  \"x\": \"\\\"serial\\\": 9 \\\\\"\n}\n";
    let next = fit(wanted, Some(V3), false).unwrap();
    assert_eq!(next.serial, Some(4));
    let text = String::from_utf8(wanted.to_vec()).unwrap();
    assert_eq!(
        String::from_utf8(next.bytes.clone()).unwrap(),
        text.replace("\"serial\" :\t1 ,", "\"serial\" :\t4 ,")
    );
    assert!(is_same_but_serial(&next.bytes, wanted));
    assert!(!is_same_but_serial(V3, wanted));
    assert_eq!(
        format!("{next:?}"),
        format!("Next({} bytes, serial Some(4))", wanted.len())
    );
}

#[test]
fn it_is_higher_than_any_there_was() {
    let old = |serial: u64| {
        format!(r#"{{"version":4,"serial":{serial},"lineage":"l","resources":[]}}"#).into_bytes()
    };
    for (wanted, newest, next) in [(1, 3, 4), (3, 3, 4), (9, 3, 10), (0, 0, 1), (1, 99, 100)] {
        assert_eq!(
            fit(&old(wanted), Some(&old(newest)), false).unwrap().bytes,
            old(next),
            "{wanted} over {newest}"
        );
    }
    assert_eq!(
        fit(&old(7), None, false).unwrap().bytes,
        old(7),
        "there was none"
    );
    assert_eq!(
        fit(&old(1), Some(&old(u64::MAX)), false),
        Err(UnfitState::LastSerial(u64::MAX))
    );
}

#[test]
fn another_lineage_is_refused_unless_allowed() {
    let foreign = br#"{"version":4,"serial":1,"lineage":"m","resources":[]}"#;
    let none = br#"{"version":4,"serial":1,"resources":[]}"#;
    assert_eq!(
        fit(foreign, Some(V3), false).unwrap_err().to_string(),
        "it has another lineage: m, expected l"
    );
    assert_eq!(
        fit(none, Some(V3), false).unwrap_err().to_string(),
        "it has another lineage: none, expected l"
    );
    assert_eq!(
        fit(foreign, Some(V3), true).unwrap().bytes,
        br#"{"version":4,"serial":4,"lineage":"m","resources":[]}"#
    );
}

/// As OpenTofu writes it; what is encrypted cannot be changed, and need not be.
#[test]
fn of_what_is_encrypted_the_envelope_is_changed() {
    let sealed =
        br#"{"serial":1,"lineage":"l","meta":{"key_provider.pbkdf2.a":"e30="},"encrypted_data":"c2VyaWFs","encryption_version":"v0"}"#;
    let next = fit(sealed, Some(V3), false).unwrap();
    let text = String::from_utf8(sealed.to_vec()).unwrap();
    assert_eq!(
        (next.serial, String::from_utf8(next.bytes).unwrap()),
        (Some(4), text.replace("\"serial\":1", "\"serial\":4"))
    );
    let bare = br#"{"meta":{},"encrypted_data":"c2VyaWFs","encryption_version":"v0"}"#;
    assert_eq!(
        fit(bare, Some(V3), true).unwrap(),
        NextState {
            bytes: bare.to_vec(),
            serial: None
        }
    );
}

#[test]
fn without_one_serial_there_is_no_next() {
    let with = |fields: &str| {
        format!(r#"{{"version":4,{fields}"lineage":"l","resources":[]}}"#).into_bytes()
    };
    assert_eq!(fit(&with(""), Some(V3), false), Err(UnfitState::NoSerial));
    assert_eq!(
        fit(&with(r#""serial":null,"#), Some(V3), false),
        Err(UnfitState::NoSerial)
    );
    for twice in [
        r#""serial":1,"serial":2,"#,
        r#""serial":1,"Serial":2,"#,
        r#""serial":1,"\u0073ERIAL":2,"#,
    ] {
        assert_eq!(
            fit(&with(twice), Some(V3), false),
            Err(UnfitState::TwoSerials),
            "{twice}"
        );
    }
}

#[test]
fn what_comes_and_goes() {
    let with = |names: &[&str]| {
        let one = |name: &&str| {
            format!(
                r#"{{"mode":"managed","type":"t","name":"{name}","provider":"p","instances":[{{"attributes":{{"pw":"hunter2"}}}}]}}"#
            )
        };
        format!(
            r#"{{"version":4,"serial":1,"lineage":"l","resources":[{}]}}"#,
            names.iter().map(one).collect::<Vec<_>>().join(",")
        )
        .into_bytes()
    };
    let said = |from: Option<&[u8]>, to: &[u8]| {
        let StateChanges { added, removed } = StateChanges::of(from, to).unwrap();
        let names = |all: Vec<ResourceAddress>| {
            all.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        (names(added), names(removed))
    };
    assert_eq!(
        said(Some(&with(&["a", "b"])), &with(&["b", "c"])),
        ("t.c".to_owned(), "t.a".to_owned())
    );
    assert_eq!(said(None, &with(&["a"])), ("t.a".to_owned(), String::new()));
    assert_eq!(StateChanges::of(Some(b"no state"), &with(&["a"])), None);
    assert_eq!(
        StateChanges::of(None, br#"{"serial":1,"encrypted_data":""}"#),
        None
    );
}

proptest! {
    /// Any JSON, in any formatting: the document is the same but for the serial.
    #[test]
    fn nothing_else_is_touched(before in any_json(), after in any_json(), serial in 0..1000_u64, pretty in any::<bool>()) {
        let document = serde_json::json!({"version": 4, "before": before, "lineage": "l", "serial": serial, "after": after});
        let bytes = if pretty { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) }.unwrap();
        let next = fit(&bytes, Some(V3), false).unwrap();
        let mut expected = document;
        expected["serial"] = serde_json::Value::from(next.serial);
        let rendered = if pretty { serde_json::to_vec_pretty(&expected) } else { serde_json::to_vec(&expected) }.unwrap();
        prop_assert_eq!(next.serial, Some(serial.max(3) + 1));
        prop_assert_eq!(next.bytes, rendered);
    }

    /// Invalid JSON never gets here, and is harmless if it does.
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[{}\":\\\\a-z0-9 serial]{0,60}") {
        let _ = serial_in(&bytes);
        let _ = serial_in(text.as_bytes());
        let _ = is_same_but_serial(&bytes, text.as_bytes());
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,8}|\"serial\": 1|serial".prop_map(Into::into)
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("serial|[a-z\"\\\\]{0,4}", inner, 0..4)
                .prop_map(serde_json::Value::from_iter),
        ]
    })
}
