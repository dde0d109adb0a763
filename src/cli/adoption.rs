//! A bucket in use that is taken over: what is in it, which steps wait, and `--enforce`, which
//! carries them out.

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
    /// With --adopt or after it: also write what refuses runs that are not configured for this
    /// backend yet
    #[arg(long, help_heading = "Run")]
    pub enforce: bool,
}

/// A bucket in use, and what waits.
pub struct BucketAdoption {
    pub contents: contents::BucketContents,
    /// What waits, or what `--enforce` no longer lets wait.
    pub waiting: Vec<WaitingStep>,
    pub enforced: bool,
}

/// Looks at what is in the bucket, if it is or was taken over, and lets the environment wait for
/// what refuses runs that are allowed today.
pub async fn decide(
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
        environment.held = Some(held);
    }
    Ok(Some(adoption))
}

async fn look(
    environment: &ConnectedEnvironment,
    observation: &Observation<AwsSpec>,
    cx: &mut Context<'_>,
) -> Result<Option<(Blueprint<AwsSpec>, BucketAdoption)>, CliError> {
    if !adoption::may_have_waiting_steps(&environment.blueprint, observation) {
        return Ok(None);
    }
    let address = environment.store();
    let contents = cx
        .look(contents::look(
            &S3Store::new(&environment.aws, &address),
            &environment.aws,
        ))
        .await?;
    let (held, waiting) = adoption::hold_back(
        &environment.blueprint,
        observation,
        &contents,
        environment.aws.account(),
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

/// What `verify` finds only because it waits is mended by `--enforce`, and by nothing else.
pub async fn name_enforce(
    checked: &mut [CheckResult],
    environment: &ConnectedEnvironment,
    observation: &Observation<AwsSpec>,
    mend: &str,
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
        if let Verdict::Fails { mend: its, .. } = &mut one.verdict
            && (its == mend || its.strip_prefix(mend) == Some(" --adopt"))
        {
            its.push_str(" --enforce");
        }
    }
    Ok(())
}

impl BucketAdoption {
    /// Whether there is anything to tell: an empty bucket is taken over as it is.
    fn is_in_use(&self) -> bool {
        self.contents.in_use() || !self.waiting.is_empty()
    }

    /// Below a plan.
    pub fn say(&self, environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
        if !self.is_in_use() {
            return;
        }
        cx.say("");
        cx.say(&format!(
            "The bucket is in use: {}",
            self.contents.in_words()
        ));
        if self.waiting.is_empty() {
            return;
        }
        cx.say(if self.enforced {
            "--enforce: these runs are refused from now on, unless they use the new files:"
        } else {
            "Not done yet, because it would refuse runs as they are configured today:"
        });
        for WaitingStep {
            address,
            what,
            refuses,
        } in &self.waiting
        {
            cx.say(&format!("  {what} ({address}) refuses {refuses}"));
        }
        if !self.enforced {
            let command = environment.rerun.command("bootstrap", " --enforce", &[]);
            cx.say(&format!("Once these runs use the new files: {command}"));
        }
    }

    pub fn document(&self) -> AdoptionDocument {
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
