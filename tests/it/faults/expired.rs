//! Credentials that end in the middle of the changes.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{LINE, world};
use crate::support::proxy::{Failure, Proxy, Reply};

#[tokio::test]
async fn what_was_made_until_then_is_named_and_fresh_ones_finish_it() {
    let (emulator, mut place) = world().await;
    let over = AtomicBool::new(false);
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if over.fetch_or(call.operation == "PutBucketVersioning", Ordering::SeqCst) {
            Reply::Fail(Failure::ExpiredToken)
        } else {
            Reply::Forward
        }
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let said = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(said.code, Some(4), "{}", said.all());
    let refusal = said.refusal();
    assert!(
        refusal.contains("ExpiredToken") && refusal.contains("hint: get new credentials"),
        "{refusal}"
    );
    let made = refusal
        .lines()
        .find(|line| line.contains("hint: applied: "))
        .unwrap_or_else(|| panic!("{refusal}"));
    assert!(
        made.contains("state_bucket") && refusal.contains("hint: the same command continues"),
        "{refusal}"
    );
    assert!(!place.path().join("backend.conf").exists());

    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    let next = place.bootstrap(&format!("{LINE} -y"));
    assert_eq!(next.code, Some(0), "{}", next.all());
}
