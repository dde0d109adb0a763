//! Converts settings to nodes: all resources of a backend on AWS, in an order in which they can be
//! created.

use super::{
    AwsProvider,
    access::{
        RunnerPolicy,
        attachment::{AttachmentTarget, PolicyAttachment},
    },
    alarm::catalogue::AlarmDefaults,
    bucket::{
        BucketSpec, ENFORCED,
        encryption::BucketEncryption,
        lifecycle::LifecycleSpec,
        logging::AccessLogging,
        notifications::{self, BucketNotifications, NotificationTarget, TargetKind},
        policy::BucketPolicy,
        public_access::PublicAccess,
        versioning::BucketVersioning,
    },
    key::{KmsKey, own::OwnKey, rotation::KeyRotation},
    lock_table::{self, LockTable, recovery::PointInTimeRecovery},
    ownership::{self, ACCESS_LOGS, DELETE_EVENTS, TABLE_RECOVERY, Tags, with_record},
    policies::{self, ACCESS_LOG_PREFIX, KeyUses, PolicyContext, TRAIL_PREFIX, TableAccess},
    resources::AwsSpec,
    topic::{AlarmTopic, existing::ExistingTopic, subscription::TopicSubscription},
    trail::{TrailSpec, existing::ExistingTrail, logging::TrailLogging, selectors::EventSelectors},
};
use crate::{
    engine::{
        blueprint::{Blueprint, BlueprintNode},
        spec::Address,
    },
    settings::{
        self, layer, names,
        s3::{AlarmSettings, S3Settings, derived::DerivedNames},
    },
};

mod parts;
mod staying;

use parts::{BucketAddresses, LOG, STATE};
pub use staying::{LeftOutParts, widest};

pub const KEY: Address = Address::new("key");
pub const KEY_ROTATION: Address = Address::new("key/rotation");
pub const LOG_BUCKET: Address = Address::new("log_bucket");
pub const STATE_BUCKET: Address = Address::new("state_bucket");
pub const STATE_ENCRYPTION: Address = Address::new("state_bucket/encryption");
pub const STATE_LIFECYCLE: Address = Address::new("state_bucket/lifecycle");
pub const LOCK_TABLE: Address = Address::new("lock_table");
pub const LOCK_TABLE_RECOVERY: Address = Address::new("lock_table/recovery");
pub const TOPIC: Address = Address::new("topic");
pub const TRAIL: Address = Address::new("trail");
pub const TRAIL_SELECTORS: Address = Address::new("trail/selectors");
pub const RUNNER_POLICY: Address = Address::new("runner_policy");

/// Days after which incomplete uploads, which cost money, are aborted.
const ABORT_UPLOADS_DAYS: u32 = 7;

/// Returns all resources for these settings in this account.
pub fn blueprint(
    settings: &S3Settings,
    names: &DerivedNames,
    aws: &AwsProvider,
) -> Blueprint<AwsSpec> {
    beside(settings, names, aws, &LeftOutParts::default())
}

/// The same with existing parts that the settings do not include, whose permissions are kept in
/// policies.
pub fn beside(
    settings: &S3Settings,
    names: &DerivedNames,
    aws: &AwsProvider,
    staying: &LeftOutParts,
) -> Blueprint<AwsSpec> {
    BlueprintBuilder::new(settings, names, aws, staying).build()
}

struct BlueprintBuilder<'a> {
    settings: &'a S3Settings,
    names: &'a DerivedNames,
    staying: &'a LeftOutParts,
    place: PolicyContext,
    tags: Tags,
    nodes: Vec<BlueprintNode<AwsSpec>>,
}

impl<'a> BlueprintBuilder<'a> {
    fn new(
        settings: &'a S3Settings,
        names: &'a DerivedNames,
        aws: &AwsProvider,
        staying: &'a LeftOutParts,
    ) -> Self {
        let key = match settings.encryption {
            settings::s3::EncryptionSettings::NewKey { .. }
            | settings::s3::EncryptionSettings::OwnKey { .. } => Some(KEY.output()),
            settings::s3::EncryptionSettings::SseS3 => None,
        };
        let place = PolicyContext {
            partition: aws.caller.partition.clone(),
            dns_suffix: policies::dns_suffix(&aws.caller.partition).to_owned(),
            region: settings.region.to_string(),
            account: aws.caller.account.clone(),
            bucket: names.state_bucket.clone(),
            log_bucket: names.log_bucket.clone(),
            table: names.table.clone(),
            topic: names.topic.clone(),
            trail: names.trail.clone(),
            alarm_prefix: names.alarm_prefix.clone(),
            key,
            old_keys: staying.old_keys.clone(),
            workspace_prefix: settings.workspace_key_prefix.to_string(),
        };
        let more = settings
            .tags
            .iter()
            .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
            .collect();
        Self {
            settings,
            names,
            staying,
            place,
            tags: aws.mark.tags(settings.common.protect, &more),
            nodes: vec![],
        }
    }

