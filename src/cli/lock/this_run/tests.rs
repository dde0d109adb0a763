//! What a log says, and how long its processes are waited for.

use std::{cell::Cell, fs};

use super::*;
use crate::exit;

const ID: &str = "92c8d17c-45e1-088b-7788-6b026439172e";

fn terraform() -> FileUser {
    FileUser {
        pid: 42,
        name: "terraform".to_owned(),
    }
}

#[tokio::test]
async fn a_process_that_has_the_log_open_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    assert!(closed_log(&path, GRACE, |_| Ok(vec![])).await.is_err());
    fs::write(&path, "").unwrap();
    let looks = Cell::new(0);
    let ends = |path: &Path| {
        looks.set(looks.get() + 1);
        match looks.get() {
            // It acquires a lock after the log was read.
            1 => {
                fs::write(path, format!("tf_backend.lock.id={ID} \n"))?;
                Ok(vec![terraform()])
            }
            _ => Ok(vec![]),
        }
    };
    let (ids, users) = closed_log(&path, GRACE, ends).await.unwrap();
    assert_eq!((ids.len(), users.unwrap()), (1, vec![]));
    assert_eq!(looks.get(), 2);

    let (since, grace) = (Instant::now(), 2 * INTERVAL);
    let (_, users) = closed_log(&path, grace, |_| Ok(vec![terraform()]))
        .await
        .unwrap();
    assert_eq!(users.unwrap(), [terraform()]);
    assert!(since.elapsed() >= grace);

    // Where the system does not say, it is not waited for.
    let since = Instant::now();
    let (ids, users) = closed_log(&path, GRACE, |_| Err(io::ErrorKind::Unsupported.into()))
        .await
        .unwrap();
    assert!(since.elapsed() < GRACE);
    let failure = untold(&ids, &users.unwrap_err());
    assert_eq!(failure.code, exit::REFUSED);
    assert!(failure.hints[0].ends_with(&format!("lock release --id {ID} --auto-approve")));
}

#[test]
fn what_still_runs_is_named() {
    assert!(still_running(&[]).is_none());
    let tofu = FileUser {
        pid: 43,
        name: "tofu".to_owned(),
    };
    let both = [terraform(), tofu];
    let failure = still_running(&both).unwrap();
    assert_eq!(failure.code, exit::REFUSED);
    assert_eq!(
        failure.message,
        "terraform (process 42) and tofu (process 43) have the log of Terraform open, and may hold the \
         lock; no lock was released"
    );
    assert!(failure.hints[0].ends_with("`kill -INT 42`"));
    let one = still_running(&both[..1]).unwrap().message;
    assert!(
        one.starts_with("terraform (process 42) has the log"),
        "{one}"
    );
}

#[test]
fn engines_of_other_users_are_suspects() {
    for name in [
        "terraform",
        "terraform-1.11.",
        "tofu",
        "opentofu",
        ".terraform-wrap",
    ] {
        assert!(is_engine(name), "{name}");
    }
    assert!(!is_engine("bash") && !is_engine("runner"));
}
