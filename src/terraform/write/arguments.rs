//! Which arguments of the `s3` backend are written, and which never are.

use serde::Serialize;

use super::{AssumedRole, BackendConfig, RenderError};

/// Terraform's default prefix of other workspaces; written only if the prefix differs.
///
/// Terraform ignores being denied the listing of workspaces only while the argument is at its
/// default.
pub const DEFAULT_WORKSPACE_KEY_PREFIX: &str = "env:";

/// The variables of the templates. Field names are the arguments of the backend.
///
/// Not among them, whatever the settings: credentials (Terraform saves them in clear in
/// `.terraform/`), arguments that are deprecated as a form (`endpoint`, `force_path_style`,
/// `role_arn`), and, for an emulator, `skip_requesting_account_id`, with which
/// `allowed_account_ids` refuses every account.
#[derive(Debug, Serialize)]
pub struct BackendArguments<'a> {
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
    pub fn of(config: &'a BackendConfig) -> Result<Self, RenderError> {
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
