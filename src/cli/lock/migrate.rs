//! `tfbackend lock migrate`: from the table to lock files and back, in stages that keep everybody
//! out of each other's way.
//!
//! There is no state file: how far it is, is what the files say, and since when both are in use is
//! a tag of the table.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        approval,
        context::Context,
        failure::CliError,
        target::{BackendTarget, TargetArgs},
    },
    exit,
    report::migration::{self as report, MigrationDocument},
    settings::layer::LockMechanism,
    terraform::write::lock_arguments::WantedArguments,
    text::words,
};

mod facts;
mod files;
mod guards;
mod ours;
mod steps;
mod touch;

use files::{BackendEdits, FolderPaths, FolderReadings, StoredRecord};
use guards::{MigrationConsent, MigrationFacts, MigrationRefusal};
use ours::EnvironmentLockParts;
use steps::{MigrationContext, MigrationStep, OurSteps};

/// Move from the lock table to lock files, or back: first to both, then to one
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// The locks to use from now on
    #[arg(long, value_name = "MECHANISM", required_unless_present_any = ["check", "touch"])]
    pub to: Option<LockMechanism>,

    /// Say how far it is, and what is in the way; nothing is changed
    #[arg(long)]
    pub check: bool,

    /// Between both and s3: write states that never change once under both locks, unchanged but
    /// for the serial
    #[arg(long, conflicts_with_all = ["to", "check", "all_files", "drop_table"])]
    pub touch: bool,

    /// Edit every backend block and partial configuration below this folder, not only in it
    #[arg(long)]
    pub all_files: bool,

    /// Oldest version of Terraform or OpenTofu in use, as in 1.11.4
    #[arg(long, value_name = "VERSION")]
    pub min_version: Option<String>,

    /// Role or user that runs Terraform, by its ARN: whether it may delete lock files is asked of
    /// IAM
    #[arg(long, value_name = "ARN")]
    pub runner: Vec<String>,

    /// With --to s3: delete the lock table as well, if nothing else is in it
    #[arg(long)]
    pub drop_table: bool,

    /// Do it without asking
    #[arg(long, short = 'y')]
    pub auto_approve: bool,
}

