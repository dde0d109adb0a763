//! A migration of states between backends, as text and as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::{TextStyle, table::TextTable};
use crate::{
    store::{
        location::BackendLocation,
        migrate::{MigrationPlan, MoveAction, MoveRefusal, PlannedMove, plan::LockSighting},
        state_store::StoredLock,
    },
    text::words,
};

/// `migrate --output json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct StateMoveDocument {
    pub from: BackendLocation,
    pub to: BackendLocation,
    /// Both places for people, such as `s3://states/terraform.tfstate (Amazon S3)`.
    #[serde(skip)]
    pub titles: MoveTitles,
    pub outcome: MigrationOutcome,
    /// In the order of their names.
    pub workspaces: Vec<MovedStateDocument>,
    /// The configuration files that were edited.
    pub files: Vec<String>,
    /// The block that you must put into the configuration; null if it was edited, or is as it must
    /// be.
    pub by_hand: Option<String>,
    /// The command that points Terraform at the destination; null if no folder is known.
    pub next: Option<String>,
}

/// What a migration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MigrationOutcome {
    Planned,
    Refused,
    Migrated,
    /// There was nothing to do.
    Nothing,
}

/// The two places of a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MoveTitles {
    pub from: String,
    pub to: String,
}

/// The state of one workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct MovedStateDocument {
    pub workspace: String,
    pub from: String,
    pub to: String,
    /// `copy`, `finish`, `done`, `stays` or `refused`.
    pub action: &'static str,
    /// Why it is refused.
    pub reason: Option<String>,
    /// The lock of an earlier run of this migration that is taken over.
    pub takes_over: Option<String>,
    pub serial: Option<u64>,
    pub lineage: Option<String>,
    /// Managed resources, if that is known.
    pub resources: Option<u64>,
    /// In bytes.
    pub size: Option<u64>,
}

impl MovedStateDocument {
    fn of(planned: &PlannedMove) -> Self {
        let PlannedMove {
            workspace,
            source,
            destination,
            action,
        } = planned;
        let state = source
            .content
            .known()
            .or_else(|| destination.content.known());
        let (action, reason) = match action {
            MoveAction::Copy => ("copy", None),
            MoveAction::Finish => ("finish", None),
            MoveAction::Done => ("done", None),
            MoveAction::Stays => ("stays", None),
            MoveAction::Refused(refusal) => {
                let lock = match planned_lock(planned) {
                    Some(lock) => format!(" ({})", holder(lock)),
                    None => String::new(),
                };
                ("refused", Some(format!("{refusal}{lock}")))
            }
        };
        Self {
            workspace: workspace.clone(),
            from: source.address.clone(),
            to: destination.address.clone(),
            action,
            reason,
            takes_over: taken_over(planned),
            serial: state.and_then(|state| state.serial),
            lineage: state.and_then(|state| state.lineage.clone()),
            resources: state.and_then(|state| state.resources),
            size: state.map(|state| state.size),
        }
    }
}

/// The documents of a plan.
pub(crate) fn workspaces(plan: &MigrationPlan) -> Vec<MovedStateDocument> {
    plan.moves.iter().map(MovedStateDocument::of).collect()
}

/// Of a run that was cut off, or is at work still.
fn taken_over(planned: &PlannedMove) -> Option<String> {
    let sides = match planned.action {
        MoveAction::Copy => vec![&planned.source, &planned.destination],
        // The source is locked for good.
        MoveAction::Finish => vec![&planned.destination],
        MoveAction::Done | MoveAction::Stays | MoveAction::Refused(_) => vec![],
    };
    sides.into_iter().find_map(|side| match &side.lock {
        LockSighting::Ours(lock) => Some(holder(lock)),
        LockSighting::Free | LockSighting::WayBack(_) | LockSighting::Other(_) => None,
    })
}

/// The lock for which a move is refused.
fn planned_lock(planned: &PlannedMove) -> Option<&StoredLock> {
    match &planned.action {
        MoveAction::Refused(MoveRefusal::SourceLocked) => planned.source.lock.lock(),
        MoveAction::Refused(MoveRefusal::DestinationLocked) => planned.destination.lock.lock(),
        _ => None,
    }
}

