//! Emptying: everything goes, in few calls; what was not seen stays; and whatever happens is said.

use std::{collections::BTreeSet, time::Duration};

use insta::assert_snapshot;

use super::{queue::BATCH, *};
use crate::backend::aws::{error::ServiceErrorKind, testing::ACCOUNT};

mod bucket;

use bucket::{Bucket, State, error};

/// Longer than it takes to list what fills all batches.
const LONG: Duration = Duration::from_millis(300);

/// Each name has versions with delete markers between them.
fn fill(state: &mut State, names: usize, versions: usize) {
    for name in 0..names {
        for version in 0..versions {
            state.put(&format!("env:/w{name:03}/a.tfstate"), version % 10 == 9);
        }
    }
}

/// Calls [`Emptying::run`] with defaults.
struct Way<'a> {
    prefix: &'a str,
    ours: &'a (dyn Fn(&str) -> bool + Sync),
    until: Option<&'a str>,
    cancel: CancellationToken,
    /// Called with each progress.
    watch: &'a mut (dyn FnMut(&EmptyTotals) + Send),
}

async fn empty(bucket: &Bucket) -> Result<EmptyTotals, NotEmptied> {
    empty_as(
        bucket,
        Way {
            prefix: "",
            ours: &|_| true,
            until: None,
            cancel: CancellationToken::new(),
            watch: &mut |_| {},
        },
    )
    .await
}

/// Whatever comes of it, what must never happen did not.
async fn empty_as(bucket: &Bucket, way: Way<'_>) -> Result<EmptyTotals, NotEmptied> {
    let aws = bucket.aws();
    let emptying = BucketEmptier {
        aws: &aws,
        bucket: "states",
        owner: ACCOUNT,
        prefix: way.prefix,
        ours: way.ours,
        until: way.until.map(|until| until.parse().unwrap()),
        parallelism: AT_ONCE,
        cancel: &way.cancel,
    };
    let ended = emptying.run(way.watch).await;
    let state = bucket.state();
    assert_eq!(state.faults, [""; 0]);
    assert!(
        state.batches.iter().all(|size| (1..=BATCH).contains(size)),
        "{:?}",
        state.batches
    );
    let answered = state.calls.len() as u64;
    match &ended {
        Ok(emptied) => assert_eq!(emptied.calls, answered, "all calls are counted"),
        // A cancelled listing may not have been sent.
        Err(error) => assert!((answered..=answered + 1).contains(&error.emptied.calls)),
    }
    drop(state);
    ended
}

fn lines(left: &NamedSample<LeftoverObject>) -> Vec<String> {
    let why = |reason: &LeftoverReason| match reason {
        LeftoverReason::Refused { code, message } => format!("{code}: {message}"),
        LeftoverReason::Newer => "newer".to_owned(),
        LeftoverReason::Again => "again".to_owned(),
    };
    left.rows
        .iter()
        .map(|left| format!("{} {} {}", left.key, left.id, why(&left.reason)))
        .collect()
}

#[tokio::test]
async fn everything_goes_in_as_few_calls_as_there_can_be() {
    let bucket = Bucket::with(|state| {
        fill(state, 200, 110);
        state.moment = LONG;
    });
    let mut seen = vec![];
    let way = Way {
        prefix: "",
        ours: &|_| true,
        until: None,
        cancel: CancellationToken::new(),
        watch: &mut |emptied| seen.push(emptied.versions + emptied.markers),
    };
    let emptied = empty_as(&bucket, way).await.unwrap();
    let state = bucket.state();
    assert_eq!(
        (emptied.versions, emptied.markers, emptied.bytes),
        (19_800, 2_200, 3 * 19_800)
    );
    assert_eq!(state.count(), 0);
    // 22 pages and 22 batches, and 5 % of that.
    assert_eq!(
        (state.calls_of("ListObjectVersions"), &*state.batches),
        (23, &[BATCH; 22][..])
    );
    assert!(state.calls.len() <= 46, "{}", state.calls.len());
    assert!(
        (2..=AT_ONCE.get()).contains(&state.most_at_once),
        "they overlap, and are no more than was said"
    );
    assert_eq!(seen.len(), 22, "each batch is told");
    assert!(seen.is_sorted() && seen.last() == Some(&22_000));
}

