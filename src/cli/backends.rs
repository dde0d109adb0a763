//! `tfbackend backends`: what each backend kind can do.

use clap::Args;
use serde::Serialize;

use super::{context::Context, failure::CliError};
use crate::{
    backend, exit,
    kind::BackendKind,
    report::{json, table::TextTable},
    settings::options::SettingOptions,
    store::state_store::Capabilities,
};

/// List the backend kinds and what each can do
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tfbackend backends\n  tfbackend bootstrap --backend local --help"
)]
pub struct BackendsArgs {}

#[derive(Serialize)]
struct BackendsDocument {
    backends: Vec<BackendKindDocument>,
}

/// What a kind can do.
#[derive(Serialize)]
struct BackendKindDocument {
    /// The value of `--backend`.
    kind: BackendKind,
    title: &'static str,
    /// The label of the `backend` block.
    terraform_type: &'static str,
    /// True if it is used where nothing says a kind.
    default: bool,
    /// True if `bootstrap` makes it.
    bootstrap: bool,
    list: bool,
    versions: bool,
    conditional_write: bool,
    lock_info: bool,
    release: bool,
    /// The settings that an environment of this kind can have.
    settings: Vec<String>,
    /// Those of them that have no default.
    required: &'static [&'static str],
}

pub(crate) fn run(cx: &mut Context<'_>) -> Result<u8, CliError> {
    let backends: Vec<BackendKindDocument> = BackendKind::ALL.iter().map(document).collect();
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, BackendsDocument { backends })
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    let mut table = TextTable::new([
        "KIND",
        "BLOCK",
        "STATES",
        "BOOTSTRAP",
        "VERSIONS",
        "LOCK HOLDER",
        "RELEASE",
    ]);
    let yes = |can: bool| if can { "yes" } else { "no" };
    for one in &backends {
        let kind = match one.default {
            true => format!("{} (default)", one.kind),
            false => one.kind.to_string(),
        };
        table.row([
            &kind,
            &format!("backend \"{}\"", one.terraform_type),
            one.title,
            yes(one.bootstrap),
            yes(one.versions),
            yes(one.lock_info),
            yes(one.release),
        ]);
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&table.text(&view))?;
    cx.status("");
    cx.status(
        "VERSIONS: earlier states are kept. LOCK HOLDER: a lock says who holds it. RELEASE: a lock \
         can be released while the process that holds it runs.",
    );
    cx.status("`tfbackend bootstrap --backend KIND --help` shows the settings of a kind.");
    Ok(exit::DONE)
}

fn document(kind: &BackendKind) -> BackendKindDocument {
    let Capabilities {
        list,
        versions,
        conditional_write,
        lock_info,
        release,
    } = backend::capabilities(*kind);
    let settings = SettingOptions::shared().all().iter();
    BackendKindDocument {
        kind: *kind,
        title: kind.title(),
        terraform_type: kind.terraform_type(),
        default: *kind == BackendKind::S3,
        bootstrap: kind.can_provision(),
        list,
        versions,
        conditional_write,
        lock_info,
        release,
        settings: settings
            .filter(|option| kind.has_option(&option.name))
            .map(|option| option.name.clone())
            .collect(),
        required: kind.required_options(),
    }
}
