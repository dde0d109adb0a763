//! Finds statements of a policy that allow principals outside the account, by the values of their
//! conditions and not only by the condition keys.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Effect, PolicyDocument, Statement, pattern::texts};

/// Condition keys whose value is an account.
const ACCOUNTS: [&str; 5] = [
    "aws:principalaccount",
    "aws:sourceaccount",
    "aws:sourceowner",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
];
/// Condition keys whose value is an ARN.
const ARNS: [&str; 3] = ["aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn"];
/// Condition keys that restrict access if their value is fixed: an organization, a network, an
/// identity.
const CHOSEN: [&str; 5] = [
    "aws:principalorgid",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
];
/// Condition keys whose value begins with an organization, as in `o-1/r-2/*`.
const PATHS: [&str; 2] = ["aws:principalorgpaths", "aws:sourceorgpaths"];
/// Further condition keys with which S3 does not consider a statement public (S3 User Guide, "The
/// meaning of public").
const NOT_PUBLIC: [&str; 2] = [
    "aws:sourceip",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];
/// S3 considers a wider address range public (the same page).
const WIDEST: (u32, u32) = (8, 32);

/// Describes each statement that allows principals outside `account`.
pub(crate) fn openings(document: &PolicyDocument, account: &str) -> Vec<String> {
    let allows = document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow);
    allows
        .filter_map(|statement| {
            Some(format!(
                "statement {} allows {}",
                shown(statement),
                opened_to(statement, account)?
            ))
        })
        .collect()
}

/// Describes each statement that S3 considers public: with Block Public Access, it rejects policies
/// with such statements.
pub(crate) fn public(document: &PolicyDocument) -> Vec<String> {
    let allows = document
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow);
    let public = allows.filter(|statement| {
        statement.rest.contains_key("NotPrincipal")
            || principals(statement).contains(&PolicyPrincipal::Everybody) && !is_fixed(statement)
    });
    public
        .map(|statement| {
            format!(
                "statement {} allows everyone {}",
                shown(statement),
                actions(statement)
            )
        })
        .collect()
}

fn actions(statement: &Statement) -> String {
    let actions = statement.rest.get("Action").map(texts).unwrap_or_default();
    if actions.is_empty() {
        "almost everything".to_owned()
    } else {
        actions.join(", ")
    }
}

fn shown(statement: &Statement) -> &str {
    statement.sid.as_deref().unwrap_or("without Sid")
}

/// The principals of a statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PolicyPrincipal {
    Everybody,
    /// The unmodified text.
    Account(String),
    Service(String),
    /// Federated users.
    Federated(String),
}

fn principals(statement: &Statement) -> BTreeSet<PolicyPrincipal> {
    let aws = |who: String| {
        if who == "*" {
            PolicyPrincipal::Everybody
        } else {
            PolicyPrincipal::Account(who)
        }
    };
    let Some(principal) = statement.rest.get("Principal") else {
        return BTreeSet::new();
    };
    let Value::Object(kinds) = principal else {
        return texts(principal).into_iter().map(aws).collect();
    };
    let of = |(kind, who): (&String, &Value)| {
        let kind = kind.clone();
        texts(who).into_iter().map(move |who| match &*kind {
            "Service" => PolicyPrincipal::Service(who),
            "Federated" => PolicyPrincipal::Federated(who),
            "CanonicalUser" => PolicyPrincipal::Account(format!("canonical user {who}")),
            _ => aws(who),
        })
    };
    kinds.iter().flat_map(of).collect()
}

fn opened_to(statement: &Statement, account: &str) -> Option<String> {
    if statement.rest.contains_key("NotPrincipal") {
        return Some("everyone except some (NotPrincipal)".to_owned());
    }
    let narrowed = ConditionEffect::by(statement, account);
    let opened =
        principals(statement)
            .into_iter()
            .filter_map(|principal| match (principal, &narrowed) {
                (PolicyPrincipal::Account(who), _) => is_other(&who, account).then_some(who),
                (
                    PolicyPrincipal::Everybody
                    | PolicyPrincipal::Service(_)
                    | PolicyPrincipal::Federated(_),
                    ConditionEffect::ToOurs,
                ) => None,
                (PolicyPrincipal::Everybody, ConditionEffect::ToOthers(others)) => {
                    Some(others.join(", "))
                }
                (PolicyPrincipal::Everybody, ConditionEffect::No) => Some("everyone".to_owned()),
                (PolicyPrincipal::Service(name), ConditionEffect::ToOthers(others)) => {
                    Some(format!("{name} on behalf of {}", others.join(", ")))
                }
                (PolicyPrincipal::Service(name), ConditionEffect::No) => Some(format!(
                    "{name} on behalf of any account (no aws:SourceArn or aws:SourceAccount)"
                )),
                (
                    PolicyPrincipal::Federated(who),
                    ConditionEffect::ToOthers(_) | ConditionEffect::No,
                ) => Some(format!("federated users of {who}")),
            });
    let opened: Vec<String> = opened.collect();
    (!opened.is_empty()).then(|| opened.join(", "))
}

