//! As a page.

use crate::text::invisible::is_invisible;
use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::*;
use crate::report::findings::html::html;

fn parsed(page: &str) -> Document<'_> {
    Document::parse_with_options(
        page,
        ParsingOptions {
            allow_dtd: true,
            ..ParsingOptions::default()
        },
    )
    .unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the visible text without the picture, one line for each part of the page.
fn read(page: &str) -> String {
    const PIECES: [&str; 9] = ["title", "h1", "h2", "h3", "p", "li", "dt", "summary", "tr"];
    let page = parsed(page);
    let mut lines: Vec<String> = vec![];
    for node in page
        .descendants()
        .filter(|node| !node.ancestors().any(|node| node.has_tag_name("svg")))
    {
        let badge = node.has_tag_name("span")
            && node
                .parent()
                .is_some_and(|parent| parent.has_tag_name("section"));
        let value = node.has_tag_name("dd");
        if badge || value || PIECES.contains(&node.tag_name().name()) {
            let texts = node
                .descendants()
                .filter(Node::is_text)
                .filter_map(|node| node.text());
            let text = texts
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            match lines.last_mut().filter(|_| value) {
                Some(last) => last.push_str(&format!(": {text}")),
                None => lines.push(text),
            }
        }
    }
    lines
        .join("\n")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn as_it_is_read() {
    insta::assert_snapshot!(read(&html(&made())), @r"
    acme prod: state backend, verified 2026-11-21T03:00:00Z
    State backend acme prod
    Checks of a Terraform state backend, and their findings
    ✗ 6 open findings
    Score 40: at most 40 while a finding of severity critical is open.
    Project: acme
    Environment: prod
    State bucket: acme-tfstate-prod-123456789012-eu-west-1
    Lock table: acme-tfstate-prod-locks
    Account: 123456789012
    Region: eu-west-1
    Checked at: 2026-11-21T03:00:00Z
    1 critical
    2 high
    1 medium
    1 low
    1 info
    1 unreadable
    1 accepted
    2 passed
    Notes
    The alarms of us-east-1 were not looked at.
    Resources
    An arrow points from a resource to the resources that depend on it. ✓ no findings, ✗ a finding, ? cannot be read; the frame has the color of the highest severity. Dashed: does not exist. Scroll sideways to see the whole picture.
    Findings
    critical
    ✗ open
    storage · bucket-versioning
    state_bucket/versioning: versioning is Suspended
    Expected: every version of a state is kept
    Rationale: a state that is overwritten or deleted is lost for good
    Fix: tfbackend bootstrap --env prod
    Resource: arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
    References: S3.14 CKV_AWS_21
    high
    ? unreadable
    encryption · bucket-encryption
    state_bucket/encryption: cannot be read: s3:GetEncryptionConfiguration on acme-tfstate-prod-123456789012-eu-west-1 : AccessDenied
    Expected: states are encrypted with a key of one's own
    Rationale: who can read the bucket could read its states without a trace
    Resource: arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
    References: S3.17
    high
    ✗ open
    usage · state-key-plain
    s3://acme-tfstate-prod-123456789012-eu-west-1/<b>a|b</b>`@root`${x}\u{202e}\u{1b}[31m\n: its name holds characters that no tool expects: <script>alert(1)</script> [x](https://evil.example) @root #1
    Expected: a state is where it is looked for
    Rationale: it is read as something else than it is
    Fix: Move it: terraform state push under another key, then delete this one.
    Resource: s3://acme-tfstate-prod-123456789012-eu-west-1/<b>a|b</b>`@root`${x}\u{202e}\u{1b}[31m\n
    medium
    ✗ open
    files · conf-encrypt
    infra prod/backend.conf: encrypt = false
    Expected: backend.conf asks for encryption
    Rationale: another backend would take the state as it is
    Fix: tfbackend render --env prod
    Resource: infra prod/backend.conf
    low
    ✗ open
    locking · table-recovery
    lock_table/recovery: point-in-time recovery is off
    Expected: the lock table can be set back to any second
    Rationale: a deleted lock item is gone
    Fix: tfbackend bootstrap --env prod
    References: DynamoDB.2
    info
    ✗ open
    alarms · alarm-heard
    alarm[deleted]: the topic has no subscription
    Expected: a subscriber is notified of deleted states
    Rationale: an alarm without a subscriber does not notify you
    Fix: tfbackend bootstrap --env prod --alarm-email ops@example.com
    Accepted
    medium
    - accepted
    audit · bucket-logs
    state_bucket/logging: no access logs are written
    Reason: the organization's trail records it
    Until: 2027-01-31
    Expected: each access to a state is written down
    References: S3.9
    All checks
    storage 0 of 1 check passed
    Status Severity Check Where References
    ✗ open critical every version of a state is kept bucket-versioning state_bucket/versioning S3.14 CKV_AWS_21
    encryption 0 of 1 check passed
    Status Severity Check Where References
    ? unreadable high states are encrypted with a key of one's own bucket-encryption state_bucket/encryption S3.17
    locking 0 of 1 check passed
    Status Severity Check Where References
    ✗ open low the lock table can be set back to any second table-recovery lock_table/recovery DynamoDB.2
    access 1 of 1 check passed
    Status Severity Check Where References
    ✓ passed critical the bucket blocks public access bucket-private state_bucket/public_access S3.8 CIS 2.1.4
    keys 1 of 1 check passed
    Status Severity Check Where References
    ✓ passed medium the key gets new material at least once a year key-rotation key/rotation KMS.4 CKV_AWS_7
    audit 0 of 1 check passed
    Status Severity Check Where References
    - accepted medium each access to a state is written down bucket-logs state_bucket/logging S3.9
    alarms 0 of 1 check passed
    Status Severity Check Where References
    ✗ open info a subscriber is notified of deleted states alarm-heard alarm[deleted]
    files 0 of 1 check passed
    Status Severity Check Where References
    ✗ open medium backend.conf asks for encryption conf-encrypt infra prod/backend.conf
    usage 0 of 1 check passed
    Status Severity Check Where References
    ✗ open high a state is where it is looked for state-key-plain s3://acme-tfstate-prod-123456789012-eu-west-1/<b>a|b</b>`@root`${x}\u{202e}\u{1b}[31m\n
    Created by tfbackend VERSION. The score is the share of checks that passed or are accepted, weighted by severity and capped by the most severe open finding: critical 40, high 70, medium 90.
    ");
}

/// Nothing is loaded and nothing runs, and the page says so itself.
#[test]
fn stands_alone() {
    let said = html(&made());
    let page = parsed(&said);
    for node in page.descendants().filter(Node::is_element) {
        assert!(
            ![
                "script", "link", "img", "iframe", "object", "embed", "form", "base"
            ]
            .contains(&node.tag_name().name()),
            "{node:?}"
        );
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(
                !name.starts_with("on") && !["style", "src", "srcset", "action"].contains(&name),
                "{name}"
            );
            let leads = ["#", "https://docs.aws.amazon.com/"]
                .iter()
                .any(|start| attribute.value().starts_with(start));
            assert!(name != "href" || leads, "{}", attribute.value());
        }
    }
    let css = page
        .descendants()
        .find(|node| node.has_tag_name("style"))
        .and_then(|node| node.text())
        .unwrap();
    assert!(!css.contains("url(") && !css.contains("@import"));
    let policy = page
        .descendants()
        .find(|node| node.attribute("http-equiv") == Some("Content-Security-Policy"))
        .unwrap();
    let hash = "'sha256-";
    let policy = policy.attribute("content").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    // 32 bytes are 43 digits and a sign.
    let digest = policy
        .split(hash)
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap();
    assert!(digest.len() == 44 && digest.ends_with('='), "{digest}");
}

#[test]
fn links_lead_somewhere() {
    let mut document = made();
    // Twice the same place: each has an anchor of its own.
    document.findings.push(document.findings[0].clone());
    let said = html(&document);
    let page = parsed(&said);
    let ids: Vec<_> = page
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .collect();
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "{ids:?}"
    );
    let links: Vec<_> = page
        .descendants()
        .filter_map(|node| node.attribute("href"))
        .filter(|link| link.starts_with('#'))
        .collect();
    assert_eq!(
        links.len(),
        document
            .checks
            .iter()
            .filter(|check| check.status != CheckStatus::Holds)
            .count()
    );
    assert!(
        links.iter().all(|link| ids.contains(&&link[1..])),
        "{links:?}"
    );
    assert!(
        ids.contains(&"finding-bucket-versioning-state_bucket-versioning"),
        "{ids:?}"
    );
}

