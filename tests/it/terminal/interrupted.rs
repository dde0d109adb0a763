//! Ctrl-C and SIGTERM while things are made: what runs is finished, nothing more is started, and
//! the next run finishes.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::CTRL_C;
use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Gate, Proxy, Reply},
    terminal::Terminal,
};

const LINE: &str = "--env prod --project acme --region eu-west-1 --encryption sse-s3 --trail off \
                    --alarms=false --parallelism 1 --non-interactive -y";

/// The creation of the table waits at a gate.
fn behind_a_gate(emulator: &Emulator) -> (Place, Gate, Proxy) {
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(Some(emulator), move |call, _| {
        if call.operation == "CreateTable" {
            Reply::Wait(there.clone())
        } else {
            Reply::Forward
        }
    });
    let mut place = Place::with(emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    (place, gate, proxy)
}

fn args() -> Vec<&'static str> {
    ["bootstrap"].into_iter().chain(LINE.split(' ')).collect()
}

/// Ctrl-C, once a call waits at the gate and what was printed until then has been read: a terminal
/// drops the rest of it.
fn interrupted<'a>(place: &'a Place, gate: &Gate) -> Terminal<'a> {
    let mut terminal = Terminal::start(place, &args());
    gate.wait_for_a_caller();
    terminal.wait_for("✓ state_bucket/logging");
    terminal.send(CTRL_C);
    terminal.wait_for("interrupted");
    terminal
}

