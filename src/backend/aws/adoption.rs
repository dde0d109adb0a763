//! Adopts a bucket in use, and changes its key. Changes that deny no run are made first; changes
//! that would deny runs with their current configuration wait for the user's request, or until
//! every state uses the key.

use crate::engine::{
    blueprint::{Blueprint, BlueprintNode},
    observation::{self, Observation, Observed, ResourceOwner},
    spec::{Address, Spec},
};

use super::{
    blueprint::{LOCK_TABLE, STATE_BUCKET},
    bucket::{
        encryption::{AES256, BucketEncryption, KMS},
        policy::{ALGORITHM, BucketPolicy, KEY},
    },
    lock_table::{self, LockTable},
    policy::{OURS, PolicyDocument, Statement, openings::openings},
    resources::AwsSpec,
};

pub(crate) mod contents;

use contents::{BucketContents, StateEncryption};

pub(crate) const POLICY: Address = Address::new("state_bucket/policy");
pub(crate) const ENCRYPTION: Address = Address::new("state_bucket/encryption");

/// A postponed step, or part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingStep {
    pub address: Address,
    /// The change, as in `statement TfbackendDenyOtherKey`.
    pub what: String,
    /// The runs that it would deny.
    pub refuses: String,
}

/// Returns whether the state bucket is being adopted, or was adopted and has postponed steps: only
/// then its content is read.
pub(crate) fn may_have_waiting_steps(
    blueprint: &Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
) -> bool {
    let Some(Observed::Present { owner, .. }) = observation.get(&STATE_BUCKET) else {
        return false;
    };
    match (owner, observation.get(&POLICY)) {
        (ResourceOwner::Other(_), _) | (_, Some(Observed::Unreadable(_))) => false,
        (ResourceOwner::Unmanaged, _) => true,
        (
            ResourceOwner::Us,
            Some(Observed::Present {
                spec: AwsSpec::BucketPolicy(policy),
                ..
            }),
        ) => ours(blueprint, observation).is_some_and(|ours| {
            restricting(&ours).any(|statement| !policy.document.says(statement))
        }),
        (ResourceOwner::Us, _) => ours(blueprint, observation).is_some(),
    }
}

/// Returns the desired policy of the state bucket.
fn ours(
    blueprint: &Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
) -> Option<BucketPolicy> {
    match blueprint
        .get(&POLICY)?
        .spec
        .resolve(&observation::outputs(observation))
    {
        AwsSpec::BucketPolicy(policy) => Some(policy),
        _ => None,
    }
}

/// Returns the statements that may deny a run that is allowed today.
fn restricting(policy: &BucketPolicy) -> impl Iterator<Item = &Statement> {
    const NAMES: [&str; 4] = [
        "DenyOtherEncryption",
        "DenyOtherKey",
        "DenyCustomerKeys",
        "DenyOtherAccounts",
    ];
    policy
        .document
        .statements
        .iter()
        .filter(|statement| name(statement).is_some_and(|name| NAMES.contains(&name)))
}

fn name(statement: &Statement) -> Option<&str> {
    statement.sid.as_deref()?.strip_prefix(OURS)
}

/// Returns the blueprint without changes that would deny runs with their current configuration, and
/// those changes.
pub(crate) fn hold_back(
    blueprint: &Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
    contents: &BucketContents,
    account: &str,
) -> (Blueprint<AwsSpec>, Vec<WaitingStep>) {
    let known = observation::outputs(observation);
    let mut waiting = vec![];
    let nodes = blueprint.nodes().iter().map(|node| {
        let seen = match observation.get(&node.address) {
            Some(Observed::Present { spec, .. }) => Some(spec),
            Some(Observed::Absent | Observed::Unreadable(_)) | None => None,
        };
        let wanted = node.spec.resolve(&known);
        let spec = match (&wanted, seen) {
            (AwsSpec::BucketPolicy(policy), seen) if node.address == POLICY => {
                let there = match seen {
                    Some(AwsSpec::BucketPolicy(there)) => Some(&there.document),
                    _ => None,
                };
                AwsSpec::BucketPolicy(held_policy(policy, there, contents, account, &mut waiting))
            }
            (AwsSpec::Encryption(encryption), seen) if node.address == ENCRYPTION => {
                let there = match seen {
                    Some(AwsSpec::Encryption(there)) => Some(there),
                    _ => None,
                };
                AwsSpec::Encryption(held_encryption(encryption, there, contents, &mut waiting))
            }
            (AwsSpec::LockTable(table), Some(AwsSpec::LockTable(there)))
                if node.address == LOCK_TABLE =>
            {
                AwsSpec::LockTable(held_table(table, there, contents, &mut waiting))
            }
            _ => return node.clone(),
        };
        // Other settings are unchanged, including unknown outputs.
        if spec == wanted {
            node.clone()
        } else {
            BlueprintNode {
                spec,
                ..node.clone()
            }
        }
    });
    (Blueprint::new(nodes.collect()), waiting)
}

