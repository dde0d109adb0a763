//! `tfbackend migrate`: moves states from one backend to another, of any kind.

use std::collections::BTreeSet;

use clap::Args;

use super::{approval, context::Context, failure::CliError};
use crate::{
    exit,
    kind::BackendKind,
    report::{
        json,
        state_move::{self as report, MigrationOutcome, MoveTitles, StateMoveDocument},
    },
    store::{
        migrate::{
            MigrateError, MigrateEvent, MigrateFailure, Migration, MigrationPlan, MoveAction,
        },
        state_store::StoreError,
    },
    text::words,
};

mod place;
mod files;

use files::FolderEdit;
use place::{FolderUse, MigrationPlace, PlaceName};

/// Move states from one backend to another: locked, byte for byte, with lineage and serial
///
/// A side is an environment (`prod`), a folder (`.`, `./app`), a partial configuration
/// (`backend.conf`), `s3://BUCKET/KEY` or `local:PATH`. The states stay at the source, locked, with
/// a note that says where they are now. If the command is interrupted, run it again.
#[derive(Args, Clone, Debug)]
pub struct MigrateStatesArgs {
    /// Backend that has the states [default: the backend of this folder]
    #[arg(long, value_name = "BACKEND")]
    pub from: Option<PlaceName>,

    /// Backend that the states move to
    #[arg(long, value_name = "BACKEND")]
    pub to: PlaceName,

    /// Move only this workspace; may be repeated [default: all workspaces]
    #[arg(long, value_name = "NAME")]
    pub workspace: Vec<String>,

    /// Show what would be done, and change nothing
    #[arg(long)]
    pub plan: bool,

    /// Move the states without asking
    #[arg(long, short = 'y')]
    pub auto_approve: bool,
}

/// What the command is about, resolved.
struct MoveSubject<'a> {
    migration: Migration<'a>,
    plan: MigrationPlan,
    /// The folder that used the source, if all its states move.
    folder: Option<FolderEdit>,
    document: StateMoveDocument,
}

pub(crate) async fn run(args: MigrateStatesArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let here = PlaceName::Path(".".into());
    let from = args.from.as_ref().unwrap_or(&here);
    let from = MigrationPlace::open(from, FolderUse::InUse, cx).await?;
    let to = MigrationPlace::open(&args.to, FolderUse::Configured, cx).await?;
    for note in from.notes().iter().chain(to.notes()) {
        cx.status(&format!("note: {note}"));
    }
    let (source, destination) = (from.store(), to.store());
    let migration = Migration {
        source: &*source,
        destination: &*destination,
        who: cx.host.who.clone(),
        now: cx.now(),
    };
    if migration
        .is_same_place()
        .map_err(|error| of_store(&error))?
    {
        return same_place(&from, cx);
    }
    let only: BTreeSet<String> = args.workspace.iter().cloned().collect();
    let plan = cx
        .busy_with(
            "reading states and locks",
            migration.plan((!only.is_empty()).then_some(&only)),
        )
        .await?
        .map_err(|error| of_store(&error))?;
    must_be_known(&only, &plan, &from, cx)?;
    let folder = match args.workspace.is_empty() {
        true => FolderEdit::of(&from, &to, plan.moves.len(), cx).await?,
        false => None,
    };
    let is_nothing = plan.to_do().next().is_none() && plan.refused().next().is_none();
    let has_moved = plan
        .moves
        .iter()
        .any(|planned| planned.action == MoveAction::Done);
    // A folder is not pointed at a backend that would be as empty.
    if is_nothing && !has_moved {
        return Err(
            CliError::failed(format!("{} has no states", from.title(cx)))
                .hint("name the backend that has them: --from BACKEND"),
        );
    }
    let document = StateMoveDocument {
        from: from.location(),
        to: to.location(),
        titles: MoveTitles {
            from: from.full_title(cx),
            to: to.full_title(cx),
        },
        outcome: MigrationOutcome::Planned,
        workspaces: report::workspaces(&plan),
        files: vec![],
        by_hand: None,
        next: folder.as_ref().map(FolderEdit::next),
    };
    let subject = MoveSubject {
        migration,
        plan,
        folder,
        document,
    };
    move_states(subject, &args, &from, &to, cx).await
}

