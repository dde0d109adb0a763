//! `docs/reference/policies.md`: the policy documents of a backend, and why each statement is there.

use tfbackend::backend::aws::{
    policy::{OURS, PolicyDocument},
    resources::AwsSpec,
};

use super::{EVERYTHING, SETTINGS};
use crate::support::{made_up, page};

/// Each part of the page: the document at an address.
const DOCUMENTS: [(&str, &str); 5] = [
    ("key", "key"),
    ("state bucket", "state_bucket/policy"),
    ("log bucket", "log_bucket/policy"),
    ("topic", "topic"),
    ("runner", "runner_policy"),
];

#[test]
fn every_policy_is_shown_and_every_statement_explained() {
    let environment = made_up::environment("prod", EVERYTHING, SETTINGS);
    let document = |address: &str| -> PolicyDocument {
        let node = environment
            .provider
            .blueprint
            .nodes()
            .iter()
            .find(|node| node.address.as_str() == address)
            .expect(address);
        match &node.spec {
            AwsSpec::Key(key) => key.policy.clone(),
            AwsSpec::BucketPolicy(policy) => policy.document.clone(),
            AwsSpec::Topic(topic) => topic.policy.clone(),
            AwsSpec::Policy(policy) => policy.document.clone(),
            other => panic!("{address} is a {}", other.name()),
        }
    };
    let parts = DOCUMENTS.map(|(part, address)| {
        let json = serde_json::to_string_pretty(&document(address)).expect("plain data");
        (
            part,
            format!(
                "```json\n{}\n```",
                json.replace("(known after apply: key)", KEY)
            ),
        )
    });
    page::parts_must_be("docs/reference/policies.md", &parts);

    let page = page::read("docs/reference/policies.md");
    for (part, address) in DOCUMENTS {
        let section = page
            .split("\n## ")
            .find(|section| section.contains(&format!("<!-- made: {part} -->")))
            .expect(part);
        let wanted: Vec<String> = document(address)
            .statements
            .iter()
            .filter_map(|statement| statement.sid.clone())
            .collect();
        let explained: Vec<&str> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let wanted: Vec<&str> = wanted
            .iter()
            .map(|sid| sid.strip_prefix(OURS).unwrap_or(sid))
            .collect();
        assert_eq!(
            explained, wanted,
            "the table of {part} explains each statement, in order"
        );
    }
}

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000";
