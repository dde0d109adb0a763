//! Derives the settings of an environment in use from its resources.
//!
//! Only resources with the environment's tags are used. A missing part does not prove that it was
//! disabled: it may have been deleted. It was disabled on purpose if the policy of another part
//! does not include it, or if a tag of its parent records it.

use super::{FolderSettings, observed::ObservedResources};
use crate::{
    backend::aws::{
        AwsProvider,
        alarm::Alarm,
        blueprint::{
            KEY, KEY_ROTATION, LOCK_TABLE, LOG_BUCKET, RUNNER_POLICY, STATE_BUCKET,
            STATE_LIFECYCLE, TOPIC, TRAIL,
        },
        bucket::{
            encryption::AES256,
            notifications,
            policy::{ALGORITHM, KEY as ASKED_KEY},
        },
        lock_table::{
            LockTable, LockTableEncryption as TableKey, TableBilling, migration::BOTH_SINCE,
        },
        ownership::{
            ACCESS_LOGS, DELETE_EVENTS, PROTECTED, TABLE_RECOVERY, TRAIL as RECORD_OF_TRAIL, Tags,
            is_left_out,
        },
        policies::{HISTORY, unescaped},
        policy::PolicyDocument,
        resources::AwsSpec,
    },
    engine::{
        observation::{Observation, Observed, ResourceOwner},
        spec::Address,
    },
    settings::{
        layer::{BillingKind, LockMechanism, SettingsLayer, TableEncryption, TrailKind},
        names::WorkspacePrefix,
        s3::derived::DerivedNames,
    },
    state::layout::PROBE,
};

const GIB: f64 = 1_073_741_824.0;

/// The encryption of the states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LiveEncryption {
    /// S3 managed keys.
    S3,
    /// The key with this ARN, regardless of its owner.
    Key(String),
}

/// The settings of an environment in use, as far as its resources show them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LiveEvidence {
    /// True if its state bucket exists.
    pub live: bool,
    /// The state bucket.
    pub bucket: Option<String>,
    /// The bucket in the generated file, if it exists, too.
    pub bucket_of_file: Option<String>,
    pub table: Option<String>,
    pub workspace_prefix: Option<WorkspacePrefix>,
    /// The lock mechanisms that runs may use now, the likeliest first.
    pub locks: Vec<LockMechanism>,
    pub encryption: Option<LiveEncryption>,
    /// The key that was created for it, by ARN.
    pub own_key: Option<String>,
    /// All keys that may encrypt states.
    pub keys: Vec<String>,
    /// Settings that are values of one resource, and disabled parts.
    pub layer: SettingsLayer,
}

/// The observation of the blueprint with all options, and other reads.
#[derive(Clone, Copy)]
pub(crate) struct EvidenceReader<'a> {
    pub aws: &'a AwsProvider,
    pub names: &'a DerivedNames,
    pub wide: &'a Observation<AwsSpec>,
    pub sightings: &'a ObservedResources,
    pub beside: &'a FolderSettings,
}

