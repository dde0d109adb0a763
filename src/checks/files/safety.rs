//! Checks that the configuration enables locking and encryption.

use super::{
    BackendSetup, FolderFiles, at,
    catalogue::{KEY_ARN, KEY_NAMED, KEY_USED, LOCK_LASTS, LOCKED},
    fails, shown, unreadable,
};
use crate::{
    checks::{CheckResult, Verdict},
    terraform::{
        read::{ArgumentValue, TerraformEngine},
        write::s3::S3BackendConfig,
    },
};

pub(super) fn check(files: &FolderFiles<'_>) -> Vec<CheckResult> {
    let mut all = vec![];
    for setup in files.in_use() {
        all.push(at(&LOCKED, setup.path, locked(files, &setup)));
        all.extend(lock_lasts(files, &setup).map(|verdict| at(&LOCK_LASTS, setup.path, verdict)));
        if let Some(key) = setup.value("kms_key_id") {
            all.push(at(&KEY_USED, setup.path, key_used(files, &setup)));
            all.push(at(&KEY_ARN, setup.path, key_arn(files, &setup, key)));
        }
    }
    if let Some((cloud, key)) = files.cloud.zip(files.key()) {
        all.extend(
            files
                .of_cloud(cloud)
                .iter()
                .map(|setup| at(&KEY_NAMED, setup.path, key_named(files, setup, key))),
        );
    }
    all
}

fn locked(files: &FolderFiles<'_>, setup: &BackendSetup<'_>) -> Verdict {
    if setup.value("dynamodb_table").is_some() {
        return Verdict::Holds;
    }
    match setup.flag("use_lockfile") {
        Some(true) => Verdict::Holds,
        None => unreadable(format!(
            "`use_lockfile` at {} is not a literal value",
            setup.spot("use_lockfile")
        )),
        Some(false) => {
            let found = "neither `use_lockfile = true` nor `dynamodb_table` is set";
            let (name, value) = match files.cloud.and_then(|cloud| {
                cloud
                    .dynamodb_table
                    .as_ref()
                    .filter(|_| !cloud.use_lockfile)
            }) {
                Some(table) => (
                    "dynamodb_table",
                    shown(Some(&ArgumentValue::Text(table.clone()))),
                ),
                None => ("use_lockfile", "true".to_owned()),
            };
            fails(found, files.set(setup, name, &value))
        }
    }
}

/// `None` if there is no lock table.
fn lock_lasts(files: &FolderFiles<'_>, setup: &BackendSetup<'_>) -> Option<Verdict> {
    setup.value("dynamodb_table")?;
    // An environment whose settings use only the table is configured as intended.
    let as_asked = |cloud: &S3BackendConfig| cloud.dynamodb_table.is_some() && !cloud.use_lockfile;
    if files.folder.engine == TerraformEngine::OpenTofu
        || setup.flag("use_lockfile") != Some(false)
        || files.cloud.is_some_and(as_asked)
    {
        return Some(Verdict::Holds);
    }
    let found = format!(
        "`dynamodb_table` at {} is the only lock",
        setup.spot("dynamodb_table")
    );
    let remediation = format!(
        "{}; remove the table when all runs use lock files",
        files.set(setup, "use_lockfile", "true")
    );
    Some(fails(found, remediation))
}

fn key_used(files: &FolderFiles<'_>, setup: &BackendSetup<'_>) -> Verdict {
    match setup.flag("encrypt") {
        Some(true) => Verdict::Holds,
        None => unreadable(format!(
            "`encrypt` at {} is not a literal value",
            setup.spot("encrypt")
        )),
        Some(false) => {
            let found = format!(
                "`kms_key_id` at {} is ignored: `encrypt` is not true",
                setup.spot("kms_key_id")
            );
            fails(found, files.set(setup, "encrypt", "true"))
        }
    }
}

fn key_named(files: &FolderFiles<'_>, setup: &BackendSetup<'_>, key: &str) -> Verdict {
    if setup.value("kms_key_id").is_some() || setup.flag("encrypt") == Some(false) {
        return Verdict::Holds;
    }
    let found = format!(
        "`encrypt` at {} is set without `kms_key_id`: states are written with AES256",
        setup.spot("encrypt")
    );
    let key = shown(Some(&ArgumentValue::Text(key.to_owned())));
    fails(found, files.set(setup, "kms_key_id", &key))
}

fn key_arn(files: &FolderFiles<'_>, setup: &BackendSetup<'_>, key: &ArgumentValue) -> Verdict {
    let spot = setup.spot("kms_key_id");
    let Some(key) = key.as_text() else {
        return unreadable(format!("`kms_key_id` at {spot} is not a literal value"));
    };
    if is_key_arn(key) {
        return Verdict::Holds;
    }
    let found = format!(
        "`kms_key_id` at {spot} is {}",
        shown(Some(&ArgumentValue::Text(key.to_owned())))
    );
    let arn = match files.key() {
        Some(arn) => shown(Some(&ArgumentValue::Text(arn.to_owned()))),
        None => {
            return fails(
                found,
                format!(
                    "{}, the ARN that `aws kms describe-key --key-id ID` returns",
                    files.set(setup, "kms_key_id", "ARN")
                ),
            );
        }
    };
    fails(found, files.set(setup, "kms_key_id", &arn))
}

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`, the id a UUID or that of a key in several regions.
fn is_key_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "kms", region, account, resource] = parts[..] else {
        return false;
    };
    let words = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    words(partition)
        && words(region)
        && is_account
        && resource.strip_prefix("key/").is_some_and(is_key_id)
}

fn is_key_id(id: &str) -> bool {
    let hex =
        |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    let groups: Vec<&str> = id.split('-').collect();
    match &groups[..] {
        ["mrk", rest] => hex(rest, 32),
        // As an emulator creates them.
        ["mrk", rest @ ..] | rest if rest.len() == 5 => rest
            .iter()
            .zip([8, 4, 4, 4, 12])
            .all(|(group, len)| hex(group, len)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_key_arn_is_one() {
        let start = "arn:aws:kms:eu-west-1:111122223333:key/";
        for id in [
            "1234abcd-12ab-4cd3-9ef5-1234567890ab",
            "mrk-1234abcd12ab4cd39ef51234567890ab",
            "mrk-1234abcd-12ab-4cd3-9ef5-1234567890ab",
        ] {
            assert!(is_key_arn(&format!("{start}{id}")), "{id}");
            assert!(!is_key_arn(id), "{id}");
            // Values that Terraform's own check accepts.
            assert!(!is_key_arn(&format!("{start}{id}garbage")), "{id}");
        }
        for not in [
            "",
            "alias/x",
            "arn:aws:kms:eu-west-1:111122223333:alias/x",
            "arn:aws:kms:::key/1",
            start,
        ] {
            assert!(!is_key_arn(not), "{not}");
        }
    }
}
