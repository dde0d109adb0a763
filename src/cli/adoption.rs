//! Adoption of a bucket in use: its contents, deferred steps, and `--enforce`, which applies them.

use clap::Args;

use super::{context::Context, environment::ConnectedEnvironment, failure::CliError};
use crate::{
    backend::aws::{
        adoption::{self, WaitingStep, contents},
        resources::AwsSpec,
        store::S3Store,
    },
    checks::{CheckResult, Verdict},
    engine::{blueprint::Blueprint, observation::Observation, plan::Plan, spec::Address},
    report::plan::adoption::{AdoptionDocument, WaitingDocument},
};

#[derive(Args, Clone, Copy, Debug)]
pub struct EnforceArgs {
    /// With --adopt or after it: also apply the policies that refuse runs not yet configured for
    /// this backend
    #[arg(long, help_heading = "Run")]
    pub enforce: bool,
}

/// A bucket in use, and the deferred steps.
pub(crate) struct BucketAdoption {
    pub contents: contents::BucketContents,
    /// The deferred steps, or those that `--enforce` applies.
    pub waiting: Vec<WaitingStep>,
    pub enforced: bool,
}

/// Reads the contents of an adopted bucket, and defers steps that would refuse runs that are
/// allowed today.
pub(crate) async fn decide(
    environment: &mut ConnectedEnvironment,
    observation: &Observation<AwsSpec>,
    enforce: bool,
    cx: &mut Context<'_>,
) -> Result<Option<BucketAdoption>, CliError> {
    let Some((held, mut adoption)) = look(environment, observation, cx).await? else {
        return Ok(None);
    };
    adoption.enforced = enforce;
    if !enforce {
        environment.provider.held = Some(held);
    }
    Ok(Some(adoption))
}

async fn look(
    environment: &ConnectedEnvironment,
    observation: &Observation<AwsSpec>,
    cx: &mut Context<'_>,
) -> Result<Option<(Blueprint<AwsSpec>, BucketAdoption)>, CliError> {
    if !adoption::may_have_waiting_steps(&environment.provider.blueprint, observation) {
        return Ok(None);
    }
    let address = environment.provider.address().clone();
    let contents = cx
        .until_cancelled(contents::look(
            &S3Store::new(&environment.provider.aws, &address),
            &environment.provider.aws,
        ))
        .await?;
    let (held, waiting) = adoption::hold_back(
        &environment.provider.blueprint,
        observation,
        &contents,
        environment.provider.aws.account(),
    );
    Ok(Some((
        held,
        BucketAdoption {
            contents,
            waiting,
            enforced: false,
        },
    )))
}

/// Findings of `verify` about deferred steps are fixed only by `--enforce`.
pub(crate) async fn name_enforce(
    checked: &mut [CheckResult],
    environment: &ConnectedEnvironment,
    observation: &Observation<AwsSpec>,
    remediation: &str,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let Some((held, adoption)) = look(environment, observation, cx).await? else {
        return Ok(());
    };
    let plan = Plan::to_apply(&held, observation, true);
    let only_waits = |address: &Address| {
        let nothing_else = plan
            .steps
            .iter()
            .any(|step| step.address == *address && !step.change.writes());
        nothing_else && adoption.waiting.iter().any(|one| one.address == *address)
    };
    for one in checked
        .iter_mut()
        .filter(|one| one.place.address.as_ref().is_some_and(only_waits))
    {
        if let Verdict::Fails {
            remediation: its, ..
        } = &mut one.verdict
            && (its == remediation || its.strip_prefix(remediation) == Some(" --adopt"))
        {
            its.push_str(" --enforce");
        }
    }
    Ok(())
}

impl BucketAdoption {
    /// Returns whether there is anything to report: an empty bucket is adopted without deferral.
    fn is_in_use(&self) -> bool {
        self.contents.in_use() || !self.waiting.is_empty()
    }

    /// Below a plan.
    pub(crate) fn say(&self, environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
        if !self.is_in_use() {
            return;
        }
        cx.status("");
        cx.status(&format!(
            "The bucket is in use: {}",
            self.contents.in_words()
        ));
        if self.waiting.is_empty() {
            return;
        }
        cx.status(if self.enforced {
            "--enforce: from now on these runs are refused unless they use the new files:"
        } else {
            "Deferred, because it would refuse runs as they are configured today:"
        });
        for WaitingStep {
            address,
            what,
            refuses,
        } in &self.waiting
        {
            cx.status(&format!("  {what} ({address}) refuses {refuses}"));
        }
        if !self.enforced {
            let command = environment.rerun.command("bootstrap", " --enforce", &[]);
            cx.status(&format!("When these runs use the new files: {command}"));
        }
    }

    pub(crate) fn document(&self) -> AdoptionDocument {
        let word = |encryption: &contents::StateEncryption| match encryption {
            contents::StateEncryption::Key(key) => key.clone(),
            contents::StateEncryption::S3 => "s3".to_owned(),
            contents::StateEncryption::Customer => "customer".to_owned(),
            contents::StateEncryption::Unknown => "unknown".to_owned(),
        };
        let waiting = |one: &WaitingStep| WaitingDocument {
            address: one.address.clone(),
            what: one.what.clone(),
            refuses: one.refuses.clone(),
        };
        AdoptionDocument {
            states: self.contents.count(),
            encryption: self
                .contents
                .states
                .iter()
                .map(|(encryption, count)| (word(encryption), *count))
                .collect(),
            versions: self.contents.versions.clone(),
            locks: self.contents.locks,
            unseen: self.contents.all_unseen(),
            waiting: self.waiting.iter().map(waiting).collect(),
            enforced: self.enforced,
        }
    }
}
