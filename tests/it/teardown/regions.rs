//! One environment in two regions: IAM is global, and each has a policy of its own.

use crate::support::{emulator::Emulator, program::Place, user::User};

const LINE: &str = "--env prod --project acme --trail off --alarms=false --access-logs=false \
                    --ephemeral --attach-to user/terraform";
const EUROPE: &str =
    "acme-tfstate-prod-runner-eu-west-1 arn:aws:s3:::acme-tfstate-prod-000000000000-eu-west-1 1\n";
const AMERICA: &str =
    "acme-tfstate-prod-runner-us-east-1 arn:aws:s3:::acme-tfstate-prod-000000000000-us-east-1 1\n";
const FORMER: &str =
    "acme-tfstate-prod-runner arn:aws:s3:::acme-tfstate-prod-000000000000-eu-west-1 1\n";

struct World {
    emulator: Emulator,
    places: [Place; 2],
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::start().await;
        User::make(&emulator, "terraform").await;
        let places = [Place::with(&emulator), Place::with(&emulator)];
        Self { emulator, places }
    }

    /// In eu-west-1 or us-east-1; what it said.
    #[track_caller]
    fn run(&self, command: &str, region: usize, code: i32) -> String {
        let line = format!(
            "{command} {LINE} --region {}",
            ["eu-west-1", "us-east-1"][region]
        );
        let said = self.places[region].run(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(
            said.code,
            Some(code),
            "{command}: {}\n{}",
            said.all(),
            self.emulator.log()
        );
        said.all()
    }

    fn policies(&self) -> String {
        self.emulator
            .python("tests/it/teardown/regions.py", &["list"])
    }
}

#[tokio::test]
async fn policies_of_two_regions_are_two_and_neither_takes_the_other() {
    let world = World::new().await;
    world.run("bootstrap -y", 0, 0);
    world.run("bootstrap -y", 1, 0);
    assert_eq!(world.policies(), format!("{EUROPE}{AMERICA}"));
    for region in [0, 1] {
        assert!(world.run("bootstrap", region, 0).contains("nothing to do"));
    }
    let bucket = "acme-tfstate-prod-000000000000-us-east-1";
    world.run(&format!("teardown --confirm {bucket}"), 1, 0);
    assert_eq!(world.policies(), EUROPE);
    assert!(world.run("bootstrap", 0, 0).contains("nothing to do"));
}

/// One that an older version made has no region in its name, and stays in use where it is.
#[tokio::test]
async fn a_policy_under_its_former_name_serves_its_own_region_only() {
    let world = World::new().await;
    world.run("bootstrap -y", 0, 0);
    world
        .emulator
        .python("tests/it/teardown/regions.py", &["rename"]);
    assert_eq!(world.policies(), FORMER);
    assert!(world.run("bootstrap", 0, 0).contains("nothing to do"));
    assert!(
        world
            .run("plan --needed-actions", 0, 0)
            .contains("policy/acme-tfstate-prod-runner\"")
    );
    world.run("verify", 0, 0);
    world.run("bootstrap -y", 1, 0);
    assert_eq!(world.policies(), format!("{FORMER}{AMERICA}"));
    assert!(world.run("bootstrap", 0, 0).contains("nothing to do"));
    world.run(
        "teardown --confirm acme-tfstate-prod-000000000000-us-east-1",
        1,
        0,
    );
    assert_eq!(world.policies(), FORMER);
    world.run(
        "teardown --confirm acme-tfstate-prod-000000000000-eu-west-1",
        0,
        0,
    );
    assert_eq!(world.policies(), "");
}