fn held_policy(
    wanted: &BucketPolicy,
    there: Option<&PolicyDocument>,
    contents: &BucketContents,
    account: &str,
    waiting: &mut Vec<WaitingStep>,
) -> BucketPolicy {
    let algorithm_of_key = wanted.document.has("DenyOtherKey");
    let others = there
        .map(|there| openings(there, account))
        .unwrap_or_default();
    let mut held = wanted.clone();
    for statement in restricting(wanted) {
        if there.is_some_and(|there| there.says(statement)) {
            continue;
        }
        if let Some(live) = name(statement).and_then(|name| there?.statement(name)) {
            if let Some((wider, waits)) = let_through_as_before(statement, live, contents) {
                held.document = held.document.with(wider);
                held.later.push(statement.clone());
                waiting.push(waits);
            }
            continue;
        }
        let refuses = match name(statement) {
            Some("DenyOtherEncryption") if algorithm_of_key => contents
                .any(|encryption| {
                    matches!(encryption, StateEncryption::S3 | StateEncryption::Unknown)
                })
                .then(|| {
                    "runs that request AES256, as with `encrypt = true` without `kms_key_id`"
                        .to_owned()
                }),
            Some("DenyOtherEncryption") => {
                let with_key = |encryption: &StateEncryption| {
                    matches!(
                        encryption,
                        StateEncryption::Key(_) | StateEncryption::Unknown
                    )
                };
                contents
                    .any(with_key)
                    .then(|| "runs that specify a KMS key".to_owned())
            }
            Some("DenyOtherKey") => {
                let ours = key_of(statement);
                let other = |encryption: &StateEncryption| match encryption {
                    StateEncryption::Key(key) => Some(key) != ours.as_ref(),
                    StateEncryption::Unknown => true,
                    StateEncryption::S3 | StateEncryption::Customer => false,
                };
                contents
                    .any(other)
                    .then(|| "runs whose `kms_key_id` is another key".to_owned())
            }
            Some("DenyCustomerKeys") => contents
                .any(|encryption| {
                    matches!(
                        encryption,
                        StateEncryption::Customer | StateEncryption::Unknown
                    )
                })
                .then(|| "runs with `sse_customer_key`".to_owned()),
            _ => (!others.is_empty() && contents.in_use())
                .then(|| format!("principals of other accounts: {}", others.join("; "))),
        };
        let Some(refuses) = refuses else { continue };
        let sid = statement.sid.clone().unwrap_or_default();
        held.document.statements.retain(|one| one != statement);
        if there.is_some() {
            held.later.push(statement.clone());
        }
        waiting.push(WaitingStep {
            address: POLICY,
            what: format!("statement {sid}"),
            refuses,
        });
    }
    held
}

/// Returns the key that `DenyOtherKey` requires.
fn key_of(statement: &Statement) -> Option<String> {
    let (operator, key) = asks(statement)?;
    statement.condition(operator, key).into_iter().next()
}

/// The condition key with the only algorithm or key that a statement allows.
fn asks(statement: &Statement) -> Option<(&'static str, &'static str)> {
    match name(statement)? {
        "DenyOtherEncryption" => Some(("StringNotEquals", ALGORITHM)),
        "DenyOtherKey" => Some(("ArnNotEquals", KEY)),
        _ => None,
    }
}

