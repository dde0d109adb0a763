//! Decides which settings of an environment in use are kept, and which changes are rejected.

use super::{
    FolderSettings,
    evidence::{LiveEncryption, LiveEvidence},
};
use crate::{
    engine::{
        plan::{BlockReason, SettingChange},
        spec::Address,
    },
    settings::{
        defaults::defaults,
        layer::{BillingKind, EncryptionKind, LockMechanism, SettingsLayer, TableNamespace},
        merge::MergedSettings,
        names::{AccountId, BucketName},
        options,
        rerun::RerunArguments,
        s3::{
            S3Settings,
            derived::{DerivedNames, base},
        },
    },
    text::shell::shell_word,
};

pub(crate) const STATE_KEY: Address = Address::new("state_key");
pub(crate) const WORKSPACE_PREFIX: Address = Address::new("workspace_key_prefix");
pub(crate) const LOCK_MECHANISM: Address = Address::new("lock_mechanism");
pub(crate) const BUCKET_NAME: Address = Address::new("bucket_name");
pub(crate) const TABLE_NAME: Address = Address::new("table_name");

/// The effect of an environment in use on the settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KeptDecision {
    /// Replaces defaults.
    pub kept: SettingsLayer,
    /// Replaces given settings.
    pub refused: SettingsLayer,
    pub changes: Vec<SettingChange>,
}

/// The input of a decision.
pub(crate) struct DecisionInputs<'a> {
    pub evidence: &'a LiveEvidence,
    pub beside: &'a FolderSettings,
    /// The given settings and the defaults.
    pub merged: &'a MergedSettings,
    /// The settings with all decisions so far.
    pub settings: &'a S3Settings,
    pub account: &'a AccountId,
    /// True if the user requested files for another state.
    pub moves_state: bool,
    /// The arguments that select the environment on a command line.
    pub rerun: &'a RerunArguments,
}

