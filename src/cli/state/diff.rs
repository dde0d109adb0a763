//! `tfbackend state diff`: lists differences between two versions of a state, by name.

use clap::Args;

use super::named::{self, StateName, VersionName};
use crate::{
    cli::{context::Context, failure::CliError, target::TargetArgs},
    exit,
    report::{
        json,
        states::diff::{self, DiffDocument},
    },
    state::{diff::StateDiff, outline::StateOutline},
};

/// Show what differs between two versions of a state: addresses, and names of attributes and
/// outputs, never a value
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// From this version: `current`, `previous`, `serial=N`, a version ID, or `file=PATH`
    #[arg(value_name = "A")]
    pub from: VersionName,

    /// To this version, named in the same ways
    #[arg(value_name = "B")]
    pub to: VersionName,

    #[command(flatten)]
    pub name: StateName,

    #[command(flatten)]
    pub target: TargetArgs,
}

pub(super) async fn run(args: DiffArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.open(cx).await?;
    let id = args.name.id_in(&target)?;
    target.announce(cx);
    let from = named::read(&target, &id, &args.from, cx).await?;
    let to = named::read(&target, &id, &args.to, cx).await?;
    let outline = |read: &named::ReadVersion| {
        StateOutline::parse(&read.content.bytes)
            .map_err(|error| named::not_a_state(&read.path, &error))
    };
    let (before, after) = (outline(&from)?, outline(&to)?);
    let diff = StateDiff::of(&before, &after);
    let document = DiffDocument::of(
        target.about(),
        &id.path,
        (&from.content, &before),
        (&to.content, &after),
        diff.as_ref(),
    );
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    cx.output(&diff::text(&document))?;
    Ok(exit::DONE)
}
