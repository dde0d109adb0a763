//! Derives checks from a plan: each change of a setting is a finding.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::catalogue as rule;
use crate::{
    backend::aws::{
        key::AliasTarget,
        policy::{OURS, PolicyDocument},
        resources::AwsSpec,
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    engine::{
        blueprint::Blueprint,
        observation::{self, Observation, Observed, ResourceOwner},
        plan::{BlockReason, Plan, PlanStep, PlannedChange},
        spec::{Address, Spec, UNKNOWN, texts_mut},
    },
};

/// Says in words how two values of a setting differ, one line for each difference.
pub(crate) type DescribeDifferences = fn(&Value, &Value) -> Vec<String>;

/// The input of the checks of settings.
pub(crate) struct SettingChecks<'a> {
    pub blueprint: &'a Blueprint<AwsSpec>,
    pub observation: &'a Observation<AwsSpec>,
    /// A plan that adopts what exists and changes it to the blueprint.
    pub plan: &'a Plan<AwsSpec>,
    /// The command that applies the plan.
    pub remediation: &'a str,
    /// True if tags are checked, which they are not for an unmanaged backend.
    pub tagged: bool,
    pub describe: DescribeDifferences,
}

impl SettingChecks<'_> {
    /// Returns one [`Checked`] for each rule of each node. A missing or unreadable node is one
    /// finding.
    pub(crate) fn checks(&self, name: &dyn Fn(&AwsSpec) -> Option<String>) -> Vec<CheckResult> {
        let mut checked = vec![];
        for step in &self.plan.steps {
            let Some(node) = self.blueprint.get(&step.address) else {
                continue;
            };
            if self.is_said_by_the_whole(step) {
                continue;
            }
            let place = CheckedPlace::at(&step.address, name(&node.spec));
            let verdicts = self.verdicts(step, &node.spec);
            checked.extend(
                verdicts
                    .into_iter()
                    .map(|(check, verdict)| CheckResult::new(check, place.clone(), verdict)),
            );
        }
        for one in checked.iter_mut().filter(|one| {
            one.place
                .address
                .as_ref()
                .is_some_and(|address| self.is_unmanaged(address))
        }) {
            self.mend_by_adoption(&mut one.verdict);
        }
        checked
    }

    /// Returns whether the resource or its parent lacks the tags of an environment.
    fn is_unmanaged(&self, address: &Address) -> bool {
        let unmanaged = |address: &Address| match self.observation.get(address) {
            Some(Observed::Present {
                spec,
                owner: ResourceOwner::Unmanaged,
                ..
            }) => rules(spec)
                .iter()
                .any(|check| check.id == rule::UNMANAGED.id),
            _ => false,
        };
        self.tagged
            && (unmanaged(address) || address.parent().is_some_and(|parent| unmanaged(&parent)))
    }

    fn mend_by_adoption(&self, verdict: &mut Verdict) {
        if let Verdict::Fails { remediation, .. } = verdict
            && remediation == self.remediation
            && !remediation.contains(" --adopt")
        {
            remediation.push_str(" --adopt");
        }
    }

    /// A difference that depends on an unreadable node may not be a difference.
    fn verdict(&self, differences: &[SettingDifference]) -> Verdict {
        let unseen = |difference: &SettingDifference| match self
            .observation
            .get(difference.unknown.as_ref()?)
        {
            Some(Observed::Unreadable(error)) => Some(error.clone()),
            _ => None,
        };
        let lines: Vec<&str> = differences
            .iter()
            .filter(|one| unseen(one).is_none())
            .map(|one| one.line.as_str())
            .collect();
        match differences.iter().find_map(unseen) {
            Some(error) if lines.is_empty() => Verdict::Unreadable { error },
            _ => Verdict::Fails {
                found: lines.join("; "),
                remediation: self.remediation.to_owned(),
            },
        }
    }

    fn differing(&self, from: &AwsSpec, to: &AwsSpec) -> BrokenRules {
        differing(from, to, self.describe)
    }

    /// Returns whether the parent is missing or unreadable, which its own finding reports.
    fn is_said_by_the_whole(&self, step: &PlanStep<AwsSpec>) -> bool {
        let parent = step.address.parent();
        let absent = parent
            .as_ref()
            .is_some_and(|parent| matches!(self.observation.get(parent), Some(Observed::Absent)));
        absent || self.plan.blocking_whole(step).is_some()
    }

    fn verdicts(&self, step: &PlanStep<AwsSpec>, spec: &AwsSpec) -> Vec<(&'static Check, Verdict)> {
        let whole = whole(spec);
        let fails = |found: String| Verdict::Fails {
            found,
            remediation: self.remediation.to_owned(),
        };
        match &step.change {
            PlannedChange::NoOp { .. } => self.all(&step.address, spec, &BrokenRules::new()),
            PlannedChange::Delete { .. } | PlannedChange::Keep { .. } => {
                unreachable!("not part of a plan to apply")
            }
            PlannedChange::Create { .. } => self
                .missing(spec)
                .into_iter()
                .map(|check| (check, fails(format!("no {}", spec.name()))))
                .collect(),
            PlannedChange::Update { from, to } | PlannedChange::Adopt { from, to } => {
                self.all(&step.address, spec, &self.differing(from, to))
            }
            PlannedChange::Blocked { reason } => match reason {
                BlockReason::Unreadable { error } => vec![(
                    whole,
                    Verdict::Unreadable {
                        error: error.clone(),
                    },
                )],
                BlockReason::NotLookedAt => vec![(
                    whole,
                    Verdict::Unreadable {
                        error: reason.to_string(),
                    },
                )],
                BlockReason::Foreign { .. } | BlockReason::Unmanaged => {
                    vec![(&rule::OWNED, by_hand(reason.to_string()))]
                }
                BlockReason::Impossible { why } => self.although_blocked(step, spec, why),
                BlockReason::Missing { what } => vec![(whole, by_hand(what.clone()))],
                BlockReason::NeedsOrder { what, remedy } => vec![(
                    whole,
                    Verdict::Fails {
                        found: what.clone(),
                        remediation: remedy.clone(),
                    },
                )],
            },
        }
    }

    /// A missing resource is one finding in an environment, where a plan creates all of it; for an
    /// unmanaged backend, each of its rules is a finding.
    fn missing(&self, spec: &AwsSpec) -> Vec<&'static Check> {
        let many = !self.tagged && matches!(spec, AwsSpec::BucketPolicy(_) | AwsSpec::Lifecycle(_));
        if many { rules(spec) } else { vec![whole(spec)] }
    }

    /// A policy that denies Terraform is a finding of its own; other missing statements are still
    /// reported.
    fn although_blocked(
        &self,
        step: &PlanStep<AwsSpec>,
        spec: &AwsSpec,
        why: &str,
    ) -> Vec<(&'static Check, Verdict)> {
        match (spec, self.observation.get(&step.address)) {
            (AwsSpec::BucketPolicy(_), Some(Observed::Present { spec: from, .. })) => {
                let to = spec
                    .resolve(&observation::outputs(self.observation))
                    .merge_onto(from);
                self.all(&step.address, spec, &self.differing(from, &to))
            }
            // Its access control list: nothing else can conflict.
            (
                AwsSpec::Bucket(ours),
                Some(Observed::Present {
                    spec: from @ AwsSpec::Bucket(there),
                    ..
                }),
            ) if ours.region == there.region => {
                let mut verdicts = self.all(
                    &step.address,
                    spec,
                    &self.differing(from, &spec.merge_onto(from)),
                );
                for (_, verdict) in verdicts
                    .iter_mut()
                    .filter(|(check, _)| check.id == rule::BUCKET_ACLS.id)
                {
                    *verdict = by_hand(why.to_owned());
                }
                verdicts
            }
            (
                AwsSpec::Key(_),
                Some(Observed::Present {
                    spec: AwsSpec::Key(from),
                    ..
                }),
            ) if matches!(from.alias_leads, AliasTarget::Elsewhere(_)) => {
                vec![(&rule::KEY_ALIAS, by_hand(why.to_owned()))]
            }
            // The status checks of the topic report problems with its key.
            (
                AwsSpec::ExistingTopic(ours),
                Some(Observed::Present {
                    spec: AwsSpec::ExistingTopic(there),
                    ..
                }),
            ) => {
                let publish = ours.denied(there).map_or(Verdict::Holds, by_hand);
                vec![
                    (&rule::TOPIC, Verdict::Holds),
                    (&rule::TOPIC_POLICY, publish),
                ]
            }
            (AwsSpec::ExistingTrail(_), _) => vec![(
                &rule::TRAIL,
                Verdict::Untold {
                    why: why.to_owned(),
                },
            )],
            _ => vec![(impossible(spec), by_hand(why.to_owned()))],
        }
    }

    /// Returns every rule of the kind: those with differences fail, the others pass.
    fn all(
        &self,
        address: &Address,
        spec: &AwsSpec,
        broken: &BrokenRules,
    ) -> Vec<(&'static Check, Verdict)> {
        let unmanaged = matches!(
            self.observation.get(address),
            Some(Observed::Present {
                owner: ResourceOwner::Unmanaged,
                ..
            })
        );
        let mut verdicts = vec![];
        for check in rules(spec) {
            let ownership =
                std::ptr::eq(check, &rule::TAGS) || std::ptr::eq(check, &rule::UNMANAGED);
            if ownership && (!self.tagged || unmanaged == std::ptr::eq(check, &rule::TAGS)) {
                continue;
            }
            let verdict = if std::ptr::eq(check, &rule::UNMANAGED) {
                Verdict::Fails {
                    found: NO_TAGS.to_owned(),
                    remediation: self.remediation.to_owned(),
                }
            } else {
                broken
                    .get(check.id)
                    .map_or(Verdict::Holds, |differences| self.verdict(differences))
            };
            verdicts.push((check, verdict));
        }
        verdicts
    }
}

