//! Shows a teardown before it runs: the census, deleted and kept resources, and blocking
//! conditions.

use crate::backend::provider::Provider;
use schemars::JsonSchema;
use serde::Serialize;

use super::assess::Assessment;
use crate::{
    cli::{context::Context, environment::ConnectedEnvironment, failure::CliError},
    report::{
        TextStyle,
        census::{self, CensusDocument},
        json,
        plan::{self as report, document::PlanDocument},
        safe::safe,
    },
    state::census::StateCensus,
};

/// `teardown --plan --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct TeardownDocument {
    #[serde(flatten)]
    plan: PlanDocument,
    /// Absent if nothing of this environment exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    census: Option<CensusDocument>,
    /// Blocking conditions.
    guards: Vec<GuardDocument>,
    warnings: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct GuardDocument {
    reason: String,
    what_to_do: &'static str,
}

/// On standard output, for `--plan`.
pub(crate) fn answer(
    looked: &Assessment,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if cx.global.json() {
        let about = environment.about();
        let guards = looked.guards.iter().map(|guard| GuardDocument {
            reason: guard.to_string(),
            what_to_do: guard.what_to_do(),
        });
        let document = TeardownDocument {
            plan: PlanDocument::of(&looked.plan, about, &report::ResourceTitle::of),
            census: counted(looked).map(CensusDocument::of),
            guards: guards.collect(),
            warnings: looked.warnings.clone(),
        };
        return json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error));
    }
    let view = cx.global.out_view(cx.host);
    cx.status(&environment.provider.title());
    let mut text = text(looked, &view, cx.now());
    for guard in &looked.guards {
        text.push_str(&format!(
            "Blocked by: {}.\n  {}\n",
            safe(&guard.to_string()),
            guard.what_to_do()
        ));
    }
    cx.output(&text)
}

/// Prints the plan to standard error before the teardown.
pub(crate) fn show(looked: &Assessment, environment: &ConnectedEnvironment, cx: &mut Context<'_>) {
    let view = cx.global.view(cx.host);
    cx.status(&environment.provider.title());
    let text = text(looked, &view, cx.now());
    cx.status_text(&text);
}

/// Without a bucket of this environment no state was counted.
fn counted(looked: &Assessment) -> Option<&StateCensus> {
    looked.census.as_ref().filter(|_| looked.store.is_some())
}

fn text(looked: &Assessment, view: &TextStyle, now: jiff::Timestamp) -> String {
    let mut text = counted(looked)
        .map(|counted| census::text(counted, view, now) + "\n")
        .unwrap_or_default();
    text.push_str(&report::text(
        &looked.plan,
        &report::ResourceTitle::of,
        view,
    ));
    for warning in &looked.warnings {
        text.push_str(&format!("warning: {}\n", safe(warning)));
    }
    text
}
