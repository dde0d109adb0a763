//! `tfbackend state show`: lists the contents of a state, by name.

use clap::Args;

use super::named::{self, StateName, VersionName};
use crate::{
    cli::{context::Context, failure::CliError, target::TargetArgs},
    exit,
    report::{
        json,
        states::show::{self, ShowDocument},
    },
    state::outline::StateOutline,
};

/// Show what is in a state: addresses of resources and names of outputs, never a value
#[derive(Args, Clone, Debug)]
pub struct StateShowArgs {
    #[command(flatten)]
    pub name: StateName,

    /// Version of the state: `current`, `previous`, `serial=N`, a version ID, or `file=PATH`
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "current",
        hide_default_value = true
    )]
    pub version_id: VersionName,

    #[command(flatten)]
    pub target: TargetArgs,
}

pub(super) async fn run(args: StateShowArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.open(cx).await?;
    let id = args.name.id_in(&target)?;
    target.announce(cx);
    let read = named::read(&target, &id, &args.version_id, cx).await?;
    let outline = StateOutline::parse(&read.content.bytes)
        .map_err(|error| named::not_a_state(&read.path, &error))?;
    let document = ShowDocument::of(target.about(), &read.path, &read.content, &outline);
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&show::text(&document, &view))?;
    Ok(exit::DONE)
}
