//! `tfbackend teardown --cancel`: what a teardown holds that was cut off is let go.

use serde::Serialize;

use super::look::Looked;
use crate::{
    backend::aws::{store::Store, teardown::freeze::Freeze},
    cli::{context::Context, environment::Environment, explain, failure::Failure},
    exit,
    report::json,
    text::words,
};

#[derive(Serialize)]
struct Cancelled<'a> {
    event: &'static str,
    bucket: &'a str,
    /// States that were locked.
    released: usize,
}

pub async fn run(
    looked: &Looked,
    environment: &Environment,
    cx: &mut Context<'_>,
) -> Result<u8, Failure> {
    let bucket = &*environment.names.state_bucket;
    let found = match &looked.store {
        Some(address) => {
            cx.look(Freeze::found(
                &environment.aws,
                Store::new(&environment.aws, address),
                &looked.scope,
            ))
            .await?
        }
        None => Ok(None),
    };
    let unseen = |error| {
        explain::aws(
            Failure::failed("nobody can say what is held; nothing was changed").because(&error),
            &error,
            None,
        )
    };
    let Some(freeze) = found.map_err(unseen)? else {
        cx.say(&format!("{}: no teardown holds it", environment.title()));
        return answer(bucket, 0, cx);
    };
    let released = freeze.locks();
    let left = freeze.lift().await;
    if !left.is_empty() {
        let mut failure = Failure::partly(format!("not all of {bucket} could be let go"));
        failure.causes.extend(left.iter().map(ToString::to_string));
        return Err(failure.hint("the same command goes on where this one stopped"));
    }
    let states = words::count(released, "state", "states");
    cx.say(&format!(
        "{bucket}: everybody may work again ({states} released); bootstrap makes again what was \
         deleted"
    ));
    answer(bucket, released, cx)
}

fn answer(bucket: &str, released: usize, cx: &mut Context<'_>) -> Result<u8, Failure> {
    if cx.global.json() {
        let document = Cancelled {
            event: "cancelled",
            bucket,
            released,
        };
        json::write_line(&mut *cx.host.out, document)
            .map_err(|error| Failure::failed("cannot write the answer").because(&error))?;
    }
    Ok(exit::DONE)
}