const NO_TAGS: &str =
    "it has no tags of an environment: they were removed, or tfbackend did not create it";

/// Returns the differences by the id of the violated rule.
type BrokenRules = BTreeMap<&'static str, Vec<SettingDifference>>;

struct SettingDifference {
    line: String,
    /// The node whose output determines whether there is a difference.
    unknown: Option<Address>,
}

fn by_hand(found: String) -> Verdict {
    Verdict::Fails {
        found,
        remediation: "change it manually: bootstrap cannot change it in place".to_owned(),
    }
}

/// Returns the rule that the resource exists.
pub(crate) fn whole(spec: &AwsSpec) -> &'static Check {
    spec.checks()[0]
}

/// Returns the rule for a setting that can never be changed in place.
fn impossible(spec: &AwsSpec) -> &'static Check {
    match spec {
        AwsSpec::Key(_) | AwsSpec::OwnKey(_) => &rule::KEY_USABLE,
        AwsSpec::LockTable(_) => &rule::TABLE_KEY,
        AwsSpec::ExistingTopic(_) => &rule::TOPIC_POLICY,
        other => whole(other),
    }
}

/// Returns all rules for the settings of a kind, the rule for its existence first.
pub(super) fn rules(spec: &AwsSpec) -> Vec<&'static Check> {
    spec.checks()
}

