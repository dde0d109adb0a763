//! Derives checks from the facts of a probe. A check passes only if it is proved: a denied write
//! does not prove a policy if no write succeeds.

use crate::{
    backend::aws::{
        error::{AwsError, ServiceErrorKind},
        probe::{
            BackendProbe, LockItem, PlainHttp, ProbeEncryption, ProbeFacts, ProbeLeftover,
            ProbeObject, ProbeObjects, ProbeResult, ProbedLockFile, RefusedWrites, RunnerRights,
        },
        store::content::AtRestEncryption,
    },
    checks::{Check, CheckResult, CheckedPlace, Verdict},
};

mod catalogue;

pub(crate) use catalogue::*;

/// A condition of the write failed: the lock is held.
const HELD: &[&str] = &[
    "ConditionalCheckFailedException",
    "PreconditionFailed",
    "ConditionalRequestConflict",
];
/// The policy allowed a write, and KMS denied it.
const NO_KEY: &[&str] = &[
    "KMS.NotFoundException",
    "KMS.DisabledException",
    "KMS.KMSInvalidStateException",
    "KMS.InvalidKeyUsageException",
];
const ATTACH: &str = "attach the policy of `tfbackend policy runner`, or the missing permissions";

/// Derives checks from facts.
pub(crate) struct ProbeJudge<'a> {
    pub probe: &'a BackendProbe<'a>,
    /// The command that fixes differences from the blueprint.
    pub remediation: &'a str,
    /// True if AWS itself answered, which reports for every object whether a bucket key is used.
    pub of_aws: bool,
}

