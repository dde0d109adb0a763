//! A backend of kind s3: bucket and table, found and connected to.

use crate::{backend::provider::Provider, store::location::BackendLocation};
use std::path::PathBuf;

use serde::Serialize;

use super::{
    connection, locate,
    resolve::{self, DescribedBackend},
};
use crate::{
    backend::aws::{
        AwsProvider, bucket,
        error::AwsError,
        key::find,
        store::{
            S3Store, StoreAddress, lock_acquire::LockMechanisms, state_store::S3StateStore,
            write::WriteEncryption,
        },
    },
    cli::{
        context::Context,
        environment::ConnectedEnvironment,
        failure::CliError,
        session::{self, ConnectionSettings, SandboxSession},
    },
    report::{
        json::{self, NotedDocument},
        states::{AboutDocument, BucketDocument},
    },
    settings::{names::Region, s3::EncryptionSettings},
    state::layout::StateLayout,
};

/// An existing backend, and the connection to it.
#[derive(Debug)]
pub struct S3Target {
    pub aws: AwsProvider,
    /// The state key is that of the default workspace; absent if none was given.
    pub address: StoreAddress,
    pub locks: KnownLocks,
    /// A table that was named, but does not exist.
    pub missing_table: Option<String>,
    /// The table of an environment that does not lock in it.
    pub unused_table: Option<String>,
    /// The encryption that Terraform would request for states.
    pub encryption: WriteEncryption,
    /// The folder of its files.
    pub dir: PathBuf,
    /// The workspace that Terraform would use here.
    pub workspace: String,
    /// The IAM policy for Terraform runs, if tfbackend created one.
    pub policy: Option<String>,
    /// One line for people.
    pub title: String,
    /// Words that name it on a command line, each after a space.
    pub words: String,
    /// Notes that are shown first.
    pub notes: Vec<String>,
}

/// Returns where locks are, as far as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownLocks {
    pub table: bool,
    /// `None` if unknown, with only a bucket and a table.
    pub file: Option<bool>,
}

impl S3Target {
    pub fn store(&self) -> S3Store<'_> {
        S3Store::new(&self.aws, &self.address)
    }

    /// All states of the bucket, whatever the kind.
    pub fn states(&self) -> S3StateStore<'_> {
        S3StateStore::of_bucket(
            self.store(),
            self.locks.mechanisms(),
            self.encryption.clone(),
        )
    }

    /// The states of the block alone; `None` if its state key is unknown.
    pub fn own_states(&self) -> Option<S3StateStore<'_>> {
        let key = self.address.layout.key.clone()?;
        Some(S3StateStore::new(
            self.store(),
            key,
            self.locks.mechanisms(),
            self.encryption.clone(),
        ))
    }

    /// With the table of an environment that locks in files by now, as long as it is there: runs
    /// with the files of before lock in it.
    ///
    /// # Errors
    /// If it is interrupted.
    pub async fn with_unused_table(mut self, cx: &mut Context<'_>) -> Result<Self, CliError> {
        let Some(table) = self.unused_table.take() else {
            return Ok(self);
        };
        let address = StoreAddress {
            table: Some(table.clone()),
            ..self.address.clone()
        };
        match cx
            .until_cancelled(S3Store::new(&self.aws, &address).has_table())
            .await?
        {
            Ok(true) => {
                self.address = address;
                self.notes.push(format!(
                    "runs use lock files; table {table} still exists, and runs with older files \
                     lock in it"
                ));
            }
            Ok(false) => {}
            Err(error) => self.notes.push(format!(
                "whether table {table} has locks of runs with older files is unknown: {error}"
            )),
        }
        Ok(self)
    }

    /// For a document.
    pub fn about(&self) -> AboutDocument {
        let StoreAddress {
            bucket,
            owner,
            table,
            layout: _,
        } = self.address.clone();
        AboutDocument {
            backend: BackendLocation::of(&self.states()),
            bucket: Some(BucketDocument {
                bucket,
                region: self.aws.region.clone(),
                account: owner,
                table,
            }),
            notes: self.notes.clone(),
        }
    }

    /// Prints the backend and its notes.
    pub fn announce(&self, cx: &mut Context<'_>) {
        cx.status(&self.title);
        for note in &self.notes {
            cx.status(&format!("note: {note}"));
        }
    }

    /// Writes a document that includes the backend.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn answer<T: Serialize>(&self, document: &T, cx: &mut Context<'_>) -> Result<(), CliError> {
        let written = json::write_document(
            &mut *cx.host.out,
            NotedDocument {
                body: document,
                backend: BackendLocation::of(&self.states()),
                notes: &self.notes,
            },
        );
        written.map_err(|error| CliError::failed("cannot write the output").because(&error))
    }

    /// The ARN of the key that states should be encrypted with; `None` if that is S3's own, or
    /// unknown.
    ///
    /// # Errors
    /// If the key is named in another way, and may not be looked at.
    pub async fn key_arn(&self) -> Result<Option<String>, AwsError> {
        match &self.encryption {
            WriteEncryption::OfS3 | WriteEncryption::Unsaid => Ok(None),
            WriteEncryption::Kms(id) if id.contains(":key/") => Ok(Some(id.clone())),
            WriteEncryption::Kms(id) => find::arn(&self.aws, id).await,
        }
    }

    /// The object of a state: as it is named, else the workspace's.
    ///
    /// # Errors
    /// If neither is said, or both.
    pub fn path(&self, key: Option<&str>, workspace: Option<&str>) -> Result<String, CliError> {
        match (key, workspace, &self.address.layout.key) {
            (Some(path), None, _) => Ok(path.to_owned()),
            (Some(_), Some(_), _) => Err(CliError::failed(
                "give either the path of a state or its workspace, not both",
            )),
            (None, workspace, Some(key)) => {
                let workspace = workspace.unwrap_or(&self.workspace);
                resolve::must_be_workspace(workspace)?;
                Ok(self.address.layout.path(key, workspace))
            }
            (None, _, None) => Err(CliError::failed("no state was given")
                .hint("name it: the path of its object, as in `app/terraform.tfstate`")
                .hint(
                    "or the state key: --key PATH, with --workspace NAME for a workspace other \
                     than the default",
                )
                .hint(format!("`tfbackend state list{}` lists them", self.words))),
        }
    }
}

