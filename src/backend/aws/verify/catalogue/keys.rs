//! The key, and whose everything is.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub static OWNED: Check = check(
    "owned",
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    Critical,
    Access,
    "it belongs to this environment",
    "what another environment owns is changed and taken down with that one",
    &[],
);
pub static UNMANAGED: Check = check(
    "unmanaged",
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    Medium,
    Access,
    "it carries the tags of the environment",
    "by its tags tfbackend knows its own: without them it repairs nothing there, and nothing \
     tells what it is for",
    &["DynamoDB.5"],
);
pub static TAGS: Check = check(
    "tags",
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    Low,
    Access,
    "the tags are right",
    "by them tfbackend, and those who pay, know whose it is and whether it is protected",
    &["DynamoDB.5", "CloudTrail.9"],
);
pub static KEY: Check = check(
    "key",
    "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html",
    High,
    Keys,
    "states are encrypted with a key of the account",
    "with a key of the service, who may decrypt is neither decided nor recorded",
    &["S3.17"],
);
pub static KEY_USABLE: Check = check(
    "key-usable",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
    Critical,
    Keys,
    "the key is enabled, and not on its way out",
    "without the key no state can be read: losing it is losing all of them",
    &["KMS.3", "CKV_AWS_227"],
);
pub static KEY_ALIAS: Check = check(
    "key-alias",
    "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    Medium,
    Keys,
    "the alias leads to the key",
    "a key without its name is taken for a leftover, and deleted",
    &[],
);
pub static KEY_ROTATION: Check = check(
    "key-rotation",
    "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    Medium,
    Keys,
    "key material is replaced regularly",
    "material that leaked would open everything that is ever written",
    &["KMS.4", "CIS 3.6", "CKV_AWS_7"],
);
pub static KEY_DELETION_WINDOW: Check = check(
    "key-deletion-window",
    "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    High,
    Keys,
    "the key cannot be scheduled for deletion with less than 30 days",
    "after a week of holidays there would be nothing left to cancel",
    &["KMS.3"],
);
pub static KEY_POLICY: Check = check(
    "key-policy",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
    High,
    Keys,
    "the key policy has what IAM and the services need",
    "without it the key can never be changed, or trail and alarms fail in silence",
    &["CKV2_AWS_64"],
);
pub static KEY_OPEN: Check = check(
    "key-open",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
    Critical,
    Keys,
    "no statement of the key policy lets in everybody or another account",
    "who may use the key reads every state that they get hold of",
    &["KMS.5", "CKV_AWS_33"],
);
pub static KEY_GRANTS: Check = check(
    "key-grants",
    "https://docs.aws.amazon.com/kms/latest/developerguide/grants.html",
    High,
    Keys,
    "no grant lets another account use the key",
    "a grant stands beside the key policy, and is in none of its statements",
    &[],
);
pub static RUNNER_POLICY: Check = check(
    "runner-policy",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
    High,
    Access,
    "the policy for those who run Terraform allows that and no more",
    "what a pipeline may do, an intruder in it may do",
    &[
        "KMS.1",
        "KMS.2",
        "IAM.1",
        "IAM.21",
        "CKV_AWS_62",
        "CKV_AWS_63",
        "CKV_AWS_355",
    ],
);
pub static RUNNER_ATTACHED: Check = check(
    "runner-attached",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-attach-detach.html",
    Medium,
    Access,
    "whom the policy was meant for has it",
    "without it runs fail, and people reach for a wider policy",
    &[],
);
pub static RUNNER_USED: Check = check(
    "runner-used",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-attach-detach.html",
    Info,
    Access,
    "the policy is attached",
    "those who run Terraform today do so with more than they need",
    &[],
);
pub static WIDE_ACCESS: Check = check(
    "wide-access",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
    Medium,
    Access,
    "no policy that names the bucket or the table allows to destroy or to open them",
    "what a pipeline may do, an intruder in it may do: to run Terraform takes a handful of actions",
    &["IAM.21", "CKV_AWS_355"],
);