pub async fn run(args: MigrateArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let MigrateArgs {
        target,
        to,
        check,
        touch,
        all_files,
        min_version,
        runner,
        drop_table,
        auto_approve,
    } = args;
    if drop_table && to != Some(LockMechanism::S3) {
        return Err(CliError::failed("--drop-table goes with --to s3"));
    }
    let named: Vec<PathBuf> = target
        .backend_config
        .iter()
        .filter(|file| !file.contains('='))
        .map(PathBuf::from)
        .collect();
    // A key that was named on the command line is what this is about; all of the bucket otherwise.
    let only = target.key.clone();
    let table_said = target.table.is_some();
    let environment = target.environment(cx)?;
    let mut target = target.open(cx).await?;
    target.announce(cx);
    let ours = ours::find(environment, &target, cx).await?;
    if let Some(ours) = ours.as_ref().filter(|ours| ours.has_table()) {
        // What the settings do not use may be there.
        target
            .address
            .table
            .get_or_insert_with(|| ours.table.clone());
    }
    let cwd = cx.host.cwd.clone();
    let out = ours
        .as_ref()
        .map(|ours| (ours.out.clone(), ours.conf_file.clone()));
    let data_dir = cx.host.var("TF_DATA_DIR").map(PathBuf::from);
    let places = FolderPaths {
        root: &cwd,
        below: all_files,
        named: &named,
        data_dir: data_dir.as_deref(),
        out,
    };
    // One that is gone goes from the files, too: a run that deleted it may have been cut off there.
    let known_table = target
        .address
        .table
        .clone()
        .or_else(|| target.missing_table.clone())
        .or_else(|| ours.as_ref().map(|ours| ours.table.clone()));
    let bucket = target.address.bucket.clone();
    let wanted = |to: LockMechanism| WantedArguments {
        bucket: &bucket,
        table: known_table.as_deref(),
        use_table: to.uses_table(),
        use_file: to.uses_lockfile(),
    };
    // Before a table is deleted, those below are looked at, too.
    let folders = FolderReadings::read(&places, drop_table)?;
    let now = match (folders.now(&bucket), target.address.table.is_some()) {
        // No run locks in a table that is not there.
        (Some(LockMechanism::Both), false) => Some(LockMechanism::S3),
        (Some(LockMechanism::Dynamodb), false) => None,
        (Some(now), _) => Some(now),
        // A flag that names the table is no word of the files.
        (None, _) => facts::now(
            &target,
            target.locks.table && (!table_said || target.locks.file.is_none()),
        ),
    };
    let known = facts::MigrationInputs {
        now,
        only: only.as_deref(),
        roles: &runner,
        ours: ours.as_ref(),
    };
    let mut facts = facts::gather(&target, known, cx).await?;
    if touch {
        let touch = touch::of(&facts);
        let document = MigrationDocument {
            steps: touch.titles(),
            ..document(
                &facts,
                &BackendEdits::default(),
                &[],
                &touch.refusals,
                LockMechanism::S3,
                &target,
            )
        };
        return touch::run(&touch, &document, auto_approve, &target, cx).await;
    }
    let asked = to;
    let to = to.unwrap_or_else(|| next(&facts));
    let files = folders.plan(&wanted(to));
    let (our_steps, left) = of_ours(ours.as_ref(), to, &target, cx);
    facts.makes_table = our_steps.make_table.is_some();
    let mut refusals = guards::refusals(
        &facts,
        to,
        &MigrationConsent {
            min_version,
            drop_table,
        },
    );
    refusals.extend(left_to_a_person(&files, to));
    if drop_table && facts.table.is_some() {
        refusals.extend(still_named(&files, &folders.plan_all(&wanted(to))));
    }
    refusals.extend(left);
    let steps = steps::of(&facts, &files, our_steps, to, drop_table);
    let document = document(&facts, &files, &steps, &refusals, to, &target);
    if check {
        return checked(&document, asked, &target, cx);
    }
    shown(&document, cx);
    if !refusals.is_empty() {
        return Err(refused(&refusals, to));
    }
    if steps.is_empty() {
        cx.say("nothing to do: everything is as it should be");
        return answered(&document, &target, cx);
    }
    approve(&steps, auto_approve, &files, cx)?;
    steps::carry_out(
        steps,
        &MigrationContext {
            files: &files,
            target: &target,
            ours: ours.as_ref(),
        },
        cx,
    )
    .await?;
    after(&files, to, drop_table, &target, cx);
    answered(&document, &target, cx)
}

/// What moves with the locks of an environment, and what of it a person has to do first.
fn of_ours(
    ours: Option<&EnvironmentLockParts>,
    to: LockMechanism,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> (OurSteps, Vec<MigrationRefusal>) {
    let Some(ours) = ours else {
        return (OurSteps::default(), vec![]);
    };
    let mut left = vec![];
    let make_table =
        match (to.uses_table() && target.address.table.is_none()).then(|| ours.missing_table()) {
            None => None,
            Some(Ok(plan)) => plan,
            Some(Err(why)) => {
                let hint = "correct it, or name another table: --table NAME";
                left.push(MigrationRefusal {
                    what: format!("lock table {} cannot be made: {why}", ours.table),
                    hint: hint.to_owned(),
                });
                None
            }
        };
    let settings = ours.settings(to, cx).unwrap_or_else(|failure| {
        let hint = format!(
            "set lock = \"{}\" for {} in the settings file by hand, then run again",
            name_of(to),
            ours.env
        );
        let causes = failure
            .causes
            .iter()
            .fold(failure.message.clone(), |text, cause| {
                format!("{text}: {cause}")
            });
        left.push(MigrationRefusal { what: causes, hint });
        None
    });
    if let Some(said) = cx
        .host
        .var("TFBACKEND_LOCK")
        .filter(|said| *said != name_of(to))
    {
        cx.say(&format!(
            "note: TFBACKEND_LOCK says {said}: change it with the files, or the next bootstrap \
             refuses"
        ));
    }
    let policy_name = ours.runner_policy().unwrap_or_default().to_owned();
    let steps = OurSteps {
        make_table,
        policy: ours.policy_changes(to, &target.address.bucket),
        policy_name,
        table_name: ours.table.clone(),
        settings,
        trail: ours.trail_change(to),
    };
    (steps, left)
}

/// As `--to` and the settings file name it.
fn name_of(mechanism: LockMechanism) -> &'static str {
    match mechanism {
        LockMechanism::Dynamodb => "dynamodb",
        LockMechanism::Both => "both",
        LockMechanism::S3 => "s3",
    }
}

