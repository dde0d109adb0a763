//! Checks of an unmanaged backend: reads its key, and checks what the blueprint does not cover.

use aws_sdk_kms::types::KeyManagerType;

use super::{catalogue as rule, identities, own_key, trails};
use crate::{
    backend::aws::{
        AwsProvider,
        blueprint::LOCK_TABLE,
        bucket::{
            self,
            encryption::BucketEncryption,
            logging::AccessLogging,
            notifications::{BucketNotifications, TargetKind},
        },
        error::AwsError,
        key, lock_table,
        resource::{AwsResource, ObserveContext},
        resources::AwsSpec,
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
    engine::observation::{Observation, Observed},
};

/// The default KMS key of S3: `aws/s3`, unless the bucket configures another.
const MANAGED: &str = "alias/aws/s3";
const DELETED: &str = "s3:ObjectRemoved:";

/// The key that the bucket encrypts with by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefaultKey {
    pub arn: String,
    /// True for an AWS managed key, whose policy cannot be changed.
    pub managed: bool,
}

/// Facts about the bucket.
#[derive(Debug)]
pub(crate) struct UnmanagedBackend {
    /// `None` for SSE-S3.
    pub key: Option<DefaultKey>,
    logging: Result<Option<String>, AwsError>,
    told: Result<bool, AwsError>,
}

/// Returns the region of the bucket, if it exists.
///
/// # Errors
/// With status 403 if it belongs to another account or access is denied.
pub(crate) async fn region(aws: &AwsProvider, bucket: &str) -> Result<Option<String>, AwsError> {
    bucket::region(aws, bucket, aws.account()).await
}

impl UnmanagedBackend {
    /// # Errors
    /// If the encryption of the bucket cannot be read, on which all other checks depend.
    pub(crate) async fn look(aws: &AwsProvider, bucket: &str) -> Result<Self, AwsError> {
        let name = bucket.to_owned();
        let look = ObserveContext::new(aws);
        let (encryption, logging, events) = (
            BucketEncryption::s3(name.clone()),
            AccessLogging {
                bucket: name.clone(),
                target: None,
                prefix: None,
            },
            BucketNotifications {
                bucket: name,
                event_bridge: false,
                targets: vec![],
            },
        );
        let (encryption, logging, events) = tokio::join!(
            encryption.look(&look),
            logging.look(&look),
            events.look(&look)
        );
        let default = encryption?
            .map(|found| found.spec)
            .filter(|found| found.algorithm.starts_with("aws:kms"));
        let key = match default {
            None => None,
            Some(default) => {
                let id = default.key.as_deref().unwrap_or(MANAGED);
                let metadata = key::find::describe(aws, id).await?;
                let managed = metadata
                    .as_ref()
                    .is_some_and(|key| key.key_manager() == Some(&KeyManagerType::Aws));
                let arn = metadata
                    .and_then(|key| key.arn)
                    .unwrap_or_else(|| id.to_owned());
                Some(DefaultKey { arn, managed })
            }
        };
        let told = events.map(|found| {
            found.is_some_and(|found| found.spec.event_bridge || tells_of_deletions(&found.spec))
        });
        Ok(Self {
            key,
            logging: logging.map(|found| found.and_then(|found| found.spec.target)),
            told,
        })
    }