    fn build(mut self) -> Blueprint<AwsSpec> {
        self.key();
        self.topic();
        self.log_bucket();
        self.state_bucket();
        self.lock_table();
        self.trail();
        self.alarms();
        self.access();
        Blueprint::new(self.nodes)
    }

    /// Dependencies that are not part of this backend are omitted: they are optional.
    fn add(&mut self, address: Address, needs: &[&Address], spec: AwsSpec) {
        let needs = needs
            .iter()
            .filter(|need| self.has(need))
            .map(|need| (*need).clone())
            .collect();
        self.nodes.push(BlueprintNode {
            address,
            needs,
            spec,
        });
    }

    fn has(&self, address: &Address) -> bool {
        self.nodes.iter().any(|node| node.address == *address)
    }

    fn title(&self) -> String {
        format!(
            "Terraform state of {}, {}",
            self.settings.common.project, self.settings.common.env
        )
    }

    fn uses(&self) -> KeyUses {
        let own_topic = matches!(
            self.settings.alarms,
            AlarmSettings::On {
                topic: settings::s3::TopicSettings::New { .. },
                ..
            }
        );
        KeyUses {
            trail: self.settings.trail == layer::TrailKind::New,
            alarms: own_topic,
            bucket_events: own_topic && self.settings.bucket.delete_events,
        }
    }

    /// Returns the uses of the environment's key, including existing parts.
    fn own_uses(&self) -> KeyUses {
        let KeyUses {
            trail,
            alarms,
            bucket_events,
        } = self.uses();
        let staying = self.staying;
        KeyUses {
            trail: trail || staying.trail,
            alarms: alarms || staying.topic,
            bucket_events: bucket_events || staying.delete_events,
        }
    }

    /// Returns the topic for alarms and deletions.
    fn topic_arn(&self) -> Option<String> {
        match &self.settings.alarms {
            AlarmSettings::Off => None,
            AlarmSettings::On {
                topic: settings::s3::TopicSettings::New { .. },
                ..
            } => Some(self.place.topic_arn()),
            AlarmSettings::On {
                topic: settings::s3::TopicSettings::Existing { arn },
                ..
            } => Some(arn.to_string()),
        }
    }

    fn key(&mut self) {
        match &self.settings.encryption {
            settings::s3::EncryptionSettings::NewKey { rotation_days } => {
                let alias = self.names.key_alias.clone();
                let key = KmsKey::new(
                    alias.clone(),
                    self.title(),
                    self.place.key_policy(self.own_uses()),
                    self.tags.clone(),
                );
                let rotation = KeyRotation {
                    alias: alias.clone(),
                    key: KEY.output(),
                    enabled: true,
                    days: *rotation_days,
                };
                self.add(KEY, &[], AwsSpec::Key(key));
                self.add(KEY_ROTATION, &[&KEY], AwsSpec::Rotation(rotation));
            }
            settings::s3::EncryptionSettings::OwnKey { arn } => {
                self.add(
                    KEY,
                    &[],
                    AwsSpec::OwnKey(OwnKey::new(
                        arn.to_string(),
                        PolicyContext::key_grants(self.uses()),
                    )),
                );
            }
            settings::s3::EncryptionSettings::SseS3 => {}
        }
    }