/// Returns a statement that also allows the current encryption of states, if it requires another
/// one than the existing statement. `None` if not needed.
fn let_through_as_before(
    wanted: &Statement,
    live: &Statement,
    contents: &BucketContents,
) -> Option<(Statement, WaitingStep)> {
    let (operator, key) = asks(wanted)?;
    let new = wanted.condition(operator, key);
    let in_use = |value: &&String| {
        contents.any(|encryption| match encryption {
            StateEncryption::Key(arn) => *arn == **value || value.starts_with(KMS),
            StateEncryption::S3 => **value == AES256,
            StateEncryption::Customer => false,
            StateEncryption::Unknown => true,
        })
    };
    let live = live.condition(operator, key);
    let before: Vec<String> = live
        .iter()
        .filter(|value| !new.contains(value))
        .filter(in_use)
        .cloned()
        .collect();
    if before.is_empty() {
        return None;
    }
    let refuses = if key == KEY {
        "runs whose `kms_key_id` is "
    } else {
        "runs that request "
    };
    let waits = WaitingStep {
        address: POLICY,
        what: format!(
            "statement {} for {} only",
            wanted.sid.as_deref().unwrap_or_default(),
            new.join(", ")
        ),
        refuses: format!("{refuses}{}", before.join(" or ")),
    };
    Some((
        wanted
            .clone()
            .when(operator, key, new.into_iter().chain(before)),
        waits,
    ))
}

/// With the key as the default, a run without encryption headers needs permission for the key.
fn held_encryption(
    wanted: &BucketEncryption,
    there: Option<&BucketEncryption>,
    contents: &BucketContents,
    waiting: &mut Vec<WaitingStep>,
) -> BucketEncryption {
    let mut held = wanted.clone();
    if there.is_some_and(|there| {
        wanted
            .blocked_by(there)
            .or_else(|| wanted.adoption_blocked_by(there))
            .is_some()
    }) {
        return held;
    }
    // An existing key in its place records the intended key.
    let is_first_key = |key: &&String| {
        there.is_none_or(|there| {
            there.key.as_ref() != Some(key) && there.has_another_key(key).is_none()
        })
    };
    if let Some(key) = wanted.key.as_ref().filter(is_first_key)
        && contents.any(|encryption| {
            ![StateEncryption::Key(key.clone()), StateEncryption::Customer].contains(encryption)
        })
    {
        let as_it_is = there
            .cloned()
            .unwrap_or_else(|| BucketEncryption::s3(wanted.bucket.clone()));
        held = BucketEncryption {
            blocked: wanted.blocked.clone(),
            ..as_it_is
        };
        let refuses =
            "runs that do not request encryption and have no permission for the key".to_owned();
        waiting.push(WaitingStep {
            address: ENCRYPTION,
            what: "default encryption with the key".to_owned(),
            refuses,
        });
    }
    let blocked = there.map(|there| there.blocked.clone()).unwrap_or_default();
    let blocks_more = held.blocked.iter().any(|kind| !blocked.contains(kind));
    if blocks_more
        && contents.any(|encryption| {
            matches!(
                encryption,
                StateEncryption::Customer | StateEncryption::Unknown
            )
        })
    {
        held.blocked = blocked;
        let refuses = "runs with `sse_customer_key`".to_owned();
        waiting.push(WaitingStep {
            address: ENCRYPTION,
            what: "blocking of customer-provided keys".to_owned(),
            refuses,
        });
    }
    held
}

/// With the key, a run without permission for it cannot lock.
fn held_table(
    wanted: &LockTable,
    there: &LockTable,
    contents: &BucketContents,
    waiting: &mut Vec<WaitingStep>,
) -> LockTable {
    let lock_table::LockTableEncryption::Kms(key) = &wanted.encryption else {
        return wanted.clone();
    };
    let changes = wanted.encryption != there.encryption
        && match &there.encryption {
            lock_table::LockTableEncryption::AwsOwned => true,
            lock_table::LockTableEncryption::Kms(theirs) => {
                contents.any(|encryption| *encryption == StateEncryption::Key(theirs.clone()))
            }
        };
    if !changes || !contents.any(|encryption| *encryption != StateEncryption::Key(key.clone())) {
        return wanted.clone();
    }
    let refuses = "runs that lock in the table and have no permission for the key".to_owned();
    waiting.push(WaitingStep {
        address: LOCK_TABLE,
        what: "encryption of the table with the key".to_owned(),
        refuses,
    });
    LockTable {
        encryption: there.encryption.clone(),
        ..wanted.clone()
    }
}

#[cfg(test)]
mod tests;
