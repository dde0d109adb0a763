//! The caller: account and partition, which are determined and printed before any other read.

use tracing::Instrument;

use super::{
    clients::Clients,
    error::{ApiOperation, AwsError, ServiceErrorKind},
};

pub(super) const GET: ApiOperation = ApiOperation::new("sts:GetCallerIdentity");

/// The identity of the credentials (needs no permission).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …: the partition of all ARNs.
    pub partition: String,
    pub arn: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("AWS returned an invalid identity: {0}")]
    Nonsense(String),
    #[error("these credentials are for account {actual}, expected {wanted}")]
    WrongAccount { wanted: String, actual: String },
    #[error("region {region} is in partition {wanted}, but these credentials are for {actual}")]
    WrongPartition {
        region: String,
        wanted: String,
        actual: String,
    },
}

impl CallerError {
    /// Returns whether there are no credentials.
    pub fn is_about_credentials(&self) -> bool {
        matches!(self, Self::Aws(error) if error.kind == ServiceErrorKind::Credentials)
    }
}

impl Caller {
    pub async fn ask(clients: &Clients) -> Result<Self, CallerError> {
        let answer = clients.sts.get_caller_identity().send();
        let call = tracing::debug_span!("call", operation = GET.operation, resource = "the caller");
        let answer = answer
            .instrument(call)
            .await
            .map_err(|error| AwsError::from_sdk(GET, "the caller", error))?;
        let arn = answer.arn().unwrap_or_default().to_owned();
        let mut parts = arn.split(':');
        let (Some("arn"), Some(partition), Some(account)) =
            (parts.next(), parts.next(), answer.account())
        else {
            return Err(CallerError::Nonsense(arn));
        };
        Ok(Self {
            account: account.to_owned(),
            partition: partition.to_owned(),
            arn: arn.clone(),
        })
    }

    /// Rejects an unexpected account or partition.
    pub fn must_be(
        &self,
        account: Option<&str>,
        region: &str,
        partition: &str,
    ) -> Result<(), CallerError> {
        if let Some(wanted) = account
            && wanted != self.account
        {
            return Err(CallerError::WrongAccount {
                wanted: wanted.to_owned(),
                actual: self.account.clone(),
            });
        }
        if partition != self.partition {
            return Err(CallerError::WrongPartition {
                region: region.to_owned(),
                wanted: partition.to_owned(),
                actual: self.partition.clone(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
