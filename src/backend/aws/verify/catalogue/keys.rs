//! Rules for keys, ownership and permissions.

use super::check;
use crate::checks::{Check, CheckGroup::*, Severity::*};

pub(crate) static OWNED: Check = check(
    "owned",
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    Critical,
    Access,
    "the resource belongs to this environment",
    "resources of another environment are changed and deleted with that environment",
    &[],
);
pub(crate) static UNMANAGED: Check = check(
    "unmanaged",
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    Medium,
    Access,
    "the resource has the tags of the environment",
    "tfbackend identifies its resources by their tags: it does not repair untagged resources, and \
     their purpose is unclear",
    &["DynamoDB.5"],
);
pub(crate) static TAGS: Check = check(
    "tags",
    "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
    Low,
    Access,
    "the tags are correct",
    "tags identify the owner, the cost center and whether the resource is protected",
    &["DynamoDB.5", "CloudTrail.9"],
);
pub(crate) static KEY: Check = check(
    "key",
    "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html",
    High,
    Keys,
    "states are encrypted with a customer managed key",
    "an AWS owned or AWS managed key does not control who can decrypt states",
    &["S3.17"],
);
pub(crate) static KEY_USABLE: Check = check(
    "key-usable",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
    Critical,
    Keys,
    "the key is enabled and not scheduled for deletion",
    "without the key, no state can be read: if the key is deleted, all states are lost",
    &["KMS.3", "CKV_AWS_227"],
);
pub(crate) static KEY_ALIAS: Check = check(
    "key-alias",
    "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    Medium,
    Keys,
    "the alias points to the key",
    "a key without an alias looks unused and may be deleted",
    &[],
);
pub(crate) static KEY_ROTATION: Check = check(
    "key-rotation",
    "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",
    Medium,
    Keys,
    "key rotation is enabled",
    "without rotation, leaked key material decrypts all states, past and future",
    &["KMS.4", "CIS 3.6", "CKV_AWS_7"],
);
pub(crate) static KEY_DELETION_WINDOW: Check = check(
    "key-deletion-window",
    "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
    High,
    Keys,
    "the key cannot be scheduled for deletion with less than 30 days",
    "with a shorter window, the deletion may complete before it is noticed",
    &["KMS.3"],
);
pub(crate) static KEY_POLICY: Check = check(
    "key-policy",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
    High,
    Keys,
    "the key policy grants what IAM and the services need",
    "without these statements, the key becomes unmanageable, or trail and alarms fail silently",
    &["CKV2_AWS_64"],
);
pub(crate) static KEY_OPEN: Check = check(
    "key-open",
    "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html",
    Critical,
    Keys,
    "no statement of the key policy allows public or cross-account access",
    "a principal with access to the key can decrypt every state that it can download",
    &["KMS.5", "CKV_AWS_33"],
);
pub(crate) static KEY_GRANTS: Check = check(
    "key-grants",
    "https://docs.aws.amazon.com/kms/latest/developerguide/grants.html",
    High,
    Keys,
    "no grant allows another account to use the key",
    "a grant allows access in addition to the key policy and does not appear in it",
    &[],
);
pub(crate) static RUNNER_POLICY: Check = check(
    "runner-policy",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
    High,
    Access,
    "the policy for Terraform runs allows what Terraform needs and no more",
    "an attacker who controls a pipeline has its permissions",
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
pub(crate) static RUNNER_ATTACHED: Check = check(
    "runner-attached",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-attach-detach.html",
    Medium,
    Access,
    "the policy is attached to its principals",
    "without the policy, Terraform runs fail, and a broader policy may be attached instead",
    &[],
);
pub(crate) static RUNNER_USED: Check = check(
    "runner-used",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-attach-detach.html",
    Info,
    Access,
    "the policy for Terraform runs is attached",
    "if the policy is not attached, Terraform runs with broader permissions than it needs",
    &[],
);
pub(crate) static WIDE_ACCESS: Check = check(
    "wide-access",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
    Medium,
    Access,
    "no policy that names the bucket or the table allows destroying or exposing them",
    "an attacker who controls a pipeline has its permissions, and Terraform needs only a few \
     actions",
    &["IAM.21", "CKV_AWS_355"],
);
