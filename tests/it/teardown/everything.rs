//! What the settings leave out by now is taken down as well: nothing of the environment stays
//! behind, paid for and forgotten.

use super::steps;
use crate::support::{emulator::Emulator, program::Place};

const ALL: &str = "--env prod --project acme --region eu-west-1 --lock both --alarm-email \
                   ops@example.com --ephemeral";
const LESS: &str = "--env prod --project acme --region eu-west-1 --lock s3 --alarms=false --trail \
                    off --policy=false --access-logs=false --delete-events=false --ephemeral";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
const INVENTORY: &str = "tests/it/support/inventory.py";

async fn world() -> (Emulator, Place) {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let said = place.bootstrap(&format!("{ALL} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    (emulator, place)
}

#[tokio::test]
async fn what_the_settings_leave_out_by_now_goes_as_well() {
    let (emulator, place) = world().await;
    let (document, all) = super::teardown(&place, LESS);
    for address in [
        "trail",
        "topic",
        "alarm[lock_errors]",
        "lock_table",
        "runner_policy",
        "state_bucket/notifications",
    ] {
        assert!(
            steps(&document).contains(&format!("delete {address}")),
            "{address}: {all}"
        );
    }
    let words = format!("teardown {LESS} --purge-logs --confirm {BUCKET}");
    let said = place.run(&words.split_whitespace().collect::<Vec<_>>());
    assert_eq!(said.code, Some(0), "{}\n{}", said.all(), emulator.log());
    assert_eq!(
        emulator.python(INVENTORY, &[]),
        "key PendingDeletion\n",
        "{}",
        said.all()
    );
}

/// A lock in a table that the settings do not name any more is a lock.
#[tokio::test]
async fn a_lock_in_a_table_that_is_left_out_holds_the_teardown() {
    let (emulator, place) = world().await;
    emulator.python("tests/it/teardown/set.py", &["lock", "other-item", BUCKET]);
    let before = emulator.python(INVENTORY, &[]);
    let words = format!("teardown {LESS} --purge-states --confirm {BUCKET}");
    let said = place.run(&words.split_whitespace().collect::<Vec<_>>());
    assert!(
        said.code == Some(3) && said.refusal().contains("locked: "),
        "{}",
        said.all()
    );
    assert_eq!(emulator.python(INVENTORY, &[]), before);
}