    /// Checks key, logs and events, regardless of their names. `remediation` is the command that
    /// adopts the bucket.
    pub(crate) fn checks(&self, place: &CheckedPlace, remediation: &str) -> Vec<CheckResult> {
        let key = match &self.key {
            None => Some("its default encryption is SSE-S3, with an S3 managed key".to_owned()),
            Some(key) if key.managed => Some(format!(
                "its default key is {MANAGED}, an AWS managed key whose policy cannot be changed"
            )),
            Some(_) => None,
        };
        let fails = |found: Option<String>| match found {
            None => Verdict::Holds,
            Some(found) => Verdict::Fails {
                found,
                remediation: remediation.to_owned(),
            },
        };
        let unless = |seen: &Result<bool, AwsError>, found: &str| match seen {
            Ok(true) => Verdict::Holds,
            Ok(false) => Verdict::Fails {
                found: found.to_owned(),
                remediation: remediation.to_owned(),
            },
            Err(error) => Verdict::Unreadable {
                error: error.to_string(),
            },
        };
        let logged = match &self.logging {
            Ok(target) => unless(&Ok(target.is_some()), "access logging is not enabled"),
            Err(error) => Verdict::Unreadable {
                error: error.to_string(),
            },
        };
        let told = unless(&self.told, "S3 sends no event when an object is deleted");
        let checks: [(&'static Check, Verdict); 3] = [
            (&rule::KEY, fails(key)),
            (&rule::ACCESS_LOGS, logged),
            (&rule::DELETE_EVENTS, told),
        ];
        checks
            .into_iter()
            .map(|(check, verdict)| CheckResult::new(check, place.clone(), verdict))
            .collect()
    }
}

/// Checks besides the bucket settings: trails for the bucket, its key, and permissions.
pub(crate) async fn what_else(
    aws: &AwsProvider,
    bucket: &str,
    table: Option<&str>,
    key: Option<&DefaultKey>,
) -> Vec<CheckResult> {
    let own_key = async {
        match key.filter(|key| !key.managed) {
            Some(key) => own_key::checks(aws, &key.arn).await,
            None => vec![],
        }
    };
    let (mut checked, key, identities) = tokio::join!(
        trails::checks(aws, bucket),
        own_key,
        identities::checks(aws, bucket, table)
    );
    checked.extend(key);
    checked.extend(identities);
    checked
}

/// Reports a table without a customer managed key: its encryption is valid, but does not control
/// who can decrypt it.
pub(crate) fn hold_table_to_a_key(
    checked: &mut [CheckResult],
    observation: &Observation<AwsSpec>,
    remediation: &str,
) {
    let Some(Observed::Present {
        spec: AwsSpec::LockTable(table),
        ..
    }) = observation.get(&LOCK_TABLE)
    else {
        return;
    };
    let unkeyed = table.encryption == lock_table::LockTableEncryption::AwsOwned;
    for one in checked.iter_mut().filter(|one| {
        unkeyed && std::ptr::eq(one.check, &rule::TABLE_ENCRYPTION) && !one.is_finding()
    }) {
        one.verdict = Verdict::Fails {
            found: "it is encrypted with an AWS owned key".to_owned(),
            remediation: remediation.to_owned(),
        };
    }
}

/// Replaces the fix of a missing trail with `remediation`, the command that adopts the bucket.
pub(crate) fn make_a_trail(checked: &mut [CheckResult], remediation: &str) {
    for one in checked
        .iter_mut()
        .filter(|one| std::ptr::eq(one.check, &rule::TRAIL))
    {
        if let Verdict::Fails {
            remediation: fix, ..
        } = &mut one.verdict
        {
            remediation.clone_into(fix);
        }
    }
}

fn tells_of_deletions(notifications: &BucketNotifications) -> bool {
    let deletion = |event: &String| event.starts_with(DELETED);
    notifications.targets.iter().any(|target| {
        matches!(
            target.kind,
            TargetKind::Topic | TargetKind::Queue | TargetKind::Function
        ) && target.events.iter().any(deletion)
    })
}

/// Checks that an alarm watches each of these, regardless of its name; `surveyed` has the findings
/// about alarms.
pub(crate) fn alarmed(
    surveyed: &[CheckResult],
    place: CheckedPlace,
    remediation: &str,
) -> CheckResult {
    let of = |check: &'static Check| {
        surveyed
            .iter()
            .filter(move |one| std::ptr::eq(one.check, check))
    };
    let unseen =
        of(&rule::ALARM_FIRES).find(|one| matches!(one.verdict, Verdict::Unreadable { .. }));
    let verdict = match (of(&rule::ALARM_TELLS).next(), unseen) {
        (Some(_), _) => Verdict::Holds,
        (None, Some(unseen)) => Verdict::FailsWith {
            check: unseen.check,
            place: unseen.place.clone(),
        },
        (None, None) => Verdict::Fails {
            found: "no alarm watches the bucket or the table".to_owned(),
            remediation: remediation.to_owned(),
        },
    };
    CheckResult::new(&rule::ALARM, place, verdict)
}

#[cfg(test)]
mod tests;
