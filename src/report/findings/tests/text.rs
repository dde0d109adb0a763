//! In a terminal.

use super::*;
use crate::{
    report::{findings::text::text, wrap::width},
    text::invisible::is_invisible,
};

#[test]
fn eighty_columns() {
    let text = text(&made(), &view(80));
    let long = text
        .lines()
        .filter(|line| width(line) > 80)
        .collect::<Vec<_>>();
    assert!(
        long.iter()
            .all(|line| line.trim_start().contains("://") || line.contains('`')),
        "{long:?}"
    );
    insta::assert_snapshot!(text, @r"
    acme prod: state bucket acme-tfstate-prod-123456789012-eu-west-1
      account 123456789012, region eu-west-1, lock table acme-tfstate-prod-locks, at
      2026-11-21T03:00:00Z

    Critical (1)
    ✗ open  bucket-versioning  state_bucket/versioning
        arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
        expected: every version of a state is kept
        found: versioning is `Suspended`
        rationale: a state that is overwritten or deleted is lost for good
        fix: `tfbackend bootstrap --env prod`
        references: S3.14, CKV_AWS_21

    High (2)
    ? unreadable  bucket-encryption  state_bucket/encryption
        arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
        expected: states are encrypted with a key of one's own
        found: cannot be read: s3:GetEncryptionConfiguration on
          acme-tfstate-prod-123456789012-eu-west-1: AccessDenied
        rationale: who can read the bucket could read its states without a trace
        references: S3.17
    ✗ open  state-key-plain
        s3://acme-tfstate-prod-123456789012-eu-west-1/<b>a|b</b>`@root`${x}\u{202e}\u{1b}[31m\n
        expected: a state is where it is looked for
        found: its name holds characters that no tool expects:
          <script>alert(1)</script> [x](https://evil.example) @root #1
        rationale: it is read as something else than it is
        fix: Move it: `terraform state push` under another key, then delete this
          one.

    Medium (1)
    ✗ open  conf-encrypt  infra prod/backend.conf
        expected: backend.conf asks for encryption
        found: `encrypt = false`
        rationale: another backend would take the state as it is
        fix: `tfbackend render --env prod`

    Low (1)
    ✗ open  table-recovery  lock_table/recovery
        expected: the lock table can be set back to any second
        found: point-in-time recovery is off
        rationale: a deleted lock item is gone
        fix: `tfbackend bootstrap --env prod`
        references: DynamoDB.2

    Info (1)
    ✗ open  alarm-heard  alarm[deleted]
        expected: a subscriber is notified of deleted states
        found: the topic has no subscription
        rationale: an alarm without a subscriber does not notify you
        fix: `tfbackend bootstrap --env prod --alarm-email ops@example.com`

    Accepted (1)
    - accepted  bucket-logs (medium)  state_bucket/logging  until 2027-01-31,
        reason: the organization's trail records it

    Findings: 1 critical, 2 high, 1 medium, 1 low, 1 info, 1 of them unreadable, 1
      accepted, 2 checks passed.
    By group: storage 1, encryption 1, locking 1, alarms 1, files 1, usage 1.
    Score: 40 of 100: at most 40 while a finding of severity critical is open.
    note: The alarms of `us-east-1` were not looked at.
    ");
}

#[test]
fn verbose_and_ascii() {
    let view = TextStyle {
        style: TextStyles::PLAIN,
        verbose: true,
        ..view(60)
    };
    insta::assert_snapshot!(text(&made(), &view), @r"
    acme prod: state bucket
      acme-tfstate-prod-123456789012-eu-west-1
      account 123456789012, region eu-west-1, lock table
      acme-tfstate-prod-locks, at 2026-11-21T03:00:00Z

    Critical (1)
    ! open  bucket-versioning  state_bucket/versioning
        arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
        expected: every version of a state is kept
        found: versioning is `Suspended`
        rationale: a state that is overwritten or deleted is
          lost for good
        fix: `tfbackend bootstrap --env prod`
        references: S3.14, CKV_AWS_21
        documentation: https://docs.aws.amazon.com/x/y.html

    High (2)
    ? unreadable  bucket-encryption  state_bucket/encryption
        arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
        expected: states are encrypted with a key of one's own
        found: cannot be read: s3:GetEncryptionConfiguration on
          acme-tfstate-prod-123456789012-eu-west-1: AccessDenied
        rationale: who can read the bucket could read its states
          without a trace
        references: S3.17
        documentation: https://docs.aws.amazon.com/x/y.html
    ! open  state-key-plain
        s3://acme-tfstate-prod-123456789012-eu-west-1/<b>a|b</b>`@root`${x}\u{202e}\u{1b}[31m\n
        expected: a state is where it is looked for
        found: its name holds characters that no tool expects:
          <script>alert(1)</script> [x](https://evil.example)
          @root #1
        rationale: it is read as something else than it is
        fix: Move it: `terraform state push` under another key,
          then delete this one.
        documentation: https://docs.aws.amazon.com/x/y.html

    Medium (1)
    ! open  conf-encrypt  infra prod/backend.conf
        expected: backend.conf asks for encryption
        found: `encrypt = false`
        rationale: another backend would take the state as it is
        fix: `tfbackend render --env prod`
        documentation: https://docs.aws.amazon.com/x/y.html

    Low (1)
    ! open  table-recovery  lock_table/recovery
        expected: the lock table can be set back to any second
        found: point-in-time recovery is off
        rationale: a deleted lock item is gone
        fix: `tfbackend bootstrap --env prod`
        references: DynamoDB.2
        documentation: https://docs.aws.amazon.com/x/y.html

    Info (1)
    ! open  alarm-heard  alarm[deleted]
        expected: a subscriber is notified of deleted states
        found: the topic has no subscription
        rationale: an alarm without a subscriber does not notify
          you
        fix: `tfbackend bootstrap --env prod --alarm-email ops@example.com`
        documentation: https://docs.aws.amazon.com/x/y.html

    Accepted (1)
    - accepted  bucket-logs (medium)  state_bucket/logging
        until 2027-01-31, reason: the organization's trail
        records it

    Passed (2)
    = passed  key-rotation  key/rotation  the key gets new
        material at least once a year
    = passed  bucket-private  state_bucket/public_access  the
        bucket blocks public access

    Findings: 1 critical, 2 high, 1 medium, 1 low, 1 info, 1 of
      them unreadable, 1 accepted, 2 checks passed.
    By group: storage 1, encryption 1, locking 1, alarms 1,
      files 1, usage 1.
    Score: 40 of 100: at most 40 while a finding of severity
      critical is open.
    note: The alarms of `us-east-1` were not looked at.
    ");
}

#[test]
fn nothing_open() {
    let mut document = VerifyDocument {
        passed: true,
        score: 100,
        score_capped: None,
        notes: vec![],
        ..made()
    };
    document.findings.clear();
    document
        .checks
        .retain(|check| check.status == CheckStatus::Holds);
    document.counts = VerdictCounts {
        holds: 2,
        ..VerdictCounts::default()
    };
    (document.about.project, document.about.env) = (None, None);
    insta::assert_snapshot!(text(&document, &view(80)), @"
    state bucket acme-tfstate-prod-123456789012-eu-west-1
      account 123456789012, region eu-west-1, lock table acme-tfstate-prod-locks, at
      2026-11-21T03:00:00Z

    No findings: 2 checks passed.
    Score: 100 of 100.
    ");
}

#[test]
fn colour_is_decoration() {
    let colored = text(
        &made(),
        &TextStyle {
            style: TextStyles {
                color: true,
                unicode: true,
            },
            verbose: true,
            ..view(80)
        },
    );
    assert!(colored.contains("\x1b[31m✗ open\x1b[0m"));
    let plain = text(
        &made(),
        &TextStyle {
            verbose: true,
            ..view(80)
        },
    );
    let mut left = colored;
    for code in [
        "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m",
    ] {
        left = left.replace(code, "");
    }
    assert_eq!(left, plain);
}

proptest! {
    #[test]
    fn hostile_text_stays_in_its_line(hostile in hostile()) {
        let view = TextStyle { verbose: true, ..view(usize::MAX) };
        let (said, harmless) = (text(&filled_with(&hostile), &view), text(&filled_with("word"), &view));
        prop_assert!(!said.contains(|c| c != '\n' && is_invisible(c)), "{said:?}");
        prop_assert_eq!(said.lines().count(), harmless.lines().count());
    }
}

/// A long fix that two findings have is written once, below them; a short one stands with each.
#[test]
fn a_long_fix_is_written_once() {
    let document = with_shared_fixes();
    let text = text(&document, &view(80));
    assert_eq!(text.matches(LONG_FIX).count(), 1, "{text}");
    assert_eq!(text.matches("fix: fix 1, below\n").count(), 2, "{text}");
    assert!(
        text.contains(&format!("\nFix 1\n    `{LONG_FIX}`\n"))
            && text.rfind("fix:") < text.find("\nFix 1\n"),
        "{text}"
    );
    assert_eq!(
        text.matches("fix: `tfbackend render --env prod`").count(),
        2,
        "{text}"
    );
}

#[test]
fn verbose_names_the_page_of_a_check() {
    let long = "    documentation: https://docs.aws.amazon.com/x/y.html\n";
    assert!(
        text(
            &made(),
            &TextStyle {
                verbose: true,
                ..view(80)
            }
        )
        .contains(long)
    );
    assert!(!text(&made(), &view(80)).contains("documentation:"));
}
