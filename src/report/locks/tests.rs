//! Locks in words: both halves in one row, what is missing said, and nothing from outside acts on
//! the terminal.

use crate::text::invisible::is_invisible;
use insta::assert_snapshot;

use super::*;
use crate::report::style::TextStyles;

fn view(width: usize) -> TextStyle {
    TextStyle {
        width,
        style: TextStyles::PLAIN,
        verbose: false,
    }
}

fn lock(
    key: &str,
    workspace: &str,
    held_in: &[HeldIn],
    missing: Option<HeldIn>,
) -> HeldLockDocument {
    HeldLockDocument {
        bucket: "states".to_owned(),
        path: if workspace == "default" {
            key.to_owned()
        } else {
            format!("env:/{workspace}/{key}")
        },
        key: key.to_owned(),
        workspace: workspace.to_owned(),
        held_in: held_in.to_vec(),
        missing,
        id: "5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10".to_owned(),
        operation: Some("OperationTypeApply".to_owned()),
        who: Some("ci@runner".to_owned()),
        version: Some("1.11.4".to_owned()),
        info: Some(String::new()),
        since: Some("2026-11-21T03:00:00Z".to_owned()),
        age_seconds: Some(7_500),
        error: None,
    }
}

fn hostile() -> HeldLockDocument {
    let nasty = |text: &str| Some(text.to_owned());
    HeldLockDocument {
        who: nasty("\u{1b}]52;c;aGk=\u{7}\u{1b}[2Jroot\n\u{202e}host"),
        operation: nasty("apply\r\u{9b}31m"),
        version: nasty("\u{200b}1"),
        info: nasty("two\nlines"),
        id: "\u{1b}[31mid".to_owned(),
        ..lock("a\u{202e}gpj.tfstate", "b\u{7}lue", &[HeldIn::Table], None)
    }
}

fn document(locks: Vec<HeldLockDocument>, unseen: Vec<String>) -> LocksDocument {
    LocksDocument {
        bucket: "states".to_owned(),
        table: Some("locks".to_owned()),
        locks,
        unseen,
    }
}

