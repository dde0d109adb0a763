//! Who is calling: account and partition, asked first and printed, before anything is looked at.

use tracing::Instrument;

use super::{
    clients::Clients,
    error::{ApiOperation, AwsError, ServiceErrorKind},
};

const GET: ApiOperation = ApiOperation::new("sts:GetCallerIdentity");

/// The identity behind the credentials (needs no permission).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …: every ARN that we write starts with it.
    pub partition: String,
    pub arn: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("AWS answered with an identity that makes no sense: {0}")]
    Nonsense(String),
    #[error("these credentials are for account {actual}, and {wanted} was asked for")]
    WrongAccount { wanted: String, actual: String },
    #[error("region {region} is in partition {wanted}, and these credentials are for {actual}")]
    WrongPartition {
        region: String,
        wanted: String,
        actual: String,
    },
}

impl CallerError {
    /// Whether there are no credentials that could have been asked with.
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

    /// Nothing is done in an account or a partition that was not asked for.
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
