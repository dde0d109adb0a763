//! `tfbackend state pull`: downloads the bytes of a state, readable only by the user.

use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::named::{self, StateName, VersionName};
use crate::{
    cli::{context::Context, failure::CliError, private_file, target::TargetArgs},
    exit,
    report::{json, states::AboutDocument},
    store::state_store::VersionId,
    text::words,
};

/// Download a state unchanged, including its secrets
#[derive(Args, Clone, Debug)]
pub struct PullArgs {
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

    /// Write the state to this file, readable only by you
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long, requires = "out")]
    pub overwrite: bool,

    #[command(flatten)]
    pub target: TargetArgs,
}

/// `state pull --out FILE --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct PullDocument {
    #[serde(flatten)]
    about: AboutDocument,
    path: String,
    version_id: Option<String>,
    bytes: usize,
    /// The file that was written.
    file: String,
}

pub(crate) async fn run(args: PullArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    if args.out.is_none() && cx.host.out_is_terminal {
        return Err(CliError::refused(
            "a state contains secrets, and a terminal keeps what it shows",
        )
        .hint("pass --out FILE to write it to a file that only you can read")
        .hint("or pipe it into another program: `tfbackend state pull | …`"));
    }
    if args.out.is_none() && cx.global.json() {
        return Err(CliError::failed(
            "--output json requires --out: the state is written to a file",
        )
        .hint("name it: --out FILE"));
    }
    let out = args.out.as_ref().map(|out| cx.host.cwd.join(out));
    if let Some(out) = &out {
        private_file::must_be_free(out, args.overwrite)?;
    }
    let target = args.target.open(cx).await?;
    let id = args.name.id_in(&target)?;
    target.announce(cx);
    let named::ReadVersion { path, content } =
        named::read(&target, &id, &args.version_id, cx).await?;
    let Some(out) = out else {
        let written = cx
            .host
            .out
            .write_all(&content.bytes)
            .and_then(|()| cx.host.out.flush());
        written.map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    };
    crate::host::private_file::write(&out, &content.bytes, args.overwrite).map_err(|error| {
        CliError::failed(format!("cannot write {}", out.display())).because(&error)
    })?;
    let (bytes, file) = (content.bytes.len(), out.display().to_string());
    if cx.global.json() {
        let document = PullDocument {
            about: target.about(),
            path,
            version_id: content.version.map(|VersionId(version)| version),
            bytes,
            file,
        };
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    let size = words::bytes(u64::try_from(bytes).unwrap_or(u64::MAX));
    cx.status(&format!(
        "{path}: {size} written to {file}, which only you can read"
    ));
    Ok(exit::DONE)
}