/// Returns whether a principal is known to be outside the account. An identifier such as `AIDA…`
/// belongs to a deleted principal.
fn is_other(principal: &str, account: &str) -> bool {
    if principal.starts_with("canonical user ") {
        // S3 returns the ARN of a known canonical user.
        return true;
    }
    match principal.split(':').nth(4) {
        Some(owner) => owner != account,
        None => is_account(principal) && principal != account,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns how the conditions of a statement, which must all hold, restrict the principals.
#[derive(Debug, PartialEq)]
enum ConditionEffect {
    No,
    ToOurs,
    ToOthers(Vec<String>),
}

impl ConditionEffect {
    fn by(statement: &Statement, account: &str) -> Self {
        let mut all = Self::No;
        for (key, values) in required(statement) {
            match Self::by_values(&key, &values, account) {
                Self::ToOurs => return Self::ToOurs,
                Self::ToOthers(others) => all = Self::ToOthers(others),
                Self::No => {}
            }
        }
        all
    }

    /// One matching value is sufficient for a condition: the widest value determines the
    /// restriction.
    fn by_values(key: &str, values: &[String], account: &str) -> Self {
        let one = |value: &String| -> Option<Option<String>> {
            if value.contains("${") {
                return None;
            }
            let of_account =
                |owner: &str| is_account(owner).then(|| (owner != account).then(|| value.clone()));
            match key {
                _ if ACCOUNTS.contains(&key) => of_account(value),
                _ if ARNS.contains(&key) => match value.splitn(6, ':').collect::<Vec<_>>()[..] {
                    // The ARN of a bucket contains no account.
                    [_, _, _, _, "", resource] => is_exact(resource).then_some(None),
                    [_, _, _, _, owner, _] => of_account(owner),
                    _ => None,
                },
                // `AROA…:session`: every session of that role.
                "aws:userid" => {
                    is_exact(value.split(':').next().unwrap_or_default()).then_some(None)
                }
                _ if CHOSEN.contains(&key) => is_exact(value).then_some(None),
                _ if PATHS.contains(&key) => {
                    is_exact(value.split('/').next().unwrap_or_default()).then_some(None)
                }
                _ => None,
            }
        };
        let Some(all) = values.iter().map(one).collect::<Option<Vec<_>>>() else {
            return Self::No;
        };
        let others: Vec<String> = all.iter().flatten().cloned().collect();
        match (all.is_empty(), others.is_empty()) {
            (true, _) => Self::No,
            (false, true) => Self::ToOurs,
            (false, false) => Self::ToOthers(others),
        }
    }
}

fn is_exact(value: &str) -> bool {
    !value.is_empty() && !value.contains(['*', '?'])
}

/// Returns the conditions that require a value: the key in lower case, and the allowed values.
fn required(statement: &Statement) -> Vec<(String, Vec<String>)> {
    let operators = statement.rest.get("Condition").and_then(Value::as_object);
    let all = operators
        .into_iter()
        .flatten()
        .flat_map(|(operator, keys)| {
            keys.as_object()
                .into_iter()
                .flatten()
                .map(move |(key, values)| {
                    (operator.to_lowercase(), key.to_lowercase(), texts(values))
                })
        });
    let all: Vec<(String, String, Vec<String>)> = all.collect();
    let is_there = |key: &str| {
        all.iter().any(|(operator, other, values)| {
            operator == "null" && other == key && values == &["false"]
        })
    };
    let meant = all.iter().filter(|(operator, key, _)| {
        let (quantifier, plain) = operator.split_once(':').unwrap_or(("", operator));
        // Negated, optional and null tests do not restrict; `ForAllValues` is true for an absent
        // key.
        let positive = !plain.contains("not") && !plain.ends_with("ifexists") && plain != "null";
        positive && (quantifier != "forallvalues" || is_there(key))
    });
    meant
        .map(|(_, key, values)| (key.clone(), values.clone()))
        .collect()
}

/// Returns whether a condition requires a fixed value in the sense of S3: without a wildcard,
/// except in the name of an access point.
fn is_fixed(statement: &Statement) -> bool {
    let fixed = |key: &str, value: &String| match key {
        _ if value.contains("${") => false,
        "aws:sourceip" => is_narrow(value),
        "s3:dataaccesspointarn" => value.split(':').nth(4).is_some_and(is_account),
        _ => is_exact(value),
    };
    required(statement).iter().any(|(key, values)| {
        let counts = [&ACCOUNTS[..], &ARNS, &CHOSEN, &PATHS, &NOT_PUBLIC]
            .iter()
            .any(|keys| keys.contains(&&**key));
        counts && !values.is_empty() && values.iter().all(|value| fixed(key, value))
    })
}

fn is_narrow(range: &str) -> bool {
    let (address, bits) = range
        .split_once('/')
        .map_or((range, None), |(address, bits)| {
            (address, bits.parse().ok())
        });
    match address.contains(':') {
        false => bits.unwrap_or(if range.contains('/') { 0 } else { 32 }) >= WIDEST.0,
        true => bits.unwrap_or(if range.contains('/') { 0 } else { 128 }) >= WIDEST.1,
    }
}

#[cfg(test)]
mod tests;
