//! `tfbackend verify`: clean after bootstrap, honest about what it may not see, and never a write.

mod accepted;
mod denied;
mod drifts;
mod live;
mod probe;
mod unknown;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    proxy::{Proxy, Reply},
};

const LINE: &str = "--project acme --region eu-west-1";
/// With an address that hears of alarms: without one, that is a finding.
const HEARD: &str = "--project acme --region eu-west-1 --alarm-email ops@example.com";

/// Runs it and reads its document.
fn verify(place: &Place, line: &str) -> (Said, Value) {
    let args: Vec<&str> = ["verify", "--output", "json"]
        .into_iter()
        .chain(line.split_whitespace())
        .collect();
    let said = place.run(&args);
    let document =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    (said, document)
}

/// `id at address: status` of each finding.
fn findings(document: &Value) -> Vec<String> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let place = |finding: &Value| match finding["address"].as_str() {
        Some(address) => address.to_owned(),
        None => text(finding, "resource"),
    };
    let all = document["findings"].as_array().expect("findings");
    all.iter()
        .map(|finding| {
            format!(
                "{} at {}: {}",
                text(finding, "id"),
                place(finding),
                text(finding, "status")
            )
        })
        .collect()
}

/// The ids of what was checked, but for the files of the folder, in alphabetical order; a resource
/// has one check of whose it is.
fn of_the_cloud(document: &Value) -> Vec<String> {
    let id = |check: &Value| {
        check["id"].as_str().map(|id| {
            if ["tags", "unmanaged", "owned"].contains(&id) {
                "ownership"
            } else {
                id
            }
            .to_owned()
        })
    };
    let mut ids: Vec<String> = document["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter_map(id)
        .collect();
    ids.retain(|id| !id.starts_with("files-"));
    ids.sort();
    ids
}

#[tokio::test]
async fn nothing_there_then_clean_then_drifted() {
    let emulator = Emulator::start().await;
    let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    let mut place = Place::with(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let line = format!("--env prod {HEARD}");

    let (said, document) = verify(&place, &line);
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert_eq!(
        (&document["score"], &document["score_capped"]),
        (
            &Value::from(0),
            &Value::from("the state bucket does not exist")
        )
    );
    insta::assert_snapshot!(findings(&document).join("\n"), @"
    bucket at log_bucket: open
    bucket at state_bucket: open
    table at lock_table: open
    key at key: open
    runner-policy at runner_policy: open
    topic at topic: open
    trail at trail: open
    alarm at alarm[bucket_size]: open
    alarm at alarm[object_count]: open
    alarm at alarm[lock_contention]: open
    alarm at alarm[lock_throttles]: open
    alarm at alarm[lock_errors]: open
    ");
    let checked = of_the_cloud(&document);
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    proxy.take();

    let (said, document) = verify(&place, &line);
    assert_eq!((said.code, findings(&document)), (Some(0), vec![]));
    assert_eq!(
        checked,
        of_the_cloud(&document),
        "what is not there takes no check away"
    );
    assert_eq!(
        (&document["passed"], &document["score"]),
        (&Value::from(true), &Value::from(100))
    );
    assert_eq!(document["score_capped"], Value::Null);
    let writes: Vec<String> = proxy
        .take()
        .into_iter()
        .filter(|call| {
            !["Get", "List", "Describe", "Head", "Scan"]
                .iter()
                .any(|verb| call.contains(&format!(":{verb}")))
        })
        .collect();
    assert_eq!(writes, Vec::<String>::new(), "nothing but reads");

    emulator.python(
        "tests/it/idempotence/drift.py",
        &["versioning suspended", "a trail that is stopped"],
    );
    let (said, document) = verify(&place, &line);
    assert_eq!(said.code, Some(2));
    let why = "at most 40 while a finding of severity critical is open";
    assert_eq!(
        (&document["score"], &document["score_capped"]),
        (&Value::from(40), &Value::from(why))
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&document["findings"][0]).expect("JSON"), @r#"
    {
      "id": "bucket-versioning",
      "status": "open",
      "severity": "critical",
      "group": "storage",
      "expected": "versioning is enabled",
      "found": "status: Suspended (expected: Enabled)",
      "rationale": "without versioning, an overwritten or deleted state cannot be restored",
      "remediation": "tfbackend bootstrap --env prod --project acme --region eu-west-1 --alarm-email ops@example.com",
      "address": "state_bucket/versioning",
      "resource": "arn:aws:s3:::acme-tfstate-prod-000000000000-eu-west-1",
      "references": [
        "S3.14",
        "CKV_AWS_21"
      ],
      "docs": "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html"
    }
    "#);
    assert_eq!(
        findings(&document),
        [
            "bucket-versioning at state_bucket/versioning: open",
            "trail-logging at trail/logging: open"
        ]
    );
    // What it says to run is what sets it right.
    let remediation = document["findings"][0]["remediation"]
        .as_str()
        .expect("a command");
    let words: Vec<&str> = remediation
        .split_whitespace()
        .skip(1)
        .chain(["-y"])
        .collect();
    assert_eq!(place.run(&words).code, Some(0), "{remediation}");
    assert_eq!(verify(&place, &line).0.code, Some(0));

    // Whom a policy of others lets in is said by those who write, too.
    let before = place.run(&format!("plan {line}").split(' ').collect::<Vec<_>>());
    assert!(!before.all().contains("warning:"), "{}", before.all());
    emulator.python(
        "tests/it/verify/let_in.py",
        &["acme-tfstate-prod-000000000000-eu-west-1"],
    );
    for said in [
        place.run(&format!("plan {line}").split(' ').collect::<Vec<_>>()),
        place.bootstrap(&format!("{line} -y")),
    ] {
        let text = said.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            text.contains(
                "warning: state_bucket/policy: statement Partner allows \
                 arn:aws:iam::444455556666:root"
            ),
            "{text}"
        );
    }
    assert_eq!(
        findings(&verify(&place, &line).1),
        ["bucket-open at state_bucket/policy: open"]
    );
    emulator.python(
        "tests/it/verify/let_in.py",
        &["acme-tfstate-prod-000000000000-eu-west-1", "no"],
    );

    // So is a statement that keeps lock files, where locks are files; with a table it takes the
    // states of workspaces only.
    let keep = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::acme-tfstate-prod-000000000000-eu-west-1/*"}"#;
    emulator.python(
        "tests/it/verify/let_in.py",
        &["acme-tfstate-prod-000000000000-eu-west-1", keep],
    );
    let document = verify(&place, &line).1;
    assert_eq!(
        findings(&document),
        ["terraform-denied at state_bucket/policy: open"]
    );
    let found = document["findings"][0]["found"].as_str().expect("words");
    assert_eq!(
        found,
        "statement Partner denies deleting states of workspaces for every run; change the \
         statement"
    );
    emulator.python(
        "tests/it/verify/let_in.py",
        &["acme-tfstate-prod-000000000000-eu-west-1", "no"],
    );

    // Only what is bad enough counts.
    emulator.python("tests/it/idempotence/drift.py", &["no bucket key"]);
    assert_eq!(verify(&place, &line).0.code, Some(2));
    assert_eq!(
        verify(&place, &format!("{line} --min-severity medium"))
            .0
            .code,
        Some(0)
    );
}

/// Alarms that reach no one are said before they are made, and by verify; with an address, the mail
/// is to be confirmed.
#[tokio::test]
async fn alarms_that_no_one_hears() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let unheard = "--env prod --project acme --region eu-west-1";
    let note = "note: alarms notify topic acme-tfstate-prod-alarms, which has no subscription";
    let plan = |line: &str| {
        place.run(
            &["plan"]
                .into_iter()
                .chain(line.split(' '))
                .collect::<Vec<_>>(),
        )
    };
    assert!(plan(unheard).err.contains(note), "{}", plan(unheard).all());
    assert!(
        !plan(&format!("{unheard} --alarm-email ops@example.com"))
            .err
            .contains("note: alarms")
    );
    assert!(
        !plan(&format!("{unheard} --alarms=false"))
            .err
            .contains("note: alarms")
    );
    let said = place.bootstrap(&format!("{unheard} -y"));
    assert!(
        said.code == Some(0) && said.err.contains(note) && !said.err.contains("onfirm the e-mail"),
        "{}",
        said.all()
    );
    let (said, document) = verify(&place, unheard);
    assert_eq!(
        (said.code, findings(&document)),
        (Some(2), vec!["topic-heard at topic: open".to_owned()])
    );
    assert_eq!(
        (&document["findings"][0]["severity"], &document["score"]),
        (&Value::from("medium"), &Value::from(90))
    );
    let said = place.bootstrap(&format!("{unheard} --alarm-email ops@example.com -y"));
    assert!(
        said.err
            .contains("Confirm the e-mail from AWS to ops@example.com"),
        "{}",
        said.all()
    );
    let second = place.bootstrap(&format!(
        "{unheard} --alarm-email ops@example.com --alarm-email dev@example.com -y --output json"
    ));
    let last: Value =
        serde_json::from_str(second.out.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        last["unconfirmed"],
        serde_json::json!(["dev@example.com"]),
        "{}",
        second.all()
    );
    let both = format!("{unheard} --alarm-email ops@example.com --alarm-email dev@example.com");
    assert_eq!(verify(&place, &both).0.code, Some(0));
}

/// What lost its tags is a finding, and what is said to set it right does.
#[tokio::test]
async fn tags_that_were_lost() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = format!("--env prod {HEARD}");
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    let clean = verify(&place, &line).1;
    emulator.python("tests/it/verify/untag.py", &[]);
    emulator.python("tests/it/idempotence/drift.py", &["versioning suspended"]);
    let (said, document) = verify(&place, &line);
    assert_eq!(said.code, Some(2));
    insta::assert_snapshot!(findings(&document).join("\n"), @"
    bucket-versioning at state_bucket/versioning: open
    unmanaged at key: open
    unmanaged at topic: open
    unmanaged at log_bucket: open
    unmanaged at state_bucket: open
    unmanaged at lock_table: open
    unmanaged at trail: open
    unmanaged at alarm[bucket_size]: open
    unmanaged at alarm[object_count]: open
    unmanaged at alarm[lock_contention]: open
    unmanaged at alarm[lock_throttles]: open
    unmanaged at alarm[lock_errors]: open
    unmanaged at runner_policy: open
    ");
    let checks = |document: &Value| document["checks"].as_array().map(Vec::len);
    assert_eq!(
        checks(&document),
        checks(&clean),
        "as many checks as before"
    );
    let mends: BTreeSet<&str> = document["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|one| one["remediation"].as_str())
        .collect();
    let mends: Vec<&str> = mends.into_iter().collect();
    assert_eq!(mends, [format!("tfbackend bootstrap {line} --adopt")]);
    let words: Vec<&str> = mends[0].split_whitespace().skip(1).chain(["-y"]).collect();
    let said = place.run(&words);
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(findings(&verify(&place, &line).1), [""; 0]);
}

/// Ways in and out that are no setting: each is found, and bootstrap, which makes none of them,
/// leaves them.
#[tokio::test]
async fn what_is_open_beside_the_settings() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = format!("--env prod {HEARD}");
    assert_eq!(place.bootstrap(&format!("{line} -y")).code, Some(0));
    let checks = |document: &Value| document["checks"].as_array().map(Vec::len);
    let clean = verify(&place, &line).1;
    emulator.python("tests/it/verify/exposed.py", &[]);
    let (said, document) = verify(&place, &line);
    assert_eq!(said.code, Some(2));
    insta::assert_snapshot!(findings(&document).join("\n"), @"
    bucket-replication at state_bucket: open
    key-grants at key: open
    bucket-website at state_bucket: open
    table-expiry at lock_table: open
    bucket-cors at state_bucket: open
    ");
    assert_eq!(
        checks(&document),
        checks(&clean),
        "as many checks as before"
    );
}

#[tokio::test]
async fn every_environment_of_the_file() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    assert_eq!(
        place.run(&["verify", "--all"]).code,
        Some(1),
        "there is none"
    );
    let toml = "project = \"acme\"\nregion = \"eu-west-1\"\ntrail = \"off\"\nalarms = \
                false\n[env.prod]\nout = \"prod\"\n[env.dev]\nephemeral = true\nout = \"dev\"\n";
    std::fs::write(place.path().join("tfbackend.toml"), toml).expect("written");
    assert_eq!(place.bootstrap("--env prod -y").code, Some(0));
    let (said, document) = verify(&place, "--all");
    assert_eq!(
        (said.code, &document["passed"]),
        (Some(2), &Value::from(false))
    );
    let each = document["environments"]
        .as_array()
        .expect("documents")
        .iter();
    let shown: Vec<String> = each
        .map(|one| format!("{} {}", one["about"]["env"], one["passed"]))
        .collect();
    assert_eq!(shown, ["\"dev\" false", "\"prod\" true"]);
    assert_eq!(place.bootstrap("--env dev -y").code, Some(0));
    let said = place.run(&["verify", "--all"]);
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        said.out.contains("acme dev") && said.out.contains("acme prod"),
        "{}",
        said.out
    );
    // One that cannot be reached does not keep the others.
    let broken = "[env.away]\nprofile = \"elsewhere\"\n[env.odd]\naccount = \"111122223333\"\n";
    std::fs::write(
        place.path().join("tfbackend.toml"),
        format!("{toml}{broken}"),
    )
    .expect("written");
    let (said, document) = verify(&place, "--all");
    assert_eq!(
        (said.code, &document["passed"]),
        (Some(1), &Value::from(false)),
        "{}",
        said.all()
    );
    let each = document["environments"]
        .as_array()
        .expect("documents")
        .iter();
    assert_eq!(
        each.map(|one| &one["about"]["env"]).collect::<Vec<_>>(),
        ["dev", "prod"]
    );
    let errors = document["errors"].as_array().expect("errors");
    assert_eq!(
        errors.iter().map(|one| &one["env"]).collect::<Vec<_>>(),
        ["away", "odd"]
    );
    assert!(
        errors[0]["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("elsewhere")),
        "{document:#}"
    );
    assert!(
        errors[1]["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("111122223333")),
        "{document:#}"
    );
    let said = place.run(&["verify", "--all"]);
    assert_eq!(said.code, Some(1), "{}", said.all());
    let order = [
        "Environment away cannot be verified.\nerror: ",
        "acme dev",
        "Environment odd cannot be verified.\nerror: ",
        "acme prod",
    ];
    let at: Vec<_> = order.iter().map(|text| said.out.find(text)).collect();
    assert!(at.is_sorted() && at[0].is_some(), "{at:?} {}", said.out);
    std::fs::write(place.path().join("tfbackend.toml"), toml).expect("written");

    assert_eq!(
        place.run(&["verify", "--all", "--output", "html"]).code,
        Some(1)
    );
    assert_eq!(
        place.run(&["verify", "--all", "--env", "prod"]).code,
        Some(1)
    );
}

#[tokio::test]
async fn what_is_wrong_with_the_question() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    insta::assert_snapshot!(place.run(&["verify"]).refusal(), @"
    1
    error: no environment was given
      hint: pass --env, for example --env dev
    ");
    insta::assert_snapshot!(place.run(&["verify", "--env", "prod"]).refusal(), @"
    1
    error: `project` is not set; pass `--project`, or set it in tfbackend.toml
    ");
    insta::assert_snapshot!(place.run(&["plan", "--env", "prod", "--output", "sarif"]).refusal(), @"
    1
    error: only verify supports this --output format

    Usage: tfbackend [OPTIONS] [COMMAND]

    For more information, try '--help'.
    ");
}
