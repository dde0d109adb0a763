//! Whose rights are tried: a runner's, a role's, and those of who may too much or too little.

use serde_json::json;

use super::{BUCKET, PYTHON, UNSEEN, held, left, made, only, probe, what};
use crate::support::{emulator::Emulator, program::Place, user::User};

const ROLE: &str = "--runner arn:aws:iam::000000000000:role/";

/// A place in which a user works who may do no more than the policy says.
async fn user(emulator: &Emulator, name: &str, statements: &serde_json::Value) -> Place {
    let user = User::make(emulator, name).await;
    user.may(statements).await;
    user.place(emulator)
}

/// As a role with the runner policy, whatever the lock: all that it needs, and nothing that it must
/// not have.
#[tokio::test]
async fn a_runner_may_what_it_needs_and_no_more() {
    for (lock, rest) in [
        ("both", "--ephemeral"),
        ("dynamodb", "--ephemeral"),
        ("s3", "--ephemeral --encryption sse-s3"),
        ("s3", ""),
    ] {
        let (emulator, place, line) = made(&format!("--lock {lock} {rest}")).await;
        emulator.python(PYTHON, &["role", "runner"]);
        let (_, document, bad) = probe(&place, &format!("{line} {ROLE}runner"));
        let unseen: Vec<&str> = UNSEEN
            .into_iter()
            .filter(|one| !rest.contains("sse-s3") || !one.contains("bucket-key"))
            .collect();
        assert_eq!(bad, unseen, "{lock} {rest}: {document:#}");
        let held = held(&document);
        let items = lock != "s3";
        assert!(
            held.contains("probe-runner-versions") && held.contains("probe-runner-states"),
            "{held}"
        );
        assert!(held.contains("probe-runner-policy"), "{held}");
        assert_eq!(
            (
                held.contains("probe-runner-items"),
                held.contains("probe-lock-item-held")
            ),
            (items, items),
            "{held}"
        );
        let gone = left(&emulator);
        assert!(rest.is_empty() || gone.is_empty(), "{gone:?}");
        assert!(
            gone.iter()
                .all(|line| line.starts_with("version ") || line.starts_with("marker ")),
            "{gone:?}"
        );
    }
}

/// With the credentials of a runner, who may not look at much.
#[tokio::test]
async fn a_runner_tries_it_out_itself() {
    let (emulator, _, line) = made("--lock both").await;
    let runner = User::make(&emulator, "terraform").await;
    let administrator = Place::with(&emulator);
    let line = format!("{line} --attach-to user/terraform");
    assert_eq!(administrator.bootstrap(&format!("{line} -y")).code, Some(0));
    let place = runner.place(&emulator);
    let (_, document, bad) = probe(&place, &line);
    only(
        &bad,
        &[
            "probe-default-encryption: unreadable",
            "probe-encryption: unreadable",
        ],
        &document,
    );
    assert!(
        what(&document, "probe-encryption").contains("needs kms:DescribeKey"),
        "{document:#}"
    );
    let gone = left(&emulator);
    assert!(
        gone.iter()
            .all(|line| line.starts_with("version ") || line.starts_with("marker ")),
        "{gone:?}"
    );
    let notes = document["notes"].to_string();
    assert!(
        notes.contains("s3:ListBucketVersions") && !notes.contains("could not clean up"),
        "{notes}"
    );
}

/// Each right too many is found by the check that is about it.
#[tokio::test]
async fn a_role_that_may_too_much() {
    let (emulator, place, line) = made("--lock both --ephemeral").await;
    let objects = format!("arn:aws:s3:::{BUCKET}/*");
    let rights = [
        (
            "versions",
            json!({ "Effect": "Allow", "Action": "s3:DeleteObjectVersion", "Resource": objects }),
        ),
        (
            "states",
            json!({ "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": objects }),
        ),
        (
            "items",
            json!({ "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*" }),
        ),
        (
            "policy",
            json!({ "Effect": "Allow", "Action": "s3:DeleteBucketPolicy", "Resource": "*" }),
        ),
    ];
    for (name, statement) in rights {
        emulator.python(PYTHON, &["role", name, &statement.to_string()]);
        let (_, document, bad) = probe(&place, &format!("{line} {ROLE}{name}"));
        only(&bad, &[&format!("probe-runner-{name}: open")], &document);
        assert_eq!(left(&emulator), Vec::<String>::new(), "{name}");
    }
}