impl KnownLocks {
    /// Returns the locks to acquire: a lock file also if the mechanism is unknown.
    pub fn mechanisms(self) -> LockMechanisms {
        LockMechanisms {
            table: self.table,
            file: self.file.unwrap_or(true),
        }
    }
}

pub(super) async fn of_environment(
    environment: &ConnectedEnvironment,
    words: String,
    cx: &mut Context<'_>,
) -> Result<S3Target, CliError> {
    let settings = &environment.provider.settings;
    let sandbox = SandboxSession::find(cx.host, &cx.global)?;
    let address = environment.provider.address().clone();
    let connect = async |region: &Region, cx: &mut Context<'_>| {
        let connected = session::connect(
            &environment.merged.layer,
            cx.host,
            &cx.global,
            sandbox.as_ref(),
            region,
        )
        .await?;
        Ok(connected.about(settings))
    };
    let start = locate::LocateRequest {
        aws: environment.provider.aws.clone(),
        address,
        region_said: true,
    };
    let found = locate::find(start, connect, cx).await;
    let found = found.map_err(|failure| match failure {
        locate::MissingPart::Bucket(failure) => failure.hint(format!(
            "`{}` creates it",
            environment.rerun.command("bootstrap", "", &[])
        )),
        locate::MissingPart::Other(failure) => failure,
    })?;
    let encryption = match &settings.encryption {
        EncryptionSettings::SseS3 => WriteEncryption::OfS3,
        EncryptionSettings::OwnKey { arn } => WriteEncryption::Kms(arn.to_string()),
        EncryptionSettings::NewKey { .. } => {
            live_encryption(
                &found.aws,
                &found.address.bucket,
                &environment.provider.names.key_alias,
                cx,
            )
            .await?
        }
    };
    Ok(S3Target {
        locks: KnownLocks {
            table: found.address.table.is_some(),
            file: (environment.says_how_to_lock() || environment.live)
                .then(|| settings.lock.uses_lockfile()),
        },
        encryption,
        dir: crate::cli::files::out(&environment.provider, cx.host),
        workspace: resolve::workspace_of(environment, cx)?,
        policy: settings
            .access
            .policy
            .then(|| environment.provider.names.policy.clone()),
        title: environment.provider.title(),
        words,
        aws: found.aws,
        address: found.address,
        missing_table: found.missing_table,
        unused_table: (!settings.lock.uses_table())
            .then(|| environment.provider.names.table.clone()),
        notes: if cx.global.document() {
            environment
                .notes
                .iter()
                .cloned()
                .chain(found.notes)
                .collect()
        } else {
            found.notes
        },
    })
}

