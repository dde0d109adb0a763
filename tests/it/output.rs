//! What a program reads: whole lines without a terminal, JSON or a refusal, each missing permission
//! once, and what `-vv` logs.

use std::{collections::BTreeSet, fs};

use clap::CommandFactory;
use serde_json::{Value, json};
use tfbackend::cli::Cli;

use crate::support::{
    aws,
    emulator::Emulator,
    program::{Place, Said},
    user::User,
};

const SETTLED: &str = "--env prod --project acme --region eu-west-1 --lock s3 --encryption sse-s3 \
                       --trail off --alarms=false --policy=false";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
/// What prints no answer of its own.
const NO_JSON: [&str; 3] = ["completions", "man", "sandbox run"];

fn run(place: &Place, line: &str) -> Said {
    place.run(&line.split_whitespace().collect::<Vec<_>>())
}

#[track_caller]
fn document(said: &Said) -> Value {
    assert_eq!(said.err, "", "{}", said.all());
    let document: Value =
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.all()));
    assert_eq!(document["format_version"], 1, "{document}");
    document
}

#[tokio::test]
async fn no_line_is_broken_where_no_terminal_is() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let long = format!("--tag Owner={}", "team-".repeat(30));
    let broken = run(&place, &format!("config show {SETTLED} {long}"));
    assert!(
        !broken.out.lines().any(|line| line.starts_with("tag ")),
        "{}",
        broken.out
    );
    place.vars.remove("COLUMNS");

    let plan = run(&place, &format!("plan {SETTLED}"));
    let made: Vec<&str> = plan
        .out
        .lines()
        .filter(|line| line.starts_with("+ create"))
        .collect();
    let buckets = made
        .iter()
        .filter(|line| line.contains("S3 bucket acme-tfstate-prod-"))
        .count();
    assert!(made.len() > 10 && buckets == 2, "{}", plan.out);
    let after: Vec<&str> = plan
        .out
        .lines()
        .skip_while(|line| line.starts_with("+ create"))
        .collect();
    assert!(
        after.iter().all(|line| !line.starts_with(' ')),
        "{}",
        plan.out
    );

    // A table has a line for each row, an error one line.
    let shown = run(&place, &format!("config show {SETTLED} {long}"));
    let row = shown
        .out
        .lines()
        .find(|line| line.starts_with("tag "))
        .expect("a row");
    assert!(row.len() > 150 && row.ends_with("command line"), "{row}");
    assert_eq!(
        shown.out.lines().count(),
        1 + shown
            .out
            .lines()
            .filter(|line| line.split("  ").count() > 2)
            .count()
            - 1,
        "{}",
        shown.out
    );
    let refused = run(
        &place,
        "plan --env prod --bucket acme-states-of-all-our-teams",
    );
    assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
}

