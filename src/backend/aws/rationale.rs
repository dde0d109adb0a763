//! Rationales of settings: short texts that are shown next to the old and the new value.

use super::{policy::OURS, resources::AwsSpec};

/// Returns the rationale of a setting, such as `so that no version can be lost`, to follow a comma.
/// `setting` is a path as in `rules.tfbackend-history.noncurrent_days`; settings that only identify
/// the resource have no rationale.
pub fn why(spec: &AwsSpec, setting: &str) -> Option<&'static str> {
    let (field, rest) = setting.split_once('.').unwrap_or((setting, ""));
    if field == "tags" {
        return Some("so that the owner is known");
    }
    match spec {
        AwsSpec::Key(_) => key(field, rest),
        AwsSpec::OwnKey(_) => own_key(field),
        AwsSpec::Rotation(_) => matches!(field, "enabled" | "days")
            .then_some("so that key material is replaced regularly"),
        AwsSpec::Bucket(_) => bucket(field),
        AwsSpec::PublicAccess(_) => public_access(field),
        AwsSpec::Versioning(_) => versioning(field),
        AwsSpec::Encryption(_) => encryption(field),
        AwsSpec::Lifecycle(_) => lifecycle(field, rest),
        AwsSpec::Logging(_) => {
            matches!(field, "target" | "prefix").then_some("so that S3 logs the requests")
        }
        AwsSpec::Notifications(_) => matches!(field, "targets" | "event_bridge")
            .then_some("so that you are notified when a state is deleted"),
        AwsSpec::BucketPolicy(_) => (field == "document").then(|| statement(rest)),
        AwsSpec::LockTable(_) => table(field),
        AwsSpec::Recovery(_) => {
            (field == "enabled").then_some("so that the digests of the states can be restored")
        }
        AwsSpec::Topic(_) => topic(field, rest),
        AwsSpec::ExistingTopic(_) => match field {
            "publishers" => Some("so that the bucket can notify the topic of deleted states"),
            "key_users" => Some("so that messages to the topic can be encrypted"),
            _ => None,
        },
        AwsSpec::Subscription(_) => {
            (field == "email").then_some("so that you are notified of alarms")
        }
        AwsSpec::Alarm(_) => alarm(field),
        AwsSpec::Trail(_) => trail(field),
        AwsSpec::ExistingTrail(_) => {
            (field == "trail").then_some("so that reads and writes of states are recorded")
        }
        AwsSpec::Selectors(_) => matches!(field, "selectors" | "basic")
            .then_some("so that every read and write of a state is recorded, at little extra cost"),
        AwsSpec::TrailLogging(_) => (field == "on").then_some("so that the trail records events"),
        AwsSpec::Policy(_) => policy(field, rest),
        AwsSpec::Attachment(_) => matches!(field, "policy" | "kind")
            .then_some("so that these principals can run Terraform"),
    }
}

fn key(field: &str, rest: &str) -> Option<&'static str> {
    Some(match field {
        "alias_leads" => "so that the key can be found by its alias",
        "state" => "so that states can be read and written",
        "description" => "so that the purpose of the key is known",
        "policy" => statement(rest),
        _ => return None,
    })
}

fn own_key(field: &str) -> Option<&'static str> {
    Some(match field {
        "state" => "so that states can be read and written",
        "usage" | "key_spec" => "so that S3 can encrypt with it",
        "service_grants" => "so that the trail and the alarms can use the key",
        _ => return None,
    })
}

fn bucket(field: &str) -> Option<&'static str> {
    Some(match field {
        "region" => "so that the states are stored in the configured region",
        "account_regional" => "so that no other account can use the name",
        "ownership" => "so that only policies control access",
        _ => return None,
    })
}

fn public_access(field: &str) -> Option<&'static str> {
    Some(match field {
        "block_public_acls" => "so that no access control list can make the bucket public",
        "ignore_public_acls" => "so that existing public access control lists are ignored",
        "block_public_policy" => "so that no policy can make the bucket public",
        "restrict_public_buckets" => {
            "so that a public policy does not allow access from outside the account"
        }
        _ => return None,
    })
}

fn versioning(field: &str) -> Option<&'static str> {
    Some(match field {
        "status" => "so that no version of a state can be lost",
        "mfa_delete" => "so that the stricter setting is kept",
        _ => return None,
    })
}

fn encryption(field: &str) -> Option<&'static str> {
    Some(match field {
        "algorithm" => "so that states are encrypted even if a client does not request it",
        "key" => "so that only principals with access to the key can read states",
        "bucket_key" => "so that fewer KMS requests are needed",
        "blocked" => "so that no principal can encrypt states with a key of their own",
        _ => return None,
    })
}

