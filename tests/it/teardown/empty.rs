//! A bucket emptied on the emulator, where IAM decides about each version and a lost marker loses
//! versions.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tfbackend::backend::aws::teardown::empty::{
    AT_ONCE, BucketEmptier, EmptyError, EmptyTotals, LeftoverReason, NotEmptied,
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    aws,
    emulator::Emulator,
    proxy::{Proxy, Reply},
};

const BUCKET: &str = "states";

async fn empty(emulator: &Emulator, endpoint: &str) -> Result<EmptyTotals, NotEmptied> {
    let aws = aws::at(emulator, endpoint).await;
    let emptying = BucketEmptier {
        aws: &aws,
        bucket: BUCKET,
        owner: emulator.account(),
        prefix: "",
        ours: &|_| true,
        until: None,
        parallelism: AT_ONCE,
        cancel: &CancellationToken::new(),
    };
    emptying.run(&mut |_| {}).await
}

#[tokio::test]
async fn all_versions_of_all_names_go_but_what_is_denied() {
    let emulator = Emulator::start().await;
    let counts = emulator.python("tests/it/teardown/fill.py", &[BUCKET]);
    let not = empty(&emulator, emulator.endpoint())
        .await
        .expect_err("one is denied");
    let EmptyTotals {
        versions,
        markers,
        uploads,
        bytes,
        ..
    } = not.emptied;
    assert_eq!(
        format!("{} {markers} {uploads}\n", versions + 1),
        counts,
        "{}",
        emulator.log()
    );
    assert!(bytes > versions * 5, "{bytes}");
    assert!(matches!(not.why, EmptyError::Kept), "{}", not.why);
    let left: Vec<_> = not
        .left
        .rows
        .iter()
        .map(|left| (&*left.key, &left.reason))
        .collect();
    let refused = LeftoverReason::Refused {
        code: "AccessDenied".to_owned(),
        message: "Access Denied".to_owned(),
    };
    assert_eq!(
        (not.left.count, &*left),
        (1, &[("kept.tfstate", &refused)][..])
    );
    assert_eq!(
        emulator.python("tests/it/teardown/left.py", &[BUCKET]),
        "['kept.tfstate'] 0 0\n"
    );

    emulator.python("tests/it/teardown/left.py", &[BUCKET, "remove"]);
    assert_eq!(
        empty(&emulator, emulator.endpoint())
            .await
            .expect("nothing is denied")
            .versions,
        1
    );
    assert_eq!(
        emulator.python("tests/it/teardown/left.py", &[BUCKET, "gone"]),
        "[] 0 0\n",
        "and so S3 deletes it"
    );
    assert_eq!(
        empty(&emulator, emulator.endpoint())
            .await
            .expect("what is gone is empty")
            .versions,
        0
    );
}

/// Somebody else is faster, between the listing and a batch: all of it is gone, as it should be.
#[tokio::test]
async fn a_bucket_that_another_client_removes_half_way_is_empty() {
    let emulator = Emulator::start().await;
    emulator.python("tests/it/teardown/fill.py", &[BUCKET]);
    let batches = AtomicUsize::new(0);
    let somebody = Mutex::new(emulator.python_command(
        &emulator.aws_env(),
        "tests/it/teardown/remove.py",
        &[BUCKET],
    ));
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        if call.operation == "DeleteObjects" && batches.fetch_add(1, Ordering::SeqCst) == 1 {
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
    let emptied = empty(&emulator, proxy.endpoint())
        .await
        .expect("it is gone");
    let gone = emptied.versions + emptied.markers;
    assert!((1000..2562).contains(&gone), "{gone}");
    assert!(
        proxy
            .take()
            .iter()
            .filter(|call| *call == "s3:DeleteObjects")
            .count()
            >= 2
    );
}
