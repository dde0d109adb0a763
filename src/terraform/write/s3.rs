//! The arguments of an `s3` backend: which are written, and which never are.

use std::path::PathBuf;

use serde::Serialize;

use super::{BackendConfig, RenderError, SharedBlock, hcl, header::HeaderOwner};
use crate::{kind::BackendKind, terraform::read::ConfiguredBlock};

/// Terraform's default prefix of other workspaces; written only if the prefix differs.
///
/// Terraform ignores being denied the listing of workspaces only while the argument is at its
/// default.
pub const DEFAULT_WORKSPACE_KEY_PREFIX: &str = "env:";

/// The `s3` backend of one environment. Values are checked elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct S3BackendConfig {
    pub project: String,
    pub env: String,
    pub bucket: String,
    /// State key of the default workspace.
    pub key: String,
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// True if the block says `skip_requesting_account_id`: then Terraform refuses every account
    /// that is said to be allowed.
    pub skips_account: bool,
    /// The full ARN of the key; `None` with SSE-S3.
    pub kms_key_arn: Option<String>,
    pub dynamodb_table: Option<String>,
    pub use_lockfile: bool,
    pub workspace_key_prefix: String,
    pub emulator: Option<EmulatorEndpoint>,
    /// The profile that Terraform uses, if it is to be told.
    pub profile: Option<String>,
    /// The role that Terraform assumes, if it is to be told.
    pub role: Option<AssumedRole>,
}

/// `assume_role` of the backend, which Terraform and OpenTofu know from 1.6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssumedRole {
    pub arn: String,
    pub external_id: Option<String>,
}

/// The endpoint of an AWS emulator.
#[derive(Clone, Debug, PartialEq)]
pub struct EmulatorEndpoint {
    pub endpoint: String,
    /// Certificates that its own is signed with, for https.
    pub ca_file: Option<PathBuf>,
}

impl BackendConfig for S3BackendConfig {
    fn owner(&self) -> HeaderOwner {
        let line = |text: &str| hcl::comment(text).trim().to_owned();
        HeaderOwner {
            project: line(&self.project),
            env: line(&self.env),
            kind: BackendKind::S3,
            place: line(&self.account),
            emulated: self.emulator.is_some(),
        }
    }

    fn block(&self) -> SharedBlock {
        SharedBlock {
            label: BackendKind::S3.terraform_type(),
            use_lockfile: self.use_lockfile,
        }
    }

    // Where one environment of several locks with a lock file, the block must keep asking for a
    // Terraform that knows it: else each environment would undo what the other wrote.
    fn tolerated_block(&self) -> Option<SharedBlock> {
        (!self.use_lockfile).then_some(SharedBlock::S3_WITH_LOCK_FILE)
    }

    /// With [`SKIP_ACCOUNT`] in the block, Terraform does not know the account that it is to hold
    /// against those that are allowed.
    fn complete(&mut self, block: &ConfiguredBlock, conf_file: &str) -> Option<String> {
        let argument = block
            .arguments
            .iter()
            .find(|argument| argument.name == SKIP_ACCOUNT)?;
        self.skips_account = argument.value.as_bool() == Some(true);
        self.skips_account.then(|| {
            format!(
                "{} has a block with `{SKIP_ACCOUNT}`: {conf_file} has no `allowed_account_ids`, \
                 with which Terraform would refuse every account. Remove the argument, and run \
                 this again, to have runs in other accounts refused",
                block.at.path.display()
            )
        })
    }

    fn arguments(&self) -> Result<serde_json::Value, RenderError> {
        let arguments = BackendArguments::of(self)?;
        Ok(serde_json::to_value(arguments).expect("plain data"))
    }
}

const SKIP_ACCOUNT: &str = "skip_requesting_account_id";

/// The variables of the templates. Field names are the arguments of the backend.
///
/// Not among them, whatever the settings: credentials (Terraform saves them in clear in
/// `.terraform/`), arguments that are deprecated as a form (`endpoint`, `force_path_style`,
/// `role_arn`), and, for an emulator, `skip_requesting_account_id`, with which
/// `allowed_account_ids` refuses every account.
#[derive(Debug, Serialize)]
pub struct BackendArguments<'a> {
    pub kind: BackendKind,
    pub project: &'a str,
    pub env: &'a str,
    pub bucket: &'a str,
    pub key: &'a str,
    pub region: &'a str,
    /// The full ARN only: an alias would be resolved in the account of the caller of Terraform.
    pub kms_key_id: Option<&'a str>,
    pub dynamodb_table: Option<&'a str>,
    pub use_lockfile: bool,
    pub allowed_account_ids: Option<[&'a str; 1]>,
    pub workspace_key_prefix: Option<&'a str>,
    pub emulator: Option<EndpointArgument<'a>>,
    pub profile: Option<&'a str>,
    pub assume_role: Option<&'a AssumedRole>,
}

#[derive(Debug, Serialize)]
pub struct EndpointArgument<'a> {
    pub endpoint: &'a str,
    pub ca_file: Option<&'a str>,
}

impl<'a> BackendArguments<'a> {
    /// # Errors
    /// If there is no lock, the key is not named by its full ARN, or a path is not text.
    pub fn of(config: &'a S3BackendConfig) -> Result<Self, RenderError> {
        if config.dynamodb_table.is_none() && !config.use_lockfile {
            return Err(RenderError::NoLock);
        }
        if let Some(arn) = &config.kms_key_arn
            && !is_key_arn(arn)
        {
            return Err(RenderError::NoKeyArn {
                kms_key_id: arn.clone(),
            });
        }
        let emulator = match &config.emulator {
            None => None,
            Some(emulator) => {
                let ca_file = emulator.ca_file.as_ref();
                let ca_file = ca_file
                    .map(|path| {
                        path.to_str()
                            .ok_or_else(|| RenderError::NotText { path: path.clone() })
                    })
                    .transpose()?;
                Some(EndpointArgument {
                    endpoint: &emulator.endpoint,
                    ca_file,
                })
            }
        };
        Ok(Self {
            kind: BackendKind::S3,
            project: &config.project,
            env: &config.env,
            bucket: &config.bucket,
            key: &config.key,
            region: &config.region,
            kms_key_id: config.kms_key_arn.as_deref(),
            dynamodb_table: config.dynamodb_table.as_deref(),
            use_lockfile: config.use_lockfile,
            allowed_account_ids: (!config.skips_account).then_some([config.account.as_str()]),
            workspace_key_prefix: Some(config.workspace_key_prefix.as_str())
                .filter(|prefix| *prefix != DEFAULT_WORKSPACE_KEY_PREFIX),
            emulator,
            profile: config.profile.as_deref(),
            assume_role: config.role.as_ref(),
        })
    }
}

/// `arn:<partition>:kms:<region>:<account>:key/<id>`, or the placeholder of a key that is yet to be
/// made.
fn is_key_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let is_arn = matches!(parts[..], ["arn", _, "kms", _, _, resource] if resource.strip_prefix("key/").is_some_and(|id| !id.is_empty()));
    is_arn || text.starts_with(crate::engine::spec::UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_key_arn_is_one() {
        assert!(is_key_arn(
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-4cd3-9ef5-1234567890ab"
        ));
        assert!(is_key_arn(
            "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab4cd39ef51234567890ab"
        ));
        for not in [
            "",
            "alias/x",
            "1234abcd-12ab-4cd3-9ef5-1234567890ab",
            "arn:aws:kms:eu-west-1:111122223333:alias/x",
            "arn:aws:kms:::key/",
        ] {
            assert!(!is_key_arn(not), "{not}");
        }
    }
}