/// Of a role, what it may not is a fault; and a refusal of who may not write at all proves nothing.
#[tokio::test]
async fn a_role_that_may_too_little() {
    let (emulator, place, line) = made("--lock both --ephemeral").await;
    let all: [(&str, &str, &[&str]); 4] = [
        (
            "no-put",
            "s3:PutObject",
            &[
                "probe-bucket-key: unreadable",
                "probe-customer-key: unreadable",
                "probe-default-encryption: unreadable",
                "probe-delete: unreadable",
                "probe-encryption: unreadable",
                "probe-lock-file: open",
                "probe-lock-file-held: unreadable",
                "probe-lock-file-overwrite: unreadable",
                "probe-lock-file-release: unreadable",
                "probe-other-algorithm: unreadable",
                "probe-other-key: unreadable",
                "probe-read: unreadable",
                "probe-runner-versions: unreadable",
                "probe-write: open",
            ],
        ),
        (
            "no-item",
            "dynamodb:PutItem",
            &[
                "probe-lock-item: open",
                "probe-lock-item-held: unreadable",
                "probe-lock-item-release: unreadable",
            ],
        ),
        // Whose lock stays is cleaned up after by the caller.
        (
            "no-release",
            "dynamodb:DeleteItem",
            &["probe-delete: unreadable", "probe-lock-item-release: open"],
        ),
        (
            "no-delete",
            "s3:DeleteObject",
            &["probe-delete: unreadable", "probe-lock-file-release: open"],
        ),
    ];
    for (name, action, bad_ones) in all {
        let statement = json!({ "Effect": "Deny", "Action": action, "Resource": "*" });
        emulator.python(PYTHON, &["role", name, &statement.to_string()]);
        let (_, document, bad) = probe(&place, &format!("{line} {ROLE}{name}"));
        only(&bad, bad_ones, &document);
        assert!(
            document["findings"]
                .to_string()
                .contains(&format!("needs {action})")),
            "{document:#}"
        );
        assert_eq!(left(&emulator), Vec::<String>::new(), "{name}");
    }
    let words = format!("verify {line} --probe {ROLE}nobody");
    let said = place.run(&words.split_whitespace().collect::<Vec<_>>());
    assert!(
        said.refusal()
            .starts_with("1\nerror: cannot assume the role arn:aws:iam::000000000000:role/nobody"),
        "{}",
        said.all()
    );
}

/// With the caller's own credentials, what could not be tried is not known.
#[tokio::test]
async fn a_caller_who_may_not_try() {
    let (emulator, _, line) = made("--lock both --ephemeral").await;
    for (name, action, id) in [
        ("one", "s3:PutObject", "probe-write"),
        ("two", "dynamodb:PutItem", "probe-lock-item"),
        ("three", "dynamodb:DeleteItem", "probe-lock-item-release"),
    ] {
        let statements = json!([
            { "Effect": "Allow", "Action": "*", "Resource": "*" },
            { "Effect": "Deny", "Action": action, "Resource": "*" },
        ]);
        let place = user(&emulator, name, &statements).await;
        let (said, document, bad) = probe(&place, &line);
        assert_eq!(said.code, Some(2));
        assert!(
            bad.contains(&format!("{id}: unreadable")),
            "{action}: {bad:?}"
        );
        assert!(
            what(&document, id).contains(&format!("needs {action})")),
            "{document:#}"
        );
        assert!(
            bad.iter()
                .all(|one| one.ends_with(": unreadable") || one == UNSEEN[0] || one == UNSEEN[1]),
            "{bad:?}"
        );
        // Who may not release a lock leaves it, with the object that leads to it, and says so.
        let stays = action == "dynamodb:DeleteItem";
        let left = left(&emulator);
        assert_eq!(
            (
                left.iter().any(|line| line.starts_with("item ")),
                !left.is_empty()
            ),
            (stays, stays),
            "{action}: {left:?}"
        );
        assert_eq!(
            document["notes"]
                .to_string()
                .contains("could not clean up: dynamodb:DeleteItem"),
            stays,
            "{document:#}"
        );
    }
}
