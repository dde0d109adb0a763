//! `lock migrate --touch`: states that never change are written once under both locks, unchanged
//! but for the serial.

use jiff::Timestamp;

use super::{
    answered,
    guards::{MigrationFacts, MigrationRefusal, not_ready, untouchable},
    shown,
};
use crate::{
    backend::aws::store::{
        lock_acquire::LockMechanisms,
        migration::RewrittenState,
        restore::{RestoreContext, TouchError},
    },
    cli::{
        approval,
        context::Context,
        explain,
        failure::CliError,
        state::{in_force, restore::failed},
        target::S3Target,
    },
    exit,
    report::migration::MigrationDocument,
    settings::layer::LockMechanism,
    store::restore::RestoreStep,
    text::words,
};

/// The operation that Terraform shows for the lock held meanwhile.
const OPERATION: &str = "OperationTypeTouch";
/// The consequence of the write, shown to the user.
const PROMISE: &str = "A state that is written here counts as used with the new files: touch only \
                       states whose users have all run `terraform init -reconfigure`.";

/// The states that block the stage with lock files only: those that can be written once more, and
/// the reasons why others cannot.
pub(super) struct StatesToRewrite<'a> {
    pub states: Vec<&'a RewrittenState>,
    pub refusals: Vec<MigrationRefusal>,
}

/// Decides which states are written.
pub(super) fn of(facts: &MigrationFacts) -> StatesToRewrite<'_> {
    let refusal = |what: &str, hint: &str| MigrationRefusal {
        what: what.to_owned(),
        hint: hint.to_owned(),
    };
    let Some(since) = facts
        .since
        .filter(|_| facts.now == Some(LockMechanism::Both))
    else {
        let both = refusal(
            "lock files are not in use beside the table yet",
            &format!("first: tfbackend lock migrate --to both{}", facts.words),
        );
        return StatesToRewrite {
            states: vec![],
            refusals: vec![both],
        };
    };
    let mut touch = StatesToRewrite {
        states: vec![],
        refusals: vec![],
    };
    for error in &facts.used.unseen {
        touch.refusals.push(refusal(
            &format!("not everything can be read: {error}"),
            "grant these credentials read access, then run the command again",
        ));
    }
    for state in facts
        .used
        .states
        .iter()
        .filter(|state| not_ready(state, since, &facts.words).is_some())
    {
        let lock = facts
            .used
            .locks
            .iter()
            .find(|lock| lock.located.path == state.path);
        match (lock, untouchable(state, since, &facts.words)) {
            (Some(lock), _) => {
                let hint = format!(
                    "wait until the run ends, or, if it has ended, release its lock: tfbackend \
                     lock release --id ID{}",
                    facts.words
                );
                touch.refusals.push(refusal(
                    &format!("{} is locked ({})", state.path, lock.ids().join(" and ")),
                    &hint,
                ));
            }
            (None, Some(refusal)) => touch.refusals.push(refusal),
            (None, None) => touch.states.push(state),
        }
    }
    touch
}

impl StatesToRewrite<'_> {
    pub(super) fn titles(&self) -> Vec<String> {
        self.states
            .iter()
            .map(|state| format!("write {} once more, with the next serial", state.path))
            .collect()
    }
}

/// Writes the states one after the other; a failed write does not stop the others.
///
/// # Errors
/// If a state could not be written, or was refused.
pub(super) async fn run(
    touch: &StatesToRewrite<'_>,
    document: &MigrationDocument,
    approved: bool,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    shown(document, cx);
    let refused = || {
        let count = words::count(touch.refusals.len(), "state is", "states are");
        let failure = CliError::refused(format!("{count} not written"));
        touch.refusals.iter().fold(failure, |mut failure, refusal| {
            failure.causes.push(refusal.what.clone());
            failure.hint(refusal.hint.clone())
        })
    };
    if touch.states.is_empty() {
        if !touch.refusals.is_empty() {
            return Err(refused());
        }
        cx.status(&format!(
            "nothing to do: every state was written under a lock file. Next: tfbackend lock \
             migrate --to s3{}",
            super::words(target)
        ));
        return answered(document, target, cx);
    }
    cx.status(PROMISE);
    approve(touch.states.len(), approved, cx)?;
    let mut failure: Option<CliError> = None;
    let mut written = 0_usize;
    for state in &touch.states {
        match one(&state.path, target, cx).await {
            Ok(serial) => {
                written += 1;
                cx.status(&format!("written: {} (serial {serial})", state.path));
            }
            Err(next) => {
                let code = next.code;
                match &mut failure {
                    Some(first) => {
                        first.causes.push(next.message);
                        next.hints.into_iter().for_each(|hint| {
                            first
                                .hints
                                .extend((!first.hints.contains(&hint)).then_some(hint))
                        });
                    }
                    None => failure = Some(next),
                }
                if code == exit::INTERRUPTED || cx.host.cancel.is_cancelled() {
                    break;
                }
            }
        }
    }
    let all = match (failure, touch.refusals.is_empty()) {
        (Some(failure), _) => Some(failure),
        (None, false) => Some(refused()),
        (None, true) => None,
    };
    match all {
        Some(failure) if written > 0 && failure.code != exit::INTERRUPTED => Err(CliError {
            code: exit::PARTLY,
            ..failure
        }),
        Some(failure) => Err(failure),
        None => {
            cx.status(&format!(
                "Next: tfbackend lock migrate --to s3{}",
                super::words(target)
            ));
            answered(document, target, cx)
        }
    }
}

/// Writes one state under both locks and returns its new serial.
async fn one(path: &str, target: &S3Target, cx: &mut Context<'_>) -> Result<u64, CliError> {
    let store = target.store();
    if cx.host.cancel.is_cancelled() {
        return Err(
            CliError::interrupted(format!("interrupted before writing {path}"))
                .hint("the same command continues"),
        );
    }
    let head = cx
        .until_cancelled(store.head(path, None))
        .await?
        .ok()
        .flatten();
    let encrypt =
        in_force::for_state(target, head.as_ref().map(|head| &head.encryption), cx).await?;
    let plan = store
        .plan_touch(path, &encrypt)
        .await
        .map_err(|error| match error {
            TouchError::Aws(error) => explain::aws(
                CliError::failed(format!("{path} cannot be read")).because(&error),
                &error,
                None,
            ),
            error => CliError::refused(format!("{path} is not written: {error}")).hint(format!(
                "run `tfbackend state check{}` for details",
                target.words
            )),
        })?;
    let now = Timestamp::now();
    let info = store.lock_info(path, OPERATION, &cx.host.who, now);
    let cancel = cx.host.cancel.clone();
    let work = RestoreContext {
        mechanisms: LockMechanisms {
            table: true,
            file: true,
        },
        info,
        dir: cx.host.cwd.clone(),
        now,
        cancel: &cancel,
    };
    let restored = store
        .restore(&plan, &work, &target.encryption, &mut |_: RestoreStep| {})
        .await;
    restored
        .map(|restored| restored.serial.unwrap_or_default())
        .map_err(|error| failed::failure(error, path, target))
}

fn approve(count: usize, approved: bool, cx: &mut Context<'_>) -> Result<(), CliError> {
    if approved {
        return Ok(());
    }
    let states = words::count(count, "state", "states");
    if !cx.global.attended(cx.host) {
        return Err(CliError::refused(format!(
            "{states} to write, and this is not a terminal; nothing was changed"
        ))
        .hint("pass --auto-approve (-y) to write them"));
    }
    approval::ask(&format!("Write {states} once more"), "--auto-approve", cx)
}
