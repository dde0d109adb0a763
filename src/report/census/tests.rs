//! A census as it is read, hostile names and all.

use super::*;
use crate::{
    report::style::TextStyles,
    state::census::{MOST, ObjectLock},
    text::invisible::is_invisible,
};

const NASTY: &str = "a\u{1b}[2J\u{202e}\n${x}\".tfstate";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn row(path: &str, holds: StateContentsKind) -> StateRow {
    StateRow {
        path: path.to_owned(),
        workspace: "default".to_owned(),
        size: 3,
        modified: Some(at("2026-11-20T07:00:00Z")),
        holds,
    }
}

fn census() -> StateCensus {
    let facts = |managed| StateFacts {
        serial: Some(7),
        lineage: Some("l".to_owned()),
        engine: Some("1.11.4".to_owned()),
        managed,
    };
    let mut census = StateCensus {
        uploads: 2,
        mfa_delete: true,
        ..StateCensus::default()
    };
    census.state(row(
        "app.tfstate",
        StateContentsKind::Known(facts(Some(12))),
    ));
    census.state(row(
        "tofu.tfstate",
        StateContentsKind::Encrypted(facts(None)),
    ));
    census.state(row(
        NASTY,
        StateContentsKind::Unreadable("it is empty".to_owned()),
    ));
    census.locks.add(LockRow {
        path: "app.tfstate".to_owned(),
        item: true,
        file: false,
        who: Some(NASTY.to_owned()),
        operation: Some("OperationTypeApply".to_owned()),
        since: Some(at("2026-11-21T06:58:55Z")),
    });
    census.frozen = 1;
    census.attached.add("role/ci".to_owned());
    (0..12).for_each(|n| census.subscribers.add(format!("email {n}{NASTY}")));
    census.version(1024, Some(at("2026-11-20T07:00:00Z")));
    census.delete_marker();
    census.object_lock = Some(ObjectLock {
        mode: Some("GOVERNANCE".to_owned()),
        days: Some(7),
    });
    census.unseen.add(NASTY.to_owned());
    census
}

fn view(width: usize) -> TextStyle {
    TextStyle {
        width,
        style: TextStyles {
            color: false,
            unicode: true,
        },
        verbose: false,
    }
}

#[test]
fn as_a_table() {
    insta::assert_snapshot!(text(&census(), &view(120), at("2026-11-21T07:00:00Z")), @r#"
    app.tfstate
      Workspace: default
      Serial: 7
      Resources: 12
      Version: 1.11.4
      Changed: 2026-11-20T07:00:00Z
    tofu.tfstate
      Workspace: default
      Serial: 7
      Resources: unknown (encrypted): counted as in use
      Version: 1.11.4
      Changed: 2026-11-20T07:00:00Z
    a\u{1b}[2J\u{202e}\n${x}".tfstate
      Workspace: default
      Resources: unknown: it is empty
      Changed: 2026-11-20T07:00:00Z

    Locked       In     By                                 Operation           Since
    app.tfstate  table  a\u{1b}[2J\u{202e}\n${x}".tfstate  OperationTypeApply  1m 05s ago

    3 states: 2 in use, 0 empty, 1 unreadable; 1 lock held.
    In the bucket: 1 version (1024 bytes), 1 delete marker, 2 incomplete uploads.
    1 lock of an interrupted teardown: this teardown continues it.
    The policy is attached to role/ci.
    Alarms and deletions are sent to email 0a\u{1b}[2J\u{202e}\n${x}".tfstate, email 1a\u{1b}[2J\u{202e}\n${x}".tfstate, email 2a\u{1b}[2J\u{202e}\n${x}".tfstate, email 3a\u{1b}[2J\u{202e}\n${x}".tfstate, email 4a\u{1b}[2J\u{202e}\n${x}".tfstate, email 5a\u{1b}[2J\u{202e}\n${x}".tfstate, email 6a\u{1b}[2J\u{202e}\n${x}".tfstate, email 7a\u{1b}[2J\u{202e}\n${x}".tfstate, email 8a\u{1b}[2J\u{202e}\n${x}".tfstate, email 9a\u{1b}[2J\u{202e}\n${x}".tfstate and 2 more.
    MFA delete is enabled.
    Object Lock retains versions (GOVERNANCE), the newest until 2026-11-27T07:00:00Z.
    Cannot be read: a\u{1b}[2J\u{202e}\n${x}".tfstate
    "#);
}

#[test]
fn hostile_names_are_text() {
    for width in [20, 80, 200] {
        let text = text(&census(), &view(width), at("2026-11-21T07:00:00Z"));
        assert!(!text.replace('\n', "").contains(is_invisible), "{text:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("${x}")),
            "no line break of theirs is a line of ours"
        );
    }
}

#[test]
fn as_json_field_by_field() {
    let document = serde_json::to_value(CensusDocument::of(&census())).expect("plain data");
    assert_eq!(document["states"]["count"], 3);
    assert_eq!(document["states"]["first"][0]["managed"], 12);
    assert_eq!(document["states"]["first"][1]["contents"], "encrypted");
    assert_eq!(document["states"]["first"][2]["path"], NASTY);
    assert_eq!(document["locks"]["first"][0]["in_table"], true);
    assert_eq!(
        (
            &document["attached"]["first"][0],
            &document["subscribers"]["count"]
        ),
        (&"role/ci".into(), &12.into())
    );
    assert_eq!(document["object_lock"]["until"], "2026-11-27T07:00:00Z");
    let back: CensusDocument = serde_json::from_value(document).expect("the same shape");
    assert_eq!(back, CensusDocument::of(&census()));
}

#[test]
fn what_is_not_named_is_counted() {
    let mut census = StateCensus::default();
    for n in 0..MOST + 5 {
        census.state(row(
            &format!("s{n}"),
            StateContentsKind::Unreadable("denied".to_owned()),
        ));
    }
    assert!(text(&census, &view(200), at("2026-11-21T07:00:00Z")).contains("\nand 5 more\n"));
    assert_eq!(CensusDocument::of(&census).states.count, MOST + 5);
}