#[tokio::test]
async fn the_first_ctrl_c_finishes_what_runs_and_the_next_run_the_rest() {
    let emulator = Emulator::start().await;
    let (place, gate, _proxy) = behind_a_gate(&emulator);
    let mut terminal = interrupted(&place, &gate);
    gate.open();
    assert_eq!(terminal.end(), 130);
    insta::assert_snapshot!(without_a_frame(&terminal.screen()), @r#"
    + create  state_bucket                S3 bucket acme-tfstate-prod-000000000000-eu-west-1
    + create  state_bucket/public_access  no public access of any kind
    + create  state_bucket/versioning     keeps every version
    + create  state_bucket/encryption     encrypted by S3 (SSE-S3), SSE-C blocked
    + create  state_bucket/lifecycle      replaced versions kept for 90 days, the newest 50 forever
    + create  state_bucket/policy         bucket policy of 7 statements
    + create  state_bucket/logging        access logs into acme-tfstate-prod-logs-000000000000-eu-west-1
    + create  lock_table                  DynamoDB table acme-tfstate-prod-locks, paid per request
    + create  lock_table/recovery         point-in-time recovery
    + create  runner_policy               IAM policy acme-tfstate-prod-runner-eu-west-1, for Terraform
                                          runs

    Plan: 16 to create, 0 to update, 0 blocked.
    -v shows every setting.
    `dynamodb_table` is deprecated since Terraform 1.11; `--lock s3` locks with an object beside the
    state.
    ✓ log_bucket  TIME
    ✓ log_bucket/public_access  TIME
    ✓ log_bucket/versioning  TIME
    ✓ log_bucket/encryption  TIME
    ✓ log_bucket/lifecycle  TIME
    ✓ log_bucket/policy  TIME
    ✓ state_bucket  TIME
    ✓ state_bucket/public_access  TIME
    ✓ state_bucket/versioning  TIME
    ✓ state_bucket/encryption  TIME
    ✓ state_bucket/lifecycle  TIME
    ✓ state_bucket/policy  TIME
    ✓ state_bucket/logging  TIME
    interrupted: no more steps are started, 1 running step finishes first
    ✓ lock_table  TIME
    error: interrupted: 14 changes applied, 2 left
      hint: applied: log_bucket, log_bucket/public_access, log_bucket/versioning, log_bucket/encryption,
        log_bucket/lifecycle, log_bucket/policy, state_bucket, state_bucket/public_access,
        state_bucket/versioning, state_bucket/encryption, state_bucket/lifecycle, state_bucket/policy,
        state_bucket/logging, lock_table
      hint: not started: lock_table/recovery, runner_policy
      hint: the same command continues where this one stopped
    "#);
    let made = emulator.python("tests/it/support/inventory.py", &[]);
    insta::assert_snapshot!(made, @"
    bucket acme-tfstate-prod-000000000000-eu-west-1
    bucket acme-tfstate-prod-logs-000000000000-eu-west-1
    table acme-tfstate-prod-locks
    ");
    assert!(!place.path().join("backend.conf").exists());

    let said = place.bootstrap(LINE);
    assert_eq!(said.code, Some(0), "{}", said.all());
    insta::assert_snapshot!(said.err, @r#"
    acme prod in eu-west-1 (account 000000000000)

    ~ update  lock_table/recovery  point-in-time recovery
        enabled: false → true, so that the digests of the states can be restored
    + create  runner_policy  IAM policy acme-tfstate-prod-runner-eu-west-1, for
                             Terraform runs

    Plan: 1 to create, 1 to update, 0 blocked, 14 unchanged.
    -v shows every setting.
    `dynamodb_table` is deprecated since Terraform 1.11; to move:
    `tfbackend lock migrate --env prod --to both --project acme --region eu-west-1`.
    ✓ lock_table/recovery  TIME
    ✓ runner_policy  TIME
    verified: 16 resources are as planned

    Next:
      terraform init -backend-config=backend.conf
    "#);
    assert!(place.path().join("backend.conf").exists());
}

#[tokio::test]
async fn the_second_ctrl_c_ends_at_once() {
    let emulator = Emulator::start().await;
    let (place, gate, _proxy) = behind_a_gate(&emulator);
    let mut terminal = interrupted(&place, &gate);
    terminal.send(CTRL_C);
    // The gate is still shut.
    assert_eq!(terminal.end(), 130);

    gate.open();
    let said = place.bootstrap(LINE);
    assert_eq!(said.code, Some(0), "{}", said.all());
    let said = place.bootstrap(LINE);
    assert!(said.err.contains("nothing to do"), "{}", said.all());
}

#[tokio::test]
async fn sigterm_is_the_same_for_a_job_without_a_terminal() {
    let emulator = Emulator::start().await;
    let (place, gate, _proxy) = behind_a_gate(&emulator);
    let mut command = place.command(&[&args()[..], &["--output=json"]].concat());
    let mut job = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    gate.wait_for_a_caller();
    assert!(
        Command::new("kill")
            .arg(job.id().to_string())
            .status()
            .expect("kill")
            .success()
    );
    let lines = BufReader::new(job.stdout.take().expect("piped")).lines();
    let mut events = lines.map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"));
    let interrupted: Value = events
        .find(|event: &Value| event["event"] == "interrupted")
        .expect("it says so at once");
    gate.open();
    let rest: Vec<Value> = events.collect();
    let said = place.said(&job.wait_with_output().expect("it ends"));
    assert_eq!((said.code, said.err.as_str()), (Some(130), ""), "{rest:#?}");
    let [finished, error] = &rest[..] else {
        panic!("{rest:#?}")
    };
    assert_eq!(
        (
            interrupted["event"].as_str(),
            interrupted["running"].as_i64()
        ),
        (Some("interrupted"), Some(1))
    );
    assert_eq!(
        (finished["event"].as_str(), finished["address"].as_str()),
        (Some("finished"), Some("lock_table"))
    );
    insta::assert_snapshot!(error["error"], @r#"{"exit_code":130,"message":"interrupted: 14 changes applied, 2 left","causes":[],"hints":["applied: log_bucket, log_bucket/public_access, log_bucket/versioning, log_bucket/encryption, log_bucket/lifecycle, log_bucket/policy, state_bucket, state_bucket/public_access, state_bucket/versioning, state_bucket/encryption, state_bucket/lifecycle, state_bucket/policy, state_bucket/logging, lock_table","not started: lock_table/recovery, runner_policy","the same command continues where this one stopped"]}"#);
}

/// While nothing is changed, there is nothing to finish.
#[tokio::test]
async fn a_command_that_only_reads_stops_at_once() {
    let gate = Gate::default();
    let there = gate.clone();
    let proxy = Proxy::start(None, move |_, _| Reply::Wait(there.clone()));
    let place = Place::at(proxy.endpoint());
    let mut terminal = Terminal::start(&place, &args());
    gate.wait_for_a_caller();
    terminal.send(CTRL_C);
    assert_eq!(terminal.end(), 130);
    // The terminal shows the key, unless the spinner is drawn over it.
    let screen = terminal.screen();
    insta::assert_snapshot!(screen.trim_start_matches("^C"), @"error: interrupted while connecting; nothing was changed");
}

/// A signal may leave the last frame of the bars on the screen: which one it was is chance.
fn without_a_frame(screen: &str) -> String {
    let frame = |line: &&str| {
        line.trim().ends_with("of 16 done")
            || line.starts_with(|c| ('\u{2800}'..='\u{28ff}').contains(&c))
    };
    screen
        .lines()
        .filter(|line| !frame(line))
        .collect::<Vec<_>>()
        .join("\n")
}
