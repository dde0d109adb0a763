//! `tfbackend plan`: what bootstrap would do, and does not.

use clap::Args;

use super::{
    context::Context,
    describe::describe,
    environment::{Ask, EnvironmentArgs},
    failure::Failure,
    summary,
};
use crate::{
    exit,
    plan::Plan,
    report::{
        json,
        plan::{
            self as report,
            document::{About, PlanDocument},
        },
    },
};

/// Show what bootstrap would change
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,

    /// Exit with 2 if there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
}

pub async fn run(args: PlanArgs, cx: &mut Context<'_>) -> Result<u8, Failure> {
    let environment = args.environment.open(cx.host, &cx.global, Ask::Nobody).await?;
    let observation = cx.observe(&environment).await?;
    let plan = Plan::to_apply(&environment.blueprint, &observation, environment.settings.run.adopt);
    if cx.global.json() {
        let about = About {
            project: environment.settings.project.to_string(),
            env: environment.settings.env.to_string(),
            account: environment.aws.account().to_owned(),
            region: environment.settings.region.to_string(),
        };
        let document = PlanDocument::of(&plan, about, &describe);
        json::write_document(&mut *cx.host.out, document).map_err(|error| Failure::failed("cannot write the plan").because(&error))?;
    } else {
        let view = cx.global.out_view(cx.host);
        cx.say(&environment.title());
        cx.answer(&report::text(&plan, &describe, &view))?;
        summary::say_how_to_see_all(&plan, cx);
    }
    Ok(match (plan.is_empty(), args.detailed_exitcode) {
        (false, true) => exit::CHANGES,
        (true, _) | (false, false) => exit::DONE,
    })
}
