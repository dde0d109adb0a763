//! Lifecycle rules of others that delete or archive what the rules of tfbackend keep: if two rules
//! apply, S3 follows the one that deletes first, and `over` keeps rules of others, so that no plan
//! shows them.

use super::catalogue as rule;
use crate::{
    backend::aws::{
        blueprint::STATE_LIFECYCLE,
        bucket::lifecycle::rule::{ObjectLifecycleRule, StorageTransition},
        resources::AwsSpec,
    },
    checks::{CheckResult, CheckedPlace, Verdict},
    engine::{
        blueprint::Blueprint,
        observation::{Observation, Observed},
    },
    text::words,
};

/// Storage classes that take hours to read from (S3: archived objects).
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];
const REMEDIATION: &str = "remove the rule, or have it keep as many versions \
                           (NewerNoncurrentVersions); tfbackend never removes statements or rules \
                           of others";

pub(crate) fn checks(
    blueprint: &Blueprint<AwsSpec>,
    observation: &Observation<AwsSpec>,
    name: &dyn Fn(&AwsSpec) -> Option<String>,
) -> Vec<CheckResult> {
    let (Some(node), Some(Observed::Present { spec, .. })) = (
        blueprint.get(&STATE_LIFECYCLE),
        observation.get(&STATE_LIFECYCLE),
    ) else {
        return vec![];
    };
    let (AwsSpec::Lifecycle(ours), AwsSpec::Lifecycle(found)) = (&node.spec, spec) else {
        return vec![];
    };
    let others = found.rules.iter().filter(|rule| !rule.is_ours());
    let harms: Vec<String> = others
        .filter_map(|theirs| harm(theirs, &ours.rules))
        .collect();
    let verdict = match harms[..] {
        [] => Verdict::Holds,
        _ => Verdict::Fails {
            found: harms.join("; "),
            remediation: REMEDIATION.to_owned(),
        },
    };
    vec![CheckResult::new(
        &rule::HISTORY_CUT,
        CheckedPlace::at(&STATE_LIFECYCLE, name(&node.spec)),
        verdict,
    )]
}

/// Returns how a rule affects states that the rules of tfbackend keep. States have no tags: a rule
/// for tagged objects does not affect them.
fn harm(theirs: &ObjectLifecycleRule, ours: &[ObjectLifecycleRule]) -> Option<String> {
    if !theirs.enabled || !theirs.filter.tags.is_empty() {
        return None;
    }
    let mut harms = vec![];
    if let Some(days) = theirs.expiration_days {
        harms.push(format!(
            "deletes states {} after they were written",
            in_days(days)
        ));
    }
    if let Some(date) = &theirs.expiration_date {
        harms.push(format!("deletes states older than {date}"));
    }
    if let Some(days) = theirs
        .noncurrent_days
        .filter(|days| cuts(*days, theirs.noncurrent_newest, ours))
    {
        harms.push(match theirs.noncurrent_newest {
            None => format!(
                "deletes all noncurrent versions after {}, including the newest",
                in_days(days)
            ),
            Some(newest) => format!(
                "deletes noncurrent versions after {}, all but the {newest} newest",
                in_days(days)
            ),
        });
    }
    let archives = |moved: &&StorageTransition| ARCHIVES.contains(&&*moved.class);
    harms.extend(theirs.transitions.iter().filter(archives).map(|moved| {
        format!(
            "moves states to {}, where runs cannot read them",
            moved.class
        )
    }));
    (!harms.is_empty()).then(|| format!("rule {} {}", theirs.id, harms.join(", and ")))
}

fn in_days(days: u32) -> String {
    words::count(days as usize, "day", "days")
}

/// Returns whether it deletes a version that the rules of tfbackend keep: a younger one, or one of
/// the newest.
fn cuts(days: u32, newest: Option<u32>, ours: &[ObjectLifecycleRule]) -> bool {
    let shorter = |ours: &ObjectLifecycleRule| ours.noncurrent_days.is_some_and(|ours| days < ours);
    let fewer = |ours: &ObjectLifecycleRule| {
        ours.noncurrent_newest
            .is_some_and(|ours| newest.unwrap_or(0) < ours)
    };
    ours.iter().any(|ours| shorter(ours) || fewer(ours))
}

#[cfg(test)]
mod tests;
