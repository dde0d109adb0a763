//! The person who works in the sandbox: an IAM user who may do everything.
//!
//! Nobody works as the emulator's root: it skips bucket policies, so it would see less refused
//! than anybody sees on AWS.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_sdk_iam::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    error::{DisplayErrorContext, SdkError},
};

use super::{
    emulator::ROOT,
    error::SandboxError,
    files::{self, Access},
};
use crate::aws::http::{self, Proxy};

const USER: &str = "admin";
const POLICY_NAME: &str = "everything";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const KEY_ID: &str = "aws_access_key_id = ";

/// Where the sandbox's AWS configuration is, in the files that every AWS tool reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Access key of the administrator; readable by its owner only.
    pub credentials_file: PathBuf,
    pub config_file: PathBuf,
}

impl Profile {
    pub fn at(dir: &Path) -> Self {
        Self { credentials_file: dir.join("credentials"), config_file: dir.join("config") }
    }

    /// Makes the administrator and writes the two files, as far as they are not there.
    ///
    /// The emulator keeps its users in memory until it ends: after a crash the user is made again.
    ///
    /// # Errors
    /// If the emulator refuses a call, or a file cannot be written.
    pub async fn ensure(&self, endpoint: &str, region: &str, ca_file: &Path, ca: &[u8]) -> Result<(), SandboxError> {
        // With the endpoint in it, these credentials are not sent to AWS by mistake.
        let config = format!("[default]\nregion = {region}\nendpoint_url = {endpoint}\nca_bundle = {}\n", ca_file.display());
        files::write(&self.config_file, config.as_bytes(), Access::Public)?;

        let iam = client(endpoint, region, ca)?;
        let known = fs::read_to_string(&self.credentials_file).ok();
        let known_key = known.as_deref().and_then(|file| file.lines().find_map(|line| line.strip_prefix(KEY_ID)));
        let keys = keys(&iam).await?;
        if known_key.is_some_and(|known| keys.iter().any(|key| key == known)) {
            return Ok(());
        }
        match iam.create_user().user_name(USER).send().await {
            Ok(_) => {}
            Err(error) if error.as_service_error().is_some_and(|error| error.is_entity_already_exists_exception()) => {}
            Err(error) => return Err(failed("CreateUser", &error)),
        }
        iam.put_user_policy()
            .user_name(USER)
            .policy_name(POLICY_NAME)
            .policy_document(POLICY)
            .send()
            .await
            .map_err(|error| failed("PutUserPolicy", &error))?;
        // A user has two keys at most.
        for key in keys {
            iam.delete_access_key().user_name(USER).access_key_id(key).send().await.map_err(|error| failed("DeleteAccessKey", &error))?;
        }
        let made = iam.create_access_key().user_name(USER).send().await.map_err(|error| failed("CreateAccessKey", &error))?;
        let key = made
            .access_key
            .ok_or(SandboxError::Admin { operation: "CreateAccessKey", message: "the answer has no access key".to_owned() })?;
        let credentials = format!("[default]\n{KEY_ID}{}\naws_secret_access_key = {}\n", key.access_key_id, key.secret_access_key);
        files::write(&self.credentials_file, credentials.as_bytes(), Access::Private)
    }
}

/// Ids of the administrator's access keys; none if there is no such user.
async fn keys(iam: &Client) -> Result<Vec<String>, SandboxError> {
    match iam.list_access_keys().user_name(USER).send().await {
        Ok(keys) => Ok(keys.access_key_metadata.into_iter().filter_map(|key| key.access_key_id).collect()),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_entity_exception()) => Ok(Vec::new()),
        Err(error) => Err(failed("ListAccessKeys", &error)),
    }
}

fn client(endpoint: &str, region: &str, ca: &[u8]) -> Result<Client, SandboxError> {
    let config = aws_sdk_iam::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(ROOT.0, ROOT.1, None, None, "sandbox"))
        .http_client(http::http_client(Some(ca), Proxy::Direct)?)
        .build();
    Ok(Client::from_conf(config))
}

fn failed<E, R>(operation: &'static str, error: &SdkError<E, R>) -> SandboxError
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug,
{
    SandboxError::Admin { operation, message: DisplayErrorContext(error).to_string() }
}