impl ProbeJudge<'_> {
    /// Returns a check for each fact.
    pub(crate) fn checks(&self, facts: &ProbeFacts) -> Vec<CheckResult> {
        let mut checked = vec![];
        let written = facts.objects.as_ref().map(|objects| &objects.written);
        if let Some(objects) = &facts.objects {
            checked.extend(self.objects(objects, facts.deleted.as_ref()));
        }
        if let (Some(refused), Some(written)) = (&facts.refused, written) {
            checked.extend(self.refused(refused, written));
        }
        if let Some(item) = &facts.item {
            checked.extend(self.item(item));
        }
        if let Some(file) = &facts.file {
            checked.extend(self.file(file));
        }
        if let Some(rights) = &facts.rights {
            checked.extend(self.rights(rights));
        }
        if let Some(http) = &facts.http {
            checked.push(CheckResult::new(
                &PROBE_PLAIN_HTTP,
                self.bucket(),
                self.http(http),
            ));
        }
        checked
    }

    fn bucket(&self) -> CheckedPlace {
        CheckedPlace::named(format!("s3://{}", self.probe.target.address.bucket))
    }

    fn table(&self) -> CheckedPlace {
        let table = self
            .probe
            .target
            .address
            .table
            .as_deref()
            .unwrap_or_default();
        CheckedPlace::named(self.probe.cleaner.arn(
            "dynamodb",
            &self.probe.cleaner.region,
            &format!("table/{table}"),
        ))
    }

    fn objects(&self, objects: &ProbeObjects, deleted: Option<&ProbeResult>) -> Vec<CheckResult> {
        let at = |check: &'static Check, verdict| CheckResult::new(check, self.bucket(), verdict);
        let read = objects.read.as_ref().map_or_else(
            || unreadable("no object could be written to read"),
            |read| self.works(read),
        );
        let mut checked = vec![
            at(&PROBE_WRITE, self.works(&objects.written)),
            at(&PROBE_READ, read),
        ];
        let deleted = deleted.map_or_else(
            || unreadable("no object could be written to delete, or a lock could not be released"),
            |deleted| self.works(deleted),
        );
        checked.push(at(&PROBE_DELETE, deleted));
        let nothing = "no object could be written to check";
        let of = |written: Option<&ProbeResult<ProbeObject>>,
                  judge: &dyn Fn(&AtRestEncryption) -> Verdict| {
            match written {
                None => unreadable(nothing),
                Some(Err(error)) => unreadable(error),
                Some(Ok(ProbeObject {
                    encryption: Err(error),
                    ..
                })) => unreadable(error),
                Some(Ok(ProbeObject {
                    encryption: Ok(encryption),
                    ..
                })) => judge(encryption),
            }
        };
        checked.push(at(
            &PROBE_ENCRYPTION,
            of(Some(&objects.written), &|seen| self.encryption(seen)),
        ));
        let without = objects.without_headers.as_ref();
        let refused = without
            .and_then(|written| written.as_ref().err())
            .filter(|error| error.kind == ServiceErrorKind::Denied);
        let verdict = match refused {
            Some(error) => self.fails(format!("it is refused: {error}")),
            None => of(without, &|seen| self.encryption(seen)),
        };
        checked.push(at(&PROBE_DEFAULT_ENCRYPTION, verdict));
        if self.probe.target.key != ProbeEncryption::OfS3 {
            checked.push(at(
                &PROBE_BUCKET_KEY,
                of(without, &|seen| self.bucket_key(seen)),
            ));
        }
        checked
    }

    fn encryption(&self, seen: &AtRestEncryption) -> Verdict {
        let algorithm = seen
            .algorithm
            .as_deref()
            .unwrap_or("an encryption that S3 does not report");
        match &self.probe.target.key {
            ProbeEncryption::OfS3 if algorithm == "AES256" => Verdict::Holds,
            ProbeEncryption::OfS3 => self.fails(format!(
                "it is encrypted with {algorithm}, not with an S3 managed key (AES256)"
            )),
            ProbeEncryption::Arn(key)
                if algorithm.starts_with("aws:kms") && seen.key.as_ref() == Some(key) =>
            {
                Verdict::Holds
            }
            ProbeEncryption::Arn(key) => self.fails(format!(
                "it is encrypted with {algorithm} and {}, and not with {key}",
                seen.key.as_deref().unwrap_or("no key")
            )),
            ProbeEncryption::Unknown if algorithm.starts_with("aws:kms") => unreadable(format!(
                "it is encrypted with {}; the expected key cannot be read (needs kms:DescribeKey)",
                seen.key.as_deref().unwrap_or("no key")
            )),
            ProbeEncryption::Unknown => self.fails(format!(
                "it is encrypted with {algorithm}, not with a customer managed key"
            )),
        }
    }

    fn bucket_key(&self, seen: &AtRestEncryption) -> Verdict {
        match (seen.bucket_key, self.of_aws) {
            (true, _) => Verdict::Holds,
            (false, true) => self.fails("objects are encrypted without a bucket key".to_owned()),
            (false, false) => untold("an endpoint outside AWS does not report bucket keys"),
        }
    }

    fn refused(
        &self,
        refused: &RefusedWrites,
        written: &ProbeResult<ProbeObject>,
    ) -> Vec<CheckResult> {
        let RefusedWrites {
            other_algorithm,
            other_key,
            customer_key,
        } = refused;
        let at = |check: &'static Check, tried: &ProbeResult| {
            CheckResult::new(check, self.bucket(), self.is_refused(tried, written))
        };
        let mut checked = vec![
            at(&PROBE_OTHER_ALGORITHM, other_algorithm),
            at(&PROBE_CUSTOMER_KEY, customer_key),
        ];
        checked.extend(other_key.as_ref().map(|tried| at(&PROBE_OTHER_KEY, tried)));
        checked
    }

    fn item(&self, item: &LockItem) -> Vec<CheckResult> {
        let LockItem {
            taken,
            second,
            released,
        } = item;
        let at = |check: &'static Check, verdict| CheckResult::new(check, self.table(), verdict);
        vec![
            at(&PROBE_LOCK_ITEM, self.works(taken)),
            at(&PROBE_LOCK_ITEM_HELD, self.is_held(second.as_ref())),
            at(
                &PROBE_LOCK_ITEM_RELEASE,
                self.is_released(released.as_ref()),
            ),
        ]
    }

    fn file(&self, file: &ProbedLockFile) -> Vec<CheckResult> {
        let ProbedLockFile {
            taken,
            second,
            overwritten,
            released,
        } = file;
        let at = |check: &'static Check, verdict| CheckResult::new(check, self.bucket(), verdict);
        let overwritten = overwritten.as_ref().map_or_else(
            || unreadable(NOT_ACQUIRED),
            |tried| self.is_refused(tried, taken),
        );
        vec![
            at(&PROBE_LOCK_FILE, self.works(taken)),
            at(&PROBE_LOCK_FILE_HELD, self.is_held(second.as_ref())),
            at(&PROBE_LOCK_FILE_OVERWRITE, overwritten),
            at(
                &PROBE_LOCK_FILE_RELEASE,
                self.is_released(released.as_ref()),
            ),
        ]
    }

    fn rights(&self, rights: &RunnerRights) -> Vec<CheckResult> {
        let RunnerRights {
            delete_version,
            delete_state,
            foreign_item,
            change_policy,
        } = rights;
        let no_version = || {
            unreadable(
                "no version exists to delete: versioning is disabled, or no object could be \
                 written",
            )
        };
        let versions = delete_version
            .as_ref()
            .map_or_else(no_version, |tried| self.may_not(tried));
        let policy = match change_policy {
            Ok(true) => self.may_not(&Ok(())),
            Ok(false) => Verdict::Holds,
            Err(error) => unreadable(error),
        };
        let mut checked = vec![
            CheckResult::new(&PROBE_RUNNER_POLICY, self.bucket(), policy),
            CheckResult::new(&PROBE_RUNNER_VERSIONS, self.bucket(), versions),
            CheckResult::new(
                &PROBE_RUNNER_STATES,
                self.bucket(),
                self.may_not(delete_state),
            ),
        ];
        checked.extend(
            foreign_item.as_ref().map(|tried| {
                CheckResult::new(&PROBE_RUNNER_ITEMS, self.table(), self.may_not(tried))
            }),
        );
        checked
    }

    fn http(&self, http: &PlainHttp) -> Verdict {
        match http {
            PlainHttp::OwnEndpoint => untold(
                "it cannot be tested on an endpoint outside AWS, which may support plain HTTP \
                 anywhere",
            ),
            PlainHttp::Silent(error) => {
                unreadable(format!("plain HTTP cannot be tested from here: {error}"))
            }
            PlainHttp::Answered { to_tls: true, .. } => Verdict::Holds,
            PlainHttp::Answered {
                status: 403,
                denied: Ok(true),
                ..
            } => Verdict::Holds,
            PlainHttp::Answered {
                status: 403,
                denied: Ok(false),
                ..
            } => self.fails(
                "unsigned requests are denied, and the bucket policy does not deny signed ones"
                    .to_owned(),
            ),
            PlainHttp::Answered {
                status: 403,
                denied: Err(error),
                ..
            } => unreadable(error),
            PlainHttp::Answered { status, .. } => {
                self.fails(format!("an unsigned request was answered: HTTP {status}"))
            }
        }
    }

    /// Checks an action that must be allowed. A denial is a finding only for a role to test, since
    /// other credentials may not be those of a Terraform run.
    fn works<T>(&self, tried: &ProbeResult<T>) -> Verdict {
        match tried {
            Ok(_) => Verdict::Holds,
            Err(error) if error.kind == ServiceErrorKind::Denied && self.probe.role.is_some() => {
                Verdict::Fails {
                    found: error.to_string(),
                    remediation: ATTACH.to_owned(),
                }
            }
            Err(error) if error.kind == ServiceErrorKind::Refused => self.fails(error.to_string()),
            Err(error) => unreadable(error),
        }
    }

    /// Checks an action that the bucket must deny to principals that can write `otherwise`.
    fn is_refused<T>(&self, tried: &ProbeResult, otherwise: &ProbeResult<T>) -> Verdict {
        match (tried, otherwise) {
            (_, Err(error)) => unreadable(format!(
                "the denial proves nothing, since these credentials cannot write at all: {error}"
            )),
            (Ok(()), Ok(_)) => self.fails("the write succeeded".to_owned()),
            (Err(error), Ok(_)) if error.is(NO_KEY) || is_of_kms(error) => self.fails(format!(
                "the bucket allowed it, and only KMS denied it: {error}"
            )),
            (Err(error), Ok(_)) if error.kind == ServiceErrorKind::Denied => Verdict::Holds,
            (Err(error), Ok(_)) => unreadable(error),
        }
    }

    fn is_held(&self, second: Option<&ProbeResult>) -> Verdict {
        match second {
            None => unreadable(NOT_ACQUIRED),
            Some(Ok(())) => self.fails("a second client acquired it while it was held".to_owned()),
            Some(Err(error)) if error.is(HELD) => Verdict::Holds,
            Some(Err(error)) => unreadable(error),
        }
    }

    fn is_released(&self, released: Option<&ProbeResult>) -> Verdict {
        released.map_or_else(|| unreadable(NOT_ACQUIRED), |released| self.works(released))
    }

    fn may_not(&self, tried: &ProbeResult) -> Verdict {
        match tried {
            Ok(()) => Verdict::Fails {
                found: "the role can do this".to_owned(),
                remediation:
                    "remove permissions of the role that `tfbackend policy runner` does not \
                       include"
                        .to_owned(),
            },
            Err(error) if error.kind == ServiceErrorKind::Denied => Verdict::Holds,
            Err(error) => unreadable(error),
        }
    }

    fn fails(&self, found: String) -> Verdict {
        Verdict::Fails {
            found,
            remediation: self.remediation.to_owned(),
        }
    }
}

