//! `bootstrap --prune`: what the settings leave out by now is deleted, after a question of its own,
//! and nothing that may hold something.

use crate::support::{emulator::Emulator, program::Place};

const ALL: &str =
    "--env prod --project acme --region eu-west-1 --lock both --alarm-email ops@example.com";
const LESS: &str = "--env prod --project acme --region eu-west-1 --lock both --alarms=false \
                    --trail off --policy=false";
const INVENTORY: &str = "tests/it/support/inventory.py";

#[tokio::test]
async fn prune_deletes_what_is_no_longer_wanted() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let inventory = || emulator.python(INVENTORY, &[]);
    let bootstrap = |line: &str, code: i32| {
        let said = place.bootstrap(line);
        assert_eq!(
            said.code,
            Some(code),
            "{line}: {}\n{}",
            said.all(),
            emulator.log()
        );
        said.all()
    };
    bootstrap(&format!("{ALL} -y"), 0);
    let before = inventory();
    // Left out, it stays and is named.
    let kept = bootstrap(&format!("{LESS} -y"), 0);
    for part in ["trail", "topic", "runner_policy", "alarm[lock_errors]"] {
        assert!(
            kept.contains(&format!("not in the settings any more, kept: {part}  ")),
            "{part}: {kept}"
        );
    }
    assert_eq!(inventory(), before);
    // No user is there to answer, and no flag said yes.
    let refused = bootstrap(&format!("{LESS} --prune"), 1);
    assert!(refused.contains("--auto-approve"), "{refused}");
    assert_eq!(inventory(), before);

    bootstrap(&format!("{LESS} --prune -y"), 0);
    let left: Vec<String> = inventory().lines().map(str::to_owned).collect();
    assert_eq!(
        left,
        [
            "alias/acme-tfstate-prod",
            "bucket acme-tfstate-prod-000000000000-eu-west-1",
            "bucket acme-tfstate-prod-logs-000000000000-eu-west-1",
            "key Enabled",
            "table acme-tfstate-prod-locks",
        ]
    );
    let after = bootstrap(LESS, 0);
    assert!(
        after.contains("nothing to do") && !after.contains("not in the settings any more"),
        "{after}"
    );
    let verify: Vec<&str> = ["verify"].into_iter().chain(LESS.split(' ')).collect();
    let verified = place.run(&verify);
    assert_eq!(verified.code, Some(0), "{}", verified.all());
}
