//! States that are encrypted with another key than configured. They are only counted if there may
//! be any.

use std::collections::BTreeMap;

use super::evidence::{LiveEncryption, LiveEvidence};
use crate::{
    backend::aws::{
        AwsProvider,
        store::{
            S3Store, StoreAddress,
            scan::{ScanItem, ScanScope},
        },
        verify::usage::AT_ONCE,
    },
    engine::{plan::SettingChange, spec::Address},
    settings::s3::{EncryptionSettings, S3Settings, derived::DerivedNames},
    state::layout::StateLayout,
    text::words,
};

/// The numbers of states by encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnderOldKeys {
    /// By the ARN of a key other than the configured one; `None` if they could not be counted.
    by_key: BTreeMap<String, Option<usize>>,
    /// Encrypted with S3 managed keys, if the settings require a KMS key.
    under_s3: Option<usize>,
}

/// Returns the states with earlier keys.
pub(crate) async fn under(
    aws: &AwsProvider,
    settings: &S3Settings,
    names: &DerivedNames,
    evidence: &LiveEvidence,
) -> UnderOldKeys {
    let current = match &settings.encryption {
        EncryptionSettings::SseS3 => return UnderOldKeys::default(),
        EncryptionSettings::NewKey { .. } => evidence.own_key.clone(),
        EncryptionSettings::OwnKey { arn } => Some(arn.to_string()),
    };
    let old: Vec<&String> = evidence
        .keys
        .iter()
        .filter(|key| Some(*key) != current.as_ref())
        .collect();
    let from_s3 = evidence.encryption == Some(LiveEncryption::S3);
    if old.is_empty() && !from_s3 {
        return UnderOldKeys::default();
    }
    let (mut counts, mut under_s3, mut unseen) = (BTreeMap::<String, usize>::new(), 0, false);
    let layout = StateLayout {
        key: Some(settings.key.to_string()),
        workspace_prefix: settings.workspace_key_prefix.to_string(),
    };
    let address = StoreAddress {
        bucket: names.state_bucket.clone(),
        owner: aws.account().to_owned(),
        table: None,
        layout,
    };
    let store = S3Store::new(aws, &address);
    let see = |seen| match seen {
        ScanItem::State(state) => match state.head {
            Ok(head) => match head.encryption.key {
                Some(key) => *counts.entry(key).or_default() += 1,
                None => under_s3 += 1,
            },
            Err(_) => unseen = true,
        },
        ScanItem::NoListing(_) => unseen = true,
        ScanItem::Lock(_)
        | ScanItem::Orphan { .. }
        | ScanItem::Elsewhere { .. }
        | ScanItem::NoTable(_) => {}
    };
    store.walk(ScanScope::All, AT_ONCE, see).await;
    let count = |key: &String| {
        if unseen {
            None
        } else {
            Some(counts.get(key).copied().unwrap_or(0))
        }
    };
    UnderOldKeys {
        by_key: old
            .into_iter()
            .map(|key| (key.clone(), count(key)))
            .collect(),
        under_s3: (from_s3 && !unseen).then_some(under_s3),
    }
}

impl UnderOldKeys {
    /// Returns the keys that runs still need: those of states, and those with unknown use.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.by_key
            .iter()
            .filter(|(_, count)| **count != Some(0))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Returns the consequences of a requested change of encryption for existing states.
    pub(crate) fn consequence(
        &self,
        settings: &S3Settings,
        evidence: &LiveEvidence,
    ) -> Option<SettingChange> {
        let to = match &settings.encryption {
            EncryptionSettings::SseS3 => return None,
            EncryptionSettings::NewKey { .. } => evidence.own_key.as_deref().unwrap_or("a new key"),
            EncryptionSettings::OwnKey { arn } => arn.as_str(),
        };
        let stay = match evidence.encryption.as_ref()? {
            LiveEncryption::Key(live) if live == to => return None,
            LiveEncryption::Key(live) => match self.by_key.get(live) {
                Some(Some(0)) => format!("no state is encrypted with {live}"),
                Some(Some(count)) => format!(
                    "{} encrypted with {live}, and the runner policy allows that key until no \
                     state uses it",
                    words::count(*count, "state remains", "states remain")
                ),
                Some(None) | None => format!(
                    "states remain encrypted with {live}, and the runner policy allows that key \
                     until no state uses it"
                ),
            },
            LiveEncryption::S3 => match self.under_s3 {
                Some(0) => "no state is encrypted differently".to_owned(),
                Some(count) => format!(
                    "{} encrypted with S3 managed keys",
                    words::count(count, "state remains", "states remain")
                ),
                None => "states remain encrypted with S3 managed keys".to_owned(),
            },
        };
        let what = format!(
            "runs with the new files encrypt states with {to}; {stay}. Runs with the previous \
             files work until no such state is left, or until --enforce; runs that do not specify \
             a key need permission for {to} from now on"
        );
        Some(SettingChange::Consequence {
            step: Address::new("state_bucket/encryption"),
            what,
        })
    }
}
