//! A role that may do all but one action, each in its turn: named, with its resource; nothing is
//! undone; and then granted.

use serde_json::Value;

use super::{LINE, ONE_OF_EVERYTHING, SEED, all, holds, seed, soaked, world};
use crate::support::{
    parts::{Part, in_parts},
    proxy::{Failure, Proxy, Reply},
};

/// In each part, where it is not soaked.
const SAMPLE: usize = 1;

/// What AWS asks for beside the action of a call, where it brings tags or uses a key.
const BESIDE_ANOTHER: [&str; 13] = [
    "cloudtrail:AddTags",
    "cloudwatch:TagResource",
    "dynamodb:TagResource",
    "iam:TagPolicy",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
    "kms:TagResource",
    "s3:PutBucketOwnershipControls",
    "s3:TagResource",
    "sns:TagResource",
];

in_parts! { fn each_action_that_is_denied_is_named_and_once_granted_it_goes_on: deny in first second }

/// What the plan of a first run says that it needs.
async fn needed() -> Vec<String> {
    let (_emulator, place) = world().await;
    let line = format!("plan {LINE} --needed-actions");
    let said = place.run(&line.split(' ').collect::<Vec<_>>());
    let policy: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let mut actions: Vec<String> = statements
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        })
        .map(|action| action.as_str().expect("an action").to_owned())
        .filter(|action| !BESIDE_ANOTHER.contains(&&**action))
        .collect();
    actions.sort();
    actions.dedup();
    actions
}

async fn deny(part: Part) {
    let actions = needed().await;
    assert!(actions.len() > 40, "{actions:?}");
    let mine: Vec<&String> = part.of(&actions).collect();
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let chosen = if soaked() {
        mine
    } else {
        random.choose_multiple(mine, SAMPLE)
    };
    let tried = chosen.len();
    let mut lost = vec![];
    for action in chosen {
        if let Err(why) = goes_on_after(action).await {
            lost.push(format!("{action} ({SEED}={seed}): {why}"));
        }
    }
    println!(
        "denied: {} actions, {tried} tried, {} named and survived",
        actions.len(),
        tried - lost.len()
    );
    assert!(lost.is_empty(), "{}", lost.join("\n\n"));
}

async fn goes_on_after(action: &str) -> Result<(), String> {
    let (emulator, mut place) = world().await;
    let denied = action.to_owned();
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if call.action() == denied {
            Reply::Fail(Failure::AccessDenied)
        } else {
            Reply::Forward
        }
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let said = place.bootstrap(&format!("{LINE} -y"));
    let refusal = said.refusal();
    let named = refusal
        .lines()
        .find(|line| line.contains(&format!("(needs {action})")));
    // As in `key: kms:CreateKey on alias/acme-tfstate-prod: AccessDeniedException`.
    let resource = named.and_then(|line| line.split(" on ").nth(1)?.split(": ").next());
    holds(
        resource.is_some_and(|resource| !resource.is_empty()),
        || said.all(),
    )?;
    let before = all(&emulator);
    // What cannot be read is not touched; what could not be written does not keep the rest
    // from being made.
    let is_read = ["Get", "List", "Describe"].iter().any(|verb| {
        action
            .split(':')
            .nth(1)
            .is_some_and(|name| name.starts_with(verb))
    });
    holds(
        said.code == Some(if is_read && before.is_empty() { 3 } else { 4 }),
        || said.all(),
    )?;

    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    let next = place.bootstrap(&format!("{LINE} -y"));
    let after = all(&emulator);
    holds(next.code == Some(0) && after == ONE_OF_EVERYTHING, || {
        format!("{}{after}", next.all())
    })?;
    let undone: Vec<&str> = names(&before)
        .filter(|line| !names(&after).any(|other| other == *line))
        .collect();
    holds(undone.is_empty(), || format!("{undone:?} was undone"))
}

/// What is there, without what is said of it.
fn names(all: &str) -> impl Iterator<Item = &str> {
    all.lines()
        .map(|line| line.split(' ').nth(1).unwrap_or(line))
}
