//! Saved plans that are not carried out: nothing is written then, in AWS or here.

use std::fs;

use super::{SMALL, forge};
use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    proxy::{Proxy, Reply},
};

/// An emulator behind a proxy that writes down each call.
struct World {
    emulator: Emulator,
    proxy: Proxy,
    place: Place,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::start().await;
        let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
        let mut place = Place::with(&emulator);
        place.set("AWS_ENDPOINT_URL", proxy.endpoint());
        Self {
            emulator,
            proxy,
            place,
        }
    }

    fn plan(&self, line: &str) -> Said {
        let said = self.try_plan(line);
        assert_eq!(said.code, Some(0), "{}", said.all());
        said
    }

    fn try_plan(&self, line: &str) -> Said {
        self.place.run(
            &["plan --env prod --out p", SMALL, line]
                .join(" ")
                .split_whitespace()
                .collect::<Vec<_>>(),
        )
    }

    /// Carries `p` out, which is refused and changes nothing.
    fn refusal(&self) -> String {
        self.proxy.take();
        let said = self.place.bootstrap("p -y");
        let calls = self.proxy.take();
        let reading = |call: &&String| {
            ["Get", "List", "Describe", "Head"]
                .iter()
                .any(|verb| call.split(':').nth(1).expect("a call").starts_with(verb))
        };
        assert_eq!(
            calls.iter().filter(|call| !reading(call)).count(),
            0,
            "{calls:?}"
        );
        assert_eq!(said.code, Some(3), "{}", said.all());
        assert!(!self.place.path().join("backend.conf").exists());
        said.refusal()
    }

    fn drift(&self, what: &[&str]) {
        self.emulator.python("tests/it/idempotence/drift.py", what);
    }
}

