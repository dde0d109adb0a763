//! Checks for contradicting or unsafe combinations of settings, all reported at once, before any
//! call.
//!
//! A value without effect is an error if its source is as strong as that of the value that makes it
//! ineffective. A value from a weaker source is ignored: settings in the file for all environments
//! need not fit each.

use std::fmt;

use super::{
    common::CommonSettings,
    layer::{TableEncryption, TableNamespace},
    merge::{MergedSettings, Precedence, SettingOrigin},
    names::{MAX_OBJECT_KEY, MAX_WORKSPACE},
    s3::{AlarmSettings, BillingMode, EncryptionSettings, S3Settings, TopicSettings},
};

mod derived;
mod files;

/// Values that do not go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsConflict {
    pub clash: ConflictKind,
    /// The options that take part, each with who said it.
    pub between: Vec<(&'static str, SettingOrigin)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConflictKind {
    #[error("`{name}` is in {theirs}, the backend in {ours}; both must be in one region")]
    OtherRegion {
        name: &'static str,
        theirs: String,
        ours: String,
    },
    #[error("`{name}` is in partition {theirs}, the backend in {ours}")]
    OtherPartition {
        name: &'static str,
        theirs: String,
        ours: &'static str,
    },
    #[error("{what} is in account {theirs}, `account` is {ours}")]
    OtherAccount {
        what: String,
        theirs: String,
        ours: String,
    },
    #[error("`{name}` has no effect, because {because}; leave one of them out")]
    NoEffect {
        name: &'static str,
        because: &'static str,
    },
    #[error("`external-id` has no effect without `role-arn`")]
    NoRole,
    #[error("`conf-credentials` has no effect: neither `profile` nor `role-arn` is set")]
    NoCredentials,
    #[error(
        "`table-encryption` is `same-key`, but with `encryption` `sse-s3` there is no key; set it \
         to `aws-owned`"
    )]
    NoKeyForTable,
    #[error("`delete-events` needs the alarm topic, and `alarms` is false; change one of them")]
    NobodyToTell,
    #[error("`attach-to` needs the runner policy, and `policy` is false; change one of them")]
    NothingToAttach,
    #[error("the {what} would be `{name}`: {count} characters, at most {max} are allowed; shorten {shorten} by {}", count - max)]
    TooLong {
        what: &'static str,
        name: String,
        count: usize,
        max: usize,
        shorten: &'static str,
    },
    #[error("the {what} would be `{name}`, which {problem}")]
    BadName {
        what: &'static str,
        name: String,
        problem: String,
    },
    #[error("`bucket` must end in `{suffix}` with `namespace` `account-regional`")]
    NoRegionalEnd { suffix: String },
    #[error(
        "`bucket` ends like a name of the account-regional namespace; set `namespace` to \
         `account-regional`, or choose another name"
    )]
    RegionalEnd,
    #[error("there is no account-regional namespace in {region}; set `namespace` to `global`")]
    NoRegionalNamespace { region: String },
    #[error("`bucket` is the name of the log bucket; choose another")]
    BucketIsLogBucket,
    #[error(
        "`key` lies under `workspace-key-prefix` `{prefix}`: Terraform would treat the state as \
         that of a workspace"
    )]
    KeyIsWorkspace { prefix: String },
    #[error(
        "`key` and `workspace-key-prefix` are {over} bytes too long together: a workspace's state \
         must fit into 1024 bytes"
    )]
    PathTooLong { over: usize },
    #[error("tag `{key}` is set twice (IAM tag keys are case-insensitive)")]
    TagTwice { key: String },
    #[error("{count} tags are too many: at most {max} are possible besides those of tfbackend")]
    TooManyTags { count: usize, max: usize },
    #[error("`conf-file` and `tf-file` are both `{name}`")]
    SameFile { name: String },
    #[error("`{name}` is `{file}`: {why}")]
    FileName {
        name: &'static str,
        file: String,
        why: &'static str,
    },
}

impl fmt::Display for SettingsConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.clash)?;
        let said: Vec<_> = self
            .between
            .iter()
            .filter(|(_, origin)| *origin != SettingOrigin::Default)
            .map(|(name, origin)| format!("`{name}`: {origin}"))
            .collect();
        if said.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", said.join(", "))
        }
    }
}

/// Room for tfbackend's own tags: a resource has 50 at most ("Tag naming limits and requirements").
const MAX_TAGS: usize = 40;

