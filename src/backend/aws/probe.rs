//! Probes a backend: acquires and releases a lock, writes and deletes an object, and tries requests
//! that must be denied.
//!
//! All written names are unique to this probe ([`Name`]). The first object is deleted last: as long
//! as it exists, the probe has not finished, and the next probe cleans up after it an hour later.
//! An interrupted probe cleans up itself. The results are facts, which `verify::probe` evaluates.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    AwsProvider,
    caller::{Caller, CallerError},
    clients::ConnectionRole,
    error::AwsError,
    store::{S3Store, StoreAddress, write::WriteEncryption},
};

mod clean;
mod http;
mod lock_file;
mod lock_item;
mod name;
mod object;
mod refused;
mod rights;

pub use clean::{ProbeLeftover, SweptProbes};
pub use http::PlainHttp;
pub use lock_file::ProbedLockFile;
pub use lock_item::LockItem;
pub use name::ProbeName;
pub use object::{ProbeObject, ProbeObjects};
pub use refused::RefusedWrites;
pub use rights::RunnerRights;

/// The result of a call.
pub type ProbeResult<T = ()> = Result<T, AwsError>;

/// The target of a probe.
#[derive(Clone, Debug)]
pub struct ProbeTarget {
    pub address: StoreAddress,
    /// True if lock files are used.
    pub lock_files: bool,
    pub key: ProbeEncryption,
}

/// The key with which Terraform writes states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeEncryption {
    /// An S3 managed key (SSE-S3).
    OfS3,
    Arn(String),
    /// A KMS key that these credentials cannot determine: the default of the bucket is used.
    Unknown,
}

impl ProbeEncryption {
    fn encrypt(&self) -> WriteEncryption {
        match self {
            Self::OfS3 => WriteEncryption::OfS3,
            Self::Arn(arn) => WriteEncryption::Kms(arn.clone()),
            Self::Unknown => WriteEncryption::Unsaid,
        }
    }
}

/// A probe.
#[derive(Debug)]
pub struct BackendProbe<'a> {
    /// The clients whose permissions are tested.
    pub tried: &'a AwsProvider,
    /// The clients that clean up what those cannot delete.
    pub cleaner: &'a AwsProvider,
    /// The ARN of the tested role, if any: some requests of a runner must be denied.
    pub role: Option<&'a str>,
    pub target: &'a ProbeTarget,
    pub name: ProbeName,
    /// The holder in the locks: `user@host`.
    pub who: String,
    pub now: Timestamp,
    pub cancel: CancellationToken,
}

/// The results; those that were not tried because of an interruption are absent.
#[derive(Debug, Default)]
pub struct ProbeFacts {
    pub objects: Option<ProbeObjects>,
    pub refused: Option<RefusedWrites>,
    pub item: Option<LockItem>,
    pub file: Option<ProbedLockFile>,
    pub rights: Option<RunnerRights>,
    pub http: Option<PlainHttp>,
    /// The deletion of the object, which ends the probe.
    pub deleted: Option<ProbeResult>,
    pub swept: SweptProbes,
    pub left: ProbeLeftover,
    pub interrupted: bool,
}

impl ProbeFacts {
    fn written(&self) -> bool {
        self.objects
            .as_ref()
            .is_some_and(|objects| objects.written.is_ok())
    }

    fn released(&self) -> bool {
        let item = self.item.as_ref().and_then(|item| item.released.as_ref());
        let file = self.file.as_ref().and_then(|file| file.released.as_ref());
        [item, file].into_iter().flatten().all(Result::is_ok)
    }
}

impl BackendProbe<'_> {
    /// Tries everything sequentially, and cleans up in any case.
    pub async fn run(&self) -> ProbeFacts {
        let swept = self.sweep().await;
        let mut facts = ProbeFacts {
            swept,
            interrupted: self.cancel.is_cancelled(),
            ..ProbeFacts::default()
        };
        if !facts.interrupted {
            self.all(&mut facts).await;
            facts.interrupted = self.cancel.is_cancelled();
        }
        facts
    }

    async fn all(&self, facts: &mut ProbeFacts) {
        let go_on = || !self.cancel.is_cancelled();
        facts.objects = Some(self.objects().await);
        if go_on() {
            facts.refused = Some(self.refused().await);
        }
        if go_on() && self.target.address.table.is_some() {
            facts.item = Some(self.lock_item().await);
        }
        if go_on() && self.target.lock_files {
            facts.file = Some(self.lock_file().await);
        }
        if let (true, Some(role)) = (go_on(), self.role) {
            facts.rights = Some(self.rights(role, facts.objects.as_ref()).await);
        }
        if go_on() {
            facts.http = Some(self.plain_http().await);
        }
        // The object must exist as long as a lock may be held.
        if facts.written() && facts.released() {
            facts.deleted = Some(self.end().await);
        }
        facts.left = self.clean().await;
    }

    /// Returns the store of the tested clients.
    fn store(&self) -> S3Store<'_> {
        S3Store::new(self.tried, &self.target.address)
    }

    fn bucket(&self) -> &str {
        &self.target.address.bucket
    }

    /// The expected owner account.
    fn owner(&self) -> &str {
        &self.target.address.owner
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket())
    }
}

/// Returns the same account and environment with an assumed role.
///
/// # Errors
/// If the role cannot be assumed.
pub async fn as_role(
    aws: &AwsProvider,
    arn: &str,
    name: &ProbeName,
) -> Result<AwsProvider, CallerError> {
    let role = ConnectionRole {
        arn: arn.to_owned(),
        session_name: name.session(),
        external_id: None,
        duration: None,
    };
    let clients = aws.clients.as_role(&role).await;
    let caller = Caller::ask(&clients).await?;
    Ok(AwsProvider {
        clients,
        caller,
        ..aws.clone()
    })
}

#[cfg(test)]
mod tests;
