//! What the partial configuration of ours in the folder says of an environment: no call, and
//! nothing of other files.

use std::path::Path;

use crate::{
    backend::aws::live_settings::FolderSettings,
    kind::BackendKind,
    settings::{
        layer::{LockMechanism, SettingsLayer, TableNamespace},
        names::{BucketName, TableName},
        s3::{S3Settings, derived::DerivedNames},
    },
    terraform::{
        read::{ArgumentValue, PartialFile},
        write::{header::HeaderOwner, s3::DEFAULT_WORKSPACE_KEY_PREFIX},
    },
};

/// A file of ours, and whose it says that it is.
pub(crate) struct BesideFile {
    partial: PartialFile,
    pub owner: HeaderOwner,
}

/// The partial configuration of this environment in `dir`, if it is as tfbackend wrote it.
pub(crate) fn find(dir: &Path, settings: &S3Settings) -> Option<BesideFile> {
    let path = dir.join(
        settings
            .common
            .files
            .conf_file
            .for_env(&settings.common.env),
    );
    // A link is not followed, a pipe is not waited for.
    if !std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
        return None;
    }
    let partial = PartialFile::read(&path);
    let owner = partial
        .owner
        .clone()
        .filter(|_| partial.arguments.is_ok())?;
    let is_ours = owner.kind == BackendKind::S3
        && owner.project == settings.common.project.as_str()
        && owner.env == settings.common.env.as_str();
    is_ours.then_some(BesideFile { partial, owner })
}

impl BesideFile {
    /// Returns the values in the file. For another account or an emulator, only where in a bucket
    /// the state
    /// is.
    pub(crate) fn read(&self, settings: &S3Settings, is_same_account: bool) -> FolderSettings {
        let value = |name: &str| {
            self.partial
                .said()
                .iter()
                .find(|argument| argument.name == name)
                .map(|argument| &argument.value)
        };
        let text = |name: &str| value(name).and_then(ArgumentValue::as_text);
        let file = self.partial.name();
        let key = text("key").and_then(|key| key.parse().ok());
        let workspace_prefix = text("workspace_key_prefix")
            .unwrap_or(DEFAULT_WORKSPACE_KEY_PREFIX)
            .parse()
            .ok();
        let beside = FolderSettings {
            file,
            key,
            workspace_prefix,
            ..FolderSettings::default()
        };
        if !is_same_account {
            return beside;
        }
        let table = text("dynamodb_table");
        let lock = match (
            table.is_some(),
            value("use_lockfile")
                .and_then(ArgumentValue::as_bool)
                .unwrap_or(false),
        ) {
            (true, true) => Some(LockMechanism::Both),
            (true, false) => Some(LockMechanism::Dynamodb),
            (false, true) => Some(LockMechanism::S3),
            (false, false) => None,
        };
        let names = names(settings, &self.owner, text("bucket"), table);
        let credentials = credentials(text("profile"), value("assume_role"));
        FolderSettings {
            lock,
            bucket: text("bucket").map(str::to_owned),
            names,
            credentials,
            ..beside
        }
    }
}

/// As whom Terraform is told to work. Nothing of it is used for calls.
fn credentials(profile: Option<&str>, role: Option<&ArgumentValue>) -> SettingsLayer {
    let field = |name: &str| {
        role.and_then(ArgumentValue::as_object)
            .and_then(|fields| fields.get(name))
            .and_then(ArgumentValue::as_text)
    };
    SettingsLayer {
        profile: profile.and_then(|text| text.parse().ok()),
        role_arn: field("role_arn").and_then(|text| text.parse().ok()),
        external_id: field("external_id").and_then(|text| text.parse().ok()),
        conf_credentials: (profile.is_some() || role.is_some()).then_some(true),
        ..SettingsLayer::default()
    }
}

/// The names among these that are not derived from the settings.
fn names(
    settings: &S3Settings,
    owner: &HeaderOwner,
    bucket: Option<&str>,
    table: Option<&str>,
) -> SettingsLayer {
    let Ok(account) = owner.place.parse() else {
        return SettingsLayer::default();
    };
    let derived = |namespace| {
        let mut settings = settings.clone();
        (
            settings.bucket.name,
            settings.bucket.namespace,
            settings.table.name,
        ) = (None, namespace, None);
        DerivedNames::new(&settings, &account)
    };
    let (global, regional) = (
        derived(TableNamespace::Global),
        derived(TableNamespace::AccountRegional),
    );
    let table = table
        .filter(|table| *table != global.table)
        .and_then(|table| table.parse::<TableName>().ok());
    let names = SettingsLayer {
        table,
        ..SettingsLayer::default()
    };
    match bucket {
        Some(bucket) if bucket == regional.state_bucket => SettingsLayer {
            namespace: Some(TableNamespace::AccountRegional),
            ..names
        },
        Some(bucket) if bucket != global.state_bucket => {
            let bucket: Option<BucketName> = bucket.parse().ok();
            let is_regional = bucket.as_ref().is_some_and(BucketName::is_account_regional);
            SettingsLayer {
                namespace: is_regional.then_some(TableNamespace::AccountRegional),
                bucket,
                ..names
            }
        }
        Some(_) | None => names,
    }
}
