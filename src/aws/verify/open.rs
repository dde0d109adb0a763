//! Policies that let in others: `over` keeps what others wrote, so that no plan shows it.

use serde_json::Value;

use super::catalogue as rule;
use crate::{
    aws::{
        policy::{Document, Effect, Statement},
        resources::AwsSpec,
    },
    observation::{Observation, Seen},
    verify::{Check, Checked, Place, Verdict},
};

/// Conditions that keep a statement about everybody to some: who has one is not everybody.
const NARROWING: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
];

/// Further conditions with which S3 does not call a statement public (S3 User Guide, "The meaning of public").
const NOT_PUBLIC: &[&str] =
    &["aws:sourceip", "aws:userid", "s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:x-amz-server-side-encryption-aws-kms-key-id"];

/// Every document that was seen, held to letting in nobody but principals of `account`.
pub fn checks(observation: &Observation<AwsSpec>, account: &str, name: &dyn Fn(&AwsSpec) -> Option<String>) -> Vec<Checked> {
    let mut checked = vec![];
    for (address, seen) in observation {
        let Seen::Present { spec, .. } = seen else { continue };
        let (check, document): (&'static Check, _) = match spec {
            AwsSpec::BucketPolicy(policy) => (&rule::BUCKET_OPEN, &policy.document),
            AwsSpec::Key(key) => (&rule::KEY_OPEN, &key.policy),
            AwsSpec::Topic(topic) => (&rule::TOPIC_OPEN, &topic.policy),
            _ => continue,
        };
        let openings = openings(document, account);
        let verdict = if openings.is_empty() {
            Verdict::Holds
        } else {
            let mend = "remove the statement, or name who needs it in a condition; tfbackend never removes what others wrote";
            Verdict::Fails { what: openings.join("; "), mend: mend.to_owned() }
        };
        checked.push(Checked::new(check, Place::at(address, name(spec)), verdict));
    }
    checked
}

/// Each statement that lets in somebody else, in words.
pub fn openings(document: &Document, account: &str) -> Vec<String> {
    let allows = document.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    allows.filter_map(|statement| Some(format!("statement {} allows {}", shown(statement), opened_to(statement, account)?))).collect()
}

/// Each statement that S3 takes for public, in words: with the public access block it refuses every policy that has one.
pub fn public(document: &Document) -> Vec<String> {
    let allows = document.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let public = allows.filter(|statement| {
        statement.rest.contains_key("NotPrincipal")
            || statement.rest.get("Principal").is_some_and(|who| principals(who).iter().any(|who| who == "*"))
                && !has_condition(statement, &[NARROWING, NOT_PUBLIC].concat())
    });
    public.map(|statement| format!("statement {} allows everybody {}", shown(statement), actions(statement))).collect()
}

fn actions(statement: &Statement) -> String {
    let actions = statement.rest.get("Action").map(crate::aws::policy::pattern::texts).unwrap_or_default();
    if actions.is_empty() { "almost everything".to_owned() } else { actions.join(", ") }
}

fn shown(statement: &Statement) -> &str {
    statement.sid.as_deref().unwrap_or("without Sid")
}

fn opened_to(statement: &Statement, account: &str) -> Option<String> {
    if statement.rest.contains_key("NotPrincipal") {
        return Some("everybody but some (NotPrincipal)".to_owned());
    }
    let principals = principals(statement.rest.get("Principal")?);
    if principals.iter().any(|principal| principal == "*") {
        return (!has_condition(statement, NARROWING)).then(|| "everybody".to_owned());
    }
    let others: Vec<String> =
        principals.into_iter().filter(|principal| account_of(principal).is_some_and(|other| other != account)).collect();
    (!others.is_empty()).then(|| others.join(", "))
}

/// ARNs, account numbers and `*`; services are not principals of an account.
fn principals(value: &Value) -> Vec<String> {
    let texts = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => vec![text.clone()],
        _ => vec![],
    };
    match value {
        Value::Object(kinds) => kinds.iter().filter(|(kind, _)| *kind != "Service").flat_map(|(_, who)| texts(who)).collect(),
        other => texts(other),
    }
}

fn account_of(principal: &str) -> Option<&str> {
    let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    principal.split(':').nth(4).filter(is_account).or(Some(principal).filter(is_account))
}

/// Whether a condition on one of these keys has a fixed value.
fn has_condition(statement: &Statement, keys_that_narrow: &[&str]) -> bool {
    let Some(Value::Object(operators)) = statement.rest.get("Condition") else { return false };
    operators.iter().any(|(operator, keys)| {
        // Negated, optional and null tests let in all others.
        let narrows = !operator.to_lowercase().contains("not") && !operator.ends_with("IfExists") && operator != "Null";
        let wild = |value: &Value| value == "*" || value.as_array().is_some_and(|values| values.iter().any(|value| value == "*"));
        narrows
            && keys
                .as_object()
                .is_some_and(|keys| keys.iter().any(|(key, value)| keys_that_narrow.contains(&key.to_lowercase().as_str()) && !wild(value)))
    })
}

#[cfg(test)]
mod tests;
