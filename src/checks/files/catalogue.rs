//! The rules for the files in a folder: each with its id and its rationale.

use crate::checks::{Check, CheckGroup, Severity};

/// All of them, in the order in which they are carried out.
pub static ALL: [&Check; 19] = [
    &READABLE,
    &ONE_BLOCK,
    &DECLARED,
    &NO_CREDENTIALS,
    &ENGINE,
    &LITERAL,
    &KNOWN,
    &NOT_DEPRECATED,
    &BLOCK_AGREES,
    &INITIALIZED,
    &CLOUD_AGREES,
    &LOCKED,
    &LOCK_LASTS,
    &KEY_USED,
    &KEY_NAMED,
    &KEY_ARN,
    &NO_LOCAL_STATE,
    &IGNORED,
    &TRACKED,
];

const fn check(
    id: &'static str,
    docs: &'static str,
    severity: Severity,
    expected: &'static str,
    rationale: &'static str,
) -> Check {
    Check {
        id,
        docs,
        severity,
        group: CheckGroup::Files,
        expected,
        rationale,
        references: &[],
    }
}

pub static READABLE: Check = check(
    "files-readable",
    "https://developer.hashicorp.com/terraform/language/files",
    Severity::High,
    "each file that may configure the backend can be read and parsed",
    "a file that cannot be read is not checked, and Terraform may fail on it",
);

pub static ONE_BLOCK: Check = check(
    "files-one-backend",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::High,
    "one block configures where the state is stored",
    "Terraform fails on a second `backend` or `cloud` block",
);

pub static DECLARED: Check = check(
    "files-backend-declared",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::Critical,
    "the configuration has a `backend \"s3\"` block for its partial configuration",
    "without the block, `terraform init -backend-config=FILE` only warns: the state stays in the \
     folder, in plain text, without locking and without another copy",
);

pub static NO_CREDENTIALS: Check = Check {
    references: &["CKV_SECRET_2"],
    ..check(
        "files-no-credentials",
        "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
        Severity::Critical,
        "no backend file contains a credential",
        "every reader of the file, its backups or the history of the repository can use the \
         credential; `init` copies it in plain text to `.terraform/`, and `plan` to plan files",
    )
};

pub static ENGINE: Check = check(
    "files-engine",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Low,
    "the folder is not used with a version that has a bug with this backend",
    "`validate` of Terraform 1.15.0, and of no other version, fails on every partial \
     configuration; OpenTofu before 1.10.2 does not support lock files, or writes them without \
     the configured encryption",
);

pub static LITERAL: Check = check(
    "files-literal-values",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::Medium,
    "backend arguments are literal values",
    "the backend is configured before variables, functions and references are evaluated: `init` \
     fails on them, and their values cannot be checked",
);

pub static KNOWN: Check = check(
    "files-known-arguments",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "every argument is supported by the backend",
    "`init` fails on an unsupported or removed argument",
);

pub static NOT_DEPRECATED: Check = check(
    "files-no-deprecated-arguments",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Low,
    "no argument is deprecated",
    "a later version may remove it, as Terraform 1.10 removed `role_arn`",
);

pub static BLOCK_AGREES: Check = check(
    "files-block-agrees",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::Medium,
    "block and partial configuration do not set different values",
    "an `init` without the partial configuration would use the values of the block: another state \
     or another lock",
);

pub static INITIALIZED: Check = check(
    "files-initialized-as-written",
    "https://developer.hashicorp.com/terraform/cli/commands/init",
    Severity::Medium,
    "the folder was initialized with its current files",
    "until the next `init`, Terraform uses the stored configuration, or fails with \"Backend \
     configuration changed\"",
);

pub static CLOUD_AGREES: Check = check(
    "files-agree-with-cloud",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "the files match the backend",
    "runs would use another state, another key, or a lock that other runs do not check",
);

pub static LOCKED: Check = check(
    "files-lock-argument",
    "https://developer.hashicorp.com/terraform/language/state/locking",
    Severity::High,
    "an argument enables locking",
    "without `use_lockfile` or `dynamodb_table`, two concurrent runs write the same state, and \
     the changes of one are lost",
);

pub static LOCK_LASTS: Check = check(
    "files-lock-not-deprecated",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Info,
    "locking does not depend on a deprecated argument only",
    "`dynamodb_table` is deprecated since Terraform 1.11, without a date for its removal; some \
     versions print a warning on standard output, others do not",
);

pub static KEY_USED: Check = check(
    "files-key-is-used",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "`kms_key_id` comes with `encrypt = true`",
    "without `encrypt = true`, Terraform silently ignores the key, and the default encryption of \
     the bucket applies",
);

pub static KEY_NAMED: Check = check(
    "files-encrypt-names-key",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "`encrypt = true` comes with the key of the bucket",
    "with `encrypt` alone, Terraform requests AES256, which overrides the default key of the \
     bucket: states are readable without the key, or the bucket policy denies the write after \
     resources have changed",
);

pub static KEY_ARN: Check = check(
    "files-key-arn",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    "the key is specified by its full ARN",
    "an alias or a key ID is resolved in the account and region of the caller, and a typing error \
     is only found at the first write",
);

pub static NO_LOCAL_STATE: Check = check(
    "files-no-local-state",
    "https://developer.hashicorp.com/terraform/language/state/remote",
    Severity::High,
    "no state file is stored in the folder in plain text",
    "a state contains the secrets of its resources in plain text; a migration to a remote backend \
     leaves a full copy in `terraform.tfstate.backup`",
);

pub static IGNORED: Check = check(
    "files-ignored-by-git",
    "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
    Severity::Medium,
    "git ignores states and the files that `init` stores",
    "`.terraform/` contains the merged backend configuration with any credential in plain text, \
     and a state contains the secrets of its resources: a commit keeps them forever",
);

pub static TRACKED: Check = check(
    "files-not-tracked-by-git",
    "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
    Severity::High,
    "git does not track a state, a copy of a state, or a file that `init` stores",
    "they contain secrets in plain text for all readers of the repository: its history keeps \
     deleted files, and `.gitignore` does not apply to tracked files",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_kebab_case_and_each_is_there_once() {
        let ids: BTreeSet<&str> = ALL.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for id in ids {
            assert!(
                id.starts_with("files-") && id.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{id}"
            );
        }
    }
}
