//! The AWS backend: state bucket, locks, protection and permissions.
//!
//! `blueprint` defines the resources; `resources` is the closed list of their kinds, each in a file
//! with the interface of `resource`; `policies` has the policy documents.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::{client::result::SdkError, http::Response};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub(crate) mod error;
pub mod http;
pub(crate) mod retry;
pub mod clients;
pub mod caller;
pub(crate) mod credentials;
pub(crate) mod service_probe;
pub mod ownership;
pub mod policy;
pub(crate) mod resource;
pub mod key;
pub mod bucket;
pub(crate) mod lock_table;
pub(crate) mod topic;
pub(crate) mod alarm;
pub(crate) mod trail;
pub(crate) mod access;
pub mod resources;
pub(crate) mod rationale;
pub(crate) mod policies;
pub mod blueprint;
pub mod live_settings;
pub mod cost;
pub mod store;
pub mod provider;
pub mod probe;
pub mod verify;
pub(crate) mod adoption;
pub mod permissions;
pub mod teardown;

#[cfg(test)]
pub(crate) mod testing;

use caller::Caller;
use clients::Clients;
use error::{ApiOperation, AwsError};
use ownership::EnvironmentId;

/// An account and region, for one caller and one environment.
#[derive(Clone, Debug)]
pub struct AwsProvider {
    pub clients: Clients,
    pub caller: Caller,
    pub region: String,
    pub mark: EnvironmentId,
    pub notes: WriteNotes,
    /// Cancels waits.
    pub cancel: CancellationToken,
}

/// Notes on successful writes.
#[derive(Clone, Debug, Default)]
pub struct WriteNotes(Arc<Mutex<Vec<String>>>);

impl WriteNotes {
    fn add(&self, note: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(note);
    }

    /// Returns the notes since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AwsProvider {
    pub fn new(clients: Clients, caller: Caller, region: String, mark: EnvironmentId) -> Self {
        Self {
            clients,
            caller,
            region,
            mark,
            notes: WriteNotes::default(),
            cancel: CancellationToken::new(),
        }
    }

    /// Sets a token that cancels waits.
    #[must_use]
    pub fn until_cancelled(self, cancel: CancellationToken) -> Self {
        Self { cancel, ..self }
    }

    /// Returns the account that must own every bucket (`x-amz-expected-bucket-owner`).
    pub fn account(&self) -> &str {
        &self.caller.account
    }

    /// Returns an ARN in the caller's partition and account; `region` is empty for global services.
    pub fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{region}:{}:{resource}",
            self.caller.partition, self.caller.account
        )
    }

    /// Sends a request, and retries for transient error codes and `not_yet`.
    pub async fn send<T, E, F, Fut>(
        &self,
        api: ApiOperation,
        resource: &str,
        not_yet: &[&str],
        request: F,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, Response>>>,
    {
        retry::settle(not_yet, || async {
            let call = tracing::debug_span!("call", operation = api.operation, resource);
            request()
                .instrument(call)
                .await
                .map_err(|error| AwsError::from_sdk(api, resource, error))
        })
        .await
    }

    /// Sends a read once, without retries for consistency.
    pub async fn read<T, E, Fut>(
        &self,
        api: ApiOperation,
        resource: &str,
        request: Fut,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        Fut: Future<Output = Result<T, SdkError<E, Response>>>,
    {
        let call = tracing::debug_span!("call", operation = api.operation, resource);
        request
            .instrument(call)
            .await
            .map_err(|error| AwsError::from_sdk(api, resource, error))
    }
}
