//! That the trail records at all: a new one is off, and an old one can be stopped.

use serde::{Deserialize, Serialize};

use super::{ABSENT, NOT_YET};
use crate::{
    aws::{
        Aws,
        error::{Api, AwsError, found},
        resource::{Found, Look, Resource},
    },
    spec::Spec,
};

pub(super) const GET: Api = Api::new("cloudtrail:GetTrailStatus");
const START: Api = Api::new("cloudtrail:StartLogging");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrailLogging {
    pub trail: String,
    pub on: bool,
}

impl Spec for TrailLogging {}

impl Resource for TrailLogging {
    async fn look(&self, look: &Look<'_>) -> Result<Option<Found<Self>>, AwsError> {
        let request = look.aws.clients.cloudtrail.get_trail_status().name(&self.trail);
        let answer = found(look.aws.read(GET, &self.trail, request.send()).await, ABSENT)?;
        Ok(answer.map(|answer| Found::part(Self { trail: self.trail.clone(), on: answer.is_logging().unwrap_or(false) })))
    }

    async fn write(&self, aws: &Aws, _from: Option<&Self>) -> Result<Option<String>, AwsError> {
        let request = aws.clients.cloudtrail.start_logging().name(&self.trail);
        aws.send(START, &self.trail, NOT_YET, || request.clone().send()).await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
