//! Which options each backend kind has.

use crate::kind::BackendKind;

/// Options of every kind.
const COMMON: [&str; 12] = [
    "backend",
    "project",
    "ephemeral",
    "key",
    "out",
    "conf-file",
    "tf-file",
    "auto-approve",
    "non-interactive",
    "adopt",
    "overwrite",
    "parallelism",
];

const S3: [&str; 33] = [
    "region",
    "account",
    "profile",
    "role-arn",
    "external-id",
    "conf-credentials",
    "tag",
    "workspace-key-prefix",
    "lock",
    "bucket",
    "namespace",
    "noncurrent-days",
    "keep-versions",
    "access-logs",
    "delete-events",
    "encryption",
    "kms-key",
    "rotation-days",
    "table",
    "billing",
    "read-capacity",
    "write-capacity",
    "table-recovery",
    "table-encryption",
    "policy",
    "attach-to",
    "alarms",
    "alarm-email",
    "alarm-topic",
    "alarm-bucket-size",
    "alarm-object-count",
    "trail",
    "log-days",
];

const LOCAL: [&str; 1] = ["state-dir"];

impl BackendKind {
    /// Returns whether a backend of this kind has the option, without dashes.
    pub fn has_option(self, name: &str) -> bool {
        COMMON.contains(&name)
            || match self {
                Self::S3 => S3.contains(&name),
                Self::Local => LOCAL.contains(&name),
            }
    }

    /// Options without a default.
    pub fn required_options(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["project", "region"],
            Self::Local => &["project"],
        }
    }

    /// The kinds that have an option.
    pub fn with_option(name: &str) -> Vec<Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|kind| kind.has_option(name)).collect()
    }
}

/// `s3`, or `s3 and local`, for a message.
pub(crate) fn names_of(kinds: &[BackendKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    crate::text::words::list(&names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::options::SettingOptions;

    #[test]
    fn each_option_is_of_a_kind_and_each_name_is_an_option() {
        let options = SettingOptions::shared();
        for option in options.all() {
            assert!(
                !BackendKind::with_option(&option.name).is_empty(),
                "{} is of no kind",
                option.name
            );
        }
        let mut all: Vec<&str> = [&COMMON[..], &S3, &LOCAL].concat();
        for name in &all {
            assert!(options.get(name).is_some(), "{name} is no option");
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "an option is in two lists");
    }
}
