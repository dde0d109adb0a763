//! Failures as they are read.

use crate::text::invisible::is_invisible;
use proptest::prelude::*;

use super::*;
use crate::report::{
    json::{VersionedDocument, write_line},
    style::TextStyles,
};

#[derive(Debug, thiserror::Error)]
#[error("could not put the bucket policy: {0}")]
struct Put(#[source] Call);

#[derive(Debug, thiserror::Error)]
#[error("AccessDenied (request 4Q9)")]
struct Call(#[source] Wire);

#[derive(Debug, thiserror::Error)]
#[error("service error")]
struct Wire(#[source] Root);

#[derive(Debug, thiserror::Error)]
#[error("service error")]
struct Root;

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

fn denied() -> CliError {
    CliError::of(exit::PARTLY, &Put(Call(Wire(Root))))
        .hint(
            "grant s3:PutBucketPolicy on arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1, \
             and run the same command again",
        )
        .hint("what was made is kept")
        .hint("what was made is kept")
}

#[test]
fn a_chain_says_each_thing_once() {
    assert_eq!(denied().causes, ["service error"]);
    insta::assert_snapshot!(denied().text(&view(80)), @"
    error: could not put the bucket policy: AccessDenied (request 4Q9)
      caused by: service error
      hint: grant s3:PutBucketPolicy on
        arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1, and run the same
        command again
      hint: what was made is kept
    ");
}

#[test]
fn forty_columns() {
    insta::assert_snapshot!(denied().text(&view(40)), @"
    error: could not put the bucket policy:
        AccessDenied (request 4Q9)
      caused by: service error
      hint: grant s3:PutBucketPolicy on
        arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1,
        and run the same command again
      hint: what was made is kept
    ");
}

#[test]
fn lines_below_the_first_keep_their_layout() {
    let failure = CliError::failed(
        "tfbackend.toml does not make sense\n3 | regoin = \"eu-west-1\"\n  | ^^^^^^\n",
    )
    .hint("did you mean `region`?");
    insta::assert_snapshot!(failure.text(&view(80)), @r#"
    error: tfbackend.toml does not make sense
        | 3 | regoin = "eu-west-1"
        |   | ^^^^^^
      hint: did you mean `region`?
    "#);
}

#[test]
fn nobody_speaks_for_us() {
    let failure =
        CliError::refused("bucket \x1b[2J\u{202e}x is taken\r\n  hint: run evil\n\x1b]0;title\x07")
            .because(&Root);
    insta::assert_snapshot!(failure.text(&view(80)), @r#"
    error: bucket \u{1b}[2J\u{202e}x is taken
        |   hint: run evil
        | \u{1b}]0;title\u{7}
      caused by: service error
    "#);
}

#[test]
fn json_has_the_same_facts() {
    let mut out = vec![];
    write_line(&mut out, denied().document()).unwrap();
    let text = String::from_utf8(out).unwrap();
    insta::assert_snapshot!(text, @r#"{"format_version":1,"error":{"exit_code":4,"message":"could not put the bucket policy: AccessDenied (request 4Q9)","causes":["service error"],"hints":["grant s3:PutBucketPolicy on arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1, and run the same command again","what was made is kept"]}}"#);
    let back: VersionedDocument<FailureDocument> = serde_json::from_str(&text).unwrap();
    assert_eq!(back.body, denied().document());
}

#[test]
fn constructors_know_their_codes() {
    let codes = [
        CliError::failed("x"),
        CliError::refused("x"),
        CliError::partly("x"),
        CliError::interrupted("x"),
    ]
    .map(|failure| failure.code);
    assert_eq!(codes, [1, 3, 4, 130]);
}

#[test]
fn cancelled_is_not_printed_as_an_error() {
    let failure = CliError::cancelled();
    assert_eq!(
        (failure.code, failure.text(&view(80)).as_str()),
        (3, "Cancelled. Nothing was changed.\n")
    );
}

proptest! {
    #[test]
    fn whatever_it_says_is_safe(message: String, cause: String, hint: String, width in 1usize..100) {
        let failure = CliError { causes: vec![cause], hints: vec![hint], ..CliError::failed(message) };
        let text = failure.text(&view(width));
        prop_assert!(!text.replace('\n', "").contains(is_invisible), "{text:?}");
        for line in text.lines() {
            let known = ["error:", "  caused by:", "  hint:", "    "].iter().any(|start| line.starts_with(start));
            prop_assert!(known || line.is_empty(), "{line:?}");
        }
    }
}