/// Whatever there is of it, little is in memory.
#[tokio::test]
async fn the_listing_does_not_run_away() {
    let bucket = Bucket::with(|state| {
        fill(state, 200, 150);
        state.moment = LONG;
    });
    empty(&bucket).await.unwrap();
    let most = bucket.state().most_waiting;
    assert!(most <= (AT_ONCE.get() + 4) * BATCH, "{most}");
}

#[tokio::test]
async fn an_empty_bucket_takes_two_calls() {
    let bucket = Bucket::default();
    assert_eq!(
        empty(&bucket).await.unwrap(),
        EmptyTotals {
            calls: 2,
            ..EmptyTotals::default()
        }
    );
}

/// One of a thousand may not be deleted: the others go, and it is named with what S3 says.
#[tokio::test]
async fn what_is_denied_is_named_and_the_rest_goes() {
    for code in ["AccessDenied", "InvalidObjectState"] {
        let bucket = Bucket::with(|state| {
            fill(state, 10, 100);
            state.refuse = Some(Box::new(move |_, id| (id == "v500").then_some(code)));
        });
        let not = empty(&bucket).await.unwrap_err();
        let state = bucket.state();
        assert!(matches!(not.why, EmptyError::Kept), "{}", not.why);
        assert_eq!(
            (
                state.count(),
                not.left.count,
                not.emptied.versions + not.emptied.markers
            ),
            (1, 1, 999)
        );
        assert_eq!(
            lines(&not.left),
            [format!("env:/w004/a.tfstate v500 {code}: because")]
        );
        assert_eq!(
            state.calls_of("ListObjectVersions"),
            2,
            "it does not go on for ever"
        );
    }
}

/// All of it is denied: it is counted, and a part of it named.
#[tokio::test]
async fn what_is_named_is_bounded() {
    let bucket = Bucket::with(|state| {
        fill(state, 20, 100);
        state.refuse = Some(Box::new(|_, _| Some("AccessDenied")));
    });
    let not = empty(&bucket).await.unwrap_err();
    assert_eq!(
        (not.left.count, not.left.rows.len(), bucket.state().count()),
        (2000, crate::state::census::MOST, 2000)
    );
}

/// S3 does not come to some of it, and says so inside an answer of success.
#[tokio::test]
async fn what_s3_did_not_come_to_is_asked_for_again() {
    let bucket = Bucket::with(|state| {
        fill(state, 1, 40);
        let mut asked = BTreeSet::new();
        state.refuse = Some(Box::new(move |_, id| match id {
            "v3" if asked.insert("v3") => Some("InternalError"),
            "v7" if asked.insert("v7") => Some("SlowDown"),
            // The current one: it is the last, also of these.
            "v40" if asked.insert("v40") => Some("ServiceUnavailable"),
            _ => None,
        }));
    });
    let emptied = empty(&bucket).await.unwrap();
    assert_eq!(
        (emptied.versions + emptied.markers, &*bucket.state().batches),
        (40, &[40, 3][..])
    );
}

#[tokio::test]
async fn a_call_that_comes_too_soon_is_made_again() {
    for (status, code) in [(503, "SlowDown"), (500, "InternalError")] {
        let bucket = Bucket::with(|state| {
            fill(state, 30, 100);
            let mut faults = 2;
            state.before = Some(Box::new(move |_, call| {
                let answer = (call == "DeleteObjects" && faults > 0).then(|| error(status, code));
                faults -= i32::from(answer.is_some());
                answer
            }));
        });
        let emptied = empty(&bucket).await.unwrap();
        assert_eq!(
            (
                emptied.versions + emptied.markers,
                bucket.state().calls_of("DeleteObjects")
            ),
            (3000, 5),
            "{code}"
        );
    }
}

