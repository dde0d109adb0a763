//! A plan carried out while somebody watches: a person, a log, or a program.

use std::num::NonZeroUsize;

use super::context::Context;
use crate::{
    engine::{
        apply::{Cloud, Outcome, Run, apply},
        plan::Plan,
        spec::Outputs,
    },
    report::progress::Progress,
};

/// Carries out `plan`, starting from what is `known`; after Ctrl-C what runs is finished, and no
/// more.
pub async fn carried_out<C: Cloud>(
    plan: Plan<C::Spec>,
    known: Outputs,
    cloud: &C,
    parallelism: NonZeroUsize,
    cx: &mut Context<'_>,
) -> Outcome<C::Error> {
    let steps = plan.writes().count();
    let style = cx.global.view(cx.host).style;
    let cancel = cx.host.cancel.clone();
    let mut progress = if cx.global.json() {
        Progress::Json(&mut *cx.host.out)
    } else if cx.global.quiet {
        Progress::Hidden
    } else if cx.host.err_is_terminal {
        Progress::bars(steps, style)
    } else {
        Progress::lines(&mut *cx.host.err, style)
    };
    let mut on_event = |event| progress.on_event(event);
    let outcome = apply(
        plan,
        known,
        cloud,
        Run {
            parallelism,
            cancel: &cancel,
            on_event: &mut on_event,
        },
    )
    .await;
    progress.finish();
    outcome
}
