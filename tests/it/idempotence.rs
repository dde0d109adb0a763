//! What is called: all of it once, nothing the second time, and only what is needed for a repair.

mod calls;
mod commands;
mod depth;
mod foreign;
mod keys;
mod needed;
mod repair;

use std::{collections::BTreeMap, num::NonZeroUsize};

pub(crate) use repair::REPAIRS;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tfbackend::{
    backend::aws::{
        AwsProvider,
        blueprint::blueprint,
        resources::{AwsSpec, observe},
        verify::VerifiedBackend,
    },
    checks::{CheckResult, Severity},
    engine::{
        apply::{ApplyOptions, apply},
        blueprint::Blueprint,
        event::ApplyEvent,
        observation::{Observation, outputs},
        plan::{Plan, PlannedChange},
        spec::{Address, KnownOutputs},
    },
    settings::{
        layer::SettingsLayer,
        s3::{derived::DerivedNames, resolve::resolve},
    },
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    aws,
    emulator::Emulator,
    recorder::{Call, Recorder},
    sources::{env, sources},
};

/// An environment on an emulator of its own, whose calls are written down.
struct World {
    emulator: Emulator,
    recorder: Recorder,
    aws: AwsProvider,
    blueprint: Blueprint<AwsSpec>,
}

impl World {
    /// `line` is the command line.
    async fn new(line: &str) -> Self {
        Self::over(line, |client| client).await
    }

    /// The same, with something between the recorder and the emulator.
    async fn over(line: &str, between: impl FnOnce(SharedHttpClient) -> SharedHttpClient) -> Self {
        let emulator = Emulator::start().await;
        let line = format!("--project acme --region {} {line}", emulator.region());
        let sources = sources(&line, &[], "").expect("good settings");
        let settings =
            resolve(&env("prod"), &sources, &SettingsLayer::default()).expect("good settings");
        let recorder = Recorder::new(between(aws::http_client(&emulator)));
        let aws = aws::over(&emulator, SharedHttpClient::new(recorder.clone())).await;
        let names = DerivedNames::new(&settings, &aws.caller.account.parse().expect("an account"));
        let blueprint = blueprint(&settings, &names, &aws);
        Self {
            emulator,
            recorder,
            aws,
            blueprint,
        }
    }

    /// Looks, plans and applies, as `tfbackend bootstrap` does; all calls since the last time.
    async fn bootstrap(&self) -> Vec<Call> {
        let observation = self.look().await;
        self.repair(observation).await
    }

    async fn look(&self) -> Observation<AwsSpec> {
        observe(&self.aws, &self.blueprint).await
    }

    /// Plans and applies; all calls since the last time.
    async fn repair(&self, observation: Observation<AwsSpec>) -> Vec<Call> {
        let plan = Plan::to_apply(&self.blueprint, &observation, false);
        self.carry_out(plan, outputs(&observation), 16, &mut |_| {})
            .await;
        self.recorder.take()
    }

    /// Makes everything that is in the plan, each with the calls that it had to wait for.
    async fn one_by_one(&self, plan: Plan<AwsSpec>) -> Vec<(Address, Vec<String>)> {
        let mut chains = vec![];
        self.recorder.take_chain();
        self.carry_out(plan, KnownOutputs::new(), 1, &mut |event| {
            if let ApplyEvent::Finished { address, .. } = event {
                chains.push((address, self.recorder.take_chain()));
            }
        })
        .await;
        chains
    }

    async fn carry_out(
        &self,
        plan: Plan<AwsSpec>,
        known: KnownOutputs,
        parallelism: usize,
        on_event: &mut (dyn FnMut(ApplyEvent) + Send),
    ) {
        let (parallelism, cancel) = (
            NonZeroUsize::new(parallelism).expect("not zero"),
            CancellationToken::new(),
        );
        let outcome = apply(
            plan,
            known,
            &self.aws,
            ApplyOptions {
                parallelism,
                cancel: &cancel,
                on_event,
            },
        )
        .await;
        assert!(
            outcome.failed.is_empty() && outcome.left.is_empty(),
            "{:?}\n{}",
            outcome.failed,
            self.emulator.log()
        );
    }

    fn checks(&self, observation: &Observation<AwsSpec>) -> Vec<CheckResult> {
        let (aws, blueprint) = (&self.aws, &self.blueprint);
        VerifiedBackend {
            aws,
            blueprint,
            observation,
            remediation: "tfbackend bootstrap",
            lock_files: false,
            tagged: true,
            describe: tfbackend::report::plan::differences,
        }
        .checks()
    }

    /// The addresses that a plan would write, and what verify finds, but for what is only to be
    /// known.
    fn found(&self, observation: &Observation<AwsSpec>) -> (Vec<String>, Vec<String>) {
        let plan = Plan::to_apply(&self.blueprint, observation, false);
        let checked = self.checks(observation);
        let findings = checked
            .iter()
            .filter(|checked| checked.is_finding() && checked.check.severity > Severity::Info);
        let found = findings
            .map(|finding| format!("{} at {}", finding.check.id, finding.place.shown()))
            .collect();
        let planned = plan
            .steps
            .iter()
            .filter(|step| !matches!(step.change, PlannedChange::NoOp { .. }))
            .map(|step| step.address.to_string());
        (planned.collect(), found)
    }

    /// What was checked, whatever came of it, in alphabetical order; a resource has one check of
    /// whose it is.
    fn checked(&self, observation: &Observation<AwsSpec>) -> Vec<String> {
        let id = |id: &'static str| {
            if ["tags", "unmanaged", "owned"].contains(&id) {
                "ownership"
            } else {
                id
            }
        };
        let mut all: Vec<String> = self
            .checks(observation)
            .iter()
            .map(|checked| format!("{} at {}", id(checked.check.id), checked.place.shown()))
            .collect();
        all.sort();
        all
    }

    /// The operations that changed something, in alphabetical order.
    async fn writes(&self) -> Vec<String> {
        writes(self.bootstrap().await)
    }
}

/// The operations among them that change something, in alphabetical order.
fn writes(calls: Vec<Call>) -> Vec<String> {
    let mut writes: Vec<String> = calls
        .into_iter()
        .filter(Call::is_write)
        .map(|call| call.operation)
        .collect();
    writes.sort();
    writes
}

/// How often each action was called for.
fn counted(calls: &[Call]) -> BTreeMap<&Call, usize> {
    let mut counted = BTreeMap::new();
    for call in calls {
        *counted.entry(call).or_default() += 1;
    }
    counted
}
