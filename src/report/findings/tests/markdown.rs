//! As Markdown.

use super::*;
use crate::{report::findings::markdown::markdown, text::invisible::is_invisible};

#[test]
fn as_a_comment() {
    insta::assert_snapshot!(markdown(&made()), @r#"
    ## ❌ State backend: open findings

    **Score 40 of 100** (at most 40 while a finding of severity critical is open) · 1 critical, 2 high, 1 medium, 1 low, 1 info · 1 unreadable · 1 accepted · 2 checks passed

    <p><code>acme</code> <code>prod</code>, bucket <code>acme-tfstate-prod-123456789012-eu-west-1</code>, table <code>acme-tfstate-prod-locks</code>, account <code>123456789012</code>, region <code>eu-west-1</code>, at <code>2026-11-21T03:00:00Z</code></p>

    <table>
    <thead><tr><th>Severity</th><th>Status</th><th>Check</th><th>Where</th><th>Found</th></tr></thead>
    <tbody>
    <tr><td>🟣 critical</td><td>open</td><td><a href="https://docs.aws.amazon.com/x/y.html"><code>bucket-versioning</code></a></td><td><code>state_bucket/versioning</code></td><td>versioning is <code>Suspended</code></td></tr>
    <tr><td>🔴 high</td><td>unreadable</td><td><a href="https://docs.aws.amazon.com/x/y.html"><code>bucket-encryption</code></a></td><td><code>state_bucket/encryption</code></td><td>cannot be read: <code>s3:GetEncryptionConfiguration</code> on <code>acme-tfstate-prod-123456789012-eu-west-1</code>: AccessDenied</td></tr>
    <tr><td>🔴 high</td><td>open</td><td><a href="https://docs.aws.amazon.com/x/y.html"><code>state-key-plain</code></a></td><td><code>s3://acme-tfstate-prod-123456789012-eu-west-1/&lt;b&gt;a|b&lt;/b&gt;`@root`${x}\u{202e}\u{1b}[31m\n</code></td><td>its name holds characters that no tool expects: <code>&lt;script&gt;alert(1)&lt;/script&gt;</code> <code>[x](https://evil.example)</code> <code>@root</code> <code>#1</code></td></tr>
    <tr><td>🟠 medium</td><td>open</td><td><a href="https://docs.aws.amazon.com/x/y.html"><code>conf-encrypt</code></a></td><td><code>infra prod/backend.conf</code></td><td><code>encrypt = false</code></td></tr>
    <tr><td>🟡 low</td><td>open</td><td><a href="https://docs.aws.amazon.com/x/y.html"><code>table-recovery</code></a></td><td><code>lock_table/recovery</code></td><td>point-in-time recovery is off</td></tr>
    <tr><td>🔵 info</td><td>open</td><td><a href="https://docs.aws.amazon.com/x/y.html"><code>alarm-heard</code></a></td><td><code>alarm[deleted]</code></td><td>the topic has no subscription</td></tr>
    </tbody>
    </table>

    <details>
    <summary>🟣 critical: <code>bucket-versioning</code> <code>state_bucket/versioning</code></summary>
    <ul>
    <li><b>Expected:</b> every version of a state is kept</li>
    <li><b>Found:</b> versioning is <code>Suspended</code></li>
    <li><b>Rationale:</b> a state that is overwritten or deleted is lost for good</li>
    <li><b>Fix:</b> <code>tfbackend bootstrap --env prod</code></li>
    <li><b>Resource:</b> <code>arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1</code></li>
    <li><b>References:</b> <code>S3.14</code>, <code>CKV_AWS_21</code></li>
    </ul>
    </details>

    <details>
    <summary>🔴 high, unreadable: <code>bucket-encryption</code> <code>state_bucket/encryption</code></summary>
    <ul>
    <li><b>Expected:</b> states are encrypted with a key of one's own</li>
    <li><b>Found:</b> cannot be read: <code>s3:GetEncryptionConfiguration</code> on <code>acme-tfstate-prod-123456789012-eu-west-1</code>: AccessDenied</li>
    <li><b>Rationale:</b> who can read the bucket could read its states without a trace</li>
    <li><b>Resource:</b> <code>arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1</code></li>
    <li><b>References:</b> <code>S3.17</code></li>
    </ul>
    </details>

    <details>
    <summary>🔴 high: <code>state-key-plain</code> <code>s3://acme-tfstate-prod-123456789012-eu-west-1/&lt;b&gt;a|b&lt;/b&gt;`@root`${x}\u{202e}\u{1b}[31m\n</code></summary>
    <ul>
    <li><b>Expected:</b> a state is where it is looked for</li>
    <li><b>Found:</b> its name holds characters that no tool expects: <code>&lt;script&gt;alert(1)&lt;/script&gt;</code> <code>[x](https://evil.example)</code> <code>@root</code> <code>#1</code></li>
    <li><b>Rationale:</b> it is read as something else than it is</li>
    <li><b>Fix:</b> Move it: <code>terraform state push</code> under another key, then delete this one.</li>
    <li><b>Resource:</b> <code>s3://acme-tfstate-prod-123456789012-eu-west-1/&lt;b&gt;a|b&lt;/b&gt;`@root`${x}\u{202e}\u{1b}[31m\n</code></li>
    </ul>
    </details>

    <details>
    <summary>🟠 medium: <code>conf-encrypt</code> <code>infra prod/backend.conf</code></summary>
    <ul>
    <li><b>Expected:</b> <code>backend.conf</code> asks for encryption</li>
    <li><b>Found:</b> <code>encrypt = false</code></li>
    <li><b>Rationale:</b> another backend would take the state as it is</li>
    <li><b>Fix:</b> <code>tfbackend render --env prod</code></li>
    <li><b>Resource:</b> <code>infra prod/backend.conf</code></li>
    </ul>
    </details>

    <details>
    <summary>🟡 low: <code>table-recovery</code> <code>lock_table/recovery</code></summary>
    <ul>
    <li><b>Expected:</b> the lock table can be set back to any second</li>
    <li><b>Found:</b> point-in-time recovery is off</li>
    <li><b>Rationale:</b> a deleted lock item is gone</li>
    <li><b>Fix:</b> <code>tfbackend bootstrap --env prod</code></li>
    <li><b>References:</b> <code>DynamoDB.2</code></li>
    </ul>
    </details>

    <details>
    <summary>🔵 info: <code>alarm-heard</code> <code>alarm[deleted]</code></summary>
    <ul>
    <li><b>Expected:</b> a subscriber is notified of deleted states</li>
    <li><b>Found:</b> the topic has no subscription</li>
    <li><b>Rationale:</b> an alarm without a subscriber does not notify you</li>
    <li><b>Fix:</b> <code>tfbackend bootstrap --env prod --alarm-email ops@example.com</code></li>
    </ul>
    </details>

    <details>
    <summary>Accepted: 1</summary>
    <ul>
    <li><code>bucket-logs</code> <code>state_bucket/logging</code> (medium) until <code>2027-01-31</code>: the organization's trail records it</li>
    </ul>
    </details>

    <ul>
    <li>The alarms of <code>us-east-1</code> were not looked at.</li>
    </ul>
    "#);
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
    document.counts = VerdictCounts {
        holds: 9,
        ..VerdictCounts::default()
    };
    (
        document.about.project,
        document.about.env,
        document.about.table,
    ) = (None, None, None);
    insta::assert_snapshot!(markdown(&document), @"
    ## ✅ State backend: no findings

    **Score 100 of 100** · no findings · 9 checks passed

    <p>bucket <code>acme-tfstate-prod-123456789012-eu-west-1</code>, account <code>123456789012</code>, region <code>eu-west-1</code>, at <code>2026-11-21T03:00:00Z</code></p>
    ");
}

/// A longer one would be refused as a whole.
#[test]
fn a_comment_has_room_for_it() {
    let mut document = made();
    let finding = document.findings[2].clone();
    document.findings.extend((0..900).map(|at| FindingDocument {
        id: format!("state-key-{at}"),
        ..finding.clone()
    }));
    document.notes = vec!["a note that says something".into(); 9000];
    let said = markdown(&document);
    assert!(said.chars().count() < 65_536, "{}", said.len());
    assert!(said.contains("state-key-0") && said.contains(" more: see the full report</i>"));
}

/// The text without its tags, and whether each piece stands in `<code>`. A tag is what this program
/// writes: anything else that looks like one fails.
fn pieces(block: &str) -> Vec<(bool, String)> {
    const TAGS: [&str; 27] = [
        "p", "/p", "b", "/b", "i", "/i", "ul", "/ul", "li", "/li", "code", "/code", "details",
        "/details", "summary", "/summary", "table", "/table", "thead", "/thead", "tbody", "/tbody",
        "tr", "/tr", "th", "/th", "td",
    ];
    let (mut pieces, mut in_code) = (vec![], false);
    for part in block.split('<').skip(1) {
        let (tag, text) = part
            .split_once('>')
            .unwrap_or_else(|| panic!("half a tag: {part:?}"));
        assert!(
            TAGS.contains(&tag) || tag == "/td" || tag == "td colspan=\"5\"",
            "{tag:?}"
        );
        assert!(!text.contains('>'), "{text:?}");
        in_code = match tag {
            "code" => true,
            "/code" => false,
            _ => in_code,
        };
        pieces.push((in_code, text.to_owned()));
    }
    pieces
}

proptest! {
    #[test]
    fn hostile_text_is_text(hostile in hostile()) {
        let said = markdown(&filled_with(&hostile));
        prop_assert!(!said.contains(|c| c != '\n' && is_invisible(c)), "{said:?}");
        let harmless = markdown(&filled_with("word"));
        let (blocks, wanted): (Vec<_>, Vec<_>) = (said.trim_end().split("\n\n").collect(), harmless.trim_end().split("\n\n").collect());
        prop_assert_eq!(blocks.len(), wanted.len(), "no block ends early, none begins");
        prop_assert_eq!(&blocks[..2], &wanted[..2], "what Markdown reads has nothing from outside");
        for (block, wanted) in blocks[2..].iter().zip(&wanted[2..]) {
            prop_assert_eq!(block.lines().count(), wanted.lines().count());
            prop_assert!(["<p>", "<table>", "<details>", "<ul>"].iter().any(|start| block.starts_with(start)), "{block:?}");
            for (_, text) in pieces(block).iter().filter(|(in_code, _)| !in_code) {
                for word in text.split(' ') {
                    prop_assert!(!word.contains(['@', '#', '/', '`', '|', '*', '_', '[', '\\', '$', '~', '&', '"']), "{word:?} in {text:?}");
                    let word = word.trim_matches(['(', ')', ',', '.', ';', ':', '!', '?', '\n']);
                    prop_assert!(!word.contains(['.', ':', '!']), "{word:?} in {text:?}");
                }
            }
        }
    }
}

#[test]
fn a_long_fix_is_written_once_and_each_check_is_linked() {
    let text = markdown(&with_shared_fixes());
    assert_eq!(text.matches(LONG_FIX).count(), 1, "{text}");
    assert_eq!(
        text.matches("<li><b>Fix:</b> fix 1, below</li>").count(),
        2,
        "{text}"
    );
    assert!(
        text.contains(&format!("<p><b>Fix 1:</b> <code>{LONG_FIX}</code></p>")),
        "{text}"
    );
    assert!(text.contains(r#"<td><a href="https://docs.aws.amazon.com/x/y.html"><code>bucket-versioning</code></a></td>"#), "{text}");
}
