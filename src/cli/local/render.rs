//! `tfbackend render --backend local`: writes or checks the files of an existing backend.

use super::{LocalEnvironment, no_outputs};
use crate::{
    backend::provider::Provider,
    cli::{
        context::Context,
        environment::Prompting,
        failure::CliError,
        files,
        render::{self, RenderArgs, RenderDocument},
    },
    exit,
};

pub(crate) async fn run(args: RenderArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let environment = LocalEnvironment::open(args.environment, Prompting::Never, cx)?;
    let provider = &environment.provider;
    let marker = provider.found_marker().map_err(|error| {
        CliError::failed("cannot read the marker of the folder").because(&error)
    })?;
    if !args.check && marker.is_none() {
        let bootstrap = environment.rerun.command("bootstrap", "", &["overwrite"]);
        return Err(
            CliError::failed(format!("{} does not exist yet", provider.title()))
                .hint(format!("`{bootstrap}` creates it")),
        );
    }
    if args.check {
        let files = files::check(provider, &no_outputs(), cx)?;
        return render::answer_check(
            RenderDocument::checked(environment.location(), files, vec![]),
            cx,
        );
    }
    let state = environment.intended_state(cx).await?;
    state.must_be_meant(args.use_existing_state, false, cx)?;
    let written = files::write(provider, &no_outputs(), cx)?;
    RenderDocument::written(environment.location(), written).answer_written(cx)?;
    Ok(exit::DONE)
}
