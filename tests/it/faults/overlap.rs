//! Writes that overlap on one bucket, of which real S3 refuses one or the other, as no emulator
//! does.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::{LINE, ONE_OF_EVERYTHING, all, world};
use crate::support::{
    proxy::{Failure, Proxy, Reply},
    recorder::Call,
};

/// How long each write on a bucket takes at least: whatever comes meanwhile overlaps with it.
const WRITE: Duration = Duration::from_millis(300);
/// As `docs/internals/calls.md` has it.
const WRITES: usize = 31;
/// Real S3 was seen to refuse these where they overlap, whatever else goes at the same time.
const IN_TURN: [&str; 4] = [
    "CreateBucket",
    "PutPublicAccessBlock",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
];

/// What was written when, a bucket at a time.
#[derive(Default)]
struct Overlaps {
    writing: HashMap<String, Instant>,
    in_turn: HashMap<String, Instant>,
    overlapped: usize,
    refused: usize,
    out_of_turn: Vec<String>,
}

impl Overlaps {
    /// Every second write that overlaps with another on its bucket is refused.
    fn reply(&mut self, call: &Call, path: &str) -> Reply {
        if call.service != "s3" || !call.is_write() {
            return Reply::Forward;
        }
        let bucket = path
            .trim_start_matches('/')
            .split(['/', '?'])
            .next()
            .unwrap_or_default();
        let now = Instant::now();
        if overlaps(&self.writing, bucket, now) {
            self.overlapped += 1;
            if self.overlapped.is_multiple_of(2) {
                self.refused += 1;
                return Reply::Fail(Failure::OperationAborted);
            }
        }
        self.writing.insert(bucket.to_owned(), now + WRITE);
        if IN_TURN.contains(&&*call.operation) {
            if overlaps(&self.in_turn, bucket, now) {
                self.out_of_turn
                    .push(format!("{} on {bucket}", call.operation));
            }
            self.in_turn.insert(bucket.to_owned(), now + WRITE);
        }
        Reply::Delay(WRITE, Box::new(Reply::Forward))
    }
}

fn overlaps(until: &HashMap<String, Instant>, bucket: &str, now: Instant) -> bool {
    until.get(bucket).is_some_and(|until| now < *until)
}

#[tokio::test]
async fn every_second_write_that_overlaps_on_a_bucket_is_made_again() {
    let (emulator, mut place) = world().await;
    let overlaps = Arc::new(Mutex::new(Overlaps::default()));
    let seen = Arc::clone(&overlaps);
    let proxy = Proxy::start(Some(&emulator), move |call, request| {
        seen.lock().expect("overlaps").reply(call, request.uri())
    });
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let said = place.bootstrap(&format!("{LINE} -y"));
    place.set("AWS_ENDPOINT_URL", emulator.endpoint());
    assert_eq!(said.code, Some(0), "{}", said.all());

    let seen = overlaps.lock().expect("overlaps");
    assert_eq!(seen.out_of_turn, Vec::<String>::new());
    assert!(
        seen.refused > 0 && seen.refused == seen.overlapped / 2,
        "{} of {} refused",
        seen.refused,
        seen.overlapped
    );
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for exchange in proxy
        .take_record()
        .iter()
        .filter(|exchange| exchange.call.is_write())
    {
        *made.entry(exchange.call.name()).or_default() += 1;
    }
    assert_eq!(
        made.values().sum::<usize>(),
        WRITES + seen.refused,
        "one more for each that was refused: {made:?}"
    );
    assert!(seen.refused < WRITES, "{made:?}");
    assert_eq!(all(&emulator), ONE_OF_EVERYTHING);
    let again = place.bootstrap(&format!("{LINE} -y"));
    assert!(
        again.code == Some(0) && again.err.contains("nothing to do"),
        "{}",
        again.all()
    );
}
