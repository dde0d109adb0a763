//! Whether what an answer names is there and fits, before the next question.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{UnfinishedAnswers, WizardAnswers};
use crate::{
    backend::aws::{
        blueprint,
        resources::{self, AwsSpec},
    },
    cli::{busy::BusySpinner, session::AccountSession},
    engine::{
        observation::Observation,
        plan::Plan,
        spec::{Address, Spec},
    },
    report::style::TextStyles,
    settings::{
        layer::SettingsLayer,
        merge::MergedSettings,
        names::{AccountId, EnvName},
        s3::derived::DerivedNames,
    },
};

/// Looks up what answers name.
#[async_trait(?Send)]
pub trait WizardLookup {
    /// # Errors
    /// Why the answers cannot be used.
    async fn check(&self, answers: &SettingsLayer) -> Result<(), String>;

    /// Told of the answers after each group: the next question may be cut off.
    fn answered(&self, _answers: &SettingsLayer) {}
}

/// Takes every answer.
pub struct NoLookup;

#[async_trait(?Send)]
impl WizardLookup for NoLookup {
    async fn check(&self, _answers: &SettingsLayer) -> Result<(), String> {
        Ok(())
    }
}

/// In the account, by the plan that the answers make: it is blocked for the same reasons later.
pub(crate) struct AwsLookup {
    pub env: EnvName,
    pub merged: MergedSettings,
    pub session: AccountSession,
    pub account: AccountId,
    /// Where answers are kept.
    pub unfinished: Option<UnfinishedAnswers>,
    /// Of the spinner meanwhile; `None` if there is none.
    pub busy: Option<TextStyles>,
}

#[async_trait(?Send)]
impl WizardLookup for AwsLookup {
    fn answered(&self, answers: &SettingsLayer) {
        if let Some(unfinished) = &self.unfinished {
            unfinished.keep(&WizardAnswers {
                env: Some(self.env.clone()),
                layer: answers.clone(),
            });
        }
    }

    async fn check(&self, answers: &SettingsLayer) -> Result<(), String> {
        let _busy = self
            .busy
            .map(|style| BusySpinner::styled("checking", style));
        let settings = self
            .merged
            .clone()
            .with_answers(answers)
            .resolve(&self.env)
            .map_err(|error| error.to_string())?;
        let aws = self.session.clone().about(&settings);
        let names = DerivedNames::new(&settings, &self.account);
        let blueprint = blueprint::blueprint(&settings, &names, &aws);
        let is_named =
            |spec: &AwsSpec| spec.data_source().is_some() || matches!(spec, AwsSpec::Attachment(_));
        let named: BTreeSet<Address> = blueprint
            .nodes()
            .iter()
            .filter(|node| is_named(&node.spec))
            .map(|node| node.address.clone())
            .collect();
        let mut observation = Observation::new();
        resources::observe_again(&aws, &blueprint, &named, &mut observation).await;
        let plan = Plan::to_apply(&blueprint, &observation, false);
        let reasons: Vec<String> = plan
            .blocked()
            .filter(|(address, _)| named.contains(address))
            .map(|(address, reason)| format!("{address}: {reason}"))
            .collect();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons.join("; "))
        }
    }
}
