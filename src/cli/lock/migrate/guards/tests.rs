//! Each guard blocks on its own, and without a reason none does.

use super::*;
use crate::{
    backend::aws::store::{
        migration::RewrittenState,
        scan::{HeldLock, LiveLock, LockPlace},
    },
    state::{
        layout::{LocatedObject, ObjectKind},
        lock::LockInfo,
    },
};

const BEFORE: &str = "2026-11-20T00:00:00Z";
const SINCE: &str = "2026-11-21T00:00:00Z";
const AFTER: &str = "2026-11-22T00:00:00Z";

fn state(modified: &str, version: Option<&str>) -> RewrittenState {
    RewrittenState {
        path: "a.tfstate".to_owned(),
        modified: modified.parse().ok(),
        version: version.map(str::to_owned),
        unreadable: None,
        md5: Some("d".to_owned()),
        digest: Some("d".to_owned()),
        under_lock_file: Some(true),
        has_versions: true,
    }
}

fn facts(now: LockMechanism, states: Vec<RewrittenState>) -> MigrationFacts {
    let since = (now == LockMechanism::Both).then(|| SINCE.parse().unwrap());
    MigrationFacts {
        now: Some(now),
        since,
        used: MigrationUsage {
            states,
            ..MigrationUsage::default()
        },
        table: Some("locks".to_owned()),
        makes_table: false,
        lock_files: "arn:aws:s3:::states/*.tflock".to_owned(),
        runners: vec![],
        denials: Ok(vec![]),
        words: " --env prod".to_owned(),
    }
}

fn said(facts: &MigrationFacts, to: LockMechanism, said: &MigrationConsent) -> String {
    refusals(facts, to, said)
        .into_iter()
        .map(|refusal| refusal.what + "\n")
        .collect()
}

use LockMechanism::{Both, Dynamodb, S3};

#[test]
fn nothing_in_the_way() {
    let nothing = MigrationConsent::default();
    assert_eq!(
        said(
            &facts(Dynamodb, vec![state(BEFORE, Some("1.10.0"))]),
            Both,
            &nothing
        ),
        ""
    );
    assert_eq!(
        said(
            &facts(Both, vec![state(AFTER, Some("1.11.4"))]),
            S3,
            &MigrationConsent {
                drop_table: true,
                ..nothing.clone()
            }
        ),
        ""
    );
    assert_eq!(
        said(
            &facts(Both, vec![state(BEFORE, Some("1.5.7"))]),
            Dynamodb,
            &nothing
        ),
        "",
        "back is always possible"
    );
    assert_eq!(
        said(
            &facts(S3, vec![state(AFTER, Some("1.11.4"))]),
            Both,
            &nothing
        ),
        ""
    );
    assert_eq!(said(&facts(Both, vec![]), S3, &nothing), "", "of no state");
}

#[test]
fn a_lock_that_is_held_forbids_every_stage() {
    let located = LocatedObject {
        kind: ObjectKind::State,
        path: "a".to_owned(),
        key: "a".to_owned(),
        workspace: "default".to_owned(),
    };
    let held = HeldLock {
        raw: "{}".to_owned(),
        info: Ok(LockInfo {
            id: "one".to_owned(),
            ..LockInfo::default()
        }),
        etag: None,
        modified: None,
    };
    let lock = LiveLock {
        located,
        item: LockPlace::held(held),
        file: LockPlace::Free,
    };
    for (now, to) in [(Dynamodb, Both), (Both, S3), (Both, Dynamodb), (S3, Both)] {
        let mut facts = facts(now, vec![]);
        facts.used.locks.push(lock.clone());
        assert_eq!(
            said(&facts, to, &MigrationConsent::default()),
            "a is locked (one)\n"
        );
    }
}

