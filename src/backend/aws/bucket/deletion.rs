//! Deletes a bucket and returns the time of the deletion: a bucket of that name that was created
//! later is another one.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

use super::{BucketSpec, DELETE, NOT_YET};
use crate::backend::aws::{
    AwsProvider,
    error::{AwsError, found},
};

impl BucketSpec {
    /// Only if it is empty: otherwise S3 rejects the call. `None` if S3 does not return the time.
    pub async fn delete_at(&self, aws: &AwsProvider) -> Result<Option<Timestamp>, AwsError> {
        let date = AnswerDate::default();
        let request = aws
            .clients
            .s3
            .delete_bucket()
            .bucket(&self.name)
            .expected_bucket_owner(aws.account());
        let send = || request.clone().customize().interceptor(date.clone()).send();
        found(aws.send(DELETE, &self.name, &[], send).await, NOT_YET)?;
        Ok(*date.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The time of the last response: the clock of this machine may be wrong by minutes.
#[derive(Clone, Debug, Default)]
struct AnswerDate(Arc<Mutex<Option<Timestamp>>>);

impl Intercept for AnswerDate {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