fn lifecycle(field: &str, rest: &str) -> Option<&'static str> {
    if field == "transition_minimum" {
        return Some("so that existing rules keep their effect");
    }
    let setting = rest.rsplit('.').next().unwrap_or_default();
    let reason = match setting {
        "noncurrent_days" | "noncurrent_newest" => "so that earlier versions can be restored",
        "abort_uploads_days" => "so that incomplete uploads do not cost money",
        "expired_delete_markers" => "so that released lock files leave no delete markers",
        "expiration_days" => "so that logs are kept for the configured time",
        _ => "so that versions are kept for the configured time",
    };
    (field == "rules").then_some(reason)
}

fn table(field: &str) -> Option<&'static str> {
    Some(match field {
        "key" => "so that Terraform can use the table for locking",
        "billing" => "so that the table uses the configured billing mode",
        "deletion_protection" => "so that the locks cannot be deleted by mistake",
        "encryption" => "so that a customer managed key controls access to the table",
        _ => return None,
    })
}

fn topic(field: &str, rest: &str) -> Option<&'static str> {
    Some(match field {
        "key" => "so that messages are encrypted",
        "policy" => statement(rest),
        _ => return None,
    })
}

fn alarm(field: &str) -> Option<&'static str> {
    Some(match field {
        "description" => "so that the notification explains the alarm",
        "queries" => "so that the alarm watches a metric with data",
        "comparison" | "threshold" | "evaluation_periods" => {
            "so that the alarm fires when it should"
        }
        "missing_data" => "so that missing data does not fire the alarm",
        "actions_enabled" | "actions" => "so that you are notified",
        "ok_actions" | "no_data_actions" => "so that existing recipients are still notified",
        _ => return None,
    })
}

fn trail(field: &str) -> Option<&'static str> {
    Some(match field {
        "bucket" | "prefix" => "so that log files are stored where they cannot be forged",
        "key" => "so that only principals with access to the key can read log files",
        "multi_region" => "so that reads from all regions are recorded",
        "validation" => "so that changes of log files can be detected",
        _ => return None,
    })
}

fn policy(field: &str, rest: &str) -> Option<&'static str> {
    Some(match field {
        "description" => "so that the purpose of the policy is known",
        "document" => statement(rest),
        _ => return None,
    })
}

/// Returns the rationale of a policy statement by its Sid; statements of others and whole documents
/// get a general one.
fn statement(path: &str) -> &'static str {
    let sid = path.split('.').next().unwrap_or_default();
    match sid.strip_prefix(OURS).unwrap_or_default() {
        "EnableIamPolicies" => "so that IAM policies can grant access to the key",
        "DenyShortDeletionWindow" => {
            "so that a scheduled deletion of the key can be noticed within 30 days"
        }
        "CloudTrailEncrypt" | "CloudTrailDescribe" => {
            "so that only this trail can encrypt its files with the key"
        }
        "AlarmsToTopic" | "BucketEventsToTopic" => {
            "so that messages can be published to the encrypted topic"
        }
        "DenyPlaintext" | "DenyOldTls" | "DenyPlaintextPublish" => {
            "so that all requests use TLS 1.2 or later"
        }
        "DenyOtherAccounts" => "so that no other policy can allow access from another account",
        "DenyOtherEncryption" => "so that no object is stored with other encryption",
        "DenyOtherKey" => "so that no object is encrypted with another key",
        "DenyCustomerKeys" => "so that no principal can encrypt states with a key of their own",
        "DenyOverwritingLocks" => "so that a held lock cannot be overwritten",
        "DenyDestroyingHistory" => {
            "so that no version can be deleted while this policy is in place"
        }
        "CloudTrailAclCheck" | "CloudTrailWrite" => "so that only this trail can write log files",
        "S3AccessLogs" => "so that S3 can write access logs",
        "DenyForgingLogs" => "so that only AWS services can write logs",
        "DenyDestroyingLogs" => "so that logs cannot be deleted before they expire",
        "Alarms" => "so that alarms can publish to the topic",
        "BucketEvents" => "so that the bucket can publish notifications of deleted states",
        "ListStates" => "so that Terraform can list states",
        "ReadAndWriteStates" => "so that Terraform can read and write states",
        "DeleteWorkspaces" => "so that workspaces can be deleted",
        "ReleaseLockFiles" => "so that Terraform can release lock files",
        "LockItems" => "so that Terraform can lock states",
        "KeyForStates" => "so that states can be decrypted through S3 only",
        "KeyForLocks" => "so that locks can be read through DynamoDB only",
        _ => "so that the policy allows what is needed and no more",
    }
}
