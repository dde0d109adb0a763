//! What a program reads: whole lines without a terminal, JSON or a refusal, each missing permission once, and what `-vv` logs.

use std::collections::BTreeSet;

use crate::support::{
    emulator::Emulator,
    program::{Place, Said},
    user::User,
};

const SETTLED: &str =
    "--env prod --project acme --region eu-west-1 --lock s3 --encryption sse-s3 --trail off --alarms=false --policy=false";

fn run(place: &Place, line: &str) -> Said {
    place.run(&line.split_whitespace().collect::<Vec<_>>())
}

#[tokio::test]
async fn no_line_is_broken_where_no_terminal_is() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    let long = format!("--tag Owner={}", "team-".repeat(30));
    let broken = run(&place, &format!("config show {SETTLED} {long}"));
    assert!(!broken.out.lines().any(|line| line.starts_with("tag ")), "{}", broken.out);
    place.vars.remove("COLUMNS");

    let plan = run(&place, &format!("plan {SETTLED}"));
    let made: Vec<&str> = plan.out.lines().filter(|line| line.starts_with("+ create")).collect();
    let buckets = made.iter().filter(|line| line.contains("S3 bucket acme-tfstate-prod-")).count();
    assert!(made.len() > 10 && buckets == 2, "{}", plan.out);
    let after: Vec<&str> = plan.out.lines().skip_while(|line| line.starts_with("+ create")).collect();
    assert!(after.iter().all(|line| !line.starts_with(' ')), "{}", plan.out);

    // A table has a line for each row, an error one line.
    let shown = run(&place, &format!("config show {SETTLED} {long}"));
    let row = shown.out.lines().find(|line| line.starts_with("tag ")).expect("a row");
    assert!(row.len() > 150 && row.ends_with("command line"), "{row}");
    assert_eq!(shown.out.lines().count(), 1 + shown.out.lines().filter(|line| line.split("  ").count() > 2).count() - 1, "{}", shown.out);
    let refused = run(&place, "plan --env prod --bucket acme-states-of-all-our-teams");
    assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
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
    let needed: BTreeSet<&str> = plan.out.split("(needs ").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)).collect();
    assert!(!needed.is_empty(), "{}", plan.out);
    let hint = plan.err.lines().find(|line| line.contains("hint: allow ")).expect(&plan.err);
    for action in needed {
        assert_eq!(plan.err.matches(action).count(), 1, "{action}: {}", plan.err);
        assert!(hint.contains(action), "{action}: {hint}");
    }
    assert!(hint.contains("`tfbackend plan --needed-actions --env prod "), "{hint}");
    for line in plan.out.lines().filter(|line| line.contains("(needs ")) {
        let action = line.split_once("(needs ").and_then(|(_, rest)| rest.split_once(')')).expect(line).0;
        assert!(line.matches(action).count() <= 2, "{line}");
        assert!(line.contains("user/operator is not authorized because"), "{line}");
    }
}

#[tokio::test]
async fn calls_are_logged_with_result_duration_and_request_id() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let said = run(&place, &format!("plan {SETTLED} -vv"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    let answered: Vec<&str> = said.err.lines().filter(|line| line.contains("answered")).collect();
    let sent = said.err.lines().filter(|line| line.contains(" sent ")).count();
    assert!(sent > 5 && answered.len() == sent, "{}", said.err);
    for line in &answered {
        assert!(line.contains("call{operation=\""), "{line}");
        assert!(line.contains(" status=") && line.contains(" took=") && line.contains(" request_id="), "{line}");
    }
    let caller = answered.iter().find(|line| line.contains("operation=\"sts:GetCallerIdentity\"")).expect("who calls");
    assert!(caller.contains("status=200") && !caller.contains("request_id=\"none\""), "{caller}");
    let absent = answered.iter().find(|line| line.contains("operation=\"s3:HeadBucket\"")).expect("a bucket");
    assert!(absent.contains("status=404"), "{absent}");
}
