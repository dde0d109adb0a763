//! `tfbackend state list`: every state of a backend, with its workspace, serial, size, lock and
//! encryption.

use clap::Args;

use crate::{
    cli::{context::Context, explain, failure::CliError, target::TargetArgs},
    exit,
    report::{
        json,
        states::list::{self, ListDocument},
    },
    store::inventory::StateInventory,
};

/// List every state: workspace, serial, resources, size, last write, lock and encryption
#[derive(Args, Clone, Debug)]
pub struct StateListArgs {
    #[command(flatten)]
    pub target: TargetArgs,
}

pub(super) async fn run(args: StateListArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.open(cx).await?;
    target.announce(cx);
    let states = target.states();
    let inventory = cx
        .busy_with("reading states", StateInventory::read(&*states))
        .await?
        .map_err(|error| explain::store(CliError::failed("the states cannot be listed"), &error))?;
    let document = ListDocument::of(target.about(), &inventory);
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&list::text(&document, &view))?;
    Ok(exit::DONE)
}