#[tokio::test]
async fn the_world_has_changed() {
    let mut world = World::new().await;
    world.plan("");
    let text = fs::read_to_string(world.place.path().join("p")).expect("a plan");

    // Nothing was there, and now there is a bucket of somebody else.
    world.emulator.python(
        "tests/it/emulator/make_bucket.py",
        &["acme-tfstate-prod-000000000000-eu-west-1"],
    );
    insta::assert_snapshot!(world.refusal(), @"
    3
    error: 4 resources changed since the plan was made; nothing was changed
      caused by: state_bucket: was created meanwhile, not by tfbackend
      caused by: state_bucket/public_access: was created meanwhile, not by tfbackend
      caused by: state_bucket/versioning: was created meanwhile, not by tfbackend
      caused by: state_bucket/encryption: was created meanwhile, not by tfbackend
      hint: make a new plan, and review it
    ");
    world.plan("--adopt");
    let said = world.place.bootstrap("p -y --out made");
    assert_eq!(said.code, Some(0), "{}", said.all());

    // A repair, and what changes before it is made.
    world.drift(&["versioning suspended"]);
    world.plan("");
    world.drift(&["a shorter history", "no public access block"]);
    insta::assert_snapshot!(world.refusal(), @"
    3
    error: 2 resources changed since the plan was made; nothing was changed
      caused by: state_bucket/public_access: no longer exists
      caused by: state_bucket/lifecycle: was changed meanwhile
      hint: make a new plan, and review it
    ");

    // The plan is as good as ever; but what it is about may not be seen.
    world.plan("");
    let denying = Proxy::start(Some(&world.emulator), |call, _| match &*call.operation {
        "GetBucketPolicy" => Reply::s3(403, "AccessDenied", "no"),
        _ => Reply::Forward,
    });
    world.place.set("AWS_ENDPOINT_URL", denying.endpoint());
    insta::assert_snapshot!(world.place.bootstrap("p -y").refusal(), @"
    3
    error: 1 resource changed since the plan was made; nothing was changed
      caused by: state_bucket/policy: cannot be read: s3:GetBucketPolicy on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: no (needs s3:GetBucketPolicy)
      hint: make a new plan, and review it
    ");
    world.place.set("AWS_ENDPOINT_URL", world.proxy.endpoint());

    // A plan of another day.
    fs::write(world.place.path().join("p"), text).expect("written");
    assert!(
        world
            .refusal()
            .contains("state_bucket: was created meanwhile")
    );

    // And one that is blocked.
    world.drift(&["versioning suspended"]);
    world.place.set("AWS_ENDPOINT_URL", denying.endpoint());
    let said = world.try_plan("");
    assert_eq!(said.code, Some(3), "{}", said.all());
    assert!(
        said.err
            .contains("Saved as p. The plan is blocked: bootstrap will refuse it.\n"),
        "{}",
        said.err
    );
    world.place.set("AWS_ENDPOINT_URL", world.proxy.endpoint());
    insta::assert_snapshot!(world.refusal(), @"
    3
    error: 1 step is blocked in this plan; nothing was changed
      caused by: state_bucket/policy: cannot be read: s3:GetBucketPolicy on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: no (needs s3:GetBucketPolicy)
      hint: resolve that, then make a new plan
    ");
}

#[tokio::test]
async fn the_file_was_changed() {
    let world = World::new().await;
    world.plan("");
    let path = world.place.path().join("p");
    let good = fs::read_to_string(&path).expect("a plan");
    fs::write(&path, good.replace("\"Enabled\"", "\"Suspended\"")).expect("written");
    insta::assert_snapshot!(world.refusal(), @"
    3
    error: ~/shop/p was changed after it was saved; nothing was changed
      hint: make a new plan with `tfbackend plan --out`
    ");
    fs::write(&path, &good[..good.len() / 2]).expect("written");
    insta::assert_snapshot!(world.refusal(), @"
    3
    error: ~/shop/p is not a saved plan, or is truncated; nothing was changed
      hint: make a new plan with `tfbackend plan --out`
    ");

    // With a sum that is right: a step that is weaker, one that is left out, one that is somebody
    // else's.
    let forged = |change: &dyn Fn(&str) -> String| {
        fs::write(&path, &good).expect("written");
        forge(&path, change);
        world.refusal()
    };
    insta::assert_snapshot!(forged(&|text| text.replace("\"Enabled\"", "\"Suspended\"")), @"
    3
    error: 1 resource changed since the plan was made; nothing was changed
      caused by: state_bucket/versioning: the planned change is not the change that is needed
      hint: make a new plan, and review it
    ");
    insta::assert_snapshot!(forged(&|text| text.replace("\"state_bucket/versioning\"", "\"state_bucket/\\u001b[2J\\u202e\"")), @r"
    3
    error: 2 resources changed since the plan was made; nothing was changed
      caused by: state_bucket/versioning: is not in the plan
      caused by: state_bucket/\u{1b}[2J\u{202e}: is not part of this backend
      hint: make a new plan, and review it
    ");
    insta::assert_snapshot!(forged(&|text| text.replace("\"account\": \"000000000000\"", "\"account\": \"111122223333\"")), @"
    3
    error: the plan is for account 111122223333 (aws), and these credentials are for account 000000000000 (aws); nothing was changed
      hint: use credentials of that account (--profile, AWS_PROFILE)
    ");
    insta::assert_snapshot!(forged(&|text| text.replace("\"env\": \"prod\"", "\"env\": \"dev\"")), @"
    3
    error: 6 resources changed since the plan was made; nothing was changed
      caused by: state_bucket: the planned change is not the change that is needed
      caused by: state_bucket/public_access: the planned change is not the change that is needed
      caused by: state_bucket/versioning: the planned change is not the change that is needed
      caused by: state_bucket/encryption: the planned change is not the change that is needed
      caused by: state_bucket/lifecycle: the planned change is not the change that is needed
      caused by: state_bucket/policy: the planned change is not the change that is needed
      hint: make a new plan, and review it
    ");
    insta::assert_snapshot!(forged(&|text| text.replace("\"tool_version\": \"", "\"tool_version\": \"9\\u001b[2J").replace("\"lock\": \"s3\"", "\"lock\": \"both\"")), @r"
    3
    error: the plan was made by tfbackend 9\u{1b}[2J0.1.0, and 0.1.0 would plan something else from the same settings; nothing was changed
      hint: make a new plan with this version
    ");
    insta::assert_snapshot!(forged(&|text| text.replacen("\"region\": \"eu-west-1\"", "\"region\": \"eu-west-2\"", 1)), @"
    3
    error: the plan does not match its own settings; nothing was changed
      hint: make a new plan with this version
    ");
}

const ROLE: &str = "--role-arn arn:aws:iam::123456789012:role/x --external-id acme";

#[test]
fn a_plan_leaves_nothing_else_to_be_said() {
    let place = Place::bare();
    for option in [
        "--env prod",
        "--region eu-west-1",
        "--lock s3",
        "--adopt",
        "--save",
        "--conf-file x",
        "--tag a=b",
    ] {
        let said = place.bootstrap(&format!("p {option}"));
        assert_eq!(said.code, Some(1), "{option}: {}", said.all());
        assert!(
            said.err
                .contains("the argument '[FILE]' cannot be used with")
                || said.err.contains("cannot be used with '[FILE]'"),
            "{option}: {}",
            said.err
        );
    }
    for option in [
        "-y",
        "--non-interactive",
        "--overwrite",
        "--parallelism 3",
        "--out x",
        "--profile p",
        ROLE,
        "--output json",
    ] {
        let said = place.bootstrap(&format!("p {option}"));
        assert!(
            said.all().contains("cannot read "),
            "{option}: {}",
            said.all()
        );
    }
}