/// The stage after the one that the files say.
fn next(facts: &MigrationFacts) -> LockMechanism {
    match facts.now {
        Some(LockMechanism::Both) => LockMechanism::S3,
        Some(LockMechanism::Dynamodb) | None => LockMechanism::Both,
        Some(LockMechanism::S3) => LockMechanism::S3,
    }
}

/// With both, nobody gets past anybody: a file may wait. Away from both it may not.
fn left_to_a_person(files: &BackendEdits, to: LockMechanism) -> Vec<MigrationRefusal> {
    if to == LockMechanism::Both {
        return vec![];
    }
    let by_hand = files.by_hand.iter();
    by_hand
        .map(|(path, why)| MigrationRefusal {
            what: format!("{} is not edited: {why}", path.display()),
            hint: "edit it by hand, then run again".to_owned(),
        })
        .collect()
}

/// What still leads to a table that is to be deleted: files of folders below, and what `init`
/// stored.
fn still_named(files: &BackendEdits, wider: &BackendEdits) -> Vec<MigrationRefusal> {
    let below = files
        .left_out(wider)
        .into_iter()
        .map(|(path, why)| MigrationRefusal {
            what: format!("{} is not edited: {why}", path.display()),
            hint: "edit it by hand, or pass --all-files, which edits what can be edited; then run \
                   again"
                .to_owned(),
        });
    let stored = wider
        .stored
        .iter()
        .map(|StoredRecord { path, why, .. }| MigrationRefusal {
            what: format!("{}: {why}", path.display()),
            hint: "run `terraform init -reconfigure` in its folder with the files as they are \
                   now. If it is given a file of another folder or name (-backend-config=FILE), \
                   name that too: --backend-config FILE"
                .to_owned(),
        });
    below.chain(stored).collect()
}

fn document(
    facts: &MigrationFacts,
    files: &BackendEdits,
    steps: &[MigrationStep],
    refusals: &[MigrationRefusal],
    to: LockMechanism,
    target: &BackendTarget,
) -> MigrationDocument {
    let ready = |since| {
        facts
            .used
            .states
            .iter()
            .filter(|state| guards::not_ready(state, since, &facts.words).is_none())
            .count()
    };
    MigrationDocument {
        bucket: target.address.bucket.clone(),
        table: facts.table.clone(),
        now: facts.now.map(|now| name_of(now).to_owned()),
        since: facts.since.map(|since| since.to_string()),
        to: name_of(to).to_owned(),
        states: facts.used.states.len(),
        states_ready: facts.since.map(ready),
        touchable: touch::of(facts)
            .states
            .iter()
            .map(|state| state.path.clone())
            .collect(),
        ready: refusals.is_empty(),
        refusals: refusals
            .iter()
            .map(|refusal| refusal.what.clone())
            .collect(),
        steps: steps.iter().map(|step| step.title(files)).collect(),
        by_hand: files
            .by_hand
            .iter()
            .map(|(path, why)| format!("{}: {why}", path.display()))
            .collect(),
    }
}

