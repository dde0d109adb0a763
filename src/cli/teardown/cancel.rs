//! `tfbackend teardown --cancel`: releases the locks of an interrupted teardown.

use crate::backend::provider::Provider;
use schemars::JsonSchema;
use serde::Serialize;

use super::assess::Assessment;
use crate::{
    backend::aws::{store::S3Store, teardown::freeze::BackendFreeze},
    cli::{context::Context, environment::ConnectedEnvironment, explain, failure::CliError},
    exit,
    report::json,
    store::location::BackendLocation,
    text::words,
};

#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct CancelledDeletion<'a> {
    event: &'static str,
    backend: BackendLocation,
    bucket: &'a str,
    /// States that were locked.
    released: usize,
}

pub(crate) async fn run(
    looked: &Assessment,
    environment: &ConnectedEnvironment,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let bucket = &*environment.provider.names.state_bucket;
    let found = match &looked.store {
        Some(address) => {
            cx.until_cancelled(BackendFreeze::found(
                &environment.provider.aws,
                S3Store::new(&environment.provider.aws, address),
                &looked.scope,
            ))
            .await?
        }
        None => Ok(None),
    };
    let unseen = |error| {
        explain::aws(
            CliError::failed("cannot read the locks; nothing was changed").because(&error),
            &error,
            None,
        )
    };
    let Some(freeze) = found.map_err(unseen)? else {
        cx.status(&format!(
            "{}: no teardown locks it",
            environment.provider.title()
        ));
        return answer(environment, 0, cx);
    };
    let released = freeze.locks();
    let left = freeze.lift().await;
    if !left.is_empty() {
        let mut failure = CliError::partly(format!("not all locks in {bucket} could be released"));
        failure.causes.extend(left.iter().map(ToString::to_string));
        return Err(failure.hint("the same command continues where this one stopped"));
    }
    let states = words::count(released, "state", "states");
    cx.status(&format!(
        "{bucket}: runs are unlocked ({states} released); run bootstrap to recreate what was \
         deleted"
    ));
    answer(environment, released, cx)
}

fn answer(
    environment: &ConnectedEnvironment,
    released: usize,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        let document = CancelledDeletion {
            event: "cancelled",
            backend: environment.location(),
            bucket: &environment.provider.names.state_bucket,
            released,
        };
        json::write_line(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
    }
    Ok(exit::DONE)
}
