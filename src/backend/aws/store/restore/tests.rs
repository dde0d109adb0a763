//! What a restore decides, from what was looked at.

use super::*;
use crate::{
    backend::aws::testing::KEY_ARN,
    store::state_store::{Revision, VersionId},
};

const OTHER_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/other";

fn state(serial: u64, lineage: &str) -> Vec<u8> {
    format!(r#"{{"version":4,"serial":{serial},"lineage":"{lineage}","resources":[]}}"#)
        .into_bytes()
}

fn content(bytes: Vec<u8>) -> FetchedState {
    FetchedState {
        bytes,
        revision: Revision::new("\"e\""),
        version: Some(VersionId("v9".to_owned())),
        modified: None,
        encryption: Some(encryption("AES256", None)),
    }
}

fn encryption(algorithm: &str, key: Option<&str>) -> AtRestEncryption {
    AtRestEncryption {
        algorithm: Some(algorithm.to_owned()),
        key: key.map(str::to_owned),
        bucket_key: false,
    }
}

fn looked(current: Option<Vec<u8>>, wanted: Vec<u8>, digest: Option<String>) -> RestoreInputs {
    RestoreInputs {
        path: "a.tfstate".to_owned(),
        newest: current
            .as_deref()
            .and_then(|bytes| recover::snapshot(bytes).ok()),
        is: recover::snapshot(&wanted).unwrap(),
        current: current.map(content),
        wanted,
        undoes: None,
        digest,
        has_table: true,
    }
}

fn plan(looked: RestoreInputs) -> RestorePlan {
    looked.plan(&WriteEncryption::OfS3, false).unwrap()
}

#[test]
fn decides_from_what_is_there() {
    let wrong = || Some("0123".to_owned());
    let right = |bytes: &[u8]| Some(digest::of(bytes));
    let other = br#"{"version":4,"serial":3,"lineage":"l","resources":[],"check_results":null}"#;
    let write = plan(looked(Some(other.to_vec()), state(1, "l"), wrong()));
    assert_eq!(
        (write.how, write.next.serial),
        (RestoreAction::Write, Some(4))
    );
    // The same state, whatever its serial: an earlier restore has written it.
    let there = state(4, "l");
    let done = plan(looked(Some(there.clone()), state(1, "l"), right(&there)));
    assert_eq!(
        (done.how, done.next.bytes),
        (RestoreAction::Nothing, there.clone())
    );
    for digest in [None, wrong()] {
        let digest = plan(looked(Some(there.clone()), state(1, "l"), digest));
        assert_eq!(
            (digest.how, digest.next.bytes),
            (RestoreAction::Digest, there.clone())
        );
    }
    let no_table = plan(RestoreInputs {
        has_table: false,
        ..looked(Some(there.clone()), state(1, "l"), None)
    });
    assert_eq!(no_table.how, RestoreAction::Nothing);
    let deleted = RestoreInputs {
        undoes: Some("m1".to_owned()),
        newest: recover::snapshot(&there).ok(),
        ..looked(None, there.clone(), None)
    };
    let undelete = plan(deleted.clone());
    assert_eq!(
        (undelete.how, undelete.next.serial),
        (
            RestoreAction::Undelete {
                marker: "m1".to_owned()
            },
            Some(5)
        )
    );
    let older = plan(RestoreInputs {
        undoes: None,
        ..deleted
    });
    assert_eq!(
        (older.how, older.next.serial),
        (RestoreAction::Write, Some(5))
    );
    let first = plan(looked(None, there.clone(), None));
    assert_eq!((first.how, first.next.bytes), (RestoreAction::Write, there));
    let error = looked(Some(state(3, "l")), state(1, "m"), None)
        .plan(&WriteEncryption::OfS3, false)
        .unwrap_err();
    assert!(matches!(error, UnfitState::Lineage { .. }), "{error}");
}

#[test]
fn encryption_is_as_it_was_and_never_weaker() {
    let kms = |key: &str| WriteEncryption::Kms(key.to_owned());
    for (is, asked, expected) in [
        (
            encryption("aws:kms", Some(OTHER_KEY)),
            kms(KEY_ARN),
            kms(OTHER_KEY),
        ),
        (
            encryption("aws:kms", Some(KEY_ARN)),
            WriteEncryption::OfS3,
            kms(KEY_ARN),
        ),
        (
            encryption("aws:kms", Some(KEY_ARN)),
            WriteEncryption::Unsaid,
            kms(KEY_ARN),
        ),
        (encryption("AES256", None), kms(KEY_ARN), kms(KEY_ARN)),
        (
            encryption("AES256", None),
            WriteEncryption::OfS3,
            WriteEncryption::OfS3,
        ),
        (
            encryption("AES256", None),
            WriteEncryption::Unsaid,
            WriteEncryption::OfS3,
        ),
        (
            encryption("aws:kms:dsse", Some(KEY_ARN)),
            kms(KEY_ARN),
            kms(KEY_ARN),
        ),
    ] {
        assert_eq!(like(&is, &asked), expected, "{is:?} {asked:?}");
    }
}
