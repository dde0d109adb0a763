//! Why each setting is as it should be, in a few words: what a person reads beside the old and the
//! new value.

use super::{policy::OURS, resources::AwsSpec};

/// After a comma, such as `so that no version can be lost`. `setting` is a path as in
/// `rules.tfbackend-history.noncurrent_days`; what only says which resource it is has no reason.
pub fn why(spec: &AwsSpec, setting: &str) -> Option<&'static str> {
    let (field, rest) = setting.split_once('.').unwrap_or((setting, ""));
    if field == "tags" {
        return Some("so that it is known whose it is");
    }
    match spec {
        AwsSpec::Key(_) => key(field, rest),
        AwsSpec::OwnKey(_) => own_key(field),
        AwsSpec::Rotation(_) => matches!(field, "enabled" | "days")
            .then_some("so that no piece of key material protects the states for ever"),
        AwsSpec::Bucket(_) => bucket(field),
        AwsSpec::PublicAccess(_) => public_access(field),
        AwsSpec::Versioning(_) => versioning(field),
        AwsSpec::Encryption(_) => encryption(field),
        AwsSpec::Lifecycle(_) => lifecycle(field, rest),
        AwsSpec::Logging(_) => {
            matches!(field, "target" | "prefix").then_some("so that S3 records who asked for what")
        }
        AwsSpec::Notifications(_) => matches!(field, "targets" | "event_bridge")
            .then_some("so that a deleted state does not go unnoticed"),
        AwsSpec::BucketPolicy(_) => (field == "document").then(|| statement(rest)),
        AwsSpec::LockTable(_) => table(field),
        AwsSpec::Recovery(_) => {
            (field == "enabled").then_some("so that the digests of the states can be brought back")
        }
        AwsSpec::Topic(_) => topic(field, rest),
        AwsSpec::ExistingTopic(_) => match field {
            "publishers" => Some("so that the topic hears of deleted states"),
            "key_users" => Some("so that what the topic is told is delivered"),
            _ => None,
        },
        AwsSpec::Subscription(_) => {
            (field == "email").then_some("so that somebody hears of alarms")
        }
        AwsSpec::Alarm(_) => alarm(field),
        AwsSpec::Trail(_) => trail(field),
        AwsSpec::ExistingTrail(_) => {
            (field == "trail").then_some("so that reads and writes of states are recorded")
        }
        AwsSpec::Selectors(_) => matches!(field, "selectors" | "basic").then_some(
            "so that every read and write of a state is recorded, and little else is paid for",
        ),
        AwsSpec::TrailLogging(_) => (field == "on").then_some("so that the trail records at all"),
        AwsSpec::Policy(_) => policy(field, rest),
        AwsSpec::Attachment(_) => {
            matches!(field, "policy" | "kind").then_some("so that they may run Terraform")
        }
    }
}

fn key(field: &str, rest: &str) -> Option<&'static str> {
    Some(match field {
        "alias_leads" => "so that the key is found again",
        "state" => "so that states can be read and written",
        "description" => "so that people know what the key is for",
        "policy" => statement(rest),
        _ => return None,
    })
}

fn own_key(field: &str) -> Option<&'static str> {
    Some(match field {
        "state" => "so that states can be read and written",
        "usage" | "key_spec" => "so that S3 can encrypt with it",
        "service_grants" => "so that trail and alarms can use the key",
        _ => return None,
    })
}

fn bucket(field: &str) -> Option<&'static str> {
    Some(match field {
        "region" => "so that the states are where the settings say",
        "account_regional" => "so that no other account can ever take the name",
        "ownership" => "so that policies alone say who may do what",
        _ => return None,
    })
}

fn public_access(field: &str) -> Option<&'static str> {
    Some(match field {
        "block_public_acls" => "so that no access control list can make it public",
        "ignore_public_acls" => "so that those that are there count for nothing",
        "block_public_policy" => "so that no policy can make it public",
        "restrict_public_buckets" => "so that a policy that is public lets nobody in from outside",
        _ => return None,
    })
}

fn versioning(field: &str) -> Option<&'static str> {
    Some(match field {
        "status" => "so that no version of a state can be lost",
        "mfa_delete" => "so that what is stricter stays",
        _ => return None,
    })
}

fn encryption(field: &str) -> Option<&'static str> {
    Some(match field {
        "algorithm" => "so that states are encrypted, also when a client says nothing",
        "key" => "so that only those who may use this key can read states",
        "bucket_key" => "so that there are fewer calls to KMS to pay for",
        "blocked" => "so that nobody locks states up with a key that only they have",
        _ => return None,
    })
}