/// Returns the rules for the statements of a bucket policy, each once.
pub(crate) fn of_statements(document: &PolicyDocument) -> Vec<&'static Check> {
    let mut rules: Vec<&'static Check> = vec![];
    for sid in document
        .statements
        .iter()
        .filter_map(|statement| statement.sid.as_deref())
    {
        let rule = of_statement(sid);
        if !rules.iter().any(|known| known.id == rule.id) {
            rules.push(rule);
        }
    }
    rules
}

fn of_statement(sid: &str) -> &'static Check {
    match sid.strip_prefix(OURS).unwrap_or_default() {
        "DenyPlaintext" => &rule::BUCKET_TLS,
        "DenyOldTls" => &rule::BUCKET_OLD_TLS,
        "DenyOtherAccounts" => &rule::BUCKET_OTHER_ACCOUNTS,
        "DenyOtherEncryption" | "DenyOtherKey" => &rule::BUCKET_OTHER_ENCRYPTION,
        "DenyCustomerKeys" => &rule::SSE_C,
        "DenyOverwritingLocks" => &rule::LOCK_OVERWRITE,
        "DenyDestroyingHistory" => &rule::BUCKET_DESTROY,
        "DenyForgingLogs" | "DenyDestroyingLogs" => &rule::LOG_FORGERY,
        "CloudTrailAclCheck" | "CloudTrailWrite" | "S3AccessLogs" => &rule::LOG_DELIVERY,
        "DenyShortDeletionWindow" => &rule::KEY_DELETION_WINDOW,
        _ => &rule::BUCKET_POLICY,
    }
}