/// The answer is no if a stage was asked for that something is in the way of.
fn checked(
    document: &MigrationDocument,
    asked: Option<LockMechanism>,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        target.answer(document, cx)?;
    } else {
        let view = cx.global.out_view(cx.host);
        cx.answer(&report::text(document, &view))?;
    }
    Ok(if asked.is_some() && !document.ready {
        exit::CHANGES
    } else {
        exit::DONE
    })
}

/// For a person, before anything is done.
fn shown(document: &MigrationDocument, cx: &mut Context<'_>) {
    if !cx.global.json() {
        let view = cx.global.view(cx.host);
        cx.show(&report::text(document, &view));
    }
}

/// For a program, when all is done: what is refused, or fails, is a failure and no other document.
fn answered(
    document: &MigrationDocument,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        target.answer(document, cx)?;
    }
    Ok(exit::DONE)
}

fn refused(refusals: &[MigrationRefusal], to: LockMechanism) -> CliError {
    let reasons = words::count(refusals.len(), "thing is", "things are");
    let mut failure = CliError::refused(format!(
        "{reasons} in the way of --to {}; nothing was changed",
        name_of(to)
    ));
    for refusal in refusals {
        failure.causes.push(refusal.what.clone());
        failure = failure.hint(refusal.hint.clone());
    }
    failure
}

/// A table that goes is named in the question.
fn approve(
    steps: &[MigrationStep],
    approved: bool,
    files: &BackendEdits,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    if approved {
        return Ok(());
    }
    let count = words::count(steps.len(), "step", "steps");
    if !cx.global.attended(cx.host) {
        let titles = steps.iter().map(|step| step.title(files));
        let failure = CliError::refused(format!(
            "{count} to take, and nobody to ask; nothing was changed"
        ));
        return Err(titles
            .fold(failure, CliError::hint)
            .hint("pass --auto-approve (-y) to take them"));
    }
    let text = match steps.iter().find_map(MigrationStep::destroys) {
        Some(table) => format!("Take {count}, and delete table {table} for good"),
        None => format!("Take {count}"),
    };
    approval::ask(&text, "--auto-approve", cx)
}

/// What names the backend again: what was in use before is not what is in use then.
fn words(target: &BackendTarget) -> String {
    let mechanisms = [
        LockMechanism::Dynamodb,
        LockMechanism::Both,
        LockMechanism::S3,
    ]
    .into_iter();
    mechanisms.fold(target.words.clone(), |words, lock| {
        words.replace(&format!(" --lock {}", name_of(lock)), "")
    })
}

/// What to do wherever the states are used.
fn after(
    files: &BackendEdits,
    to: LockMechanism,
    drop_table: bool,
    target: &BackendTarget,
    cx: &mut Context<'_>,
) {
    for command in &files.init {
        let wrap = if cx.global.sandbox {
            "tfbackend sandbox run -- "
        } else {
            ""
        };
        cx.say(&format!("Run wherever it is used: {wrap}{command}"));
    }
    if !files.are_here() {
        cx.say("No file here names this backend: none was edited.");
    }
    let words = words(target);
    match to {
        LockMechanism::Both => {
            cx.say(&format!(
                "Then, when every state was written with the new files: tfbackend lock migrate \
                 --to s3{words}"
            ));
            cx.say(&format!(
                "States that never change: tfbackend lock migrate --touch{words}"
            ));
        }
        LockMechanism::S3 if target.address.table.is_some() && !drop_table => {
            cx.say(&format!(
                "The lock table stays. To delete it: tfbackend lock migrate --to s3 \
                 --drop-table{words}"
            ));
        }
        LockMechanism::Dynamodb if !files.init.is_empty() => {
            cx.say(
                "Then run the same command again: it takes the right to lock in lock files from \
                 the runner policy.",
            );
        }
        LockMechanism::S3 | LockMechanism::Dynamodb => {}
    }
}
