//! `tfbackend completions` and `tfbackend man`: what a shell and a reader of manuals need.

use std::{fs, path::PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;

use super::failure::CliError;
use crate::{exit, host::Host};

/// Print completions for a shell
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    pub shell: Shell,
}

/// Write manual pages, one for each command
#[derive(Args, Clone, Debug)]
pub struct ManArgs {
    /// Folder to write them to
    pub dir: PathBuf,
}

pub(crate) fn completions(
    args: &CompletionsArgs,
    command: &mut Command,
    host: &mut Host,
) -> Result<u8, CliError> {
    let mut text = vec![];
    clap_complete::generate(args.shell, command, "tfbackend", &mut text);
    host.out
        .write_all(&text)
        .map_err(|error| CliError::failed("cannot write the completions").because(&error))?;
    Ok(exit::DONE)
}

pub(crate) fn man(args: &ManArgs, command: Command, host: &mut Host) -> Result<u8, CliError> {
    let dir = host.cwd.join(&args.dir);
    let failed = |error| {
        CliError::failed(format!("cannot write manual pages to {}", dir.display())).because(&error)
    };
    fs::create_dir_all(&dir).map_err(failed)?;
    clap_mangen::generate_to(command, &dir).map_err(failed)?;
    Ok(exit::DONE)
}