#[test]
fn a_row_for_each_lock() {
    let broken = HeldLockDocument {
        id: "unnamed-d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        error: Some("it is empty".to_owned()),
        operation: None,
        who: None,
        version: None,
        age_seconds: None,
        ..lock("b.tfstate", "default", &[HeldIn::File], None)
    };
    let elsewhere = HeldLockDocument {
        bucket: "others".to_owned(),
        workspace: String::new(),
        ..lock("c", "default", &[HeldIn::Table], None)
    };
    let locks = vec![
        lock("a.tfstate", "blue", &[HeldIn::File, HeldIn::Table], None),
        lock("a.tfstate", "default", &[HeldIn::Table], Some(HeldIn::File)),
        broken,
        elsewhere,
    ];
    assert_snapshot!(list(&document(locks.clone(), vec![]), &view(200)), @"
    State          Workspace  Lock             ID                                        Operation             Who        Version  Age
    a.tfstate      blue       file and table   5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10      OperationTypeApply    ci@runner  1.11.4   2 h 5 min
    a.tfstate      default    table (no file)  5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10      OperationTypeApply    ci@runner  1.11.4   2 h 5 min
    b.tfstate      default    file             unnamed-d41d8cd98f00b204e9800998ecf8427e  unknown: it is empty                      ?
    s3://others/c             table            5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10      OperationTypeApply    ci@runner  1.11.4   2 h 5 min

    4 locks are held in s3://states and table locks.
    ");
    assert_snapshot!(list(&document(locks, vec!["dynamodb:Scan: denied\u{1b}".to_owned()]), &view(60)), @r"
    a.tfstate
      Workspace: blue
      Lock: file and table
      ID: 5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10
      Operation: OperationTypeApply
      Who: ci@runner
      Version: 1.11.4
      Age: 2 h 5 min
    a.tfstate
      Workspace: default
      Lock: table (no file)
      ID: 5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10
      Operation: OperationTypeApply
      Who: ci@runner
      Version: 1.11.4
      Age: 2 h 5 min
    b.tfstate
      Workspace: default
      Lock: file
      ID: unnamed-d41d8cd98f00b204e9800998ecf8427e
      Operation: unknown: it is empty
      Age: ?
    s3://others/c
      Lock: table
      ID: 5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10
      Operation: OperationTypeApply
      Who: ci@runner
      Version: 1.11.4
      Age: 2 h 5 min

    4 locks are held in s3://states and table locks.
    Cannot be read: dynamodb:Scan: denied\u{1b}
    ");
    assert_snapshot!(list(&document(vec![], vec![]), &view(80)), @"No lock is held in s3://states and table locks.");
    assert_snapshot!(list(&LocksDocument { table: None, ..document(vec![], vec!["no\nlist".to_owned()]) }, &view(80)), @r"
    No lock was found in s3://states.
    Cannot be read: no\nlist
    ");
}

#[test]
fn everything_in_one() {
    let half = |state: LockPlaceDocument, error: Option<&str>| HalfDocument {
        state,
        error: error.map(str::to_owned),
        raw: None,
    };
    let shown = ShownDocument {
        bucket: "states".to_owned(),
        path: "env:/blue/a.tfstate".to_owned(),
        key: "a.tfstate".to_owned(),
        workspace: "blue".to_owned(),
        locked: Some(true),
        locks: vec![HeldLockDocument {
            info: Some("why".to_owned()),
            ..lock("a.tfstate", "blue", &[HeldIn::Table], Some(HeldIn::File))
        }],
        file: half(LockPlaceDocument::Free, None),
        table: half(LockPlaceDocument::Held, None),
    };
    assert_snapshot!(show(&shown, &view(80)), @"
    State:      s3://states/env:/blue/a.tfstate
    Workspace:  blue
    Locked:     yes
    ID:         5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10
    Operation:  OperationTypeApply
    Info:       why
    Who:        ci@runner
    Version:    1.11.4
    Since:      2026-11-21T03:00:00Z (2 h 5 min)
    Held in:    table
    Missing:    the other half: not held in the file
    Lock file:  free
    Lock table: held
    ");
    let free = ShownDocument {
        locked: Some(false),
        locks: vec![],
        table: half(LockPlaceDocument::NotInUse, None),
        ..shown.clone()
    };
    assert_snapshot!(show(&free, &view(80)), @"
    State:      s3://states/env:/blue/a.tfstate
    Workspace:  blue
    Locked:     no
    Lock file:  free
    Lock table: not used
    ");
    let denied = half(LockPlaceDocument::Unreadable, Some("denied"));
    let unknown = ShownDocument {
        locked: None,
        locks: vec![],
        file: denied.clone(),
        table: denied,
        ..shown
    };
    assert_snapshot!(show(&unknown, &view(80)), @"
    State:      s3://states/env:/blue/a.tfstate
    Workspace:  blue
    Locked:     unknown
    Lock file:  cannot be read: denied
    Lock table: cannot be read: denied
    ");
}

#[test]
fn hostile_holders_are_text() {
    let shown = ShownDocument {
        bucket: "states".to_owned(),
        path: "a\u{202e}gpj.tfstate".to_owned(),
        key: "a".to_owned(),
        workspace: "b\u{7}lue".to_owned(),
        locked: Some(true),
        locks: vec![hostile()],
        file: HalfDocument {
            state: LockPlaceDocument::Unreadable,
            error: Some("\u{1b}[2J".to_owned()),
            raw: None,
        },
        table: HalfDocument {
            state: LockPlaceDocument::Held,
            error: None,
            raw: Some("\u{1b}".to_owned()),
        },
    };
    let texts = [
        list(
            &document(vec![hostile()], vec!["\u{1b}]0;x\u{7}".to_owned()]),
            &view(300),
        ),
        show(&shown, &view(80)),
    ];
    for text in &texts {
        assert!(
            !text.contains(|c: char| c != '\n' && is_invisible(c)),
            "{text:?}"
        );
    }
    assert_eq!(
        texts[0].lines().count(),
        5,
        "a row stays a row: {}",
        texts[0]
    );
    assert_snapshot!(texts[1], @r"
    State:      s3://states/a\u{202e}gpj.tfstate
    Workspace:  b\u{7}lue
    Locked:     yes
    ID:         \u{1b}[31mid
    Operation:  apply\r\u{9b}31m
    Info:       two\nlines
    Who:        \u{1b}]52;c;aGk=\u{7}\u{1b}[2Jroot\n\u{202e}host
    Version:    \u{200b}1
    Since:      2026-11-21T03:00:00Z (2 h 5 min)
    Held in:    table
    Lock file:  cannot be read: \u{1b}[2J
    Lock table: held
    ");
    let json = crate::report::json::pretty(&document(vec![hostile()], vec![]));
    assert!(
        !json.contains(|c: char| c != '\n' && is_invisible(c)),
        "{json}"
    );
    let read: LocksDocument = serde_json::from_str(&json).expect("JSON");
    assert_eq!(read.locks, [hostile()], "and means the same");
}
