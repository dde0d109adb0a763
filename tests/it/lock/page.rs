//! docs/reference/locks.md: its commands as they stand there, on the lock that it tells of.

use jiff::{SignedDuration, Timestamp};
use tfbackend::state::lock::LockInfo;

use super::TABLE;
use crate::{
    readme::{fits, shown},
    support::page,
    terraform::running::{apply, initialized},
};

#[tokio::test]
async fn three_in_the_morning_is_as_the_page_says() {
    let backend = initialized(&["--lock", "both"]).await;
    apply(&backend, &[]);
    let age = SignedDuration::from_mins(6 * 60 + 12) + SignedDuration::from_secs(20);
    let info = LockInfo {
        id: "5e2d4b6e-7d3f-4b0c-9a51-3c1a6a2c5f10".to_owned(),
        operation: "OperationTypeApply".to_owned(),
        who: "ci@runner-17".to_owned(),
        version: "1.11.4".to_owned(),
        created: Timestamp::now().checked_sub(age).ok(),
        ..LockInfo::default()
    };
    let args = [
        &*backend.conf("bucket"),
        TABLE,
        "item",
        "terraform.tfstate",
        &info.to_go_json(),
    ];
    backend.emulator.python("tests/it/lock/locks.py", &args);
    let mut wrong = String::new();
    for command in shown(&page::read("docs/reference/locks.md")) {
        let words: Vec<&str> = command.command.split_whitespace().collect();
        let output = match &words[..] {
            ["tfbackend", "lock", rest @ ..] => super::lock(&backend, &rest.join(" ")),
            ["terraform", rest @ ..] => backend.terraform(rest),
            other => panic!("{other:?}"),
        };
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let good =
            output.status.success() && fits(&command.lines, &printed.lines().collect::<Vec<_>>());
        if !good {
            wrong.push_str(&format!(
                "$ {}\n{}",
                command.command,
                crate::support::backend::said(&output)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/reference/locks.md is to show:\n{wrong}"
    );
}
