//! `tfbackend lock release`: releases exactly the locks that were named and shown, and none that
//! was acquired meanwhile.

use clap::Args;
use jiff::SignedDuration;

use super::{
    outcome,
    select::{self, ChosenLock},
    stored::{self, ReleaseRequest},
    survey, this_run,
};
use crate::{
    cli::{
        approval,
        context::Context,
        failure::CliError,
        target::{BackendTarget, S3Target, TargetArgs},
    },
    exit,
    report::{locks, safe::safe},
    text::{shell::shell_word, words},
};

/// A lock younger than this probably belongs to a run in progress.
const YOUNG: SignedDuration = SignedDuration::from_mins(15);

/// Release a lock by its ID in the table and in the bucket; a lock acquired meanwhile is kept
#[derive(Args, Clone, Debug)]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// The same as --id
    #[arg(value_name = "ID", required_unless_present_any = ["ids", "older_than", "held_by_this_run"], conflicts_with_all = ["ids", "older_than", "held_by_this_run"])]
    pub id: Option<String>,

    /// ID of the lock to release, as `lock list` shows it; may be given several times
    #[arg(long = "id", value_name = "ID", conflicts_with_all = ["older_than", "held_by_this_run"])]
    pub ids: Vec<String>,

    /// Release every lock that has been held for longer than this, such as 90m or 2h
    #[arg(long, value_name = "DURATION")]
    pub older_than: Option<SignedDuration>,

    /// Release the locks that Terraform acquired in this job of a pipeline, once it has ended
    ///
    /// The log of Terraform 1.6 or later has the IDs of its locks: set TF_LOG_CORE=INFO and
    /// TF_LOG_PATH for the whole job. Nothing is released as long as a process has the log open.
    /// Without such a lock, nothing is done, and the command succeeds.
    #[arg(long, conflicts_with = "older_than")]
    pub held_by_this_run: bool,

    /// Release the locks of --id or --held-by-this-run without asking
    #[arg(long, short = 'y')]
    pub auto_approve: bool,
}

/// Which locks are to be released.
pub(super) enum LockSelection {
    Ids(Vec<String>),
    OlderThan(SignedDuration),
    ThisRun,
}

impl LockSelection {
    fn of(args: &ReleaseArgs) -> Self {
        if args.held_by_this_run {
            return Self::ThisRun;
        }
        if let Some(least) = args.older_than {
            return Self::OlderThan(least);
        }
        let ids = args.id.iter().chain(&args.ids);
        Self::Ids(ids.map(|id| id.trim().to_owned()).collect())
    }

    /// Returns whether an option can approve it: what is old is shown first.
    pub(super) fn is_exact(&self) -> bool {
        !matches!(self, Self::OlderThan(_))
    }

    /// What is said if there is no such lock.
    pub(super) fn nothing(&self) -> String {
        match self {
            Self::OlderThan(least) => format!(
                "no lock has been held for longer than {}",
                words::age(least.unsigned_abs())
            ),
            Self::Ids(_) => "already released: no such lock".to_owned(),
            Self::ThisRun => "this run holds no lock".to_owned(),
        }
    }
}

/// Returns the words that name these locks on a command line.
pub(crate) fn id_words(id: &str) -> String {
    let sign = if id.starts_with('-') { '=' } else { ' ' };
    format!("--id{sign}{}", shell_word(id))
}

pub(super) async fn run(args: ReleaseArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let selection = LockSelection::of(&args);
    let ReleaseArgs {
        target,
        auto_approve,
        ..
    } = args;
    let target = target.open(cx).await?.with_unused_table(cx).await?;
    target.announce(cx);
    let target = match target {
        BackendTarget::S3(target) => target,
        other => {
            let request = ReleaseRequest {
                selection,
                auto_approve,
            };
            return stored::release(&request, &other, cx).await;
        }
    };
    let chosen = match &selection {
        LockSelection::Ids(ids) => {
            select::by_id(&survey::at(&target, cx).await?, ids, &target, cx).await?
        }
        LockSelection::OlderThan(least) => {
            select::older_than(&survey::at(&target, cx).await?, *least, &target, cx).await?
        }
        LockSelection::ThisRun => {
            let ids = this_run::lock_ids(cx).await?;
            select::of_run(&survey::at(&target, cx).await?, &ids, &target, cx).await?
        }
    };
    if chosen.is_empty() {
        return nothing(&selection, &target, cx);
    }
    show(&chosen, &selection, &target, cx);
    let question = match &chosen[..] {
        [one] => format!(
            "Release {} on {}, {}",
            one.document.id,
            one.document.url(),
            one.document.holder()
        ),
        several => {
            let ids: Vec<&str> = several.iter().map(|one| &*one.document.id).collect();
            format!("Release {}", words::list(&ids))
        }
    };
    let ids: Vec<String> = chosen.iter().map(|one| one.document.id.clone()).collect();
    let approved = auto_approve && selection.is_exact();
    approve(&ids, &question, approved, &target.words, cx)?;
    let mut outcomes = vec![];
    for one in chosen {
        let released = target.store().release(&one.lock).await;
        outcomes.push(outcome::of(one, released));
    }
    outcome::answer(&outcomes, &target, cx)
}

fn nothing(
    selection: &LockSelection,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        return outcome::answer(&[], target, cx);
    }
    cx.output(&format!(
        "{} in s3://{}\n",
        selection.nothing(),
        safe(&target.address.bucket)
    ))?;
    Ok(exit::DONE)
}

/// Prints holder, operation and age of the locks, and warnings.
fn show(chosen: &[ChosenLock], selection: &LockSelection, target: &S3Target, cx: &mut Context<'_>) {
    let documents: Vec<_> = chosen.iter().map(|one| one.document.clone()).collect();
    let view = cx.global.view(cx.host);
    cx.status_text(&locks::table(&documents, &target.address.bucket, &view));
    let now = cx.now();
    for ChosenLock {
        lock,
        document,
        unread,
    } in chosen
    {
        let id = &document.id;
        match super::rows::youngest(lock, now) {
            Some(age) if age >= YOUNG => {}
            // Its process has ended.
            Some(_) if matches!(selection, LockSelection::ThisRun) => {}
            Some(age) => cx.status(&format!(
                "warning: {id} has been held for only {}: the run is probably still in progress",
                words::age(age.unsigned_abs())
            )),
            None => cx.status(&format!("warning: the age of lock {id} is unknown")),
        }
        if let Some(missing) = document.missing {
            cx.status(&format!(
                "note: {id} is only half of a lock: the {} has no entry for it",
                missing.name()
            ));
        }
        for error in unread {
            cx.status(&format!(
                "warning: the other half of {id} cannot be read: {error}"
            ));
        }
    }
}

/// Asks for approval of the shown locks; without a terminal, the locks must be named.
pub(super) fn approve(
    ids: &[String],
    question: &str,
    approved: bool,
    target_words: &str,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if approved {
        return Ok(());
    }
    if !cx.global.attended(cx.host) {
        let ids: Vec<String> = ids.iter().map(|id| id_words(id)).collect();
        return Err(CliError::refused(
            "releasing a lock needs approval, but this is not a terminal; no lock was released",
        )
        .hint("name the lock to release it without a question: --id ID --auto-approve (-y)")
        .hint(format!(
            "tfbackend lock release {} --auto-approve{target_words}",
            ids.join(" ")
        )));
    }
    approval::ask(question, "--auto-approve", cx)
}
