//! Applies a plan with progress output for a terminal, a log, or a program.

use std::num::NonZeroUsize;

use super::context::Context;
use crate::{
    engine::{
        apply::{ApplyOptions, ApplyOutcome, ChangeWriter, apply},
        plan::Plan,
        spec::KnownOutputs,
    },
    report::progress::ProgressReporter,
};

/// Applies `plan`, starting from `known` outputs; after Ctrl-C, running steps finish and no more
/// are started.
pub(crate) async fn carried_out<C: ChangeWriter>(
    plan: Plan<C::Spec>,
    known: KnownOutputs,
    cloud: &C,
    parallelism: NonZeroUsize,
    cx: &mut Context<'_>,
) -> ApplyOutcome<C::Error> {
    let steps = plan.writes().count();
    let style = cx.global.view(cx.host).style;
    let cancel = cx.host.cancel.clone();
    let mut progress = if cx.global.json() {
        ProgressReporter::Json(&mut *cx.host.out)
    } else if cx.global.quiet {
        ProgressReporter::Hidden
    } else if cx.host.err_is_terminal {
        ProgressReporter::bars(steps, style)
    } else {
        ProgressReporter::lines(&mut *cx.host.err, style)
    };
    let mut on_event = |event| progress.on_event(event);
    let outcome = apply(
        plan,
        known,
        cloud,
        ApplyOptions {
            parallelism,
            cancel: &cancel,
            on_event: &mut on_event,
        },
    )
    .await;
    progress.finish();
    outcome
}
