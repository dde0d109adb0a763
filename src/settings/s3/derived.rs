//! Every name that is derived from settings: they are all that is needed to find a backend again.

use super::S3Settings;
use crate::settings::{
    layer::{TableNamespace, TrailKind},
    names::AccountId,
};

/// The names of one environment's resources in one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedNames {
    pub state_bucket: String,
    pub log_bucket: String,
    pub table: String,
    /// With `alias/`.
    pub key_alias: String,
    pub policy: String,
    pub topic: String,
    /// Every alarm's name begins so.
    pub alarm_prefix: String,
    pub trail: String,
}

impl DerivedNames {
    /// Names as the settings say them, else derived. Valid for settings that went through
    /// [`check`](crate::settings::check::check), whatever the account.
    pub fn new(settings: &S3Settings, account: &AccountId) -> Self {
        let base = base(settings);
        let place = format!(
            "{account}-{}{}",
            settings.region,
            if regional(settings) { "-an" } else { "" }
        );
        Self {
            state_bucket: settings
                .bucket
                .name
                .as_ref()
                .map_or_else(|| format!("{base}-{place}"), ToString::to_string),
            log_bucket: format!("{base}-logs-{place}"),
            table: settings
                .table
                .name
                .as_ref()
                .map_or_else(|| format!("{base}-locks"), ToString::to_string),
            key_alias: format!("alias/{base}"),
            // IAM is global: an environment in two regions has two policies.
            policy: format!("{base}-runner-{}", settings.region),
            topic: format!("{base}-alarms"),
            alarm_prefix: format!("{base}-"),
            trail: base,
        }
    }
}

impl S3Settings {
    /// Returns whether there is a log bucket: for the trail, for access logs, or for both.
    pub fn has_log_bucket(&self) -> bool {
        self.bucket.access_logs || self.trail == TrailKind::New
    }
}

/// Returns the prefix of all derived names: `<project>-tfstate-<env>`.
pub fn base(settings: &S3Settings) -> String {
    format!(
        "{}-tfstate-{}",
        settings.common.project, settings.common.env
    )
}

fn regional(settings: &S3Settings) -> bool {
    settings.bucket.namespace == TableNamespace::AccountRegional
}
