//! A saved plan, carried out: exactly its steps, in the folder of whoever carries it out.

use std::fs;

use super::SMALL;
use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

fn is_write(call: &str) -> bool {
    !call.split(':').nth(1).is_some_and(|name| {
        ["Get", "List", "Describe", "Head"]
            .iter()
            .any(|verb| name.starts_with(verb))
    })
}

#[tokio::test]
async fn a_plan_is_carried_out_once() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    // What is said here counts for the plan, and for it alone.
    fs::write(
        place.path().join("tfbackend.toml"),
        "project = \"acme\"\nkeep-versions = 7\n[env.prod]\n",
    )
    .expect("written");
    let planned = place.run(&[
        "plan",
        "--env",
        "prod",
        "--region",
        "eu-west-1",
        "--out",
        "prod.plan",
        "--detailed-exitcode",
    ]);
    assert_eq!(planned.code, Some(2), "{}", planned.all());
    assert!(
        planned.err.contains(
            "Saved as prod.plan. To apply exactly this plan:\n  tfbackend bootstrap prod.plan\n"
        ),
        "{}",
        planned.err
    );
    let writes: Vec<String> = proxy
        .take()
        .into_iter()
        .filter(|call| is_write(call))
        .collect();
    assert_eq!(writes, Vec::<String>::new(), "a plan writes nothing");

    let text = fs::read_to_string(place.path().join("prod.plan")).expect("a plan");
    let (id, secret) = emulator.credentials();
    for canary in [
        &*id,
        &*secret,
        "credentials",
        &emulator.ca_file().display().to_string(),
    ] {
        assert!(!text.contains(canary), "{canary} is in the plan");
    }

    // Nobody can be asked, and nobody said yes.
    insta::assert_snapshot!(place.bootstrap("prod.plan").refusal(), @"
    1
    error: 28 changes need approval, but this is not a terminal
      hint: pass --auto-approve (-y) to approve the plan
    ");
    fs::remove_file(place.path().join("tfbackend.toml")).expect("removed");
    place.set("TFBACKEND_PROJECT", "another");
    place.set("TFBACKEND_KEEP_VERSIONS", "3");
    assert_eq!(
        proxy
            .take()
            .into_iter()
            .filter(|call| is_write(call))
            .count(),
        0
    );
    let said = place.bootstrap("prod.plan -y --out infra/prod --parallelism 4");
    assert_eq!(said.code, Some(0), "{}", said.all());
    let conf =
        fs::read_to_string(place.path().join("infra/prod/backend.conf")).expect("backend.conf");
    assert!(
        conf.contains("\"acme-tfstate-prod-000000000000-eu-west-1\""),
        "{conf}"
    );
    assert!(
        said.err.contains("verified: ") && !said.err.contains("The same without questions"),
        "{}",
        said.err
    );
    assert!(proxy.take().contains(&"kms:CreateKey".to_owned()));

    // The second time everything exists already.
    let again = place.bootstrap("prod.plan -y");
    assert!(
        again
            .err
            .contains("28 resources changed since the plan was made; nothing was changed"),
        "{}",
        again.err
    );
    assert!(
        again
            .err
            .contains("  caused by: state_bucket/lifecycle: was created meanwhile\n"),
        "{}",
        again.err
    );
    assert_eq!(again.code, Some(3));
    assert_eq!(
        proxy
            .take()
            .into_iter()
            .filter(|call| is_write(call))
            .count(),
        0
    );
    assert!(!place.path().join("backend.conf").exists());

    // A plan of nothing to do writes the files, and nothing else.
    for name in ["TFBACKEND_PROJECT", "TFBACKEND_KEEP_VERSIONS"] {
        place.vars.remove(name);
    }
    let planned = place.run(&[
        "plan",
        "--env",
        "prod",
        "--project",
        "acme",
        "--region",
        "eu-west-1",
        "--keep-versions=7",
        "--out=empty",
    ]);
    assert_eq!(planned.code, Some(0), "{}", planned.all());
    let said = place.bootstrap("empty");
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        said.err.contains("nothing to do") && place.path().join("backend.conf").exists(),
        "{}",
        said.all()
    );
    assert_eq!(
        proxy
            .take()
            .into_iter()
            .filter(|call| is_write(call))
            .count(),
        0
    );
}

/// What is left after a failure is another plan's: the hints say so.
#[tokio::test]
async fn what_is_left_needs_a_new_plan() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::start(Some(&emulator), |call, _| match &*call.operation {
        "PutBucketVersioning" => Reply::s3(403, "AccessDenied", "no"),
        _ => Reply::Forward,
    });
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let planned = place.run(
        &[
            &["plan", "--env", "prod", "--out", "p"][..],
            &SMALL.split(' ').collect::<Vec<_>>(),
        ]
        .concat(),
    );
    assert_eq!(planned.code, Some(0), "{}", planned.all());
    insta::assert_snapshot!(place.bootstrap("p -y --parallelism 1").refusal(), @"
    4
    error: state_bucket/versioning failed: 3 changes applied, 3 left
      caused by: state_bucket/versioning: s3:PutBucketVersioning on acme-tfstate-prod-000000000000-eu-west-1: AccessDenied: no (needs s3:PutBucketVersioning)
      hint: allow s3:PutBucketVersioning on acme-tfstate-prod-000000000000-eu-west-1, then make a new plan
      hint: applied: state_bucket, state_bucket/public_access, state_bucket/encryption
      hint: not started: state_bucket/lifecycle, state_bucket/policy
      hint: a new plan continues where this one stopped
    ");
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    insta::assert_snapshot!(place.bootstrap("p -y").refusal(), @"
    3
    error: 4 resources changed since the plan was made; nothing was changed
      caused by: state_bucket: was created meanwhile
      caused by: state_bucket/public_access: was created meanwhile
      caused by: state_bucket/versioning: was created meanwhile
      caused by: state_bucket/encryption: was created meanwhile
      hint: make a new plan, and review it
    ");
    let planned = place.run(
        &[
            &["plan", "--env", "prod", "--out", "p"][..],
            &SMALL.split(' ').collect::<Vec<_>>(),
        ]
        .concat(),
    );
    assert_eq!(planned.code, Some(0), "{}", planned.all());
    let said = place.bootstrap("p -y");
    assert_eq!(said.code, Some(0), "{}", said.all());
}