async fn move_states(
    mut subject: MoveSubject<'_>,
    args: &MigrateStatesArgs,
    from: &MigrationPlace,
    to: &MigrationPlace,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let refused = subject.plan.refused().count();
    if args.plan || refused > 0 {
        return show(subject, args, cx);
    }
    let to_do = subject.plan.to_do().count();
    let view = cx.global.view(cx.host);
    cx.status_text(&report::text(&subject.document, &view));
    let edit = subject
        .folder
        .as_ref()
        .and_then(|folder| folder.preview(cx));
    if let Some(edit) = &edit {
        cx.status(edit);
    }
    if to_do == 0 && edit.is_none() {
        subject.document.outcome = MigrationOutcome::Nothing;
        return answer(&subject.document, None, from, cx);
    }
    approve(args, to_do, &from.title(cx), &to.title(cx), cx)?;
    if to_do > 0 {
        let cancel = cx.host.cancel.clone();
        let done = subject
            .migration
            .carry_out(&subject.plan, &cancel, |event| cx.status(&said(&event)))
            .await;
        done.map_err(|failure| of_failure(failure, to_do))?;
    }
    subject.document.outcome = MigrationOutcome::Migrated;
    let mut plan_line = None;
    if let Some(folder) = subject.folder {
        plan_line = Some(folder.plan());
        let edited = folder.carry_out().map_err(|failure| {
            CliError {
                code: exit::PARTLY,
                ..failure
            }
            .hint("the states moved; run the same command again to edit the files")
        })?;
        subject.document.files = edited
            .files
            .iter()
            .map(|path| place::shown(path, cx))
            .collect();
        if let Some((why, block)) = edited.by_hand {
            cx.status(&format!("edit the `backend` block yourself: {why}"));
            subject.document.by_hand = Some(block);
        }
    }
    answer(&subject.document, plan_line.as_deref(), from, cx)
}

/// The plan, as the answer.
fn show(
    mut subject: MoveSubject<'_>,
    args: &MigrateStatesArgs,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    let refused = subject.plan.refused().count();
    if refused > 0 {
        subject.document.outcome = MigrationOutcome::Refused;
    }
    if cx.global.json() {
        written(&subject.document, cx)?;
        return Ok(if refused > 0 {
            exit::REFUSED
        } else {
            exit::DONE
        });
    }
    if args.plan {
        let view = cx.global.out_view(cx.host);
        cx.output(&report::text(&subject.document, &view))?;
        if let Some(edit) = subject
            .folder
            .as_ref()
            .and_then(|folder| folder.preview(cx))
        {
            cx.output(&format!("{edit}\n"))?;
        }
    } else {
        let view = cx.global.view(cx.host);
        cx.status_text(&report::text(&subject.document, &view));
    }
    match refused {
        0 => Ok(exit::DONE),
        refused => Err(refusal(refused, &subject.plan)),
    }
}

fn refusal(refused: usize, plan: &MigrationPlan) -> CliError {
    use crate::store::migrate::MoveRefusal;
    let states = words::count(refused, "state", "states");
    let mut failure = CliError::refused(format!("cannot move {states}; nothing was changed"));
    for (planned, refusal) in plan.refused() {
        failure = failure.hint(match refusal {
            MoveRefusal::SourceLocked => {
                "wait for the run that holds the source, or release its lock if that run is gone"
            }
            MoveRefusal::DestinationLocked => {
                "wait for the run that holds the destination, or release its lock if that run is \
                 gone"
            }
            MoveRefusal::SourceUnreadable(_) => {
                "`tfbackend state restore` puts back an older state"
            }
            MoveRefusal::DestinationUnreadable(_) => {
                "restore or remove what is at the destination, or choose another state key or path"
            }
            MoveRefusal::OtherLineage | MoveRefusal::UnknownLineage => {
                "the destination has the state of another configuration: choose another state key \
                 or path"
            }
            MoveRefusal::NotOlder { .. } => {
                "both places were written to: compare the two states, and remove the one that is \
                 wrong"
            }
            MoveRefusal::Lost => "restore the state at the destination",
        });
        if failure.causes.len() < 10 {
            failure
                .causes
                .push(format!("workspace {}: {refusal}", planned.workspace));
        }
    }
    failure
}

fn same_place(from: &MigrationPlace, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let title = from.title(cx);
    let Some(dir) = &from.folder else {
        return Err(CliError::refused(format!(
            "both sides are the same place, {title}; nothing was changed"
        )));
    };
    // As after a migration that came to its end.
    let dir = place::shown(dir, cx);
    let text = format!("Nothing to do: the folder {dir} uses {title}.");
    if cx.global.json() {
        let place = from.location();
        let document = StateMoveDocument {
            from: place.clone(),
            to: place,
            titles: MoveTitles::default(),
            outcome: MigrationOutcome::Nothing,
            workspaces: vec![],
            files: vec![],
            by_hand: None,
            next: None,
        };
        written(&document, cx)?;
    } else {
        cx.output(&format!("{}\n", crate::report::safe::safe(&text)))?;
    }
    Ok(exit::DONE)
}