impl DecisionInputs<'_> {
    pub(crate) fn decide(&self) -> KeptDecision {
        let mut decision = KeptDecision::default();
        if !self.evidence.live {
            decision.kept = self.beside.layer();
            return decision;
        }
        decision.kept = self.evidence.layer.clone();
        self.without_contradictions(&mut decision.kept);
        self.state_key(&mut decision);
        self.workspace_prefix(&mut decision);
        self.bucket(&mut decision);
        self.table(&mut decision);
        self.lock(&mut decision);
        self.encryption(&mut decision);
        // Only the file determines the credentials of Terraform.
        decision.kept = decision.kept.or_credentials(&self.beside.credentials);
        decision.kept.conf_credentials = self.beside.credentials.conf_credentials;
        decision
    }

    fn said<T: Clone>(&self, name: &str, value: Option<&T>) -> Option<T> {
        value.filter(|_| self.merged.is_said(name)).cloned()
    }

    fn refuse(&self, decision: &mut KeptDecision, setting: Address, what: String, remedy: String) {
        decision.changes.push(SettingChange::Refused {
            setting,
            reason: BlockReason::NeedsOrder { what, remedy },
        });
    }

    /// Returns the command that migrates the locks, without the rejected settings.
    fn migrate(&self, to: &str, except: &[&str], decision: &KeptDecision) -> String {
        let refused = options::said(&decision.refused);
        let except: Vec<&str> = refused
            .keys()
            .map(String::as_str)
            .chain(except.iter().copied())
            .collect();
        self.rerun
            .of_target("lock migrate", &format!(" --to {to}"), &except)
    }

    /// A disabled part remains disabled only if no given setting needs it.
    fn without_contradictions(&self, kept: &mut SettingsLayer) {
        let said = |names: &[&str]| names.iter().any(|name| self.merged.is_said(name));
        if said(&[
            "alarm-email",
            "alarm-topic",
            "alarm-bucket-size",
            "alarm-object-count",
            "delete-events",
        ]) {
            kept.alarms = None;
        }
        if said(&["log-days"]) {
            (kept.trail, kept.access_logs) = (None, None);
        }
        if said(&["billing", "read-capacity", "write-capacity"]) {
            (kept.billing, kept.read_capacity, kept.write_capacity) = (None, None, None);
        }
        if said(&["table-encryption"]) {
            kept.table_encryption = None;
        }
    }

    fn state_key(&self, decision: &mut KeptDecision) {
        let Some(live) = &self.beside.key else { return };
        decision.kept.key = Some(live.clone());
        let Some(said) = self
            .said("key", self.merged.layer.key.as_ref())
            .filter(|said| said != live && !self.moves_state)
        else {
            return;
        };
        decision.refused.key = Some(live.clone());
        let file = &self.beside.file;
        let what = format!(
            "`key` is `{said}`, but {file} uses the state at `{live}`: Terraform would use \
             another state, or none"
        );
        let remedy = format!(
            "to keep using the state, set `key` to `{live}`; to move it, run `{}`, which writes \
             the new key, and then `{}` in this folder, which migrates the states",
            self.rerun.command(
                "render",
                &format!(" --key {} --overwrite", shell_word(said.as_str())),
                &["key"]
            ),
            self.rerun.terraform(&format!(
                "terraform init -migrate-state -backend-config={}",
                shell_word(file)
            ))
        );
        self.refuse(decision, STATE_KEY, what, remedy);
    }

    fn workspace_prefix(&self, decision: &mut KeptDecision) {
        let Some(live) = self
            .beside
            .workspace_prefix
            .as_ref()
            .or(self.evidence.workspace_prefix.as_ref())
        else {
            return;
        };
        decision.kept.workspace_key_prefix = Some(live.clone());
        let said = self.said(
            "workspace-key-prefix",
            self.merged.layer.workspace_key_prefix.as_ref(),
        );
        let Some(said) = said.filter(|said| said != live && !self.moves_state) else {
            return;
        };
        decision.refused.workspace_key_prefix = Some(live.clone());
        let what = format!(
            "`workspace-key-prefix` is `{said}`, but the states of workspaces are below `{live}`: \
             runs would not find them"
        );
        let remedy = format!(
            "to keep them, set `workspace-key-prefix` to `{live}`; to move them, run `{}`, which \
             writes the new prefix, and then `{}`, which migrates them",
            self.rerun.command(
                "render",
                &format!(
                    " --workspace-key-prefix {} --overwrite",
                    shell_word(said.as_str())
                ),
                &["workspace-key-prefix"]
            ),
            self.rerun.terraform("terraform init -migrate-state")
        );
        self.refuse(decision, WORKSPACE_PREFIX, what, remedy);
    }

    /// Derived names need not be set; only the name of the bucket determines the namespace.
    fn bucket(&self, decision: &mut KeptDecision) {
        let Some(live) = &self.evidence.bucket else {
            return;
        };
        let merged = self.merged;
        let derived = |namespace| {
            let mut settings = self.settings.clone();
            (settings.bucket.name, settings.bucket.namespace) = (None, namespace);
            DerivedNames::new(&settings, self.account).state_bucket
        };
        let by_name = || {
            let name: Option<BucketName> = live.parse().ok();
            let regional = name.as_ref().is_some_and(BucketName::is_account_regional);
            (
                name,
                if regional {
                    TableNamespace::AccountRegional
                } else {
                    TableNamespace::Global
                },
            )
        };
        let (name, namespace) = match live {
            live if *live == derived(TableNamespace::Global) => (None, TableNamespace::Global),
            live if *live == derived(TableNamespace::AccountRegional) => {
                (None, TableNamespace::AccountRegional)
            }
            _ => by_name(),
        };
        let namespace_said = self.said("namespace", merged.layer.namespace.as_ref());
        let said = match self.said("bucket", merged.layer.bucket.as_ref()) {
            Some(name) => Some(name.to_string()),
            None => namespace_said
                .filter(|said| *said != namespace)
                .map(derived),
        };
        match said {
            Some(said) if said != *live => {
                let what = format!(
                    "the state bucket is {said}, but the states of the environment are in {live}"
                );
                let remedy = "the bucket of an environment cannot be changed; choose another \
                              --env for a new bucket, and move states with `terraform init \
                              -migrate-state`"
                    .to_owned();
                self.refuse(decision, BUCKET_NAME, what, remedy);
                // A derived name cannot be set as an explicit one.
                decision.refused.bucket = name.or_else(|| live.parse().ok());
                decision.refused.namespace = Some(namespace);
            }
            Some(_) => {}
            None => {
                decision.kept.bucket = name;
                decision.kept.namespace = namespace_said.is_none().then_some(namespace);
            }
        }
        if let Some(other) = self
            .evidence
            .bucket_of_file
            .as_ref()
            .filter(|other| *other != live && !self.moves_state)
        {
            let file = &self.beside.file;
            let what = format!(
                "{file} uses the states in bucket {other}, but the bucket of the environment is \
                 {live}"
            );
            let remedy = "move the file if no state in that bucket is in use".to_owned();
            self.refuse(decision, BUCKET_NAME, what, remedy);
        }
    }

    fn table(&self, decision: &mut KeptDecision) {
        let Some(live) = &self.evidence.table else {
            return;
        };
        let derived = format!("{}-locks", base(self.settings));
        match self.said("table", self.merged.layer.table.as_ref()) {
            Some(said) if said.as_str() != live => {
                let what = format!(
                    "the lock table is {said}, but runs lock in {live}: runs would not see each \
                     other's locks"
                );
                let remedy = format!(
                    "to stop using the table, migrate to lock files first: `{}`",
                    self.migrate("both", &["table"], decision)
                );
                self.refuse(decision, TABLE_NAME, what, remedy);
                decision.refused.table = live.parse().ok();
            }
            Some(_) => {}
            None => decision.kept.table = (*live != derived).then(|| live.parse().ok()).flatten(),
        }
    }

    /// A mechanism that runs may already use is not a change. The generated files decide between
    /// several.
    fn lock(&self, decision: &mut KeptDecision) {
        let possible = &self.evidence.locks;
        let of_file = self.beside.lock.filter(|lock| possible.contains(lock));
        let Some(live) = of_file.or(possible.first().copied()) else {
            decision.kept.lock = self.beside.lock;
            return;
        };
        decision.kept.lock = Some(live);
        let Some(said) = self.said("lock", self.merged.layer.lock.as_ref()) else {
            return;
        };
        // A run that acquires both locks excludes a run that acquires either one.
        let joins = said == LockMechanism::Both && possible.contains(&said);
        if said == live || joins {
            return;
        }
        decision.refused.lock = Some(live);
        let next = if said == LockMechanism::Both || live == LockMechanism::Both {
            said
        } else {
            LockMechanism::Both
        };
        let what = format!(
            "`lock` is `{}`, but runs lock with `{}`: runs would not see each other's locks",
            word(said),
            word(live)
        );
        let then = if next == said {
            String::new()
        } else {
            format!(", and then `--to {}`", word(said))
        };
        let remedy = format!(
            "run `{}`{then}, which changes it in a safe order",
            self.migrate(word(next), &[], decision)
        );
        self.refuse(decision, LOCK_MECHANISM, what, remedy);
    }

    /// A key that was created for the environment is not a setting; an existing key is.
    fn encryption(&self, decision: &mut KeptDecision) {
        let kept = &mut decision.kept;
        match &self.evidence.encryption {
            Some(LiveEncryption::S3) => kept.encryption = Some(EncryptionKind::SseS3),
            Some(LiveEncryption::Key(arn)) if Some(arn) != self.evidence.own_key.as_ref() => {
                kept.kms_key = arn.parse().ok();
                kept.rotation_days = None;
            }
            Some(LiveEncryption::Key(_)) | None => {}
        }
    }
}

