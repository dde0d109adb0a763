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
    Aws,
    caller::{Caller, CallerError},
    clients::Role,
    error::AwsError,
    store::{Store, StoreAddress, write::Encrypt},
};

mod clean;
mod http;
mod lock_file;
mod lock_item;
mod name;
mod object;
mod refused;
mod rights;

pub use clean::{Left, Swept};
pub use http::PlainHttp;
pub use lock_file::LockFile;
pub use lock_item::LockItem;
pub use name::Name;
pub use object::{Objects, Written};
pub use refused::Refused;
pub use rights::Rights;

/// What came of a call.
pub type Try<T = ()> = Result<T, AwsError>;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: StoreAddress,
    /// Whether locks are files.
    pub lock_files: bool,
    pub key: Key,
}

/// What Terraform writes states with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// S3's own (SSE-S3).
    OfS3,
    Arn(String),
    /// There is one, and these credentials may not look which: it is left to the bucket.
    Unknown,
}

impl Key {
    fn encrypt(&self) -> Encrypt {
        match self {
            Self::OfS3 => Encrypt::OfS3,
            Self::Arn(arn) => Encrypt::Kms(arn.clone()),
            Self::Unknown => Encrypt::Unsaid,
        }
    }
}

/// One probe.
#[derive(Debug)]
pub struct Probe<'a> {
    /// Whose rights are tried.
    pub tried: &'a Aws,
    /// Who cleans up what those may not delete.
    pub cleaner: &'a Aws,
    /// The ARN of the role, if those are the rights of one: of a runner some are denied.
    pub role: Option<&'a str>,
    pub target: &'a Target,
    pub name: Name,
    /// Who says so in the locks: `user@host`.
    pub who: String,
    pub now: Timestamp,
    pub cancel: CancellationToken,
}

/// What came of it; what nobody tried any more after an interruption is absent.
#[derive(Debug, Default)]
pub struct Facts {
    pub objects: Option<Objects>,
    pub refused: Option<Refused>,
    pub item: Option<LockItem>,
    pub file: Option<LockFile>,
    pub rights: Option<Rights>,
    pub http: Option<PlainHttp>,
    /// Deleting the object, which ends the probe.
    pub deleted: Option<Try>,
    pub swept: Swept,
    pub left: Left,
    pub interrupted: bool,
}

impl Facts {
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

impl Probe<'_> {
    /// Tries everything, one after the other, and cleans up whatever came of it.
    pub async fn run(&self) -> Facts {
        let swept = self.sweep().await;
        let mut facts = Facts {
            swept,
            interrupted: self.cancel.is_cancelled(),
            ..Facts::default()
        };
        if !facts.interrupted {
            self.all(&mut facts).await;
            facts.interrupted = self.cancel.is_cancelled();
        }
        facts
    }

    async fn all(&self, facts: &mut Facts) {
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
    fn store(&self) -> Store<'_> {
        Store::new(self.tried, &self.target.address)
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
pub async fn as_role(aws: &Aws, arn: &str, name: &Name) -> Result<Aws, CallerError> {
    let role = Role {
        arn: arn.to_owned(),
        session_name: name.session(),
        external_id: None,
        duration: None,
    };
    let clients = aws.clients.as_role(&role).await;
    let caller = Caller::ask(&clients).await?;
    Ok(Aws {
        clients,
        caller,
        ..aws.clone()
    })
}

#[cfg(test)]
mod tests;