/// A bucket is never reported as empty after a failed listing or batch.
#[tokio::test]
async fn a_failed_call_is_an_error() {
    for (name, code, kind, stays) in [
        (
            "ListObjectVersions",
            "AccessDenied",
            ServiceErrorKind::Denied,
            3000,
        ),
        (
            "ListMultipartUploads",
            "AccessDenied",
            ServiceErrorKind::Denied,
            0,
        ),
        (
            "DeleteObjects",
            "AccessDenied",
            ServiceErrorKind::Denied,
            3000,
        ),
        (
            "DeleteObjects",
            "ExpiredToken",
            ServiceErrorKind::Expired,
            3000,
        ),
    ] {
        let bucket = Bucket::with(|state| {
            fill(state, 30, 100);
            state.before = Some(Box::new(move |_, call| {
                (call == name).then(|| error(403, code))
            }));
        });
        let not = empty(&bucket).await.unwrap_err();
        let EmptyError::Call(error) = &not.why else {
            panic!("{name}: {}", not.why)
        };
        assert_eq!(
            (error.kind, bucket.state().count()),
            (kind, stays),
            "{name}"
        );
    }
    let bucket = Bucket::with(|state| {
        fill(state, 1, 1);
        state.before = Some(Box::new(move |_, call| {
            (call == "DeleteObjects").then(|| error(403, "AccessDenied"))
        }));
    });
    assert_snapshot!(empty(&bucket).await.unwrap_err(), @"s3:DeleteObjects on states: AccessDenied: because (needs s3:DeleteObjectVersion)");
}

/// A write between the listing and the delete: it was never listed, and so is never
/// deleted by this pass.
#[tokio::test]
async fn threat_14_what_is_written_meanwhile_survives_the_pass() {
    let write = |state: &mut State| {
        fill(state, 3, 20);
        let mut written = false;
        state.before = Some(Box::new(move |state: &mut State, call: &'static str| {
            if call == "DeleteObjects" && !std::mem::replace(&mut written, true) {
                state.put("env:/w001/a.tfstate", false);
                state.put("new.tfstate", false);
                for stored in ["env:/w001/a.tfstate", "new.tfstate"] {
                    state.names.get_mut(stored).unwrap()[0].modified = 60;
                }
            }
            None
        }));
    };
    // That a version is listed before it is deleted is seen by the bucket itself.
    let bucket = Bucket::with(write);
    assert_eq!(empty(&bucket).await.unwrap().versions, 54 + 2);
    assert_eq!(&*bucket.state().batches, &[60, 2], "the next pass finds it");

    let bucket = Bucket::with(write);
    let until = Some("1970-01-01T00:00:59Z");
    let way = Way {
        prefix: "",
        ours: &|_| true,
        until,
        cancel: CancellationToken::new(),
        watch: &mut |_| {},
    };
    let not = empty_as(&bucket, way).await.unwrap_err();
    assert_eq!(
        lines(&not.left),
        ["env:/w001/a.tfstate v61 newer", "new.tfstate v62 newer"]
    );
    assert!(matches!(not.why, EmptyError::Kept));
    assert_eq!((bucket.state().count(), not.emptied.versions), (2, 54));
}

#[tokio::test]
async fn somebody_who_does_not_stop_ends_it() {
    let bucket = Bucket::with(|state| {
        fill(state, 3, 20);
        state.before = Some(Box::new(|state, call| {
            if call == "DeleteObjects" {
                state.put("new.tfstate", false);
            }
            None
        }));
    });
    let not = empty(&bucket).await.unwrap_err();
    assert!(matches!(not.why, EmptyError::StillWritten), "{}", not.why);
    assert_eq!(bucket.state().calls_of("ListObjectVersions"), PASSES + 1);
    assert_eq!(lines(&not.left), ["new.tfstate v65 again"]);
}

/// A bucket that another client deleted counts as empty, whichever call finds it.
#[tokio::test]
async fn a_bucket_that_is_gone_is_empty() {
    for (name, nth) in [
        ("ListMultipartUploads", 1),
        ("ListObjectVersions", 1),
        ("ListObjectVersions", 3),
        ("DeleteObjects", 2),
    ] {
        let bucket = Bucket::with(|state| {
            fill(state, 30, 100);
            let mut seen = 0;
            state.before = Some(Box::new(move |_, call| {
                seen += i32::from(call == name);
                (seen >= nth).then(|| error(404, "NoSuchBucket"))
            }));
        });
        let emptied = empty(&bucket).await.unwrap();
        assert!(emptied.versions < 3000, "{name}");
    }
}

