//! What a job of a pipeline that was cancelled left: released by the same job, and nothing else.

use std::{
    fs::{self, File},
    process::{Output, Stdio},
    time::Duration,
};

use jiff::Timestamp;
use tfbackend::{host::user::who, state::lock::LockInfo};

use super::{ENV, commands::put, json, lock_command, locks};
use crate::{
    support::backend::{Backend, said},
    terraform::running::{Holder, apply, initialized, nothing_to_change},
};

const OURS: &str = "5e2d4b6e-0001-0b0c-9a51-3c1a6a2c5f10";
const BEFORE: &str = "5e2d4b6e-0002-0b0c-9a51-3c1a6a2c5f10";
const THEIRS: &str = "5e2d4b6e-0003-0b0c-9a51-3c1a6a2c5f10";

/// A lock that Terraform left: all of the same user and host, as on the runners of a service.
pub(crate) fn left_lock(id: &str) -> String {
    let info = LockInfo {
        id: id.to_owned(),
        operation: "OperationTypeApply".to_owned(),
        who: who(),
        version: "1.11.4".to_owned(),
        created: Some(Timestamp::now()),
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

fn held(backend: &Backend) -> Vec<String> {
    let ids = locks(backend, ENV)
        .into_iter()
        .map(|lock| lock["id"].as_str().expect("an ID").to_owned());
    ids.collect()
}

#[tokio::test]
async fn only_locks_that_the_log_names_are_released() {
    let backend = initialized(&["--lock", "both"]).await;
    put(
        &backend,
        &[
            ["item", "terraform.tfstate", &left_lock(OURS)],
            ["file", "terraform.tfstate", &left_lock(OURS)],
            ["item", "env:/blue/terraform.tfstate", &left_lock(BEFORE)],
            ["file", "env:/red/terraform.tfstate", &left_lock(THEIRS)],
        ],
    );
    let all = [BEFORE, THEIRS, OURS];
    assert_eq!(held(&backend), all);
    let log = backend.dir().join("terraform.log");
    let log_path = ("TF_LOG_PATH", log.to_str().expect("a path"));
    let info = ("TF_LOG_CORE", "INFO");

    // Without a log of locks, nothing is known of them.
    let unknown = "it is not known which locks this run acquired; no lock was released";
    for vars in [
        &[("CI", "true")][..],
        &[info],
        &[log_path],
        &[log_path, ("TF_LOG_CORE", "WARN")],
        &[log_path, info, ("TF_LOG", "ERROR")],
    ] {
        let output = release(&backend, "-y", vars);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains(unknown), "{}", said(&output));
    }
    // A folder is no log.
    let folder = backend.dir().display().to_string();
    let output = release(&backend, "-y", &[info, ("TF_LOG_PATH", &folder)]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    // Terraform was not started at all, or acquired nothing.
    for text in [None, Some(""), Some("tf_backend.lock.id=none\n")] {
        if let Some(text) = text {
            fs::write(&log, text).expect("written");
        }
        let output = release(&backend, "-y", &[info, log_path]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(
            said(&output).contains("this run holds no lock in s3://"),
            "{}",
            said(&output)
        );
    }
    assert_eq!(held(&backend), all);

    let line =
        |id: &str| format!("backend-s3: Locked: tf_backend.lock.id={id} tf_backend.lock.info=\n");
    let released = "5e2d4b6e-0004-0b0c-9a51-3c1a6a2c5f10";
    fs::write(&log, line(released) + &line(OURS)).expect("written");
    // Nobody is asked in a pipeline, and nothing is released without approval.
    let output = release(&backend, "", &[info, log_path]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(held(&backend), all);

    let output = release(
        &backend,
        "-y --output json",
        &[("TF_LOG", "trace"), log_path],
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
    let output = release(&backend, "-y", &[info, log_path]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("this run holds no lock"),
        "{}",
        said(&output)
    );
    assert_eq!(held(&backend), [BEFORE, THEIRS]);
}

/// With the permissions of a pipeline: those of the runner policy.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn killed_terraform_leaves_a_lock_that_its_job_releases() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    let log = backend.dir().join("terraform.log");
    let job = [
        ("TF_LOG_CORE", "INFO"),
        ("TF_LOG_PATH", log.to_str().expect("a path")),
    ];
    let mut holder = Holder::start_with(&backend, &job);
    let mut command = lock_command(&backend, "release --held-by-this-run -y");
    command.env_clear().envs(backend.runner()).envs(job);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut waiting = command.spawn().expect("the program");
    std::thread::sleep(Duration::from_secs(2));
    let ended = waiting.try_wait().expect("a child");
    assert!(ended.is_none(), "it waits: {ended:?}");
    assert!(
        !backend.terraform(&["plan"]).status.success(),
        "it is locked"
    );
    assert!(!holder.kill().status.success());
    let output = waiting.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&output);
    assert!(
        text.contains("lock file deleted and item of the table deleted"),
        "{text}"
    );
    nothing_to_change(&backend, &[]);

    // What has the log open may write to it, whatever its name is.
    let open = File::options().append(true).open(&log).expect("the log");
    let mut other = std::process::Command::new("sleep")
        .arg("60")
        .stdout(Stdio::from(open))
        .spawn()
        .expect("sleep");
    let mut command = lock_command(&backend, "release --held-by-this-run -y");
    command.env_clear().envs(backend.runner()).envs(job);
    let mut waiting = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    std::thread::sleep(Duration::from_secs(2));
    let ended = waiting.try_wait().expect("a child");
    other.kill().expect("ended");
    other.wait().expect("ended");
    assert!(ended.is_none(), "it waits: {ended:?}");
    assert!(waiting.wait().expect("it ends").success());
}
