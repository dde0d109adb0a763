//! Rationales of policy statements: short texts that are shown next to the old and the new value.

use super::policy::OURS;

/// Returns the rationale of a policy statement by its Sid; statements of others and whole documents
/// get a general one.
pub(crate) fn of_statement(path: &str) -> &'static str {
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
