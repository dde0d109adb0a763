//! Another first run names its key between the look and the write of this one.

use tfbackend::{
    backend::aws::blueprint::KEY,
    engine::{observation::outputs, plan::Plan},
};

use super::World;

const OTHER: &str = "tests/it/idempotence/keys.py";

#[tokio::test]
async fn a_key_that_loses_its_alias_meanwhile_is_bound_to_nothing() {
    let world = World::new("--lock both --alarm-email ops@example.com").await;
    let loses = world.emulator.python(OTHER, &["made"]);
    let observation = world.look().await;
    assert_eq!(
        outputs(&observation)[&KEY],
        loses.trim(),
        "it is found by its tags"
    );
    let wins = world.emulator.python(OTHER, &["named"]);
    world.repair(observation).await;
    let after = world.look().await;
    assert_eq!(outputs(&after)[&KEY], wins.trim());
    assert!(
        !format!("{after:?}").contains(loses.trim()),
        "nothing is under the key that lost"
    );
    // The other run does the rest for its own key.
    let left = Plan::to_apply(&world.blueprint, &after, false);
    assert!(left.is_empty(), "{left:?}");
}