/// The key that the bucket has as its default, which may be another than the alias leads to; else
/// that of the alias.
async fn live_encryption(
    aws: &AwsProvider,
    bucket: &str,
    alias: &str,
    cx: &mut Context<'_>,
) -> Result<WriteEncryption, CliError> {
    // A principal with only the runner policy may call neither; the alias resolves for it as well.
    let default = cx
        .until_cancelled(bucket::encryption::BucketEncryption::of(aws, bucket))
        .await?
        .ok()
        .flatten();
    if let Some(key) = default.as_ref().and_then(|default| default.key_arn()) {
        return Ok(WriteEncryption::Kms(key.to_owned()));
    }
    Ok(
        match (cx.until_cancelled(find::arn(aws, alias)).await?, default) {
            (Ok(Some(arn)), _) => WriteEncryption::Kms(arn),
            (Ok(None), Some(_)) => WriteEncryption::OfS3,
            (Ok(None), None) | (Err(_), _) => WriteEncryption::Kms(alias.to_owned()),
        },
    )
}

pub(super) async fn of_described(
    described: DescribedBackend,
    asked: &ConnectionSettings,
    words: String,
    cx: &mut Context<'_>,
) -> Result<S3Target, CliError> {
    let DescribedBackend {
        configured,
        origin,
        folder,
        account,
        locks,
        encryption,
    } = described;
    let sandbox = SandboxSession::find(cx.host, &cx.global)?;
    let (ways, mut notes) = connection::of(&configured, asked, sandbox.as_ref(), cx)?;
    let (region, region_said) = resolve::region(&configured, &ways, sandbox.as_ref(), cx).await?;
    let connect = async |region: &Region, cx: &mut Context<'_>| {
        let connected =
            session::connect_by(&ways, cx.host, &cx.global, sandbox.as_ref(), region, None).await?;
        connection::must_be_allowed(&connected.caller, &configured, cx)?;
        Ok(connected.of_nobody())
    };
    // If the responses are not as expected, the endpoint may be the cause.
    let named = notes.clone();
    let aws = connect(&region, cx)
        .await
        .map_err(|failure| named.into_iter().fold(failure, CliError::hint))?;
    let owner = account.map_or_else(|| aws.account().to_owned(), |account| account.to_string());
    let table = configured
        .dynamodb_table
        .as_ref()
        .map(|said| said.value.clone());
    if owner != aws.account() {
        notes.push(format!(
            "the bucket must belong to account {owner}, and these credentials are for account {}",
            aws.account()
        ));
    }
    connection::must_be_of_owner(table.as_deref(), &owner, aws.account())?;
    let layout = StateLayout {
        key: configured.key.as_ref().map(|said| said.value.clone()),
        workspace_prefix: configured.workspace_key_prefix().to_owned(),
    };
    let address = StoreAddress {
        bucket: configured.bucket.value.clone(),
        owner,
        table,
        layout,
    };
    let found = locate::find(
        locate::LocateRequest {
            aws,
            address,
            region_said,
        },
        connect,
        cx,
    )
    .await
    .map_err(locate::MissingPart::into_failure)?;
    let place = format!(
        "{} in {} (account {})",
        found.address.bucket, found.aws.region, found.address.owner
    );
    notes.extend(found.notes);
    Ok(S3Target {
        locks: KnownLocks {
            table: found.address.table.is_some(),
            ..locks
        },
        encryption,
        dir: cx.host.cwd.components().collect(),
        workspace: resolve::workspace(folder.as_ref(), cx)?,
        policy: None,
        title: origin.map_or_else(
            || place.clone(),
            |origin| format!("{place}, as {origin} says"),
        ),
        words,
        aws: found.aws,
        address: found.address,
        missing_table: found.missing_table,
        unused_table: None,
        notes,
    })
}
