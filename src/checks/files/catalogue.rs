//! The rules for the files in a folder: each with its id, and with what happens where it does not
//! hold.

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
    title: &'static str,
    why: &'static str,
) -> Check {
    Check {
        id,
        docs,
        severity,
        group: CheckGroup::Files,
        title,
        why,
        controls: &[],
    }
}

pub static READABLE: Check = check(
    "files-readable",
    "https://developer.hashicorp.com/terraform/language/files",
    Severity::High,
    "each file that may say something of the backend can be read and understood",
    "what is in a file that cannot be read is not checked, and Terraform may stop at it",
);

pub static ONE_BLOCK: Check = check(
    "files-one-backend",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::High,
    "one block chooses where the state is",
    "Terraform stops at a second `backend` or `cloud` block before it does anything",
);

pub static DECLARED: Check = check(
    "files-backend-declared",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::Critical,
    "the configuration has a `backend \"s3\"` block for its partial configuration",
    "without the block, `terraform init -backend-config=FILE` only warns: the state stays in the \
     folder, in plain text, with no lock and no other copy",
);

pub static NO_CREDENTIALS: Check = Check {
    controls: &["CKV_SECRET_2"],
    ..check(
        "files-no-credentials",
        "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
        Severity::Critical,
        "no file of the backend has a credential in it",
        "each reader of the file, of a backup of it or of the history of the repository can act \
         as its owner; `init` copies it in clear into `.terraform/`, and `plan` into plan files",
    )
};

pub static ENGINE: Check = check(
    "files-engine",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Low,
    "the folder is not used with a version that a fault keeps from this backend",
    "`validate` of Terraform 1.15.0, and of no other version, fails on every partial \
     configuration; OpenTofu before 1.10.2 does not know lock files, or sends none of the \
     encryption that the backend asks for with them",
);

pub static LITERAL: Check = check(
    "files-literal-values",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::Medium,
    "the backend's arguments are plain values",
    "the backend is chosen before variables, functions and references have a value: `init` stops \
     at them, and what they stand for cannot be checked",
);

pub static KNOWN: Check = check(
    "files-known-arguments",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "every argument is one that the backend takes",
    "`init` stops at an argument that it does not know, or no longer knows",
);

pub static NOT_DEPRECATED: Check = check(
    "files-no-deprecated-arguments",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Low,
    "no argument is deprecated",
    "a later version stops at it, as Terraform 1.10 did at `role_arn`",
);

pub static BLOCK_AGREES: Check = check(
    "files-block-agrees",
    "https://developer.hashicorp.com/terraform/language/backend",
    Severity::Medium,
    "the block says nothing that its partial configuration says differently",
    "an `init` without the partial configuration would use what the block says: another state, or \
     another lock",
);

pub static INITIALIZED: Check = check(
    "files-initialized-as-written",
    "https://developer.hashicorp.com/terraform/cli/commands/init",
    Severity::Medium,
    "the folder was initialized with what its files say",
    "until the next `init`, Terraform goes on with what it stored, or stops with \"Backend \
     configuration changed\"",
);

pub static CLOUD_AGREES: Check = check(
    "files-agree-with-cloud",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "the files name the backend as it is",
    "runs would use another state, another key, or a lock that no other run looks at",
);

pub static LOCKED: Check = check(
    "files-lock-argument",
    "https://developer.hashicorp.com/terraform/language/state/locking",
    Severity::High,
    "an argument asks for a lock",
    "without `use_lockfile` or `dynamodb_table`, two runs at once write the same state, and one \
     of them is lost",
);

pub static LOCK_LASTS: Check = check(
    "files-lock-not-deprecated",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Info,
    "the lock does not stand on a deprecated argument alone",
    "`dynamodb_table` is deprecated since Terraform 1.11, without a date of its removal: some \
     versions warn of it, on standard output, and others do not",
);

pub static KEY_USED: Check = check(
    "files-key-is-used",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "`kms_key_id` comes with `encrypt = true`",
    "without `encrypt = true`, Terraform ignores the key and says nothing: states have whatever \
     encryption the bucket gives them",
);

pub static KEY_NAMED: Check = check(
    "files-encrypt-names-key",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::High,
    "`encrypt = true` comes with the key of the bucket",
    "with `encrypt` alone, Terraform asks for AES256, which goes over the key that is the \
     bucket's default: states are readable without the key, or refused by the bucket's policy \
     after resources have changed",
);

pub static KEY_ARN: Check = check(
    "files-key-arn",
    "https://developer.hashicorp.com/terraform/language/backend/s3",
    Severity::Medium,
    "the key is named by its full ARN",
    "an alias or an id is looked up in the account and region of the caller, and a typing error \
     shows at the first write only",
);

pub static NO_LOCAL_STATE: Check = check(
    "files-no-local-state",
    "https://developer.hashicorp.com/terraform/language/state/remote",
    Severity::High,
    "no state lies in the folder in plain text",
    "a state has the secrets of its resources in clear; a migration to a remote backend leaves \
     the whole of it in `terraform.tfstate.backup`",
);

pub static IGNORED: Check = check(
    "files-ignored-by-git",
    "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
    Severity::Medium,
    "git does not commit states, nor what `init` stores",
    "`.terraform/` has the merged backend in clear with any credential in it, and a state the \
     secrets of its resources: a commit keeps them for good",
);

pub static TRACKED: Check = check(
    "files-not-tracked-by-git",
    "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
    Severity::High,
    "git tracks no state, no copy of a state, and nothing that `init` stores",
    "they hold secrets in clear, and all who can read the repository, now or later, can read them \
     there: its history keeps what is removed, and `.gitignore` does not count for what is tracked",
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