    fn topic(&mut self) {
        let AlarmSettings::On { topic, .. } = &self.settings.alarms else {
            return;
        };
        match topic {
            settings::s3::TopicSettings::Existing { arn } => {
                let publishers: Vec<String> = self
                    .settings
                    .bucket
                    .delete_events
                    .then(|| policies::S3.to_owned())
                    .into_iter()
                    .collect();
                let key_users = [policies::CLOUDWATCH.to_owned()]
                    .into_iter()
                    .chain(publishers.iter().cloned())
                    .collect();
                self.add(
                    TOPIC,
                    &[],
                    AwsSpec::ExistingTopic(ExistingTopic::new(
                        arn.to_string(),
                        publishers,
                        key_users,
                    )),
                );
            }
            settings::s3::TopicSettings::New { emails } => {
                let policy = self.place.topic_policy(self.own_uses().bucket_events);
                let topic = AlarmTopic {
                    name: self.names.topic.clone(),
                    key: self.place.key.clone(),
                    policy,
                    tags: self.tags.clone(),
                };
                self.add(TOPIC, &[&KEY], AwsSpec::Topic(topic));
                for email in emails {
                    let subscription = TopicSubscription {
                        topic: self.place.topic_arn(),
                        email: email.to_string(),
                        confirmed: None,
                    };
                    self.add(
                        Address::each("topic/subscription", email.as_str()),
                        &[&TOPIC],
                        AwsSpec::Subscription(subscription),
                    );
                }
            }
        }
    }

    /// Returns the tags of the state bucket, with the disabled parts that do not exist.
    fn tags_with_records(&self) -> Tags {
        let (settings, staying) = (self.settings, self.staying);
        let no_events = matches!(settings.alarms, AlarmSettings::On { .. })
            && !settings.bucket.delete_events
            && !staying.delete_events;
        let records = [
            (
                ACCESS_LOGS,
                !settings.bucket.access_logs && !staying.access_logs,
            ),
            (
                ownership::TRAIL,
                settings.trail == layer::TrailKind::Off && !staying.trail,
            ),
            (DELETE_EVENTS, no_events),
        ];
        records
            .iter()
            .fold(self.tags.clone(), |tags, (part, left_out)| {
                with_record(&tags, part, *left_out)
            })
    }

    fn bucket(
        &mut self,
        parts: &BucketAddresses,
        name: &str,
        encryption: BucketEncryption,
        lifecycle: LifecycleSpec,
    ) {
        let name = name.to_owned();
        let tags = if parts.bucket == STATE_BUCKET {
            self.tags_with_records()
        } else {
            self.tags.clone()
        };
        let bucket = BucketSpec {
            name: name.clone(),
            region: self.place.region.clone(),
            account_regional: self.settings.bucket.namespace
                == layer::TableNamespace::AccountRegional,
            ownership: ENFORCED.to_owned(),
            grants: vec![],
            tags,
        };
        self.add(parts.bucket.clone(), &[], AwsSpec::Bucket(bucket));
        self.add(
            parts.public_access.clone(),
            &[&parts.bucket],
            AwsSpec::PublicAccess(PublicAccess::blocked(name.clone())),
        );
        self.add(
            parts.versioning.clone(),
            &[&parts.bucket],
            AwsSpec::Versioning(BucketVersioning::enabled(name)),
        );
        let key = KEY;
        let needs = if encryption.key.is_some() {
            vec![&parts.bucket, &key]
        } else {
            vec![&parts.bucket]
        };
        self.add(
            parts.encryption.clone(),
            &needs,
            AwsSpec::Encryption(encryption),
        );
        // Expiration has another effect on a bucket without versioning.
        self.add(
            parts.lifecycle.clone(),
            &[&parts.versioning],
            AwsSpec::Lifecycle(lifecycle),
        );
    }

    /// With SSE-S3: access logs cannot be delivered to a bucket with SSE-KMS (S3: enabling server
    /// access logging). The trail's own files are encrypted with the key.
    fn log_bucket(&mut self) {
        if !self.settings.has_log_bucket() {
            return;
        }
        let name = self.names.log_bucket.clone();
        let lifecycle =
            LifecycleSpec::of_logs(name.clone(), self.settings.log_days, ABORT_UPLOADS_DAYS);
        self.bucket(&LOG, &name, BucketEncryption::s3(name.clone()), lifecycle);
        let trail = self.settings.trail == layer::TrailKind::New || self.staying.trail;
        let access_logs = self.settings.bucket.access_logs || self.staying.access_logs;
        let document =
            self.place
                .log_bucket_policy(trail, access_logs, self.settings.common.protect);
        // Never concurrently with or before the public access block: S3 returns 409 for concurrent
        // writes, and a policy must not exist without the block.
        self.add(
            LOG.policy.clone(),
            &[&LOG.public_access],
            AwsSpec::BucketPolicy(BucketPolicy::new(name, document)),
        );
    }

