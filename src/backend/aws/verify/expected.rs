//! Completes the list of checks: a missing or unreadable resource does not remove its checks.

use super::{catalogue as rule, exposure, settings::rules, subscribers, usage};
use crate::{
    backend::aws::{
        blueprint::{STATE_BUCKET, STATE_LIFECYCLE},
        bucket::policy::denial::EncryptionHeaders,
        resources::AwsSpec,
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        spec::Address,
    },
};

/// The rules that every resource has: ownership and tags.
const OWNERSHIP: [&Check; 3] = [&rule::OWNED, &rule::UNMANAGED, &rule::TAGS];

/// Adds the checks that could not run: they fail with their resource.
pub(crate) fn complete(
    checked: &mut Vec<CheckResult>,
    blueprint: &Blueprint<AwsSpec>,
    tagged: bool,
    name: &dyn Fn(&AwsSpec) -> Option<String>,
) {
    let has = |checked: &[CheckResult], check: &Check, place: &CheckedPlace| {
        checked
            .iter()
            .any(|one| one.check.id == check.id && one.place.address == place.address)
    };
    for node in blueprint.nodes() {
        let place = CheckedPlace::at(&node.address, name(&node.spec));
        let owned = OWNERSHIP.iter().any(|check| has(checked, check, &place));
        let expected = of_node(node).into_iter().filter(|check| {
            match OWNERSHIP.iter().any(|other| other.id == check.id) {
                true => tagged && !owned && check.id == rule::TAGS.id,
                false => !has(checked, check, &place),
            }
        });
        let expected: Vec<&'static Check> = expected.collect();
        let verdict = fails_with(checked, &place);
        checked.extend(
            expected
                .into_iter()
                .map(|check| CheckResult::new(check, place.clone(), verdict.clone())),
        );
    }
}

/// The requested checks of the states.
pub(crate) struct OfStates<'a> {
    pub bucket: &'a str,
    /// True if states are checked.
    pub usage: bool,
    /// True if states are read.
    pub contents: bool,
}

/// Adds checks besides the settings that could not run because their resource is missing: states
/// need the bucket, subscribers the topic.
pub(crate) fn complete_beside(
    checked: &mut Vec<CheckResult>,
    blueprint: &Blueprint<AwsSpec>,
    states: &OfStates<'_>,
) {
    let bucket = CheckedPlace::at(&STATE_BUCKET, None);
    let store = CheckedPlace::named(format!("s3://{}", states.bucket));
    let of_states = usage::CHECKS.into_iter().filter(|_| states.usage);
    let of_contents = [&usage::STATE_UNREADABLE]
        .into_iter()
        .filter(|_| states.usage && states.contents);
    add(checked, of_states.chain(of_contents), &store, &bucket);
    for node in blueprint.nodes() {
        let checks: &[&'static Check] = match &node.spec {
            AwsSpec::Bucket(_) if node.address == STATE_BUCKET => &exposure::OF_BUCKET,
            AwsSpec::LockTable(_) => &exposure::OF_TABLE,
            AwsSpec::Key(_) | AwsSpec::OwnKey(_) => &exposure::OF_KEY,
            AwsSpec::Topic(_) => &subscribers::OF_TOPIC,
            AwsSpec::ExistingTopic(_) => &subscribers::OF_EXISTING_TOPIC,
            _ => continue,
        };
        let place = CheckedPlace::at(&node.address, None);
        add(checked, checks.iter().copied(), &place, &place);
    }
}

fn add(
    checked: &mut Vec<CheckResult>,
    expected: impl Iterator<Item = &'static Check>,
    place: &CheckedPlace,
    needs: &CheckedPlace,
) {
    let verdict = fails_with(checked, needs);
    let missing = expected.filter(|check| !checked.iter().any(|one| one.check.id == check.id));
    let missing: Vec<CheckResult> = missing
        .map(|check| CheckResult::new(check, place.clone(), verdict.clone()))
        .collect();
    checked.extend(missing);
}

/// Returns all checks of a resource: of its settings and of its status.
fn of_node(node: &BlueprintNode<AwsSpec>) -> Vec<&'static Check> {
    let mut expected = rules(&node.spec);
    expected.extend(match &node.spec {
        AwsSpec::BucketPolicy(policy) => {
            let of_states =
                EncryptionHeaders::by(&policy.document).map(|_| &rule::TERRAFORM_DENIED);
            [&rule::BUCKET_OPEN].into_iter().chain(of_states).collect()
        }
        AwsSpec::Key(_) => vec![&rule::KEY_OPEN],
        AwsSpec::Topic(_) => vec![&rule::TOPIC_OPEN],
        AwsSpec::ExistingTopic(_) => vec![&rule::TOPIC_ENCRYPTION],
        AwsSpec::Lifecycle(_) if node.address == STATE_LIFECYCLE => vec![&rule::HISTORY_CUT],
        AwsSpec::Subscription(_) => vec![&rule::CONFIRMED],
        AwsSpec::TrailLogging(_) => vec![&rule::TRAIL_DELIVERY],
        _ => vec![],
    });
    expected
}

/// Returns the finding that explains it: of the resource or of its parent.
fn fails_with(checked: &[CheckResult], place: &CheckedPlace) -> Verdict {
    let parent = place.address.as_ref().and_then(Address::parent);
    let of = |address: Option<&Address>| {
        let address = address?;
        checked
            .iter()
            .find(|one| one.is_finding() && one.place.address.as_ref() == Some(address))
    };
    match of(place.address.as_ref()).or_else(|| of(parent.as_ref())) {
        Some(one) => Verdict::FailsWith {
            check: one.check,
            place: one.place.clone(),
        },
        None => Verdict::Unreadable {
            error: "it could not be checked for an unknown reason".to_owned(),
        },
    }
}
