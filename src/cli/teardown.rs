//! `tfbackend teardown --plan`: what taking a backend down would delete, keep and lose; nothing is changed.

use clap::Args;
use serde::Serialize;

use super::{
    context::Context,
    describe::describe,
    environment::{Ask, Environment, EnvironmentArgs},
    failure::Failure,
};
use crate::{
    aws::{
        blueprint::STATE_BUCKET,
        resources::AwsSpec,
        store::{Store, StoreAddress},
        teardown::{self, Also},
    },
    exit,
    observation::{Observation, Owner, Seen},
    plan::Plan,
    report::{
        census::{self, CensusDocument},
        json,
        plan::{
            self as report,
            document::{About, PlanDocument},
        },
    },
    state::{census::Census, layout::Layout},
};

/// Show what taking a backend down would delete, keep and lose; nothing is changed
#[derive(Args, Clone, Debug)]
pub struct TeardownArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,

    /// Look and count, and delete nothing: all that there is so far
    #[arg(long, required = true)]
    pub plan: bool,
}

/// `teardown --plan --output json`.
#[derive(Serialize)]
struct TeardownDocument {
    #[serde(flatten)]
    plan: PlanDocument,
    /// Absent where there is no state bucket of this environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    census: Option<CensusDocument>,
}

pub async fn run(args: TeardownArgs, cx: &mut Context<'_>) -> Result<u8, Failure> {
    let environment = args.environment.open(cx.host, &cx.global, Ask::Nobody).await?;
    let observation = cx.observe(&environment).await?;
    let plan = Plan::to_teardown(&environment.blueprint, &observation, &teardown::terms(Also::default()));
    let counted = count(&environment, &observation, cx).await?;
    show(&plan, counted.as_ref(), &environment, cx)?;
    Ok(exit::DONE)
}

/// Of the states of another nothing is read.
async fn count(environment: &Environment, observation: &Observation<AwsSpec>, cx: &mut Context<'_>) -> Result<Option<Census>, Failure> {
    if !matches!(observation.get(&STATE_BUCKET), Some(Seen::Present { owner: Owner::Us, .. })) {
        return Ok(None);
    }
    let Environment { settings, names, aws, .. } = environment;
    let address = StoreAddress {
        bucket: names.state_bucket.clone(),
        owner: aws.account().to_owned(),
        table: settings.lock.uses_table().then(|| names.table.clone()),
        layout: Layout { key: Some(settings.key.to_string()), workspace_prefix: settings.workspace_key_prefix.to_string() },
    };
    cx.look(teardown::census::take(&Store::new(aws, &address))).await.map(Some)
}

fn show(plan: &Plan<AwsSpec>, counted: Option<&Census>, environment: &Environment, cx: &mut Context<'_>) -> Result<(), Failure> {
    if cx.global.json() {
        let about = About {
            project: environment.settings.project.to_string(),
            env: environment.settings.env.to_string(),
            account: environment.aws.account().to_owned(),
            region: environment.settings.region.to_string(),
        };
        let document = TeardownDocument { plan: PlanDocument::of(plan, about, &describe), census: counted.map(CensusDocument::of) };
        return json::write_document(&mut *cx.host.out, document)
            .map_err(|error| Failure::failed("cannot write the answer").because(&error));
    }
    let view = cx.global.out_view(cx.host);
    cx.say(&environment.title());
    if let Some(counted) = counted {
        let now = jiff::Timestamp::try_from(cx.host.now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        cx.answer(&census::text(counted, &view, now))?;
        cx.answer("\n")?;
    }
    cx.answer(&report::text(plan, &describe, &view))
}