#[test]
fn versions_that_do_not_know_lock_files() {
    let min = |version: &str| MigrationConsent {
        min_version: Some(version.to_owned()),
        drop_table: false,
    };
    let old = facts(
        Dynamodb,
        vec![state(BEFORE, Some("1.9.8")), state(AFTER, None)],
    );
    assert_eq!(
        said(&old, Both, &MigrationConsent::default()),
        "version 1.9.8 wrote a.tfstate, and lock files are supported since 1.10\nwhich version \
         wrote a.tfstate is unknown: the state does not name it\n"
    );
    assert_eq!(
        said(&old, Both, &min("1.10")),
        "",
        "--min-version overrides it"
    );
    assert_eq!(
        said(&old, Both, &min("1.9.8")),
        "version 1.9.8 is in use, and lock files are supported since 1.10\n"
    );
    assert_eq!(
        said(&old, Both, &min("newest")),
        "newest is not a version\n"
    );
    let both = facts(Both, vec![state(AFTER, Some("1.9.8"))]);
    assert_eq!(
        said(&both, S3, &min("1.11")),
        "version 1.9.8 wrote a.tfstate, and lock files are supported since 1.10\n",
        "not at the end"
    );
    let unreadable = RewrittenState {
        unreadable: Some("denied".to_owned()),
        ..state(AFTER, None)
    };
    assert_eq!(
        said(&facts(Both, vec![unreadable]), S3, &min("1.11")),
        "which version wrote a.tfstate is unknown: denied\n"
    );
}

#[test]
fn every_state_was_written_since_under_a_lock_file() {
    let last =
        |state: RewrittenState| said(&facts(Both, vec![state]), S3, &MigrationConsent::default());
    assert_eq!(
        last(state(BEFORE, Some("1.11.4"))),
        "a.tfstate was last written at 2026-11-20T00:00:00Z, before lock files were in use \
         (2026-11-21T00:00:00Z)\n"
    );
    assert_eq!(
        last(state("never", Some("1.11.4"))),
        "when a.tfstate was written is unknown\n"
    );
    let by_table = RewrittenState {
        under_lock_file: Some(false),
        ..state(AFTER, Some("1.11.4"))
    };
    assert_eq!(
        last(by_table),
        "a.tfstate was last written at 2026-11-22T00:00:00Z, and not under a lock file\n"
    );
    assert_eq!(
        last(RewrittenState {
            under_lock_file: None,
            ..state(AFTER, Some("1.11.4"))
        }),
        "",
        "a bucket without versions cannot say"
    );
    assert_eq!(
        last(state(AFTER, None)),
        "",
        "what OpenTofu encrypted: who takes a lock file knows them"
    );
    assert_ne!(
        last(RewrittenState {
            under_lock_file: None,
            ..state(AFTER, None)
        }),
        ""
    );
}

#[test]
fn stages_in_their_order() {
    let nothing = MigrationConsent::default();
    let at_once = facts(Dynamodb, vec![state(AFTER, Some("1.11.4"))]);
    assert_eq!(
        said(&at_once, S3, &nothing),
        "lock files are not in use beside the table yet\n"
    );
    let only_here = MigrationFacts {
        since: SINCE.parse().ok(),
        ..facts(Dynamodb, vec![])
    };
    assert_eq!(
        said(&only_here, S3, &nothing),
        "the files here use only the lock table\n"
    );
    assert_eq!(
        said(&facts(S3, vec![]), Dynamodb, &nothing),
        "the files here use only lock files, which runs that use only the table do not see\n"
    );
    assert_eq!(
        said(
            &MigrationFacts {
                table: None,
                ..facts(S3, vec![])
            },
            Both,
            &nothing
        ),
        "there is no lock table\n"
    );
    let made = MigrationFacts {
        table: None,
        makes_table: true,
        ..facts(S3, vec![])
    };
    assert_eq!(said(&made, Both, &nothing), "", "it is made on the way");
    assert_eq!(
        said(
            &MigrationFacts {
                table: None,
                ..facts(S3, vec![])
            },
            S3,
            &nothing
        ),
        "",
        "it is there already"
    );
    // With a table that is left, it is over only if nothing says that the table is in use.
    assert_eq!(
        said(
            &facts(
                S3,
                vec![RewrittenState {
                    digest: None,
                    ..state(AFTER, Some("1.11.4"))
                }]
            ),
            S3,
            &nothing
        ),
        ""
    );
    let in_use = "lock files are not in use beside the table yet\n";
    assert_eq!(
        said(&facts(S3, vec![state(AFTER, Some("1.11.4"))]), S3, &nothing),
        in_use
    );
    let mut orphan = facts(S3, vec![]);
    orphan
        .used
        .orphans
        .push(("gone".to_owned(), "d".to_owned()));
    assert_eq!(said(&orphan, S3, &nothing), in_use);
}