fn lifecycle(field: &str, rest: &str) -> Option<&'static str> {
    if field == "transition_minimum" {
        return Some("so that the rules of others do what they did");
    }
    let setting = rest.rsplit('.').next().unwrap_or_default();
    let reason = match setting {
        "noncurrent_days" | "noncurrent_newest" => "so that there is a version to go back to",
        "abort_uploads_days" => "so that uploads that were never finished are not paid for",
        "expired_delete_markers" => "so that released lock files leave nothing behind",
        "expiration_days" => "so that logs are kept as long as they are asked for",
        _ => "so that versions are kept as long as they are asked for",
    };
    (field == "rules").then_some(reason)
}

fn table(field: &str) -> Option<&'static str> {
    Some(match field {
        "key" => "so that Terraform can lock with it",
        "billing" => "so that locks are paid for as asked for",
        "deletion_protection" => "so that nobody deletes the locks by mistake",
        "encryption" => "so that the account's own key says who may read it",
        _ => return None,
    })
}

fn topic(field: &str, rest: &str) -> Option<&'static str> {
    Some(match field {
        "key" => "so that what is told is encrypted",
        "policy" => statement(rest),
        _ => return None,
    })
}

fn alarm(field: &str) -> Option<&'static str> {
    Some(match field {
        "description" => "so that whoever is woken knows why",
        "queries" => "so that it watches a metric that gets data",
        "comparison" | "threshold" | "evaluation_periods" => "so that it fires when it should",
        "missing_data" => "so that silence is no alarm",
        "actions_enabled" | "actions" => "so that somebody is told",
        "ok_actions" | "no_data_actions" => "so that whoever others tell is still told",
        _ => return None,
    })
}

fn trail(field: &str) -> Option<&'static str> {
    Some(match field {
        "bucket" | "prefix" => "so that its files arrive where nobody can forge them",
        "key" => "so that only those who may use this key can read them",
        "multi_region" => "so that it does not matter from where a state was read",
        "validation" => "so that it shows if a file was changed",
        _ => return None,
    })
}

fn policy(field: &str, rest: &str) -> Option<&'static str> {
    Some(match field {
        "description" => "so that people know what it is for",
        "document" => statement(rest),
        _ => return None,
    })
}

/// Of a statement, by its Sid; what is not ours, or not a single one, is there so that the whole
/// says what it should.
fn statement(path: &str) -> &'static str {
    let sid = path.split('.').next().unwrap_or_default();
    match sid.strip_prefix(OURS).unwrap_or_default() {
        "EnableIamPolicies" => "so that IAM policies can say who may use the key",
        "DenyShortDeletionWindow" => {
            "so that there are 30 days to notice that the key is about to go"
        }
        "CloudTrailEncrypt" | "CloudTrailDescribe" => {
            "so that this trail can encrypt its files, and no other"
        }
        "AlarmsToTopic" | "BucketEventsToTopic" => {
            "so that what is told reaches the encrypted topic"
        }
        "DenyPlaintext" | "DenyOldTls" | "DenyPlaintextPublish" => {
            "so that nothing travels in the clear"
        }
        "DenyOtherAccounts" => "so that no policy elsewhere lets another account in",
        "DenyOtherEncryption" => "so that nothing is stored in another way",
        "DenyOtherKey" => "so that nothing is encrypted with another key",
        "DenyCustomerKeys" => "so that nobody locks states up with a key that only they have",
        "DenyOverwritingLocks" => "so that a lock that is held cannot be overwritten",
        "DenyDestroyingHistory" => "so that no version can be deleted while this policy stands",
        "CloudTrailAclCheck" | "CloudTrailWrite" => "so that this trail can write, and no other",
        "S3AccessLogs" => "so that access logs arrive",
        "DenyForgingLogs" => "so that nobody but AWS writes logs",
        "DenyDestroyingLogs" => "so that no log can be deleted before it expires",
        "Alarms" => "so that alarms can tell it",
        "BucketEvents" => "so that it hears of deleted states",
        "ListStates" => "so that Terraform learns which states there are",
        "ReadAndWriteStates" => "so that Terraform can read and write states",
        "DeleteWorkspaces" => "so that workspaces can be deleted",
        "ReleaseLockFiles" => "so that lock files are released",
        "LockItems" => "so that Terraform can lock",
        "KeyForStates" => "so that states can be decrypted, through S3 only",
        "KeyForLocks" => "so that locks can be read, through DynamoDB only",
        _ => "so that it allows what is needed, and no more",
    }
}