const NOT_ACQUIRED: &str = "no lock could be acquired";

fn is_of_kms(error: &AwsError) -> bool {
    error.kind == ServiceErrorKind::Denied
        && error
            .message
            .as_deref()
            .is_some_and(|message| message.contains("kms:"))
}

fn untold(why: &str) -> Verdict {
    Verdict::Untold {
        why: why.to_owned(),
    }
}

fn unreadable(error: impl ToString) -> Verdict {
    Verdict::Unreadable {
        error: error.to_string(),
    }
}

/// Returns notes about objects that remain.
pub(crate) fn notes(facts: &ProbeFacts, probe: &BackendProbe<'_>) -> Vec<String> {
    let ProbeFacts { swept, left, .. } = facts;
    let mut notes = vec![];
    if swept.probes > 0 {
        notes.push(format!(
            "{} earlier {} did not finish; the remaining objects were deleted",
            swept.probes,
            if swept.probes == 1 { "probe" } else { "probes" }
        ));
    }
    let ProbeLeftover {
        versions,
        markers,
        unseen,
        errors,
    } = left;
    let [top, workspaces] = probe.name.prefixes(&probe.target.address.layout);
    if *versions + *markers > 0 {
        notes.push(format!(
            "of the probe, {versions} old versions and {markers} delete markers remain below \
             {top} and {workspaces}: these credentials cannot delete versions, and on a protected \
             bucket no principal can; they contain no state, and a lifecycle rule of the bucket \
             removes them after a day"
        ));
    }
    if *unseen {
        notes.push(format!(
            "old versions of the probe's objects may remain below {top} and {workspaces}: these \
             credentials cannot list versions (s3:ListBucketVersions)"
        ));
    }
    notes.extend(swept.errors.iter().chain(errors).map(|error| {
        format!(
            "the probe could not clean up: {error}; a probe that starts at least an hour later \
             tries again"
        )
    }));
    notes
}
