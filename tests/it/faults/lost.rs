//! Answers that are lost on their way, while the program goes on: what was done is found, and is
//! not done twice.

use super::{LINE, ONE_OF_EVERYTHING, SEED, all, bootstrap, seed, world};
use crate::support::proxy::{Client, Faults, Reply, When, Which};

/// Every fifth answer, and every tenth question; the first of each that cannot be asked again
/// blindly.
#[tokio::test]
async fn what_was_done_and_not_answered_is_not_done_twice() {
    let (emulator, place) = world().await;
    let seed = seed();
    let lost = || Reply::Cut(When::After);
    let faults = [
        "kms:CreateKey",
        "kms:CreateAlias",
        "sns:CreateTopic",
        "sns:Subscribe",
        "iam:CreatePolicy",
        "cloudtrail:CreateTrail",
    ]
    .into_iter()
    .chain(["s3:CreateBucket", "dynamodb:CreateTable"])
    .fold(Faults::seeded(seed), |faults, create| {
        faults.rule(create, Which::Nth(1), lost)
    })
    .rule("s3:", Which::Percent(20), lost)
    .seeded_rule("", Which::Percent(10), seed.wrapping_add(1), || {
        Reply::Cut(When::Before)
    });
    let (output, proxy) = bootstrap(&emulator, &place, &Client::default(), faults);
    let said = place.said(&output);
    assert_eq!(said.code, Some(0), "{SEED}={seed}: {}", said.all());
    assert_eq!(all(&emulator), ONE_OF_EVERYTHING, "{SEED}={seed}");
    let cut = proxy
        .take_record()
        .iter()
        .filter(|exchange| exchange.status.is_none())
        .count();
    assert!(cut >= 10, "{SEED}={seed}: {cut}");
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(
        again.err.contains("nothing to do"),
        "{SEED}={seed}: {}",
        again.all()
    );
}
