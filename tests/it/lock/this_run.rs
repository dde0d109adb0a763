//! What a job of a pipeline that was cancelled left: released by the same job, and nothing else.

use std::{
    fs::{self, File},
    process::{Output, Stdio},
    time::{Duration, SystemTime},
};

use jiff::{SignedDuration, Timestamp};
use tfbackend::{host::user::who, state::lock::LockInfo};

use super::{ENV, commands::put, json, lock_command, locks};
use crate::{
    support::backend::{Backend, said},
    terraform::running::{Holder, apply, initialized, nothing_to_change},
};

const OURS: &str = "5e2d4b6e-0001-0b0c-9a51-3c1a6a2c5f10";
const BEFORE: &str = "5e2d4b6e-0002-0b0c-9a51-3c1a6a2c5f10";
const THEIRS: &str = "5e2d4b6e-0003-0b0c-9a51-3c1a6a2c5f10";

fn info(id: &str, who: &str, age: SignedDuration) -> String {
    let info = LockInfo {
        id: id.to_owned(),
        operation: "OperationTypeApply".to_owned(),
        who: who.to_owned(),
        version: "1.11.4".to_owned(),
        created: Some(Timestamp::now() - age),
        ..LockInfo::default()
    };
    info.to_go_json()
}

fn release(backend: &Backend, line: &str, vars: &[(&str, &str)]) -> Output {
    let line = format!("release --held-by-this-run {ENV} {line}");
    let mut command = lock_command(backend, &line);
    command.envs(vars.iter().copied());
    command.output().expect("the program")
}

fn hours_ago(hours: i64) -> String {
    (Timestamp::now() - SignedDuration::from_hours(hours)).to_string()
}

fn held(backend: &Backend) -> Vec<String> {
    let ids = locks(backend, ENV)
        .into_iter()
        .map(|lock| lock["id"].as_str().expect("an ID").to_owned());
    ids.collect()
}

#[tokio::test]
async fn only_locks_of_this_machine_since_the_start_of_the_job_are_released() {
    let backend = initialized(&["--lock", "both"]).await;
    let (me, other) = (who(), "ci@runner-8");
    let (one, three) = (SignedDuration::from_hours(1), SignedDuration::from_hours(3));
    let [ours, before, theirs] = [
        info(OURS, &me, one),
        info(BEFORE, &me, three),
        info(THEIRS, other, one),
    ];
    put(
        &backend,
        &[
            ["item", "terraform.tfstate", &ours],
            ["file", "terraform.tfstate", &ours],
            ["item", "env:/blue/terraform.tfstate", &before],
            ["file", "env:/red/terraform.tfstate", &theirs],
        ],
    );
    let all = [BEFORE, THEIRS, OURS];
    assert_eq!(held(&backend), all);

    // Without a start of the run, and with one that cannot be used, nothing is known of its locks.
    for (name, value, reason) in [
        ("CI", "true", "it is not known when this run started"),
        (
            "CI_JOB_STARTED_AT",
            "yesterday",
            "CI_JOB_STARTED_AT is not a time: yesterday",
        ),
        (
            "GITHUB_EVENT_PATH",
            "missing.json",
            "the file of GITHUB_EVENT_PATH cannot be read: missing.json",
        ),
    ] {
        let output = release(&backend, "-y", &[(name, value)]);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains(reason), "{}", said(&output));
    }
    // Nobody is asked in a pipeline, and nothing is released without approval.
    let since = hours_ago(2);
    let output = release(&backend, "", &[("CI_JOB_STARTED_AT", &since)]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(held(&backend), all);

    // A job that started later than the lock has none; a file says when a job of GitHub started.
    let event = backend.dir().join("event.json");
    fs::write(&event, "{}").expect("written");
    let output = release(
        &backend,
        "-y",
        &[("GITHUB_EVENT_PATH", event.to_str().expect("a path"))],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&output).replace("\n    ", " ");
    assert!(
        text.contains("this run holds no lock in s3://")
            && text.contains(
                "note: 2 locks are held by this user and host, too, but not since this run started"
            )
            && text.contains(BEFORE)
            && !text.contains(THEIRS),
        "{text}"
    );
    assert_eq!(held(&backend), all);

    // What the pipeline itself says comes first.
    let output = release(
        &backend,
        "-y --output json",
        &[
            ("TFBACKEND_RUN_STARTED_AT", &since),
            ("CI_JOB_STARTED_AT", "no time"),
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let released = json(&output)["released"].clone();
    assert_eq!(released.as_array().map(Vec::len), Some(1), "{released}");
    assert_eq!(
        [
            &released[0]["id"],
            &released[0]["file"],
            &released[0]["table"]
        ],
        [OURS, "released", "released"]
    );
    assert_eq!(held(&backend), [BEFORE, THEIRS]);

    // The next time, there is nothing to do, which is no error.
    let time = SystemTime::now() - Duration::from_hours(2);
    File::options()
        .write(true)
        .open(&event)
        .and_then(|file| file.set_modified(time))
        .expect("a time");
    let output = release(
        &backend,
        "-y",
        &[("GITHUB_EVENT_PATH", event.to_str().expect("a path"))],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("this run holds no lock"),
        "{}",
        said(&output)
    );
    assert_eq!(held(&backend), [BEFORE, THEIRS]);
}

/// With the permissions of a pipeline: those of the runner policy.
#[tokio::test]
async fn killed_terraform_leaves_a_lock_that_its_job_releases() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    let since = Timestamp::now().to_string();
    let mut holder = Holder::start(&backend);
    let in_job = || {
        let mut command = lock_command(&backend, "release --held-by-this-run -y");
        command.env_clear().envs(backend.runner());
        command.env("CI_JOB_STARTED_AT", &since);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program")
    };
    let mut waiting = in_job();
    std::thread::sleep(Duration::from_secs(2));
    assert!(waiting.try_wait().expect("a child").is_none(), "it waits");
    assert!(
        !backend.terraform(&["plan"]).status.success(),
        "it is locked"
    );
    assert!(!holder.kill().status.success());
    // Other Terraform of this machine may have been running before the lock was acquired.
    let mut output = waiting.wait_with_output().expect("it ends");
    for _ in 0..6 {
        if output.status.code() == Some(3) {
            output = in_job().wait_with_output().expect("it ends");
        }
    }
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&output);
    assert!(
        text.contains("lock file deleted and item of the table deleted"),
        "{text}"
    );
    nothing_to_change(&backend, &[]);
}
