//! Each read denied in turn: what cannot be read is said to be so, never good and never
//! absent.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use super::{LINE, verify};
use crate::support::{
    emulator::Emulator,
    parts::{Part, in_parts},
    program::Place,
    proxy::{Proxy, Reply},
    user::User,
};

/// Every action that looking at a whole environment takes, but the caller's own identity.
const READS: &[&str] = &[
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrail",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:ListTags",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListAttachedUserPolicies",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "s3:GetAccelerateConfiguration",
    "s3:GetAccountPublicAccessBlock",
    "s3:GetBucketCORS",
    "s3:GetBucketLogging",
    "s3:GetBucketNotification",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
];

/// What these tell did not hold to begin with: the emulator's account has neither.
const OF_THE_ACCOUNT: &[&str] = &[
    "cloudtrail:DescribeTrails",
    "s3:GetAccountPublicAccessBlock",
];

in_parts! { fn each_read_that_is_denied_is_named: denied in first second }

async fn denied(part: Part) {
    let emulator = Emulator::start().await;
    let auditor = User::make(&emulator, "auditor").await;
    let line = format!("--env prod {LINE} --alarm-email ops@example.com --attach-to user/auditor");
    assert_eq!(
        Place::with(&emulator).bootstrap(&format!("{line} -y")).code,
        Some(0)
    );
    // The emulator lets everybody use CloudWatch.
    let refused: Arc<Mutex<Option<&str>>> = Arc::default();
    let rule = Arc::clone(&refused);
    let proxy = Proxy::start(Some(&emulator), move |call, _| {
        let is = |action: &str| action == format!("{}:{}", call.service, call.operation);
        if rule.lock().expect("no panic").is_some_and(is) {
            Reply::s3(403, "", "")
        } else {
            Reply::Forward
        }
    });
    let mut place = auditor.place(&emulator);
    place.set("AWS_ENDPOINT_URL", proxy.endpoint());
    let line = format!("{line} --min-severity info");

    auditor.may_only(&["*"]).await;
    let (_, all) = verify(&place, &line);
    assert_eq!(
        all["counts"]["unreadable"], 0,
        "all of it may be read: {all:#}"
    );
    let held = |document: &serde_json::Value| -> BTreeSet<String> {
        let checks = document["checks"].as_array().expect("checks").iter();
        checks
            .filter(|check| check["status"] == "holds")
            .map(|check| format!("{} {}", check["id"], check["address"]))
            .collect()
    };
    let good = held(&all);

    // Each by its id and place; whose a resource is and what its tags say is one check.
    let checked = |document: &serde_json::Value| -> BTreeSet<String> {
        let id = |id: &str| {
            if ["owned", "unmanaged", "tags"].contains(&id) {
                "ownership".to_owned()
            } else {
                id.to_owned()
            }
        };
        let checks = document["checks"].as_array().expect("checks").iter();
        checks
            .map(|check| {
                format!(
                    "{} {}",
                    id(check["id"].as_str().expect("an id")),
                    check["address"]
                )
            })
            .collect()
    };
    for action in part.of(READS) {
        *refused.lock().expect("no panic") =
            Some(*action).filter(|action| action.starts_with("cloudwatch:"));
        auditor.may_all_but(action).await;
        let (said, document) = verify(&place, &line);
        assert_eq!(said.code, Some(2), "{action}: {}", said.all());
        let findings = document["findings"].as_array().expect("findings");
        let unreadable: Vec<_> = findings
            .iter()
            .filter(|finding| finding["status"] == "unreadable")
            .collect();
        assert!(!unreadable.is_empty(), "{action} is missed: {document:#}");
        for finding in unreadable {
            let found = finding["found"].as_str().expect("words");
            assert!(
                found.contains(&format!("needs {action}")),
                "{action}: {finding}"
            );
        }
        let taken_away: Vec<_> = checked(&all)
            .difference(&checked(&document))
            .cloned()
            .collect();
        assert_eq!(
            taken_away, [""; 0],
            "{action}: what may not be seen is a check all the same"
        );
        let open = findings
            .iter()
            .filter(|finding| finding["status"] == "open" && finding["severity"] != "info");
        assert_eq!(
            open.count(),
            0,
            "{action}: what may not be seen is not absent: {document:#}"
        );
        let now = held(&document);
        assert!(
            now.is_subset(&good),
            "{action}: something holds that nobody saw"
        );
        assert!(
            now.len() < good.len() || OF_THE_ACCOUNT.contains(action),
            "{action}: everything holds that held before"
        );
    }

    auditor.may_all_but("*").await;
    let said = place.run(
        &[
            &["verify", "--output", "json"],
            &line.split_whitespace().collect::<Vec<_>>()[..],
        ]
        .concat(),
    );
    assert_eq!(
        said.code,
        Some(2),
        "nothing at all may be seen: {}",
        said.all()
    );
}