/// A workspace that is named must have a state.
fn must_be_known(
    only: &BTreeSet<String>,
    plan: &MigrationPlan,
    from: &MigrationPlace,
    cx: &Context<'_>,
) -> Result<(), CliError> {
    let is_known = |name: &&String| plan.moves.iter().any(|planned| planned.workspace == **name);
    match only.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(CliError::failed(format!(
            "{} has no state of workspace {name}",
            from.title(cx)
        ))),
    }
}

fn approve(
    args: &MigrateStatesArgs,
    states: usize,
    from: &str,
    to: &str,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if args.auto_approve {
        return Ok(());
    }
    if !cx.global.attended(cx.host) {
        return Err(CliError::refused(
            "a migration needs approval, but this is not a terminal; nothing was changed",
        )
        .hint("pass --auto-approve (-y) to carry it out"));
    }
    let text = match states {
        0 => format!("Edit the configuration for {to}"),
        states => format!(
            "Move {} from {from} to {to}",
            words::count(states, "state", "states")
        ),
    };
    approval::ask(&text, "--auto-approve", cx)
}

fn said(event: &MigrateEvent) -> String {
    match event {
        MigrateEvent::Locked(states) => {
            format!(
                "locked {} at both sides",
                words::count(*states, "state", "states")
            )
        }
        MigrateEvent::Copied { workspace, to } => {
            format!("{workspace}: copied to {to}, read back and compared")
        }
        MigrateEvent::Fenced { workspace, from } => {
            format!("{workspace}: locked {from}, with a note that says where the state is")
        }
    }
}

fn of_store(error: &StoreError) -> CliError {
    CliError::of(exit::FAILED, error).hint("nothing was changed")
}

fn of_failure(failure: MigrateFailure, states: usize) -> CliError {
    let MigrateFailure {
        error,
        changed,
        left,
    } = failure;
    let nothing = changed == 0 && left.is_empty();
    let code = match &error {
        MigrateError::Interrupted => exit::INTERRUPTED,
        _ if !nothing => exit::PARTLY,
        MigrateError::Locked { .. }
        | MigrateError::Changed { .. }
        | MigrateError::Refused { .. } => exit::REFUSED,
        MigrateError::ReadBack { .. } | MigrateError::Store(_) => exit::FAILED,
    };
    let what = if nothing {
        format!("{error}; nothing was changed")
    } else {
        format!(
            "the migration of {} did not end: {error}",
            words::count(states, "state", "states")
        )
    };
    let mut out = CliError::new(code, what);
    if let MigrateError::Locked {
        lock: Some(lock), ..
    } = &error
    {
        out.causes.push(report::holder(lock));
    }
    if let Some(source) = std::error::Error::source(&error) {
        out = out.because(source);
    }
    for lock in left {
        out.causes
            .push(format!("this lock is not released: {lock}"));
    }
    if nothing {
        out.hint("run the same command again")
    } else {
        out.hint("run the same command again: it continues where this run ended")
    }
}

fn written(document: &StateMoveDocument, cx: &mut Context<'_>) -> Result<(), CliError> {
    json::write_document(&mut *cx.host.out, document).map_err(|error| {
        not_told(
            document,
            CliError::failed("cannot write the output").because(&error),
        )
    })
}

/// The states moved, although the answer does not arrive.
fn not_told(document: &StateMoveDocument, failure: CliError) -> CliError {
    match document.outcome {
        MigrationOutcome::Migrated => CliError {
            code: exit::PARTLY,
            ..failure
        }
        .hint("the states moved; `tfbackend state list` shows where they are"),
        MigrationOutcome::Planned | MigrationOutcome::Refused | MigrationOutcome::Nothing => {
            failure
        }
    }
}

fn answer(
    document: &StateMoveDocument,
    plan: Option<&str>,
    from: &MigrationPlace,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        written(document, cx)?;
        return Ok(exit::DONE);
    }
    let view = cx.global.out_view(cx.host);
    let is_local = from.kind() == BackendKind::Local;
    cx.output(&report::answer(document, plan, is_local, &view))
        .map_err(|failure| not_told(document, failure))?;
    Ok(exit::DONE)
}
