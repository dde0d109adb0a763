//! The stage, what is in the way, and nothing from outside that acts on the terminal.

use crate::text::invisible::is_invisible;
use insta::assert_snapshot;

use super::*;
use crate::report::style::TextStyles;

#[test]
fn each_stage_in_words() {
    let view = |color| TextStyle {
        width: 80,
        style: TextStyles {
            color,
            unicode: true,
        },
        verbose: false,
    };
    let said = |text: &str| Some(text.to_owned());
    let both = MigrationDocument {
        bucket: "states".to_owned(),
        table: said("locks"),
        now: said("both"),
        since: said("2026-11-21T07:00:00Z"),
        to: "s3".to_owned(),
        states: 3,
        states_ready: Some(2),
        touchable: vec!["a.tfstate".to_owned()],
        ready: false,
        refusals: vec!["a\u{1b}[2J\u{202e}.tfstate was last written before".to_owned()],
        steps: vec![
            "edit backend.conf".to_owned(),
            "delete the digest of a\nb".to_owned(),
        ],
        by_hand: vec!["x.tf.json: it is JSON".to_owned()],
    };
    assert_snapshot!(text(&both, &view(false)), @r"
    Backend: s3://states, table locks
    Now: both, since 2026-11-21T07:00:00Z
    States: 3 states, 2 written since under a lock file
    Next: s3, blocked
    Blocked by:
      a\u{1b}[2J\u{202e}.tfstate was last written before
    Then:
      edit backend.conf
      delete the digest of a\nb
    Manual steps:
      x.tf.json: it is JSON
    ");
    let table = MigrationDocument {
        now: said("dynamodb"),
        since: None,
        to: "both".to_owned(),
        states: 1,
        states_ready: None,
        ready: true,
        refusals: vec![],
        by_hand: vec![],
        ..both.clone()
    };
    assert_snapshot!(text(&table, &view(false)), @r"
    Backend: s3://states, table locks
    Now: dynamodb: locks in the table only
    States: 1 state
    Next: both
    To do:
      edit backend.conf
      delete the digest of a\nb
    ");
    let none = MigrationDocument {
        table: None,
        now: None,
        steps: vec![],
        ..table
    };
    assert_snapshot!(text(&none, &view(false)), @"
    Backend: s3://states
    Now: not configured here
    States: 1 state
    Next: both
    ");
    let many = MigrationDocument {
        refusals: vec!["x".to_owned(); 30],
        ..both
    };
    let text = text(&many, &view(true));
    assert!(
        text.contains("  and 10 more\n") && text.contains("\u{1b}[1mNow:"),
        "{text}"
    );
    let bare = text.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
    assert!(
        !bare.contains(|c: char| c != '\n' && is_invisible(c)),
        "{bare:?}"
    );
}