/// Returns the differences by the id of the violated rule.
fn differing(from: &AwsSpec, to: &AwsSpec, describe: DescribeDifferences) -> BrokenRules {
    let mut broken = BrokenRules::new();
    let mut by_statement = true;
    match (from, to) {
        (AwsSpec::Key(from), AwsSpec::Key(to)) => statements(
            &from.policy,
            &to.policy,
            Some(&rule::KEY_POLICY),
            &mut broken,
        ),
        (AwsSpec::BucketPolicy(from), AwsSpec::BucketPolicy(to)) => {
            statements(&from.document, &to.document, None, &mut broken)
        }
        (AwsSpec::Topic(from), AwsSpec::Topic(to)) => statements(
            &from.policy,
            &to.policy,
            Some(&rule::TOPIC_POLICY),
            &mut broken,
        ),
        (AwsSpec::Policy(from), AwsSpec::Policy(to)) => {
            statements(
                &from.document,
                &to.document,
                Some(&rule::RUNNER_POLICY),
                &mut broken,
            );
        }
        _ => by_statement = false,
    }
    let (old, new) = (fields(from), fields(to));
    for name in new
        .keys()
        .chain(old.keys().filter(|name| !new.contains_key(*name)))
    {
        let (before, after) = (old.get(name), new.get(name));
        if before == after || (by_statement && matches!(name.as_str(), "policy" | "document")) {
            continue;
        }
        let one = |value: Option<&Value>| {
            Value::Object(
                value
                    .map(|value| (name.clone(), value.clone()))
                    .into_iter()
                    .collect(),
            )
        };
        if let (AwsSpec::Lifecycle(from), AwsSpec::Lifecycle(to)) = (from, to) {
            lifecycle(from, to, describe, &mut broken);
        } else {
            let unknown = after.and_then(unknown_in);
            let lines = describe(&one(before), &one(after)).into_iter();
            let differences = lines.map(|line| SettingDifference {
                line,
                unknown: unknown.clone(),
            });
            broken
                .entry(of_field(to, name).id)
                .or_default()
                .extend(differences);
        }
    }
    broken
}

fn lifecycle(
    from: &crate::backend::aws::bucket::lifecycle::LifecycleSpec,
    to: &crate::backend::aws::bucket::lifecycle::LifecycleSpec,
    describe: DescribeDifferences,
    broken: &mut BrokenRules,
) {
    for rule in to.rules.iter().filter(|rule| !from.rules.contains(rule)) {
        let check = if rule.noncurrent_days.is_some() && rule.filter.prefix.is_empty() {
            &rule::HISTORY
        } else {
            &rule::LIFECYCLE
        };
        let before = from.rules.iter().find(|other| other.id == rule.id);
        let value = |rule: Option<&_>| {
            rule.map_or(Value::Null, |rule| {
                serde_json::to_value(rule).expect("plain data")
            })
        };
        let lines = match before {
            None => vec![format!("no rule such as {}", rule.id)],
            Some(_) => describe(&value(before), &value(Some(rule))),
        };
        broken
            .entry(check.id)
            .or_default()
            .extend(lines.into_iter().map(SettingDifference::known));
    }
    for rule in from
        .rules
        .iter()
        .filter(|rule| !to.rules.iter().any(|other| other.id == rule.id))
    {
        broken
            .entry(rule::LIFECYCLE.id)
            .or_default()
            .push(SettingDifference::known(format!(
                "rule {} is not expected",
                rule.id
            )));
    }
}

