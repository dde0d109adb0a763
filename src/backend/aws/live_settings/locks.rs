//! Lock files on a bucket whose policy denies them.

use super::decide::LOCK_MECHANISM;
use crate::{
    backend::aws::{
        AwsProvider,
        adoption::POLICY,
        bucket::policy::denial::{EncryptionHeaders, denials_of_locks},
        resources::AwsSpec,
    },
    engine::{
        observation::{Observation, Observed},
        plan::{BlockReason, SettingChange},
    },
    settings::layer::LockMechanism,
};

/// Rejects lock files that could be created but not released, which would block all runs.
pub(crate) fn with_locks(
    changes: &[SettingChange],
    aws: &AwsProvider,
    lock: LockMechanism,
    observation: &Observation<AwsSpec>,
) -> Vec<SettingChange> {
    changes
        .iter()
        .cloned()
        .chain(refused(aws, lock, observation))
        .collect()
}

fn refused(
    aws: &AwsProvider,
    lock: LockMechanism,
    observation: &Observation<AwsSpec>,
) -> Option<SettingChange> {
    let Some(Observed::Present {
        spec: AwsSpec::BucketPolicy(policy),
        ..
    }) = observation.get(&POLICY)
    else {
        return None;
    };
    let sends = EncryptionHeaders::to(
        format!("arn:{}:s3:::{}", aws.caller.partition, policy.bucket),
        aws.account(),
    );
    let denials = if lock.uses_lockfile() {
        denials_of_locks(&policy.document, &sends)
    } else {
        vec![]
    };
    let why = || {
        format!(
            "with the policy of bucket {}, runs could not create and release lock files: {}",
            policy.bucket,
            denials.join("; ")
        )
    };
    (!denials.is_empty()).then(|| SettingChange::Refused {
        setting: LOCK_MECHANISM,
        reason: BlockReason::Impossible { why: why() },
    })
}
