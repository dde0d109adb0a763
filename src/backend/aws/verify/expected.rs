//! Every check that an environment has, whatever is wrong with it: what is not there, or could not
//! be looked at, takes no check away.

use super::{catalogue as rule, exposure, listeners, settings::rules, usage};
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

/// Rules of which each resource has one: whose it is, and whether its tags say so.
const OWNERSHIP: [&Check; 3] = [&rule::OWNED, &rule::UNMANAGED, &rule::TAGS];

/// Adds what could not be carried out: it fails with the resource.
pub fn complete(
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

/// What was asked for of the states themselves.
pub struct OfStates<'a> {
    pub bucket: &'a str,
    /// Whether they are looked at.
    pub usage: bool,
    /// Whether they are read.
    pub contents: bool,
}

/// Adds what is looked at beside the settings and could not be, because its resource is not there:
/// states need their bucket, listeners their topic.
pub fn complete_beside(
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
            AwsSpec::Topic(_) => &listeners::OF_TOPIC,
            AwsSpec::ExistingTopic(_) => &listeners::OF_EXISTING_TOPIC,
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

/// All that is checked of a resource, by its settings or by what it says of itself.
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

/// The finding that says why: of the resource itself, or of the one that it is a part of.
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
            error: "nothing says why it could not be checked".to_owned(),
        },
    }
}