#[test]
fn touch_helps_only_states_that_nobody_wrote_since() {
    let since = SINCE.parse().expect("a time");
    let why = |state: RewrittenState| untouchable(&state, since, "").map(|refusal| refusal.what);
    let quiet = || RewrittenState {
        under_lock_file: Some(false),
        ..state(BEFORE, Some("1.11.4"))
    };
    assert_eq!(why(quiet()), None);
    assert_eq!(
        why(state("never", Some("1.10.0"))),
        None,
        "when it was written does not matter then"
    );
    assert_eq!(
        why(RewrittenState {
            version: None,
            ..quiet()
        }),
        None,
        "what OpenTofu encrypted"
    );
    assert_eq!(
        why(RewrittenState {
            under_lock_file: None,
            has_versions: false,
            ..quiet()
        }),
        None
    );
    for (state, reason) in [
        (
            RewrittenState {
                modified: AFTER.parse().ok(),
                ..quiet()
            },
            "not under a lock file",
        ),
        (
            RewrittenState {
                version: Some("1.9.8".to_owned()),
                ..quiet()
            },
            "version 1.9.8 wrote a.tfstate",
        ),
        (
            RewrittenState {
                version: None,
                under_lock_file: None,
                has_versions: false,
                ..quiet()
            },
            "which version wrote a.tfstate is unknown",
        ),
        (
            RewrittenState {
                unreadable: Some("it was cut off".to_owned()),
                ..quiet()
            },
            "a.tfstate cannot be read: it was cut off",
        ),
    ] {
        let why = why(state);
        assert!(
            why.as_ref().is_some_and(|why| why.contains(reason)),
            "{reason}: {why:?}"
        );
    }
}

#[test]
fn rights_and_what_else_is_in_the_table() {
    let runner = || RunnerLockRights {
        who: "policy acme".to_owned(),
        denied: vec!["s3:DeleteObject".to_owned()],
        unread: None,
    };
    for (now, to) in [(Dynamodb, Both), (Both, S3)] {
        let facts = MigrationFacts {
            runners: vec![runner()],
            ..facts(now, vec![])
        };
        assert_eq!(
            said(&facts, to, &MigrationConsent::default()),
            "policy acme does not allow s3:DeleteObject on lock files\n"
        );
        let hint = refusals(&facts, to, &MigrationConsent::default())
            .remove(0)
            .hint;
        let statement = r#"{"Effect": "Allow", "Action": ["s3:DeleteObject"], "Resource": "arn:aws:s3:::states/*.tflock"}"#;
        assert!(hint.ends_with(statement), "{hint}");
    }
    let unread = || RunnerLockRights {
        denied: vec![],
        unread: Some("denied".to_owned()),
        ..runner()
    };
    let facts_of = |to| {
        said(
            &MigrationFacts {
                runners: vec![unread()],
                ..facts(Both, vec![])
            },
            to,
            &MigrationConsent::default(),
        )
    };
    assert_eq!(
        facts_of(Both),
        "whether policy acme allows lock files is unknown: denied\n"
    );
    assert_eq!(facts_of(Dynamodb), "", "the table needs no lock files");
    let mut shared = facts(Both, vec![]);
    shared.used.others = 2;
    assert_eq!(said(&shared, S3, &MigrationConsent::default()), "");
    let dropped = said(
        &shared,
        S3,
        &MigrationConsent {
            drop_table: true,
            min_version: None,
        },
    );
    assert_eq!(
        dropped,
        "the table has 2 other items, of other buckets or keys\n"
    );
}

/// What the bucket policy denies to all, it denies at each stage that uses lock files, and at no
/// other.
#[test]
fn a_policy_that_keeps_lock_files() {
    let said_of = |denials: Result<Vec<String>, String>, now, to| {
        said(
            &MigrationFacts {
                denials,
                ..facts(now, vec![])
            },
            to,
            &MigrationConsent::default(),
        )
    };
    let denied = || Ok(vec!["statement Keep denies deleting lock files".to_owned()]);
    let unread = || Err("s3:GetBucketPolicy: AccessDenied".to_owned());
    for (now, to) in [(Dynamodb, Both), (Both, S3)] {
        assert_eq!(
            said_of(denied(), now, to),
            "the bucket policy: statement Keep denies deleting lock files\n"
        );
        let unknown = "whether the bucket policy allows lock files is unknown: \
                       s3:GetBucketPolicy: AccessDenied\n";
        assert_eq!(said_of(unread(), now, to), unknown);
    }
    assert_eq!(said_of(denied(), Both, Dynamodb), "");
    assert_eq!(
        said_of(unread(), Both, Dynamodb),
        "",
        "the way back asks for nothing of it"
    );
}