#[tokio::test]
async fn every_command_answers_in_json_or_refuses_it() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    place.set(
        "TFBACKEND_SANDBOX_DIR",
        &place.path().join("no sandbox").display().to_string(),
    );
    assert_eq!(
        run(&place, &format!("bootstrap {SETTLED} -y")).code,
        Some(0)
    );

    let current = run(&place, &format!("render {SETTLED} --check --output json"));
    assert_eq!(current.code, Some(0));
    insta::assert_snapshot!(document(&current), @r#"{"format_version":1,"backend":{"kind":"s3","title":"Amazon S3","location":{"bucket":"acme-tfstate-prod-000000000000-eu-west-1","key":"terraform.tfstate","region":"eu-west-1"}},"check":true,"current":true,"refused":[],"files":[{"path":"~/shop/backend.tf","status":"current"},{"path":"~/shop/backend.conf","status":"current"}]}"#);
    fs::remove_file(place.path().join("backend.tf")).expect("removed");
    let missing = run(&place, &format!("render {SETTLED} --check --output json"));
    assert_eq!(missing.code, Some(2));
    insta::assert_snapshot!(document(&missing)["files"], @r#"[{"path":"~/shop/backend.tf","status":"missing"},{"path":"~/shop/backend.conf","status":"current"}]"#);
    let written = run(&place, &format!("render {SETTLED} --output json"));
    assert_eq!(written.code, Some(0));
    insta::assert_snapshot!(document(&written), @r#"{"format_version":1,"backend":{"kind":"s3","title":"Amazon S3","location":{"bucket":"acme-tfstate-prod-000000000000-eu-west-1","key":"terraform.tfstate","region":"eu-west-1"}},"check":false,"current":true,"refused":[],"files":[{"path":"~/shop/backend.tf","status":"written"},{"path":"~/shop/backend.conf","status":"current"}]}"#);

    let init = run(&place, &format!("config init {SETTLED} --output json"));
    insta::assert_snapshot!(document(&init), @r#"{"format_version":1,"env":"prod","backend":{"kind":"s3","title":"Amazon S3","location":{"key":"terraform.tfstate","region":"eu-west-1"}},"written":"tfbackend.toml"}"#);

    let down = run(&place, "sandbox status --output json");
    assert_eq!(down.code, Some(2));
    insta::assert_snapshot!(document(&down), @r#"{"format_version":1,"running":false}"#);
    insta::assert_snapshot!(document(&run(&place, "sandbox down --output json")), @r#"{"format_version":1,"running":false,"was_running":false,"purged":false}"#);

    let s3 = aws::aws(&emulator).await.clients.s3;
    for serial in [1, 2] {
        let state = json!({ "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "l", "outputs": {}, "resources": [] });
        let body = state.to_string().into_bytes().into();
        s3.put_object()
            .bucket(BUCKET)
            .key("terraform.tfstate")
            .body(body)
            .send()
            .await
            .expect("written");
    }
    place.set("PATH", "");
    let mut failed = vec![];
    for command in commands() {
        let said = run(
            &place,
            &format!("--output json {command} {}", needed(&command)),
        );
        assert_eq!(said.err, "", "{command}: {}", said.all());
        assert!(!said.out.is_empty(), "{command}");
        for value in serde_json::Deserializer::from_str(&said.out).into_iter::<Value>() {
            let value = value.unwrap_or_else(|error| panic!("{command}: {error}: {}", said.all()));
            assert_eq!(value["format_version"], 1, "{command}: {value}");
        }
        let refused = said.out.contains("--output json is not supported: ");
        assert_eq!(
            refused,
            NO_JSON.contains(&&*command),
            "{command}: {}",
            said.all()
        );
        assert!(
            refused || !said.out.contains("Usage: "),
            "{command}: {}",
            said.all()
        );
        if !refused && ![Some(0), Some(2)].contains(&said.code) {
            failed.push(format!("{command}: {}", said.out));
        }
    }
    assert!(
        matches!(&failed[..], [one] if one.starts_with("sandbox up: ")),
        "without a PATH, and nothing else: {failed:#?}"
    );
    assert!(!place.path().join("pages").exists());
}

/// Every command that clap knows, but for groups of them.
fn commands() -> Vec<String> {
    fn walk(of: &clap::Command, path: &str, all: &mut Vec<String>) {
        let subcommands: Vec<&clap::Command> = of
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
            .collect();
        if subcommands.is_empty() {
            all.push(path.trim_start().to_owned());
        }
        subcommands
            .into_iter()
            .for_each(|sub| walk(sub, &format!("{path} {}", sub.get_name()), all));
    }
    let mut all = vec![];
    walk(&Cli::command(), "", &mut all);
    all
}

/// What a command is given.
fn needed(command: &str) -> String {
    match command {
        "bootstrap" => format!("{SETTLED} -y"),
        "teardown" => format!("{SETTLED} --plan"),
        "config init" => SETTLED.replace("prod", "dev"),
        "plan" | "verify" | "render" | "config show" => SETTLED.to_owned(),
        "migrate" => "--to local:moved/terraform.tfstate --plan".to_owned(),
        "lock migrate" => "--to s3 --check".to_owned(),
        "lock release" => "--older-than 1h -y".to_owned(),
        "state diff" => "previous current".to_owned(),
        "state pull" => "--out pulled.tfstate".to_owned(),
        "state restore" => "--serial 1 -y".to_owned(),
        "completions" => "bash".to_owned(),
        "man" => "pages".to_owned(),
        "sandbox run" => "true".to_owned(),
        _ => String::new(),
    }
}

#[tokio::test]
async fn what_may_not_be_looked_at_names_each_permission_once() {
    let emulator = Emulator::start().await;
    let user = User::make(&emulator, "operator").await;
    user.may_only(&["sts:GetCallerIdentity"]).await;
    let mut place = user.place(&emulator);
    place.vars.remove("COLUMNS");
    let plan = run(&place, &format!("plan {SETTLED}"));
    assert_eq!(plan.code, Some(3), "{}", plan.all());
    let needed: BTreeSet<&str> = plan
        .out
        .split("(needs ")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect();
    assert!(!needed.is_empty(), "{}", plan.out);
    let hint = plan
        .err
        .lines()
        .find(|line| line.contains("hint: allow "))
        .expect(&plan.err);
    for action in needed {
        assert_eq!(
            plan.err.matches(action).count(),
            1,
            "{action}: {}",
            plan.err
        );
        assert!(hint.contains(action), "{action}: {hint}");
    }
    assert!(
        hint.contains("`tfbackend plan --needed-actions --env prod "),
        "{hint}"
    );
    for line in plan.out.lines().filter(|line| line.contains("(needs ")) {
        let action = line
            .split_once("(needs ")
            .and_then(|(_, rest)| rest.split_once(')'))
            .expect(line)
            .0;
        assert!(line.matches(action).count() <= 2, "{line}");
        assert!(
            line.contains("user/operator is not authorized because"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn calls_are_logged_with_result_duration_and_request_id() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let said = run(&place, &format!("plan {SETTLED} -vv"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let answered: Vec<&str> = said
        .err
        .lines()
        .filter(|line| line.contains("answered"))
        .collect();
    let sent = said
        .err
        .lines()
        .filter(|line| line.contains(" sent "))
        .count();
    assert!(sent > 5 && answered.len() == sent, "{}", said.err);
    for line in &answered {
        assert!(line.contains("call{operation=\""), "{line}");
        assert!(
            line.contains(" status=") && line.contains(" took=") && line.contains(" request_id="),
            "{line}"
        );
    }
    let caller = answered
        .iter()
        .find(|line| line.contains("operation=\"sts:GetCallerIdentity\""))
        .expect("who calls");
    assert!(
        caller.contains("status=200") && !caller.contains("request_id=\"none\""),
        "{caller}"
    );
    let absent = answered
        .iter()
        .find(|line| line.contains("operation=\"s3:HeadBucket\""))
        .expect("a bucket");
    assert!(absent.contains("status=404"), "{absent}");
}

#[tokio::test]
async fn the_region_of_the_profile_counts_for_every_command() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let config = place.path().join("aws config");
    fs::write(
        &config,
        "[default]\nregion = eu-west-3\n[profile other]\nregion = eu-north-1\n",
    )
    .expect("written");
    place.set("AWS_CONFIG_FILE", &config.display().to_string());
    let settled = SETTLED.replace("--region eu-west-1 ", "");
    for command in [
        "plan",
        "verify",
        "render --check",
        "bootstrap --non-interactive",
        "teardown --non-interactive",
    ] {
        let said = run(&place, &format!("{command} {settled}"));
        assert!(!said.err.contains("`region`"), "{command}: {}", said.err);
        assert!(
            command.starts_with("render") || (said.out + &said.err).contains("eu-west-3"),
            "{command}: {}",
            said.err
        );
    }
    let shown = run(&place, &format!("config show {settled} --output json"));
    let region = |said: &Said| {
        let document = document(said);
        let rows = document["settings"].as_array().expect("rows").clone();
        rows.into_iter()
            .find(|row| row["name"] == "region")
            .expect("a region")
            .to_string()
    };
    insta::assert_snapshot!(region(&shown), @r#"{"name":"region","value":"eu-west-3","origin":{"from":"profile"}}"#);
    insta::assert_snapshot!(region(&run(&place, &format!("config show {settled} --output json --profile other"))), @r#"{"name":"region","value":"eu-north-1","origin":{"from":"profile"}}"#);
    place.set("AWS_REGION", "eu-west-2");
    insta::assert_snapshot!(region(&run(&place, &format!("config show {settled} --output json"))), @r#"{"name":"region","value":"eu-west-2","origin":{"from":"variable","name":"AWS_REGION"}}"#);

    // What is not a region stays missing, and a profile without one asks nothing of the instance.
    place.vars.remove("AWS_REGION");
    fs::write(&config, "[default]\noutput = json\n").expect("written");
    assert!(
        run(&place, &format!("plan {settled}"))
            .err
            .starts_with("error: `region` is not set")
    );
    fs::write(&config, "[default]\nregion = somewhere\n").expect("written");
    assert!(
        run(&place, &format!("plan {settled}"))
            .err
            .starts_with("error: `region` is not set")
    );
}
