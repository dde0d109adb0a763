//! A teardown that meets names that break things, a version that may not be deleted, and somebody
//! who removes the bucket.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Proxy, Reply},
};

const LINE: &str = "--env dev --project acme --region eu-west-1 --lock both --ephemeral --trail \
                    off --alarms=false --access-logs=false";
const BUCKET: &str = "acme-tfstate-dev-000000000000-eu-west-1";
const FAULTS: &str = "tests/it/teardown/faults.py";

#[tokio::test]
async fn one_version_of_a_thousand_is_denied_and_then_another_client_removes_the_bucket() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    assert_eq!(place.bootstrap(&format!("{LINE} -y")).code, Some(0));
    emulator.python(FAULTS, &[BUCKET, "fill"]);
    let line = format!("teardown {LINE} --confirm {BUCKET} --purge-states");
    let words: Vec<&str> = line.split_whitespace().collect();

    let said = place.run(&[&words[..], &["--output", "json"]].concat());
    assert_eq!(said.code, Some(4), "{}\n{}", said.all(), emulator.log());
    assert!(
        said.all().contains("denied.tfstate") && said.all().contains("AccessDenied"),
        "{}",
        said.all()
    );
    assert!(
        said.out.contains(r#""event":"partly-taken-down""#)
            && !said.out.contains(r#""taken-down""#),
        "{}",
        said.all()
    );
    assert!(
        !said.all().contains('\x1b') && !said.all().contains('\u{202e}'),
        "{}",
        said.all()
    );
    assert_eq!(
        emulator.python("tests/it/teardown/left.py", &[BUCKET]),
        "['denied.tfstate'] 0 0\n",
        "{}",
        said.all()
    );

    emulator.python(FAULTS, &[BUCKET, "allow"]);
    let removed = AtomicBool::new(false);
    let somebody = Mutex::new(emulator.python_command(
        &emulator.aws_env(),
        "tests/it/teardown/remove.py",
        &[BUCKET],
    ));
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if call.operation == "DeleteObjects" && !removed.swap(true, Ordering::SeqCst) {
            assert!(
                somebody
                    .lock()
                    .expect("no panic")
                    .status()
                    .expect("the tests' Python")
                    .success()
            );
        }
        Reply::Forward
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let said = place.run(&words);
    assert_eq!(said.code, Some(0), "{}\n{}", said.all(), emulator.log());
    assert!(proxy.take().iter().any(|call| call == "s3:DeleteObjects"));
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "key PendingDeletion\n",
        "{}",
        said.all()
    );
}
