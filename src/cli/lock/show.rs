//! `tfbackend lock show`: shows all details of the lock on one state.

use clap::Args;

use super::{rows, stored};
use crate::{
    backend::aws::{
        error::AwsError,
        store::scan::{LiveLock, LockPlace},
    },
    cli::{
        context::Context,
        explain,
        failure::CliError,
        target::{BackendTarget, S3Target, TargetArgs},
    },
    exit,
    report::locks::{self, HalfDocument, LockPlaceDocument, ShownDocument},
};

/// Show the lock on one state: its holder, its age, and whether one of its two entries is missing
#[derive(Args, Clone, Debug)]
pub struct LockShowArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// Path of the state [default: that of the selected workspace]
    #[arg(value_name = "PATH")]
    pub path: Option<String>,

    /// Workspace of the backend's key [default: the one that is selected here]
    #[arg(long, value_name = "NAME", conflicts_with = "path")]
    pub workspace: Option<String>,
}

pub(super) async fn run(args: LockShowArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let target = args.target.open(cx).await?.with_unused_table(cx).await?;
    target.announce(cx);
    let target = match target {
        BackendTarget::S3(target) => target,
        other => {
            let id = other.state_id(args.path.as_deref(), args.workspace.as_deref())?;
            return stored::show(&id, &other, cx).await;
        }
    };
    let path = target.path(args.path.as_deref(), args.workspace.as_deref())?;
    let (lock, unread) = cx.until_cancelled(target.store().lock_on(&path)).await?;
    let document = document(&lock, &unread, &target, cx);
    if cx.global.json() {
        target.answer(&document, cx)?;
        return Ok(if document.locked.is_some() {
            exit::DONE
        } else {
            exit::FAILED
        });
    }
    let view = cx.global.out_view(cx.host);
    cx.output(&locks::show(&document, &view))?;
    match (document.locked, unread.first()) {
        (None, Some(error)) => {
            let failure = CliError::failed(
                "not everything can be read: whether the state is locked is unknown",
            );
            Err(explain::aws(failure.because(error), error, None))
        }
        _ => {
            for lock in &document.locks {
                let words = &target.words;
                cx.status(&format!(
                    "If its run is over, release it: tfbackend lock release {}{words}",
                    super::release::id_words(&lock.id)
                ));
            }
            Ok(exit::DONE)
        }
    }
}

fn document(
    lock: &LiveLock,
    unread: &[AwsError],
    target: &S3Target,
    cx: &Context<'_>,
) -> ShownDocument {
    let located = &lock.located;
    let half = |half: &LockPlace, is_used: bool, service: &str| {
        let error = unread
            .iter()
            .find(|error| error.api.operation.starts_with(service))
            .map(ToString::to_string);
        match half {
            LockPlace::Held(held) => HalfDocument {
                state: LockPlaceDocument::Held,
                error: None,
                raw: Some(held.raw.clone()),
            },
            LockPlace::Free => HalfDocument {
                state: LockPlaceDocument::Free,
                error: None,
                raw: None,
            },
            LockPlace::Unknown if is_used => HalfDocument {
                state: LockPlaceDocument::Unreadable,
                error,
                raw: None,
            },
            LockPlace::Unknown => HalfDocument {
                state: LockPlaceDocument::NotInUse,
                error: None,
                raw: None,
            },
        }
    };
    let locked = match (lock.halves().next().is_some(), unread.is_empty()) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    ShownDocument {
        bucket: target.address.bucket.clone(),
        path: located.path.clone(),
        key: located.key.clone(),
        workspace: located.workspace.clone(),
        locked,
        locks: rows::of(lock, target, cx.now()),
        file: half(&lock.file, true, "s3:"),
        table: half(&lock.item, target.address.table.is_some(), "dynamodb:"),
    }
}