/// Who holds a lock, for people.
pub(crate) fn holder(lock: &StoredLock) -> String {
    match &lock.info {
        Ok(info) => {
            let note = match info.info.as_str() {
                "" => String::new(),
                note => format!(": {note}"),
            };
            format!("lock {} by {}{note}", info.id, info.who)
        }
        Err(unknown) => format!("holder unknown: {unknown}"),
    }
}

/// The plan as a table.
pub(crate) fn text(document: &StateMoveDocument, view: &TextStyle) -> String {
    let mut table = TextTable::new(["Workspace", "Serial", "Resources", "Action"])
        .optional(&["Resources", "Serial"]);
    let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    for moved in &document.workspaces {
        let mut action = match (moved.action, &moved.reason) {
            ("copy", _) => "copy".to_owned(),
            ("finish", _) => "already there; complete the move".to_owned(),
            ("done", _) => "moved already".to_owned(),
            ("stays", _) => "only at the destination; stays".to_owned(),
            (_, reason) => format!("refused: {}", reason.as_deref().unwrap_or_default()),
        };
        if let Some(lock) = &moved.takes_over {
            action.push_str(&format!("; takes over {lock}"));
        }
        table.row([
            &moved.workspace,
            &number(moved.serial),
            &number(moved.resources),
            &action,
        ]);
    }
    let bold = |text: &str| view.style.bold(text);
    let MoveTitles { from, to } = &document.titles;
    format!(
        "{} {}\n{}   {}\n\n{}\n{}\n",
        bold("From:"),
        super::safe::safe(from),
        bold("To:"),
        super::safe::safe(to),
        table.text(view),
        summary(document)
    )
}

/// `2 states to copy, 1 moved already.`
fn summary(document: &StateMoveDocument) -> String {
    let count = |action: &str| {
        let is = |moved: &&MovedStateDocument| moved.action == action;
        document.workspaces.iter().filter(is).count()
    };
    let states = |n: usize| words::count(n, "state", "states");
    let parts: Vec<String> = [
        (count("copy"), "to copy"),
        (count("finish"), "to complete"),
        (count("done"), "moved already"),
        (count("refused"), "refused"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{} {what}", states(n)))
    .collect();
    if parts.is_empty() {
        "No states to move.".to_owned()
    } else {
        format!("{}.", parts.join(", "))
    }
}

/// What was done, and what comes next; `plan` is the command that shows that nothing changed.
pub(crate) fn answer(
    document: &StateMoveDocument,
    plan: Option<&str>,
    from_local: bool,
    view: &TextStyle,
) -> String {
    let safe = |text: &str| super::safe::safe(text).into_owned();
    let mut lines = vec![];
    if document.outcome == MigrationOutcome::Nothing {
        lines.push(format!(
            "Nothing to do: the states are in {}.",
            safe(&document.titles.to)
        ));
    } else {
        let moved = document
            .workspaces
            .iter()
            .filter(|moved| moved.action != "stays")
            .count();
        lines.push(format!(
            "Moved {} to {}.",
            words::count(moved, "state", "states"),
            safe(&document.titles.to)
        ));
        lines.extend(
            document
                .files
                .iter()
                .map(|file| format!("Configured the backend in {}.", safe(file))),
        );
        if from_local {
            lines.push(
                "The previous states stay in files that end with .backup, and contain every \
                 secret in plain text: delete them once the plan shows no changes."
                    .to_owned(),
            );
        }
    }
    if let Some(block) = &document.by_hand {
        lines.push("Put this block into the configuration:".to_owned());
        lines.extend(block.lines().map(|line| format!("  {}", safe(line))));
    }
    if let Some(next) = &document.next {
        lines.push(view.style.bold("Next:"));
        lines.push(format!("  {}", safe(next)));
        lines.extend(plan.map(|plan| format!("  {}   # shows no changes", safe(plan))));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}