    fn state_bucket(&mut self) {
        let name = self.names.state_bucket.clone();
        let settings = self.settings;
        let bucket = &settings.bucket;
        let lifecycle = LifecycleSpec::of_states(
            name.clone(),
            bucket.noncurrent_days,
            bucket.keep_versions,
            ABORT_UPLOADS_DAYS,
        )
        .and_probes(&self.place.workspace_prefix);
        let encryption = match &self.place.key {
            Some(key) => BucketEncryption::kms(name.clone(), key.clone()),
            None => BucketEncryption::s3(name.clone()),
        };
        let (access_logs, document) = (
            bucket.access_logs,
            self.place.state_bucket_policy(self.settings.common.protect),
        );
        self.bucket(&STATE, &name, encryption, lifecycle);
        // It completes the protection of the bucket: it does not wait for optional parts, and
        // optional parts wait for it.
        let needs = [
            &STATE.public_access,
            &STATE.versioning,
            &STATE.encryption,
            &STATE.lifecycle,
            &KEY,
        ];
        self.add(
            STATE.policy.clone(),
            &needs,
            AwsSpec::BucketPolicy(BucketPolicy::new(name.clone(), document)),
        );
        if access_logs {
            let target = self.names.log_bucket.clone();
            let logging = AccessLogging {
                bucket: name.clone(),
                target: Some(target),
                prefix: Some(ACCESS_LOG_PREFIX.to_owned()),
            };
            self.add(
                STATE.logging.clone(),
                &[&STATE.policy, &LOG.policy],
                AwsSpec::Logging(logging),
            );
        }
        if let (true, Some(topic)) = (settings.bucket.delete_events, self.topic_arn()) {
            let notifications = self.deletions(&name, &topic);
            self.add(
                STATE.notifications.clone(),
                &[&STATE.policy, &TOPIC],
                AwsSpec::Notifications(notifications),
            );
        }
    }

    /// Events for every deleted `*.tfstate`, and for the state key if it has another extension.
    fn deletions(&self, bucket: &str, topic: &str) -> BucketNotifications {
        const STATES: &str = ".tfstate";
        let file = self
            .settings
            .key
            .as_str()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let own = Some(file).filter(|file| !file.ends_with(STATES));
        let target = |id: &str, suffix: &str| NotificationTarget {
            id: format!("{}{id}", notifications::OURS),
            kind: TargetKind::Topic,
            arn: topic.to_owned(),
            events: vec!["s3:ObjectRemoved:*".to_owned()],
            filter: vec![("suffix".to_owned(), suffix.to_owned())],
        };
        // S3 does not accept overlapping suffixes: the shorter one is sufficient.
        let states = Some(STATES).filter(|states| own.is_none_or(|own| !states.ends_with(own)));
        let targets = [
            states.map(|states| target("state-removed", states)),
            own.map(|file| target("own-state-removed", file)),
        ];
        BucketNotifications {
            bucket: bucket.to_owned(),
            event_bridge: false,
            targets: targets.into_iter().flatten().collect(),
        }
    }

    fn lock_table(&mut self) {
        if !self.settings.lock.uses_table() {
            return;
        }
        let settings = self.settings;
        let table = &settings.table;
        let spec = LockTable {
            name: self.names.table.clone(),
            key: LockTable::key(),
            billing: match table.billing {
                settings::s3::BillingMode::OnDemand => lock_table::TableBilling::OnDemand,
                settings::s3::BillingMode::Provisioned { read, write } => {
                    lock_table::TableBilling::Provisioned {
                        read: i64::from(read),
                        write: i64::from(write),
                    }
                }
            },
            deletion_protection: self.settings.common.protect,
            encryption: match &self.place.key {
                Some(key) if table.encryption == layer::TableEncryption::SameKey => {
                    lock_table::LockTableEncryption::Kms(key.clone())
                }
                _ => lock_table::LockTableEncryption::AwsOwned,
            },
            tags: with_record(&self.tags, TABLE_RECOVERY, !table.recovery),
        };
        let recovery = table.recovery;
        self.add(LOCK_TABLE, &[&KEY], AwsSpec::LockTable(spec));
        if recovery {
            let spec = PointInTimeRecovery {
                table: self.names.table.clone(),
                enabled: true,
            };
            self.add(LOCK_TABLE_RECOVERY, &[&LOCK_TABLE], AwsSpec::Recovery(spec));
        }
    }

