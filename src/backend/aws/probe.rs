//! A backend tried out: a lock taken and released, an object written and deleted, and what must be
//! refused tried as well.
//!
//! All that is written is named after this probe and nobody else's ([`Name`]). The first object is
//! the last to go: as long as it is there, a probe has begun and not ended, and the next one an
//! hour later cleans up after it. A probe that is interrupted cleans up itself. What came of each
//! try is a fact; `verify::probe` judges.

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

/// What came of a call.
pub type ProbeResult<T = ()> = Result<T, AwsError>;

/// What is tried.
#[derive(Clone, Debug)]
pub struct ProbeTarget {
    pub address: StoreAddress,
    /// Whether locks are files.
    pub lock_files: bool,
    pub key: ProbeEncryption,
}

/// What Terraform writes states with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeEncryption {
    /// S3's own (SSE-S3).
    OfS3,
    Arn(String),
    /// There is one, and these credentials may not look which: it is left to the bucket.
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

/// One probe.
#[derive(Debug)]
pub struct BackendProbe<'a> {
    /// Whose rights are tried.
    pub tried: &'a AwsProvider,
    /// Who cleans up what those may not delete.
    pub cleaner: &'a AwsProvider,
    /// The ARN of the role, if those are the rights of one: of a runner some are denied.
    pub role: Option<&'a str>,
    pub target: &'a ProbeTarget,
    pub name: ProbeName,
    /// Who says so in the locks: `user@host`.
    pub who: String,
    pub now: Timestamp,
    pub cancel: CancellationToken,
}

/// What came of it; what nobody tried any more after an interruption is absent.
#[derive(Debug, Default)]
pub struct ProbeFacts {
    pub objects: Option<ProbeObjects>,
    pub refused: Option<RefusedWrites>,
    pub item: Option<LockItem>,
    pub file: Option<ProbedLockFile>,
    pub rights: Option<RunnerRights>,
    pub http: Option<PlainHttp>,
    /// Deleting the object, which ends the probe.
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
    /// Tries everything, one after the other, and cleans up whatever came of it.
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
        // As long as a lock may be held, the object has to say so.
        if facts.written() && facts.released() {
            facts.deleted = Some(self.end().await);
        }
        facts.left = self.clean().await;
    }

    /// As those whose rights are tried.
    fn store(&self) -> S3Store<'_> {
        S3Store::new(self.tried, &self.target.address)
    }

    fn bucket(&self) -> &str {
        &self.target.address.bucket
    }

    /// The account that the bucket must belong to.
    fn owner(&self) -> &str {
        &self.target.address.owner
    }

    fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket())
    }
}

/// The same account and environment, as a role.
///
/// # Errors
/// If the role may not be taken on.
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
