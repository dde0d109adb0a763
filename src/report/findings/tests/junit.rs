//! As JUnit XML.

use crate::text::invisible::is_invisible;
use roxmltree::{Document, Node};

use super::*;
use crate::report::findings::junit::junit;

#[test]
fn a_case_for_each_check() {
    insta::assert_snapshot!(junit(&made()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="tfbackend verify acme prod" tests="9" skipped="1" failures="5" errors="1" time="0.000">
        <testsuite name="storage" tests="1" skipped="0" errors="0" failures="1" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="bucket-versioning every version of a state is kept (state_bucket/versioning)" classname="tfbackend.storage" time="0.000">
                <failure message="versioning is `Suspended`" type="critical">address: state_bucket/versioning
    resource: arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
    found: versioning is `Suspended`
    rationale: a state that is overwritten or deleted is lost for good
    fix: tfbackend bootstrap --env prod
    references: S3.14, CKV_AWS_21</failure>
            </testcase>
        </testsuite>
        <testsuite name="encryption" tests="1" skipped="0" errors="1" failures="0" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="bucket-encryption states are encrypted with a key of one&apos;s own (state_bucket/encryption)" classname="tfbackend.encryption" time="0.000">
                <error message="cannot be read: s3:GetEncryptionConfiguration on acme-tfstate-prod-123456789012-eu-west-1: AccessDenied" type="high">address: state_bucket/encryption
    resource: arn:aws:s3:::acme-tfstate-prod-123456789012-eu-west-1
    found: cannot be read: s3:GetEncryptionConfiguration on acme-tfstate-prod-123456789012-eu-west-1: AccessDenied
    rationale: who can read the bucket could read its states without a trace
    references: S3.17</error>
            </testcase>
        </testsuite>
        <testsuite name="locking" tests="1" skipped="0" errors="0" failures="1" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="table-recovery the lock table can be set back to any second (lock_table/recovery)" classname="tfbackend.locking" time="0.000">
                <failure message="point-in-time recovery is off" type="low">address: lock_table/recovery
    found: point-in-time recovery is off
    rationale: a deleted lock item is gone
    fix: tfbackend bootstrap --env prod
    references: DynamoDB.2</failure>
            </testcase>
        </testsuite>
        <testsuite name="access" tests="1" skipped="0" errors="0" failures="0" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="bucket-private the bucket blocks public access (state_bucket/public_access)" classname="tfbackend.access" time="0.000"/>
        </testsuite>
        <testsuite name="keys" tests="1" skipped="0" errors="0" failures="0" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="key-rotation the key gets new material at least once a year (key/rotation)" classname="tfbackend.keys" time="0.000"/>
        </testsuite>
        <testsuite name="audit" tests="1" skipped="1" errors="0" failures="0" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="bucket-logs each access to a state is written down (state_bucket/logging)" classname="tfbackend.audit" time="0.000">
                <skipped message="accepted until 2027-01-31: the organization&apos;s trail records it"/>
            </testcase>
        </testsuite>
        <testsuite name="alarms" tests="1" skipped="0" errors="0" failures="1" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="alarm-heard a subscriber is notified of deleted states (alarm[deleted])" classname="tfbackend.alarms" time="0.000">
                <failure message="the topic has no subscription" type="info">address: alarm[deleted]
    found: the topic has no subscription
    rationale: an alarm without a subscriber does not notify you
    fix: tfbackend bootstrap --env prod --alarm-email ops@example.com</failure>
            </testcase>
        </testsuite>
        <testsuite name="files" tests="1" skipped="0" errors="0" failures="1" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="conf-encrypt backend.conf asks for encryption (infra prod/backend.conf)" classname="tfbackend.files" time="0.000">
                <failure message="`encrypt = false`" type="medium">resource: infra prod/backend.conf
    found: `encrypt = false`
    rationale: another backend would take the state as it is
    fix: tfbackend render --env prod</failure>
            </testcase>
        </testsuite>
        <testsuite name="usage" tests="1" skipped="0" errors="0" failures="1" timestamp="2026-11-21T03:00:00.000+00:00" time="0.000">
            <properties>
                <property name="account" value="123456789012"/>
                <property name="region" value="eu-west-1"/>
                <property name="bucket" value="acme-tfstate-prod-123456789012-eu-west-1"/>
            </properties>
            <testcase name="state-key-plain a state is where it is looked for (s3://acme-tfstate-prod-123456789012-eu-west-1/&lt;b&gt;a|b&lt;/b&gt;`@root`${x}\u{202e}\u{1b}[31m\n)" classname="tfbackend.usage" time="0.000">
                <failure message="its name holds characters that no tool expects: &lt;script&gt;alert(1)&lt;/script&gt; [x](https://evil.example) @root #1" type="high">resource: s3://acme-tfstate-prod-123456789012-eu-west-1/&lt;b&gt;a|b&lt;/b&gt;`@root`${x}\u{202e}\u{1b}[31m\n
    found: its name holds characters that no tool expects: &lt;script&gt;alert(1)&lt;/script&gt; [x](https://evil.example) @root #1
    rationale: it is read as something else than it is
    fix: Move it: `terraform state push` under another key, then delete this one.</failure>
            </testcase>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn a_reader_finds_what_the_document_says() {
    let (document, xml) = (made(), junit(&made()));
    let xml = Document::parse(&xml).unwrap();
    let number = |name: &str| {
        xml.descendants()
            .filter(|node| node.has_tag_name(name))
            .count()
    };
    assert_eq!(number("testcase"), document.checks.len());
    assert_eq!(number("testsuite"), CheckGroup::ALL.len());
    assert_eq!(
        [number("failure"), number("error"), number("skipped")],
        [5, 1, 1]
    );
    let total = |name: &str| -> usize {
        let suites = xml
            .descendants()
            .filter(|node| node.has_tag_name("testsuite"));
        suites
            .map(|suite| suite.attribute(name).unwrap().parse::<usize>().unwrap())
            .sum()
    };
    for (name, elements) in [
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        assert_eq!(total(name), number(elements), "{name}");
        assert_eq!(
            xml.root_element().attribute(name),
            Some(number(elements).to_string().as_str()),
            "{name}"
        );
    }
}

/// Names of elements and attributes, without a word of what they say.
fn shape(node: Node<'_, '_>) -> String {
    let attributes: Vec<_> = node
        .attributes()
        .map(|attribute| attribute.name())
        .collect();
    let inside: Vec<_> = node
        .children()
        .filter(Node::is_element)
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
        let (said, harmless) = (junit(&filled_with(&hostile)), junit(&filled_with("word")));
        prop_assert!(!said.contains(|c| c != '\n' && is_invisible(c)), "{said:?}");
        let (said, harmless) = (Document::parse(&said).map_err(|error| TestCaseError::fail(error.to_string()))?, Document::parse(&harmless).unwrap());
        prop_assert_eq!(shape(said.root_element()), shape(harmless.root_element()));
        let skipped = said.descendants().find(|node| node.has_tag_name("skipped")).unwrap();
        let shown = crate::report::safe::safe(&hostile).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}");
        let message = format!("accepted until {shown}: {shown}");
        prop_assert_eq!(skipped.attribute("message"), Some(message.as_str()));
    }
}