impl<'a> EvidenceReader<'a> {
    fn ours(&self, address: &Address) -> Option<&'a AwsSpec> {
        match self.wide.get(address) {
            Some(Observed::Present {
                spec,
                owner: ResourceOwner::Us,
                ..
            }) => Some(spec),
            Some(Observed::Present { .. } | Observed::Absent | Observed::Unreadable(_)) | None => {
                None
            }
        }
    }

    fn part(&self, whole: &Address, part: &str) -> Option<&'a AwsSpec> {
        self.ours(&Address::named(&format!("{whole}/{part}")))
    }

    /// Returns the document of a policy with statements of tfbackend: others do not show the
    /// settings.
    fn document(spec: Option<&'a AwsSpec>) -> Option<&'a PolicyDocument> {
        let document = match spec? {
            AwsSpec::Key(key) => &key.policy,
            AwsSpec::BucketPolicy(policy) => &policy.document,
            AwsSpec::Policy(policy) => &policy.document,
            AwsSpec::Topic(topic) => &topic.policy,
            _ => return None,
        };
        document.has_ours().then_some(document)
    }

    fn runner(&self) -> Option<&'a PolicyDocument> {
        Self::document(self.ours(&RUNNER_POLICY))
    }

    fn bucket_policy(&self, bucket: &Address) -> Option<&'a PolicyDocument> {
        Self::document(self.part(bucket, "policy"))
    }

    fn alarms(&self) -> impl Iterator<Item = &'a Alarm> {
        self.wide.values().filter_map(|seen| match seen {
            Observed::Present {
                spec: AwsSpec::Alarm(alarm),
                owner: ResourceOwner::Us,
                ..
            } => Some(alarm),
            _ => None,
        })
    }

    /// Returns buckets that resources of this environment refer to, the most certain first.
    pub(crate) fn bucket_candidates(&self) -> Vec<String> {
        let start = format!("arn:{}:s3:::", self.aws.caller.partition);
        let of_runner = self
            .runner()
            .and_then(|document| document.statement("ListStates"))
            .map(|s| s.resources())
            .unwrap_or_default();
        let logs = self
            .bucket_policy(&LOG_BUCKET)
            .and_then(|document| document.statement("S3AccessLogs"));
        let of_logs = logs
            .map(|statement| statement.condition("ArnEquals", "aws:SourceArn"))
            .unwrap_or_default();
        let of_trail = match self.part(&TRAIL, "selectors") {
            Some(AwsSpec::Selectors(selectors)) => selectors
                .selectors
                .iter()
                .flat_map(|one| &one.fields)
                .flat_map(|field| field.starts_with.clone())
                .collect(),
            _ => vec![],
        };
        let arns = [of_runner, of_logs, of_trail].concat();
        let named = arns
            .iter()
            .filter_map(|arn| arn.strip_prefix(&start))
            .map(|name| name.trim_end_matches('/').to_owned());
        distinct(
            named
                .chain(self.beside.bucket.clone())
                .chain(self.derived_names()),
        )
    }

    /// Returns possible names of the bucket, if other resources of the environment exist.
    fn derived_names(&self) -> Vec<String> {
        let absent = matches!(self.wide.get(&STATE_BUCKET), Some(Observed::Absent));
        let any = self.wide.values().any(|seen| {
            matches!(
                seen,
                Observed::Present {
                    owner: ResourceOwner::Us,
                    ..
                }
            )
        });
        let base = &self.names.trail;
        let place = self
            .names
            .log_bucket
            .strip_prefix(&format!("{base}-logs-"))
            .filter(|_| absent && any);
        let place = place.map(|place| place.trim_end_matches("-an"));
        place
            .map(|place| vec![format!("{base}-{place}"), format!("{base}-{place}-an")])
            .unwrap_or_default()
    }

    /// Returns lock tables that resources of this environment refer to, the most certain first.
    pub(crate) fn table_candidates(&self) -> Vec<String> {
        let start = self.aws.arn("dynamodb", &self.aws.region, "table/");
        let of_runner = self
            .runner()
            .and_then(|document| document.statement("LockItems"))
            .map(|s| s.resources())
            .unwrap_or_default();
        let named = of_runner
            .iter()
            .filter_map(|arn| arn.strip_prefix(&start))
            .map(str::to_owned);
        let watched = self
            .alarms()
            .flat_map(|alarm| alarm.dimension_values("TableName"));
        distinct(
            named
                .chain(watched)
                .chain(self.beside.names.table.as_ref().map(ToString::to_string)),
        )
    }

    pub(crate) fn evidence(&self) -> LiveEvidence {
        let bucket = self
            .bucket_candidates()
            .into_iter()
            .find(|name| self.sightings.is_bucket(name));
        let own_bucket = self
            .ours(&STATE_BUCKET)
            .map(|_| self.names.state_bucket.clone());
        let bucket = bucket.or(own_bucket);
        let table = self
            .table_candidates()
            .into_iter()
            .find(|name| self.sightings.is_table(name));
        let own_table = self.ours(&LOCK_TABLE).map(|_| self.names.table.clone());
        let own_key = match self.wide.get(&KEY) {
            Some(Observed::Present {
                output,
                owner: ResourceOwner::Us,
                ..
            }) => output.clone(),
            _ => None,
        };
        let bucket_of_file = self
            .beside
            .bucket
            .clone()
            .filter(|name| self.sightings.is_bucket(name));
        let (live, table) = (bucket.is_some(), table.or(own_table));
        let mut evidence = LiveEvidence {
            live,
            bucket,
            bucket_of_file,
            table,
            own_key,
            ..LiveEvidence::default()
        };
        // Nothing else is known of a bucket that was not read yet.
        if evidence.bucket.as_deref() != Some(&*self.names.state_bucket)
            || self.ours(&STATE_BUCKET).is_none()
        {
            return evidence;
        }
        evidence.workspace_prefix = self.workspace_prefix();
        evidence.locks = self.locks();
        (evidence.encryption, evidence.keys) = self.encryption();
        // The owner of a key is unknown if the search failed.
        if matches!(self.wide.get(&KEY), Some(Observed::Unreadable(_)) | None)
            && evidence.encryption != Some(LiveEncryption::S3)
        {
            evidence.encryption = None;
        }
        evidence.layer = self.layer();
        evidence
    }

    fn workspace_prefix(&self) -> Option<WorkspacePrefix> {
        let bucket = format!(
            "arn:{}:s3:::{}/",
            self.aws.caller.partition, self.names.state_bucket
        );
        let resources = self
            .runner()
            .and_then(|document| document.statement("DeleteWorkspaces"))
            .map(|s| s.resources());
        let of_runner = resources
            .iter()
            .flatten()
            .find_map(|arn| arn.strip_prefix(&bucket)?.strip_suffix("/*"));
        let rules = match self.ours(&STATE_LIFECYCLE) {
            Some(AwsSpec::Lifecycle(lifecycle)) => &lifecycle.rules[..],
            _ => &[],
        };
        let end = format!("/{PROBE}/");
        let of_rules = rules
            .iter()
            .filter(|rule| rule.is_ours())
            .find_map(|rule| rule.filter.prefix.strip_suffix(&end));
        of_runner
            .map(unescaped)
            .or_else(|| of_rules.map(str::to_owned))?
            .parse()
            .ok()
    }

    /// Returns the lock permissions of runs, and whether there is a table.
    fn locks(&self) -> Vec<LockMechanism> {
        use LockMechanism::{Both, Dynamodb, S3};
        let table = match self.ours(&LOCK_TABLE) {
            Some(AwsSpec::LockTable(table)) => Some(table),
            _ => None,
        };
        let migrating = table.is_some_and(|table| table.tags.contains_key(BOTH_SINCE));
        let allowed = self
            .runner()
            .map(|document| (document.has("LockItems"), document.has("ReleaseLockFiles")));
        // Unreadable resources are unknown.
        let unread = |address: &Address| {
            matches!(self.wide.get(address), Some(Observed::Unreadable(_)) | None)
        };
        if allowed.is_none() && unread(&RUNNER_POLICY)
            || unread(&LOCK_TABLE) && allowed.is_none_or(|allowed| allowed == (true, true))
        {
            return vec![];
        }
        // It is created last: without it, a first run may have been interrupted before creating the
        // table.
        let complete = self.bucket_policy(&STATE_BUCKET).is_some();
        match (allowed, table.is_some()) {
            (Some((true, false)), _) => vec![Dynamodb],
            (Some((false, true)), _) => vec![S3],
            // A deleted table does not lock.
            (Some((true, true)), false) if complete => vec![S3, Both, Dynamodb],
            (Some((true, true)), _) => vec![Both, Dynamodb, S3],
            (Some((false, false)) | None, true) if migrating => vec![Both, Dynamodb, S3],
            (Some((false, false)) | None, true) => vec![Dynamodb, Both],
            // A teardown may have deleted the table and the policy; only a generated file shows it.
            (Some((false, false)) | None, false) if complete => vec![S3, Both],
            (Some((false, false)) | None, false) => vec![],
        }
    }

    /// Returns the encryption that the bucket policy requires, else the one that runs can use, else
    /// the bucket's default.
    fn encryption(&self) -> (Option<LiveEncryption>, Vec<String>) {
        let policy = self.bucket_policy(&STATE_BUCKET);
        let condition = |sid, operator, key| {
            let statement = policy.and_then(|document| document.statement(sid));
            statement
                .map(|statement| statement.condition(operator, key))
                .unwrap_or_default()
        };
        // Until every state uses a new key, the policy also allows the previous encryption.
        let algorithms = condition("DenyOtherEncryption", "StringNotEquals", ALGORITHM);
        let asked = condition("DenyOtherKey", "ArnNotEquals", ASKED_KEY);
        let of_runner = self
            .runner()
            .and_then(|document| document.statement("KeyForStates"))
            .map(|s| s.resources())
            .unwrap_or_default();
        let default = match self.part(&STATE_BUCKET, "encryption") {
            Some(AwsSpec::Encryption(encryption)) => Some(encryption),
            _ => None,
        };
        let of_default = default
            .and_then(|default| default.key_arn())
            .map(str::to_owned);
        let meant = of_default.iter().filter(|default| asked.contains(default));
        let keys = distinct(
            meant
                .chain(&asked)
                .chain(&of_runner)
                .chain(&of_default)
                .cloned(),
        );
        if algorithms == [AES256] {
            return (Some(LiveEncryption::S3), keys);
        }
        let without_policy =
            algorithms.is_empty() && self.runner().is_some() && of_runner.is_empty();
        if without_policy && default.is_some_and(|default| default.algorithm == AES256) {
            return (Some(LiveEncryption::S3), keys);
        }
        (keys.first().cloned().map(LiveEncryption::Key), keys)
    }

    fn layer(&self) -> SettingsLayer {
        let mut layer = SettingsLayer::default();
        if let Some(AwsSpec::Lifecycle(lifecycle)) = self.ours(&STATE_LIFECYCLE)
            && let Some(rule) = lifecycle
                .rules
                .iter()
                .find(|rule| rule.id == "tfbackend-history" && rule.enabled)
        {
            layer.noncurrent_days = rule.noncurrent_days;
            layer.keep_versions = rule
                .noncurrent_newest
                .filter(|count| (1..=100).contains(count));
        }
        if let Some(AwsSpec::Lifecycle(lifecycle)) = self.part(&LOG_BUCKET, "lifecycle")
            && let Some(rule) = lifecycle
                .rules
                .iter()
                .find(|rule| rule.id == "tfbackend-logs" && rule.enabled)
        {
            layer.log_days = rule.expiration_days;
        }
        if let Some(AwsSpec::Rotation(rotation)) = self.ours(&KEY_ROTATION)
            && rotation.enabled
        {
            layer.rotation_days = Some(rotation.days).filter(|days| (90..=2560).contains(days));
        }
        if let Some(AwsSpec::LockTable(table)) = self.ours(&LOCK_TABLE) {
            self.table(table, &mut layer);
        }
        self.alarm_settings(&mut layer);
        self.left_out(&mut layer);
        layer.ephemeral = self.is_ephemeral().then_some(true);
        layer
    }

    fn table(&self, table: &LockTable, layer: &mut SettingsLayer) {
        let units = |units: i64| {
            u32::try_from(units)
                .ok()
                .filter(|units| (1..=40_000).contains(units))
        };
        if let TableBilling::Provisioned { read, write } = table.billing
            && let (Some(read), Some(write)) = (units(read), units(write))
        {
            layer.billing = Some(BillingKind::Provisioned);
            (layer.read_capacity, layer.write_capacity) = (Some(read), Some(write));
        }
        let locks_in_table = self.runner().filter(|document| document.has("LockItems"));
        let without_key = locks_in_table
            .is_some_and(|document| document.has("KeyForStates") && !document.has("KeyForLocks"));
        if table.encryption == TableKey::AwsOwned && without_key {
            layer.table_encryption = Some(TableEncryption::AwsOwned);
        }
        let recovers = matches!(self.part(&LOCK_TABLE, "recovery"), Some(AwsSpec::Recovery(recovery)) if recovery.enabled);
        layer.table_recovery =
            (!recovers && is_left_out(&table.tags, TABLE_RECOVERY)).then_some(false);
    }

    fn alarm_settings(&self, layer: &mut SettingsLayer) {
        let threshold = |which| match self.ours(&Address::each("alarm", which)) {
            Some(AwsSpec::Alarm(alarm)) => Some(alarm.threshold),
            _ => None,
        };
        layer.alarm_bucket_size =
            threshold("bucket_size").and_then(|bytes| whole(bytes / GIB, 1_000_000));
        layer.alarm_object_count =
            threshold("object_count").and_then(|count| whole(count, 1_000_000_000));
        // A single manually changed alarm is not evidence.
        let told: Vec<&[String]> = self.alarms().map(|alarm| &*alarm.actions).collect();
        let own = self.aws.arn("sns", &self.aws.region, &self.names.topic);
        if let [first, others @ ..] = &told[..]
            && !others.is_empty()
            && !told.iter().any(|actions| actions.contains(&own))
        {
            let told_by_all = first
                .iter()
                .rev()
                .find(|topic| others.iter().all(|actions| actions.contains(topic)));
            layer.alarm_topic = told_by_all.and_then(|topic| topic.parse().ok());
        }
    }

    /// Returns missing parts that the other resources were never prepared for.
    fn left_out(&self, layer: &mut SettingsLayer) {
        let key = Self::document(self.ours(&KEY));
        let (logs, topic) = (
            self.bucket_policy(&LOG_BUCKET),
            Self::document(self.ours(&TOPIC)),
        );
        let lacks = |document: Option<&PolicyDocument>, name: &str| {
            document.is_some_and(|document| !document.has(name))
        };
        let has = |document: Option<&PolicyDocument>, name: &str| {
            document.is_some_and(|document| document.has(name))
        };
        let absent = |address: &Address| matches!(self.wide.get(address), Some(Observed::Absent));

        let recorded = |part| matches!(self.ours(&STATE_BUCKET), Some(AwsSpec::Bucket(bucket)) if is_left_out(&bucket.tags, part));
        let trail = lacks(key, "CloudTrailEncrypt")
            || lacks(logs, "CloudTrailWrite")
            || recorded(RECORD_OF_TRAIL);
        if trail
            && absent(&TRAIL)
            && !has(key, "CloudTrailEncrypt")
            && !has(logs, "CloudTrailWrite")
        {
            layer.trail = Some(TrailKind::Off);
        }
        let no_logging = matches!(self.part(&STATE_BUCKET, "logging"), Some(AwsSpec::Logging(logging)) if logging.target.is_none());
        // A first run may have been interrupted before creating the log bucket, or may be about to
        // create it.
        if no_logging && (lacks(logs, "S3AccessLogs") || recorded(ACCESS_LOGS)) {
            layer.access_logs = Some(false);
        }
        let notifies = match self.part(&STATE_BUCKET, "notifications") {
            Some(AwsSpec::Notifications(all)) => all
                .targets
                .iter()
                .any(|target| target.id.starts_with(notifications::OURS)),
            _ => true,
        };
        if !notifies
            && absent(&TOPIC)
            && self.alarms().next().is_none()
            && lacks(key, "AlarmsToTopic")
        {
            layer.alarms = Some(false);
        }
        let key_without =
            key.is_none() || has(key, "AlarmsToTopic") && lacks(key, "BucketEventsToTopic");
        if !notifies && (recorded(DELETE_EVENTS) || lacks(topic, "BucketEvents") && key_without) {
            layer.delete_events = Some(false);
        }
    }

    /// Returns whether all levels of the protection are disabled.
    fn is_ephemeral(&self) -> bool {
        let tags = self.wide.values().filter_map(|seen| match seen {
            Observed::Present {
                spec,
                owner: ResourceOwner::Us,
                ..
            } => tags_of(spec),
            _ => None,
        });
        let tags: Vec<&Tags> = tags.collect();
        let unprotected = |tags: &&Tags| {
            tags.get(PROTECTED)
                .is_some_and(|protected| protected == "false")
        };
        let history = self
            .bucket_policy(&STATE_BUCKET)
            .is_some_and(|document| document.has(HISTORY));
        let table = matches!(self.ours(&LOCK_TABLE), Some(AwsSpec::LockTable(table)) if table.deletion_protection);
        !tags.is_empty() && tags.iter().all(unprotected) && !history && !table
    }
}

fn tags_of(spec: &AwsSpec) -> Option<&Tags> {
    match spec {
        AwsSpec::Key(spec) => Some(&spec.tags),
        AwsSpec::Bucket(spec) => Some(&spec.tags),
        AwsSpec::LockTable(spec) => Some(&spec.tags),
        AwsSpec::Topic(spec) => Some(&spec.tags),
        AwsSpec::Trail(spec) => Some(&spec.tags),
        AwsSpec::Alarm(spec) => Some(&spec.tags),
        AwsSpec::Policy(spec) => Some(&spec.tags),
        _ => None,
    }
}

/// Returns an integer from 1 to `most`.
fn whole(number: f64, most: u32) -> Option<u32> {
    let rounded = number.round();
    let is_whole = (rounded - number).abs() < 1e-6 && (1.0..=f64::from(most)).contains(&rounded);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is in the range of the type"
    )]
    is_whole.then_some(rounded as u32)
}

/// Returns each value once, in order.
fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}