/// The relative luminance of `#rrggbb`, as WCAG has it.
fn luminance(color: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[test]
fn every_text_can_be_read() {
    let css = include_str!("../../../../templates/verify.css");
    for theme in css.split(":root {").skip(1) {
        let theme = theme.split('}').next().unwrap();
        let color = |name: &str| {
            theme
                .split(&format!("--{name}: "))
                .nth(1)
                .unwrap_or_else(|| panic!("{name}"))
                .split(';')
                .next()
                .unwrap()
        };
        let mut pairs = vec![
            ("text", "page"),
            ("text", "card"),
            ("text", "code"),
            ("muted", "page"),
            ("muted", "card"),
        ];
        for mark in [
            "critical",
            "high",
            "medium",
            "low",
            "info",
            "ok",
            "unreadable",
            "accepted",
        ] {
            pairs.extend([(mark, "card"), (mark, "page"), ("on", mark)]);
        }
        for (text, behind) in pairs {
            let (one, other) = (luminance(color(text)), luminance(color(behind)));
            let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            assert!(contrast >= 4.5, "{text} on {behind}: {contrast:.2}");
        }
    }
    assert_eq!(css.matches(":root {").count(), 2, "light and dark");
}

#[test]
fn the_picture_shows_the_worst_of_each_resource() {
    let said = html(&made());
    let page = parsed(&said);
    let boxes = page.descendants().filter(|node| node.has_tag_name("g"));
    let boxes: Vec<_> = boxes
        .map(|node| {
            let name = node
                .children()
                .find(|child| child.attribute("class") == Some("name"))
                .and_then(|child| child.text())
                .unwrap();
            let parts = node
                .children()
                .filter(|child| child.attribute("class") == Some("part"))
                .filter_map(|child| child.text());
            format!(
                "{name}: {} {:?}",
                node.attribute("class").unwrap(),
                parts.collect::<Vec<_>>()
            )
        })
        .collect();
    insta::assert_snapshot!(boxes.join("\n"), @r#"
    key: ok ["rotation"]
    log_bucket: ok []
    state_bucket: critical ["versioning", "public_access", "encryption", "logging"]
    lock_table: low ["recovery"]
    topic: ok []
    trail: accepted absent []
    alarm[deleted]: info []
    runner_policy: ok []
    "#);
}

/// Names of elements and attributes, without a word of what they say. `<code>` sets off what is no
/// plain word, and a line of the picture is folded where it is too long.
fn shape(node: Node<'_, '_>) -> String {
    let attributes: Vec<_> = node
        .attributes()
        .map(|attribute| attribute.name())
        .collect();
    let free =
        |node: &Node<'_, '_>| node.has_tag_name("code") || node.attribute("class") == Some("title");
    let inside: Vec<_> = node
        .children()
        .filter(|child| child.is_element() && !free(child))
        .map(shape)
        .collect();
    format!(
        "{}[{}]({})",
        node.tag_name().name(),
        attributes.join(" "),
        inside.join("")
    )
}

proptest! {
    #[test]
    fn hostile_text_is_text(hostile in hostile()) {
        let (said, harmless) = (html(&filled_with(&hostile)), html(&filled_with("word")));
        prop_assert!(!said.contains(|c| c != '\n' && is_invisible(c)), "{said:?}");
        let (page, wanted) = (parsed(&said), parsed(&harmless));
        prop_assert_eq!(shape(page.root_element()), shape(wanted.root_element()));
        for code in page.descendants().filter(|node| node.has_tag_name("code")) {
            prop_assert!(code.attributes().len() == 0 && code.children().all(|child| child.is_text()));
        }
        let shown = crate::report::safe::safe(&hostile).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}");
        let bucket = page.descendants().filter(|node| node.has_tag_name("dd")).nth(2).and_then(|node| node.text());
        prop_assert_eq!(bucket, Some(shown.as_str()));
    }
}

#[test]
fn a_long_fix_is_written_once_and_each_check_is_linked() {
    let page = html(&with_shared_fixes());
    assert_eq!(page.matches(LONG_FIX).count(), 1, "{page}");
    assert_eq!(
        page.matches(r##"<dd><a href="#fix-1">Fix 1</a>, below</dd>"##)
            .count(),
        2,
        "{page}"
    );
    assert!(page.contains(r#"id="fix-1""#), "{page}");
    let link = |id: &str| {
        format!(r#"<a href="https://docs.aws.amazon.com/x/y.html"><code>{id}</code></a>"#)
    };
    // In its finding and in the list of all checks; one that holds is in the list.
    assert_eq!(
        page.matches(&link("bucket-versioning")).count(),
        2,
        "{page}"
    );
    assert_eq!(page.matches(&link("key-rotation")).count(), 1, "{page}");
}

/// A documentation URL is only a link if it belongs to the vendor.
#[test]
fn no_other_link_is_made() {
    let mut document = made();
    for docs in [
        "javascript:alert(1)",
        "https://docs.aws.amazon.com.evil.example/",
        "https://docs.aws.amazon.com/\"><b>",
        "//x",
    ] {
        document.findings[0].docs = docs.to_owned();
        document.checks[0].docs = docs.to_owned();
        let page = html(&document);
        assert!(
            !page.contains(docs) && !page.contains("evil.example/"),
            "{docs}: {page}"
        );
    }
}