/// Running batches finish, and no more are started.
#[tokio::test]
async fn it_can_be_interrupted_between_batches() {
    let bucket = Bucket::with(|state| fill(state, 200, 100));
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let way = Way {
        prefix: "",
        ours: &|_| true,
        until: None,
        cancel,
        watch: &mut |_| token.cancel(),
    };
    let not = empty_as(&bucket, way).await.unwrap_err();
    assert!(matches!(not.why, EmptyError::Interrupted), "{}", not.why);
    let gone = not.emptied.versions + not.emptied.markers;
    assert_eq!(
        20_000 - bucket.state().count() as u64,
        gone,
        "what is said to be gone is gone, and no more"
    );
    assert!(gone <= AT_ONCE.get() as u64 * 1000, "{gone}");
    // What is left goes the next time.
    bucket.state().calls.clear();
    assert_eq!(
        empty(&bucket).await.unwrap().versions + not.emptied.versions,
        18_000
    );
}

#[tokio::test]
async fn names_that_break_things() {
    let long = "é".repeat(512);
    let names = [
        "a\nb",
        "a\r\nb",
        "a//b",
        "//",
        "/",
        "a\u{1}b",
        "\u{0}",
        "a\u{7f}\u{85}\u{2028}b",
        "\u{fffe}",
        "a b+c%20d",
        "<&>\"'${x}%{y}",
        "\u{1b}[2J",
        "../a",
        "a\u{202e}b",
        "😀",
        "a\tb",
        &long,
    ];
    let bucket = Bucket::with(|state| {
        for name in names {
            for marker in [false, true, false] {
                state.put(name, marker);
            }
            state.uploads.insert((name.to_owned(), "u1".to_owned()));
        }
    });
    let emptied = empty(&bucket).await.unwrap();
    let state = bucket.state();
    assert_eq!(
        (emptied.versions, emptied.markers, emptied.uploads),
        (2 * 17, 17, 17)
    );
    assert_eq!((state.count(), state.uploads.len()), (0, 0));
    assert_eq!(
        state.calls_of("DeleteObject"),
        4 * 3,
        "what XML cannot say goes one by one"
    );
}

#[tokio::test]
async fn unfinished_uploads_go_before_the_last_listing() {
    let bucket = Bucket::with(|state| {
        fill(state, 1, 1);
        state.uploads = (0..1500)
            .map(|n| (format!("k{}", n % 7), format!("u{n:04}")))
            .collect();
        state.refuse = Some(Box::new(|_, id| (id == "u0700").then_some("AccessDenied")));
        let mut raced = false;
        state.before = Some(Box::new(move |state, call| {
            if call == "AbortMultipartUpload" && !std::mem::replace(&mut raced, true) {
                state.uploads.retain(|(_, id)| id != "u0007");
            }
            None
        }));
    });
    let not = empty(&bucket).await.unwrap_err();
    let state = bucket.state();
    assert_eq!(lines(&not.left), ["k0 u0700 AccessDenied: because"]);
    assert_eq!(
        (
            not.emptied.uploads,
            not.emptied.versions,
            state.uploads.len(),
            state.count()
        ),
        (1499, 1, 1, 0)
    );
    assert_eq!(
        state.calls.last(),
        Some(&"ListObjectVersions"),
        "an upload that is completed becomes a version"
    );
}

/// Objects of others in a shared bucket are not changed.
#[tokio::test]
async fn what_is_of_others_stays() {
    let bucket = Bucket::with(|state| {
        for name in [
            "env:/a/prod.tfstate",
            "env:/a/dev.tfstate",
            "dev.tfstate",
            "env:/b/dev.tfstate",
        ] {
            (0..700).for_each(|_| state.put(name, false));
            state.uploads.insert((name.to_owned(), "u1".to_owned()));
        }
    });
    let ours = |key: &str| key.ends_with("/dev.tfstate");
    let way = Way {
        prefix: "env:/",
        ours: &ours,
        until: None,
        cancel: CancellationToken::new(),
        watch: &mut |_| {},
    };
    let emptied = empty_as(&bucket, way).await.unwrap();
    assert_eq!((emptied.versions, emptied.uploads), (1400, 2));
    let state = bucket.state();
    let left: Vec<_> = state
        .names
        .iter()
        .map(|(name, versions)| (&**name, versions.len()))
        .collect();
    assert_eq!(left, [("dev.tfstate", 700), ("env:/a/prod.tfstate", 700)]);
    assert_eq!(state.uploads.len(), 2);
}