/// Values that protect less than the default: kept, and reported by `verify` until they are set
/// explicitly.
pub(crate) fn weaker_than_default(kept: &SettingsLayer) -> SettingsLayer {
    let default = defaults();
    let below = |value: Option<u32>, default: Option<u32>| value.filter(|_| value < default);
    let above = |value: Option<u32>, default: Option<u32>| value.filter(|_| value > default);
    SettingsLayer {
        noncurrent_days: below(kept.noncurrent_days, default.noncurrent_days),
        keep_versions: below(kept.keep_versions, default.keep_versions),
        log_days: below(kept.log_days, default.log_days),
        rotation_days: above(kept.rotation_days, default.rotation_days),
        alarm_bucket_size: above(kept.alarm_bucket_size, default.alarm_bucket_size),
        alarm_object_count: above(kept.alarm_object_count, default.alarm_object_count),
        billing: kept
            .billing
            .filter(|billing| *billing == BillingKind::Provisioned),
        table_recovery: kept.table_recovery.filter(|recovery| !recovery),
        ..SettingsLayer::default()
    }
}

fn word(lock: LockMechanism) -> &'static str {
    match lock {
        LockMechanism::Dynamodb => "dynamodb",
        LockMechanism::S3 => "s3",
        LockMechanism::Both => "both",
    }
}
