//! What a restore decides, from what was looked at.

use super::*;
use crate::backend::aws::testing::KEY_ARN;

const OTHER_KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/other";

fn state(serial: u64, lineage: &str) -> Vec<u8> {
    format!(r#"{{"version":4,"serial":{serial},"lineage":"{lineage}","resources":[]}}"#)
        .into_bytes()
}

fn content(bytes: Vec<u8>) -> Content {
    Content {
        bytes,
        etag: "\"e\"".to_owned(),
        version: Some("v9".to_owned()),
        modified: None,
        encryption: encryption("AES256", None),
    }
}

fn encryption(algorithm: &str, key: Option<&str>) -> Encryption {
    Encryption {
        algorithm: Some(algorithm.to_owned()),
        key: key.map(str::to_owned),
        bucket_key: false,
    }
}

fn looked(current: Option<Vec<u8>>, wanted: Vec<u8>, digest: Option<String>) -> Looked {
    Looked {
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

fn plan(looked: Looked) -> Plan {
    looked.plan(&Encrypt::OfS3, false).unwrap()
}

#[test]
fn decides_from_what_is_there() {
    let wrong = || Some("0123".to_owned());
    let right = |bytes: &[u8]| Some(digest::of(bytes));
    let other = br#"{"version":4,"serial":3,"lineage":"l","resources":[],"check_results":null}"#;
    let write = plan(looked(Some(other.to_vec()), state(1, "l"), wrong()));
    assert_eq!((write.how, write.next.serial), (How::Write, Some(4)));
    // The same state, whatever its serial: an earlier restore has written it.
    let there = state(4, "l");
    let done = plan(looked(Some(there.clone()), state(1, "l"), right(&there)));
    assert_eq!((done.how, done.next.bytes), (How::Nothing, there.clone()));
    for digest in [None, wrong()] {
        let digest = plan(looked(Some(there.clone()), state(1, "l"), digest));
        assert_eq!(
            (digest.how, digest.next.bytes),
            (How::Digest, there.clone())
        );
    }
    let no_table = plan(Looked {
        has_table: false,
        ..looked(Some(there.clone()), state(1, "l"), None)
    });
    assert_eq!(no_table.how, How::Nothing);
    let deleted = Looked {
        undoes: Some("m1".to_owned()),
        newest: recover::snapshot(&there).ok(),
        ..looked(None, there.clone(), None)
    };
    let undelete = plan(deleted.clone());
    assert_eq!(
        (undelete.how, undelete.next.serial),
        (
            How::Undelete {
                marker: "m1".to_owned()
            },
            Some(5)
        )
    );
    let older = plan(Looked {
        undoes: None,
        ..deleted
    });
    assert_eq!((older.how, older.next.serial), (How::Write, Some(5)));
    let first = plan(looked(None, there.clone(), None));
    assert_eq!((first.how, first.next.bytes), (How::Write, there));
    let error = looked(Some(state(3, "l")), state(1, "m"), None)
        .plan(&Encrypt::OfS3, false)
        .unwrap_err();
    assert!(matches!(error, Unfit::Lineage { .. }), "{error}");
}

#[test]
fn encryption_is_as_it_was_and_never_weaker() {
    let kms = |key: &str| Encrypt::Kms(key.to_owned());
    for (is, asked, expected) in [
        (
            encryption("aws:kms", Some(OTHER_KEY)),
            kms(KEY_ARN),
            kms(OTHER_KEY),
        ),
        (
            encryption("aws:kms", Some(KEY_ARN)),
            Encrypt::OfS3,
            kms(KEY_ARN),
        ),
        (
            encryption("aws:kms", Some(KEY_ARN)),
            Encrypt::Unsaid,
            kms(KEY_ARN),
        ),
        (encryption("AES256", None), kms(KEY_ARN), kms(KEY_ARN)),
        (encryption("AES256", None), Encrypt::OfS3, Encrypt::OfS3),
        (encryption("AES256", None), Encrypt::Unsaid, Encrypt::OfS3),
        (
            encryption("aws:kms:dsse", Some(KEY_ARN)),
            kms(KEY_ARN),
            kms(KEY_ARN),
        ),
    ] {
        assert_eq!(like(&is, &asked), expected, "{is:?} {asked:?}");
    }
}