/// Compares by meaning. `all` is the rule for every statement without a rule of its own.
fn statements(
    from: &PolicyDocument,
    to: &PolicyDocument,
    all: Option<&'static Check>,
    broken: &mut BrokenRules,
) {
    let check = |sid: &str| match (of_statement(sid), all) {
        (own, None) => own,
        (own, Some(_)) if own.id == rule::KEY_DELETION_WINDOW.id => own,
        (_, Some(all)) => all,
    };
    for statement in to
        .statements
        .iter()
        .filter(|statement| !from.says(statement))
    {
        let sid = statement.sid.as_deref().unwrap_or("one without Sid");
        let there = from
            .statements
            .iter()
            .any(|other| other.sid == statement.sid);
        let how = if there { "differs" } else { "is missing" };
        let unknown = unknown_in(&serde_json::to_value(statement).expect("plain data"));
        broken
            .entry(check(sid).id)
            .or_default()
            .push(SettingDifference {
                line: format!("statement {sid} {how}"),
                unknown,
            });
    }
    for statement in from
        .statements
        .iter()
        .filter(|statement| !to.says(statement))
    {
        let sid = statement.sid.as_deref().unwrap_or("one without Sid");
        if !to
            .statements
            .iter()
            .any(|other| other.sid.as_deref() == Some(sid))
        {
            broken
                .entry(check(sid).id)
                .or_default()
                .push(SettingDifference::known(format!(
                    "statement {sid} is not expected"
                )));
        }
    }
}

impl SettingDifference {
    fn known(line: String) -> Self {
        Self {
            line,
            unknown: None,
        }
    }
}

/// Returns the node whose output a value depends on that is not known yet.
fn unknown_in(value: &Value) -> Option<Address> {
    let mut value = value.clone();
    let mut found = None;
    texts_mut(&mut value, &mut |text| {
        let address = text
            .split_once(UNKNOWN)
            .and_then(|(_, rest)| rest.strip_prefix(": ")?.split(')').next());
        found = found.take().or_else(|| address.map(Address::named));
    });
    found
}

/// Returns the rule for a setting of a kind.
fn of_field(spec: &AwsSpec, field: &str) -> &'static Check {
    match (spec, field) {
        (_, "tags") => &rule::TAGS,
        (AwsSpec::Key(_), "state") => &rule::KEY_USABLE,
        (AwsSpec::Key(_), "alias_leads") => &rule::KEY_ALIAS,
        (AwsSpec::Bucket(_), "ownership" | "grants") => &rule::BUCKET_ACLS,
        (AwsSpec::Encryption(_), "bucket_key") => &rule::BUCKET_KEY,
        (AwsSpec::Encryption(_), "blocked") => &rule::SSE_C,
        (AwsSpec::LockTable(_), "billing") => &rule::TABLE_BILLING,
        (AwsSpec::LockTable(_), "deletion_protection") => &rule::TABLE_PROTECTION,
        (AwsSpec::LockTable(_), "encryption") => &rule::TABLE_ENCRYPTION,
        (AwsSpec::Topic(_), "key") => &rule::TOPIC_ENCRYPTION,
        (AwsSpec::Alarm(_), "actions" | "actions_enabled") => &rule::ALARM_TELLS,
        (AwsSpec::Alarm(_), _) => &rule::ALARM_FIRES,
        (AwsSpec::Trail(_), "validation") => &rule::TRAIL_VALIDATION,
        (AwsSpec::Trail(_), "key") => &rule::TRAIL_ENCRYPTION,
        (AwsSpec::Trail(_), "multi_region") => &rule::TRAIL_REGIONS,
        (AwsSpec::Trail(_), "bucket" | "prefix") => &rule::TRAIL_BUCKET,
        (other, _) => whole(other),
    }
}

fn fields(spec: &AwsSpec) -> Map<String, Value> {
    match serde_json::to_value(spec).expect("a spec is plain data") {
        Value::Object(fields) => fields,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

#[cfg(test)]
mod tests;
