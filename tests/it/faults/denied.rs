//! A role that may do all but one action, each in its turn: named, with its resource; nothing is undone; and then granted.

use serde_json::Value;

use super::{LINE, ONE_OF_EVERYTHING, SEED, all, holds, seed, soaked};
use crate::support::{
    emulator::Emulator,
    parts::{Part, in_parts},
    program::Place,
    user::User,
};

/// In each part, where it is not soaked.
const SAMPLE: usize = 1;

/// What comes with another action, of which the emulator asks for that one alone.
const WITH_ANOTHER: [&str; 9] = [
    "cloudtrail:AddTags",
    "cloudwatch:TagResource",
    "dynamodb:TagResource",
    "iam:TagPolicy",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
];

in_parts! { fn each_action_that_is_denied_is_named_and_once_granted_it_goes_on: deny in first second }

/// Somebody who is to bootstrap everything.
struct Operator {
    emulator: Emulator,
    user: User,
    place: Place,
}

impl Operator {
    async fn new() -> Self {
        let emulator = Emulator::start().await;
        User::make(&emulator, "terraform").await;
        let user = User::make(&emulator, "operator").await;
        let place = user.place(&emulator);
        Self { emulator, user, place }
    }
}

/// What the plan of a first run says that it needs.
async fn needed() -> Vec<String> {
    let emulator = Emulator::start().await;
    User::make(&emulator, "terraform").await;
    let line = format!("plan {LINE} --needed-actions");
    let said = Place::with(&emulator).run(&line.split(' ').collect::<Vec<_>>());
    let policy: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let mut actions: Vec<String> = statements
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        })
        .map(|action| action.as_str().expect("an action").to_owned())
        .filter(|action| !WITH_ANOTHER.contains(&&**action))
        .collect();
    actions.sort();
    actions.dedup();
    actions
}

async fn deny(part: Part) {
    let actions = needed().await;
    assert!(actions.len() > 45, "{actions:?}");
    let mine: Vec<&String> = part.of(&actions).collect();
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let chosen = if soaked() { mine } else { random.choose_multiple(mine, SAMPLE) };
    let tried = chosen.len();
    let mut lost = vec![];
    for action in chosen {
        if let Err(why) = goes_on_after(action).await {
            lost.push(format!("{action} ({SEED}={seed}): {why}"));
        }
    }
    println!("denied: {} actions, {tried} tried, {} named and survived", actions.len(), tried - lost.len());
    assert!(lost.is_empty(), "{}", lost.join("\n\n"));
}

async fn goes_on_after(action: &str) -> Result<(), String> {
    let Operator { emulator, user, place } = Operator::new().await;
    user.may_all_but(action).await;
    let said = place.bootstrap(&format!("{LINE} -y"));
    let refusal = said.refusal();
    let named = refusal.lines().find(|line| line.contains(&format!("(needs {action})")));
    // As in `key: kms:CreateKey on alias/acme-tfstate-prod: AccessDeniedException`.
    let resource = named.and_then(|line| line.split(" on ").nth(1)?.split(": ").next());
    holds(resource.is_some_and(|resource| resource.contains("acme-tfstate-prod") || resource == "terraform"), || said.all())?;
    let before = all(&emulator);
    // What could not be looked at is not touched; what could not be written does not keep the rest from being made.
    let is_read = ["Get", "List", "Describe"].iter().any(|verb| action.split(':').nth(1).is_some_and(|name| name.starts_with(verb)));
    holds(said.code == Some(if is_read && before.is_empty() { 3 } else { 4 }), || said.all())?;

    user.may_only(&["*"]).await;
    let next = place.bootstrap(&format!("{LINE} -y"));
    let after = all(&emulator);
    holds(next.code == Some(0) && after == ONE_OF_EVERYTHING, || format!("{}{after}", next.all()))?;
    let undone: Vec<&str> = names(&before).filter(|line| !names(&after).any(|other| other == *line)).collect();
    holds(undone.is_empty(), || format!("{undone:?} was undone"))
}

/// What is there, without what is said of it.
fn names(all: &str) -> impl Iterator<Item = &str> {
    all.lines().map(|line| line.split(' ').nth(1).unwrap_or(line))
}
