//! What differs is named, and what does not is not.

use super::*;

fn outline(resources: &str, outputs: &str) -> StateOutline {
    let state = format!(
        r#"{{"version": 4, "serial": 1, "lineage": "l", "resources": {resources}, "outputs": {outputs}}}"#
    );
    StateOutline::parse(state.as_bytes()).expect("a state")
}

fn resource(name: &str, instance: &str) -> String {
    format!(
        r#"{{"mode": "managed", "type": "t", "name": "{name}", "provider": "p", "instances": [{instance}]}}"#
    )
}

fn of(from: &StateOutline, to: &StateOutline) -> Vec<String> {
    let diff = StateDiff::of(from, to).expect("both are known");
    let named = |sign: &str, all: &[StateObject]| {
        all.iter()
            .map(|object| format!("{sign} {object}"))
            .collect::<Vec<_>>()
    };
    let changed = diff.changed.iter().map(|it| {
        format!(
            "~ {} {:?} {} {}",
            it.object, it.attributes, it.taint, it.beside
        )
    });
    let outputs = format!(
        "{:?} {:?} {:?}",
        diff.outputs.added, diff.outputs.removed, diff.outputs.changed
    );
    [
        named("+", &diff.added),
        named("-", &diff.removed),
        changed.collect(),
        vec![outputs],
    ]
    .concat()
}

#[test]
fn objects_and_outputs_by_name() {
    let same = resource("same", r#"{"attributes": {"a": {"x": 1, "y": 2}}}"#);
    let reordered = resource("same", r#"{"attributes": {"a": {"y": 2, "x": 1}}}"#);
    let before = outline(
        &format!(
            "[{same}, {}, {}, {}, {}]",
            resource("gone", "{}"),
            resource(
                "edited",
                r#"{"attributes": {"a": "CANARY", "b": 1, "c": {"CANARY": 1}, "old": null}}"#
            ),
            resource("tainted", r#"{"attributes": {}}"#),
            resource("beside", r#"{"private": "CANARY"}"#),
        ),
        r#"{"same": {"value": 1}, "gone": {"value": "CANARY"}, "edited": {"value": "CANARY"}}"#,
    );
    let after = outline(
        &format!(
            "[{reordered}, {}, {}, {}, {}]",
            resource("new", "{}"),
            resource(
                "edited",
                r#"{"attributes": {"a": "other", "b": 1, "c": {"other": 1}, "new": null}}"#
            ),
            resource("tainted", r#"{"attributes": {}, "status": "tainted"}"#),
            resource("beside", r#"{"private": "other"}"#),
        ),
        r#"{"same": {"value": 1}, "new": {"value": 1}, "edited": {"value": "other"}}"#,
    );
    assert_eq!(
        of(&before, &after),
        [
            "+ t.new",
            "- t.gone",
            "~ t.beside [] false true",
            r#"~ t.edited ["a", "c", "new", "old"] false false"#,
            "~ t.tainted [] true false",
            r#"["new"] ["gone"] ["edited"]"#,
        ]
    );
    assert!(!format!("{:?}", StateDiff::of(&before, &after)).contains("CANARY"));
    let same = StateDiff::of(&before, &before).expect("known");
    assert_eq!(same, StateDiff::default());
    assert_ne!(StateDiff::of(&before, &after).expect("known"), same);
}

#[test]
fn what_is_not_known_is_not_compared() {
    let known = outline("[]", "{}");
    let encrypted = StateOutline::parse(br#"{"serial": 9, "lineage": "l", "encrypted_data": "x"}"#)
        .expect("an envelope");
    assert_eq!(
        (
            StateDiff::of(&known, &encrypted),
            StateDiff::of(&encrypted, &known),
            StateDiff::of(&encrypted, &encrypted)
        ),
        (None, None, None)
    );
}