/// Every contradiction in the settings that `merged` makes.
pub(crate) fn check(settings: &S3Settings, merged: &MergedSettings) -> Vec<SettingsConflict> {
    let mut check = SettingsChecker {
        merged,
        found: vec![],
    };
    check.places(settings);
    check.without_effect(settings);
    check.namespace(settings);
    check.state_paths(settings);
    check.tags(settings);
    derived::check(&mut check, settings);
    files::check(&mut check, &settings.common);
    check.found
}

/// Every contradiction in the settings that every kind has.
pub(crate) fn check_common(
    settings: &CommonSettings,
    merged: &MergedSettings,
) -> Vec<SettingsConflict> {
    let mut check = SettingsChecker {
        merged,
        found: vec![],
    };
    files::check(&mut check, settings);
    check.found
}

struct SettingsChecker<'a> {
    merged: &'a MergedSettings,
    found: Vec<SettingsConflict>,
}

impl SettingsChecker<'_> {
    fn add(&mut self, clash: ConflictKind, between: &[&'static str]) {
        let between = between
            .iter()
            .filter_map(|name| Some((*name, self.merged.origin(name)?.clone())))
            .collect();
        self.found.push(SettingsConflict { clash, between });
    }

    fn places(&mut self, settings: &S3Settings) {
        let mut topic_and_key = vec![];
        if let EncryptionSettings::OwnKey { arn } = &settings.encryption {
            topic_and_key.push(("kms-key", arn.region(), arn.partition()));
        }
        if let AlarmSettings::On {
            topic: TopicSettings::Existing { arn },
            ..
        } = &settings.alarms
        {
            topic_and_key.push(("alarm-topic", arn.region(), arn.partition()));
        }
        for (name, region, partition) in topic_and_key {
            if region != settings.region.as_str() {
                self.add(
                    ConflictKind::OtherRegion {
                        name,
                        theirs: region.to_owned(),
                        ours: settings.region.to_string(),
                    },
                    &[name, "region"],
                );
            } else if partition != settings.region.partition() && settings.region.is_known() {
                let ours = settings.region.partition();
                self.add(
                    ConflictKind::OtherPartition {
                        name,
                        theirs: partition.to_owned(),
                        ours,
                    },
                    &[name, "region"],
                );
            }
        }
        let Some(account) = &settings.account else {
            return;
        };
        for principal in &settings.access.attach_to {
            if let Some(theirs) = principal
                .account()
                .filter(|theirs| *theirs != account.as_str())
            {
                let clash = ConflictKind::OtherAccount {
                    what: format!("`{principal}`"),
                    theirs: theirs.to_owned(),
                    ours: account.to_string(),
                };
                self.add(clash, &["attach-to", "account"]);
            }
        }
    }

    /// `name` was said, and at least as strongly as `by`.
    fn defies(&self, name: &str, by: &str) -> bool {
        self.merged.is_said(name) && self.merged.rank(name) >= self.merged.rank(by)
    }

    fn no_effect(&mut self, names: &[&'static str], by: &'static str, because: &'static str) {
        for name in names.iter().copied() {
            if self.defies(name, by) {
                self.add(ConflictKind::NoEffect { name, because }, &[name, by]);
            }
        }
    }

    fn without_effect(&mut self, settings: &S3Settings) {
        if !settings.lock.uses_table() {
            let table = [
                "table",
                "billing",
                "read-capacity",
                "write-capacity",
                "table-recovery",
                "table-encryption",
            ];
            self.no_effect(&table, "lock", "with `lock` `s3` there is no table");
        } else if settings.table.billing == BillingMode::OnDemand {
            self.no_effect(
                &["read-capacity", "write-capacity"],
                "billing",
                "`billing` is not `provisioned`",
            );
        }
        match &settings.encryption {
            EncryptionSettings::NewKey { .. } => {}
            EncryptionSettings::OwnKey { .. } => {
                self.no_effect(
                    &["rotation-days"],
                    "kms-key",
                    "the key of `kms-key` is rotated by its owner",
                );
            }
            EncryptionSettings::SseS3 => {
                self.no_effect(
                    &["rotation-days"],
                    "encryption",
                    "with `encryption` `sse-s3` there is no key",
                );
                let same_key = self.merged.layer.table_encryption == Some(TableEncryption::SameKey);
                if same_key
                    && settings.lock.uses_table()
                    && self.defies("table-encryption", "encryption")
                {
                    self.add(
                        ConflictKind::NoKeyForTable,
                        &["table-encryption", "encryption"],
                    );
                }
            }
        }
        if settings.alarms == AlarmSettings::Off {
            let emails = self
                .merged
                .layer
                .alarm_email
                .as_ref()
                .is_some_and(|emails| !emails.is_empty());
            if emails {
                self.no_effect(&["alarm-email"], "alarms", "`alarms` is false");
            }
            self.no_effect(
                &["alarm-topic", "alarm-bucket-size", "alarm-object-count"],
                "alarms",
                "`alarms` is false",
            );
            if self.merged.layer.delete_events == Some(true)
                && self.defies("delete-events", "alarms")
            {
                self.add(ConflictKind::NobodyToTell, &["delete-events", "alarms"]);
            }
        }
        if !settings.access.policy
            && !settings.access.attach_to.is_empty()
            && self.defies("attach-to", "policy")
        {
            self.add(ConflictKind::NothingToAttach, &["attach-to", "policy"]);
        }
        // What the file says for all environments need not fit each. A role or a profile that is
        // left out for once is said.
        let layer = &self.merged.layer;
        let meant = |name: &str| self.merged.rank(name) > Some(Precedence::FileTop);
        let no_role =
            layer.role_arn.is_none() && layer.external_id.is_some() && meant("external-id");
        let nothing = layer.role_arn.is_none() && layer.profile.is_none();
        let no_credentials =
            nothing && layer.conf_credentials == Some(true) && meant("conf-credentials");
        if no_role {
            self.add(ConflictKind::NoRole, &["external-id"]);
        }
        if no_credentials {
            self.add(ConflictKind::NoCredentials, &["conf-credentials"]);
        }
        if !settings.has_log_bucket() {
            self.no_effect(
                &["log-days"],
                "trail",
                "without `trail` `new` and `access-logs` nothing is logged",
            );
        }
    }

    fn namespace(&mut self, settings: &S3Settings) {
        let region = settings.region.as_str();
        match (settings.bucket.namespace, &settings.bucket.name) {
            (TableNamespace::Global, Some(name)) if name.is_account_regional() => {
                self.add(ConflictKind::RegionalEnd, &["bucket", "namespace"])
            }
            (TableNamespace::Global, _) => {}
            // Amazon S3 User Guide, "Namespaces for general purpose buckets".
            (TableNamespace::AccountRegional, _)
                if matches!(region, "me-south-1" | "me-central-1") =>
            {
                self.add(
                    ConflictKind::NoRegionalNamespace {
                        region: region.to_owned(),
                    },
                    &["namespace", "region"],
                );
            }
            (TableNamespace::AccountRegional, Some(name)) => {
                let account = settings
                    .account
                    .as_ref()
                    .map_or("<account>", |account| account.as_str());
                let suffix = format!("-{account}-{region}-an");
                let ends = match &settings.account {
                    Some(_) => name.as_str().ends_with(&suffix),
                    None => name.is_account_regional_in(region),
                };
                if !ends {
                    self.add(
                        ConflictKind::NoRegionalEnd { suffix },
                        &["bucket", "namespace"],
                    );
                }
            }
            (TableNamespace::AccountRegional, None) => {}
        }
    }

    fn state_paths(&mut self, settings: &S3Settings) {
        let (key, prefix) = (
            settings.key.as_str(),
            settings.workspace_key_prefix.as_str(),
        );
        if key == prefix
            || key
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('/'))
        {
            self.add(
                ConflictKind::KeyIsWorkspace {
                    prefix: prefix.to_owned(),
                },
                &["key", "workspace-key-prefix"],
            );
        }
        let longest =
            prefix.len() + "/".len() + MAX_WORKSPACE + "/".len() + key.len() + ".tflock".len();
        if longest > MAX_OBJECT_KEY {
            self.add(
                ConflictKind::PathTooLong {
                    over: longest - MAX_OBJECT_KEY,
                },
                &["key", "workspace-key-prefix"],
            );
        }
    }

    fn tags(&mut self, settings: &S3Settings) {
        let keys: Vec<String> = settings
            .tags
            .iter()
            .map(|tag| tag.key().to_lowercase())
            .collect();
        for (i, tag) in settings.tags.iter().enumerate() {
            if keys[..i].contains(&keys[i]) {
                self.add(
                    ConflictKind::TagTwice {
                        key: tag.key().to_owned(),
                    },
                    &["tag"],
                );
            }
        }
        if keys.len() > MAX_TAGS {
            self.add(
                ConflictKind::TooManyTags {
                    count: keys.len(),
                    max: MAX_TAGS,
                },
                &["tag"],
            );
        }
    }
}