    fn trail(&mut self) {
        let bucket = &self.place.bucket;
        match &self.settings.trail {
            layer::TrailKind::Off => {}
            layer::TrailKind::Existing(asserted) => {
                let objects = format!("arn:{}:s3:::{bucket}/", self.place.partition);
                self.add(
                    TRAIL,
                    &[],
                    AwsSpec::ExistingTrail(ExistingTrail::new(
                        objects,
                        asserted.as_ref().map(ToString::to_string),
                    )),
                );
            }
            layer::TrailKind::New => {
                let trail = self.names.trail.clone();
                let spec = TrailSpec {
                    name: trail.clone(),
                    bucket: self.names.log_bucket.clone(),
                    prefix: Some(TRAIL_PREFIX.to_owned()),
                    key: self.place.key.clone(),
                    multi_region: true,
                    validation: true,
                    tags: self.tags.clone(),
                    home: None,
                };
                let table = self
                    .settings
                    .lock
                    .uses_table()
                    .then(|| self.place.table_arn());
                let selectors = EventSelectors::of(
                    trail.clone(),
                    &self.place.partition,
                    bucket,
                    table.as_deref(),
                );
                self.add(TRAIL, &[&LOG.policy, &KEY], AwsSpec::Trail(spec));
                self.add(TRAIL_SELECTORS, &[&TRAIL], AwsSpec::Selectors(selectors));
                self.add(
                    Address::new("trail/logging"),
                    &[&TRAIL],
                    AwsSpec::TrailLogging(TrailLogging::on(trail)),
                );
            }
        }
    }

    fn alarms(&mut self) {
        let (
            AlarmSettings::On {
                bucket_gib,
                objects,
                ..
            },
            Some(topic),
        ) = (&self.settings.alarms, self.topic_arn())
        else {
            return;
        };
        let common = AlarmDefaults {
            prefix: self.names.alarm_prefix.clone(),
            topic,
            tags: self.tags.clone(),
        };
        let mut alarms = vec![
            (
                "bucket_size",
                common.bucket_size(&self.place.bucket, *bucket_gib),
            ),
            (
                "object_count",
                common.object_count(&self.place.bucket, *objects),
            ),
        ];
        if self.settings.lock.uses_table() {
            let table = &self.place.table;
            alarms.push(("lock_contention", common.lock_contention(table)));
            alarms.push(("lock_throttles", common.lock_throttles(table)));
            alarms.push(("lock_errors", common.lock_errors(table)));
        }
        for (which, alarm) in alarms {
            self.add(
                Address::each("alarm", which),
                &[&TOPIC],
                AwsSpec::Alarm(alarm),
            );
        }
    }

    fn access(&mut self) {
        let settings = self.settings;
        if !settings.access.policy {
            return;
        }
        let table = settings.lock.uses_table().then(|| {
            let with_key = self.place.key.is_some()
                && settings.table.encryption == layer::TableEncryption::SameKey;
            if with_key {
                TableAccess::WithKey
            } else {
                TableAccess::WithoutKey
            }
        });
        let policy = RunnerPolicy {
            name: self.names.policy.clone(),
            description: format!(
                "Run Terraform on the state of {}, {}",
                settings.common.project, settings.common.env
            ),
            document: self
                .place
                .runner_policy(table, settings.lock.uses_lockfile()),
            tags: self.tags.clone(),
        };
        self.add(RUNNER_POLICY, &[&KEY], AwsSpec::Policy(policy));
        for principal in &settings.access.attach_to {
            let kind = match principal.kind() {
                names::PrincipalArnKind::Role => AttachmentTarget::Role,
                names::PrincipalArnKind::User => AttachmentTarget::User,
                names::PrincipalArnKind::Group => AttachmentTarget::Group,
            };
            let attachment = PolicyAttachment {
                policy: RUNNER_POLICY.output(),
                kind,
                name: principal.name().to_owned(),
            };
            self.add(
                Address::each("runner_policy/attachment", principal.as_str()),
                &[&RUNNER_POLICY],
                AwsSpec::Attachment(attachment),
            );
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
