//! Whether every derived name is one that its service takes, in any account.

use super::{ConflictKind, SettingsChecker};
use crate::settings::{
    layer::TrailKind,
    names::{AccountId, BucketName, TableName},
    s3::{AlarmSettings, EncryptionSettings, S3Settings, derived::DerivedNames},
};

/// The longest names: IAM `CreatePolicy`, CloudTrail `CreateTrail`, SNS `CreateTopic`, KMS
/// `CreateAlias` (in each case the API reference).
const MAX_POLICY: usize = 128;
const MAX_TRAIL: usize = 128;
const MAX_TOPIC: usize = 256;
const MAX_ALIAS: usize = 256;
const MAX_TABLE: usize = 255;

pub(super) fn check(checker: &mut SettingsChecker<'_>, settings: &S3Settings) {
    // All account ids are equally long, so any will do.
    let any_account: AccountId = "000000000000".parse().expect("twelve digits");
    let names = DerivedNames::new(settings, settings.account.as_ref().unwrap_or(&any_account));
    if settings.bucket.name.is_none() {
        let shorten = "`project` or the environment's name (or say `bucket`)";
        if fits(
            checker,
            "state bucket",
            &names.state_bucket,
            BucketName::MAX,
            shorten,
        ) {
            valid::<BucketName>(checker, "state bucket", &names.state_bucket);
        }
    }
    if settings.has_log_bucket() {
        if fits(
            checker,
            "log bucket",
            &names.log_bucket,
            BucketName::MAX,
            SHORTEN,
        ) {
            valid::<BucketName>(checker, "log bucket", &names.log_bucket);
        }
        let is_log_bucket = match &settings.account {
            Some(_) => names.state_bucket == names.log_bucket,
            // The account is not known yet: any twelve digits in its place are too near.
            None => {
                same_but_for_account(&names.state_bucket, &names.log_bucket, any_account.as_str())
            }
        };
        if is_log_bucket {
            checker.add(ConflictKind::BucketIsLogBucket, &["bucket"]);
        }
    }
    if settings.lock.uses_table()
        && settings.table.name.is_none()
        && fits(checker, "lock table", &names.table, MAX_TABLE, SHORTEN)
    {
        valid::<TableName>(checker, "lock table", &names.table);
    }
    let mut lengths = vec![];
    if matches!(settings.encryption, EncryptionSettings::NewKey { .. }) {
        lengths.push(("key alias", &names.key_alias, MAX_ALIAS));
    }
    if settings.access.policy {
        lengths.push(("policy", &names.policy, MAX_POLICY));
    }
    if settings.alarms != AlarmSettings::Off {
        lengths.push(("topic", &names.topic, MAX_TOPIC));
    }
    if settings.trail == TrailKind::New {
        lengths.push(("trail", &names.trail, MAX_TRAIL));
    }
    for (what, name, max) in lengths {
        fits(checker, what, name, max, SHORTEN);
    }
}

const SHORTEN: &str = "`project` or the environment's name";

fn fits(
    checker: &mut SettingsChecker<'_>,
    what: &'static str,
    name: &str,
    max: usize,
    shorten: &'static str,
) -> bool {
    let count = name.chars().count();
    if count > max {
        checker.add(
            ConflictKind::TooLong {
                what,
                name: name.to_owned(),
                count,
                max,
                shorten,
            },
            &["project"],
        );
    }
    count <= max
}

fn valid<T: std::str::FromStr<Err: std::fmt::Display>>(
    checker: &mut SettingsChecker<'_>,
    what: &'static str,
    name: &str,
) {
    if let Err(error) = name.parse::<T>() {
        checker.add(
            ConflictKind::BadName {
                what,
                name: name.to_owned(),
                problem: error.to_string(),
            },
            &["project"],
        );
    }
}

fn same_but_for_account(name: &str, pattern: &str, placeholder: &str) -> bool {
    let Some((before, after)) = pattern.split_once(placeholder) else {
        return false;
    };
    let middle = name
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    middle.is_some_and(|account| {
        account.len() == placeholder.len() && account.chars().all(|c| c.is_ascii_digit())
    })
}
