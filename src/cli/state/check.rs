//! `tfbackend state check`: checks whether Terraform can read each state, and what its backend
//! keeps beside it.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        context::Context,
        explain,
        failure::CliError,
        lock,
        target::{BackendTarget, TargetArgs},
    },
    exit,
    report::check::{self as report, FaultDocument, StateCheckDocument},
    store::check::{StoreCheck, StoreFault, StoreFaultKind},
    text::shell::shell_word,
};

mod s3;

/// Check the digests, encryption and lock files of states, and repair them
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// Path of the only state to check [default: all states]
    #[arg(value_name = "KEY")]
    pub state: Option<String>,

    /// Fix digests and encrypt states again, each under its lock
    #[arg(long)]
    pub repair: bool,

    /// Also delete digests of states that were deleted and could still be restored
    #[arg(long, requires = "repair")]
    pub accept_deleted: bool,

    /// Folder for backups of old digests [default: `.tfbackend` beside the files]
    #[arg(long, value_name = "DIR", requires = "repair")]
    pub backup_dir: Option<PathBuf>,

    /// Repair without asking
    #[arg(long, short = 'y', requires = "repair")]
    pub auto_approve: bool,
}

pub(super) async fn run(args: CheckArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.clone().open(cx).await?;
    target.announce(cx);
    match target {
        BackendTarget::S3(target) => s3::run(args, *target, cx).await,
        target => any(&args, &target, cx).await,
    }
}

/// The check that is the same for every kind: there is nothing to repair.
async fn any(
    args: &CheckArgs,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let states = target.states();
    if args.repair {
        return Err(CliError::failed(format!(
            "a backend of kind {} has neither digests nor keys to repair",
            states.kind()
        ))
        .hint("leave out --repair: the check says what to do"));
    }
    let only = match &args.state {
        Some(path) => Some(target.state_id(Some(path), None)?),
        None => None,
    };
    let check = cx
        .busy_with("checking states", StoreCheck::run(&*states, only.as_ref()))
        .await?
        .map_err(|error| explain::store(CliError::failed("the states cannot be listed"), &error))?;
    let document = StateCheckDocument {
        states: check.states,
        faults: check
            .faults
            .iter()
            .map(|fault| fault_document(fault, target))
            .collect(),
        unseen: check.unseen.iter().map(ToString::to_string).collect(),
    };
    if cx.global.json() {
        target.answer(&document, cx)?;
    } else {
        let view = cx.global.out_view(cx.host);
        cx.output(&report::faults(&document, &view))?;
        for error in &document.unseen {
            cx.status(&format!("warning: {error}"));
        }
        for fault in &document.faults {
            if let Some(command) = &fault.remediation {
                cx.status(&format!("hint: {}: `{command}`", fault.path));
            }
        }
        cx.output(&report::summary(&document))?;
    }
    let is_clean = document.faults.is_empty() && document.unseen.is_empty();
    Ok(if is_clean { exit::DONE } else { exit::CHANGES })
}

fn fault_document(StoreFault { id, what }: &StoreFault, target: &BackendTarget) -> FaultDocument {
    let mut document = FaultDocument {
        path: id.path.clone(),
        workspace: id.workspace.clone(),
        fault: what.name().to_owned(),
        ..FaultDocument::default()
    };
    let words = target.words();
    match what {
        StoreFaultKind::Unreadable { error } => {
            document.error = Some(error.clone());
            document.remediation = Some(format!(
                "tfbackend state restore {} --from-backup FILE{words}",
                shell_word(&id.path)
            ));
        }
        StoreFaultKind::Unread { error } => document.error = Some(error.clone()),
        StoreFaultKind::LockWithoutState(held) | StoreFaultKind::LockLeftBehind(held) => {
            document.lock = held.info.as_ref().ok().map(|info| info.id.clone());
            if held.is_left_behind || target.states().capabilities().release {
                let id = document.lock.as_deref().unwrap_or(&id.path);
                document.remediation = Some(format!(
                    "tfbackend lock release {}{words}",
                    lock::id_words(id)
                ));
            }
        }
    }
    document
}
