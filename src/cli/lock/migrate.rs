//! `tfbackend lock migrate`: from the lock table to lock files and back, in stages that keep all
//! runs mutually exclusive.
//!
//! There is no progress file: the stage follows from the files, and a tag of the table records
//! since when both mechanisms are in use.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        approval,
        context::Context,
        failure::CliError,
        target::{S3Target, TargetArgs},
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

/// Move from the lock table to lock files, or back, by way of using both
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// The locks to use from now on
    #[arg(long, value_name = "MECHANISM", required_unless_present_any = ["check", "touch"])]
    pub to: Option<LockMechanism>,

    /// Show the current stage and what blocks the next one; nothing is changed
    #[arg(long)]
    pub check: bool,

    /// Between both and s3: write states that never change once under both locks; only the serial
    /// changes
    #[arg(long, conflicts_with_all = ["to", "check", "all_files", "drop_table"])]
    pub touch: bool,

    /// Edit backend blocks and partial configurations in subfolders as well
    #[arg(long)]
    pub all_files: bool,

    /// Oldest version of Terraform or OpenTofu in use, as in 1.11.4
    #[arg(long, value_name = "VERSION")]
    pub min_version: Option<String>,

    /// ARN of a role or user that runs Terraform; IAM is asked whether it may delete lock files
    #[arg(long, value_name = "ARN")]
    pub runner: Vec<String>,

    /// With --to s3: also delete the lock table, if nothing else is in it
    #[arg(long)]
    pub drop_table: bool,

    /// Migrate without asking
    #[arg(long, short = 'y')]
    pub auto_approve: bool,
}

pub(super) async fn run(args: MigrateArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
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
        return Err(CliError::failed("--drop-table requires --to s3"));
    }
    let named: Vec<PathBuf> = target
        .backend_config
        .iter()
        .filter(|file| !file.contains('='))
        .map(PathBuf::from)
        .collect();
    // The key on the command line limits the migration; otherwise it covers the whole bucket.
    let only = target.key.clone();
    let table_said = target.table.is_some();
    let environment = target.environment(cx)?;
    let mut target = target.open_s3("`lock migrate`", cx).await?;
    target.announce(cx);
    let ours = ours::find(environment, &target, cx).await?;
    if let Some(ours) = ours.as_ref().filter(|ours| ours.has_table()) {
        // A table may exist although the settings do not use it.
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
    // A deleted table is also removed from the files: an earlier run may have been interrupted
    // there.
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
    // Before a table is deleted, subfolders are checked as well.
    let folders = FolderReadings::read(&places, drop_table)?;
    let now = match (folders.now(&bucket), target.address.table.is_some()) {
        // No run can lock in a table that does not exist.
        (Some(LockMechanism::Both), false) => Some(LockMechanism::S3),
        (Some(LockMechanism::Dynamodb), false) => None,
        (Some(now), _) => Some(now),
        // A flag that names the table does not come from the files.
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
        cx.status("nothing to do: files and locks match");
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

/// Collects the resources of an environment that change with its locks, and the manual steps that
/// are required first.
fn of_ours(
    ours: Option<&EnvironmentLockParts>,
    to: LockMechanism,
    target: &S3Target,
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
                    what: format!("lock table {} cannot be created: {why}", ours.table),
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
        cx.status(&format!(
            "note: TFBACKEND_LOCK is {said}: change it together with the files, or the next \
             bootstrap refuses"
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

/// Returns the name of the mechanism in `--to` and in the settings file.
fn name_of(mechanism: LockMechanism) -> &'static str {
    match mechanism {
        LockMechanism::Dynamodb => "dynamodb",
        LockMechanism::Both => "both",
        LockMechanism::S3 => "s3",
    }
}

/// Returns the stage after the current one.
fn next(facts: &MigrationFacts) -> LockMechanism {
    match facts.now {
        Some(LockMechanism::Both) => LockMechanism::S3,
        Some(LockMechanism::Dynamodb) | None => LockMechanism::Both,
        Some(LockMechanism::S3) => LockMechanism::S3,
    }
}

/// While both mechanisms are in use, an unedited file is safe. After that it is not.
fn left_to_a_person(files: &BackendEdits, to: LockMechanism) -> Vec<MigrationRefusal> {
    if to == LockMechanism::Both {
        return vec![];
    }
    let by_hand = files.by_hand.iter();
    by_hand
        .map(|(path, why)| MigrationRefusal {
            what: format!("{} cannot be edited: {why}", path.display()),
            hint: "edit it by hand, then run again".to_owned(),
        })
        .collect()
}

/// References to a table that will be deleted: files in subfolders, and records of `init`.
fn still_named(files: &BackendEdits, wider: &BackendEdits) -> Vec<MigrationRefusal> {
    let below = files
        .left_out(wider)
        .into_iter()
        .map(|(path, why)| MigrationRefusal {
            what: format!("{} cannot be edited: {why}", path.display()),
            hint: "edit it by hand, or pass --all-files to edit all files that can be edited; \
                   then run again"
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
    target: &S3Target,
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

/// Fails if the requested stage is blocked.
fn checked(
    document: &MigrationDocument,
    asked: Option<LockMechanism>,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        target.answer(document, cx)?;
    } else {
        let view = cx.global.out_view(cx.host);
        cx.output(&report::text(document, &view))?;
    }
    Ok(if asked.is_some() && !document.ready {
        exit::CHANGES
    } else {
        exit::DONE
    })
}

/// Prints the steps before anything is changed.
fn shown(document: &MigrationDocument, cx: &mut Context<'_>) {
    if !cx.global.json() {
        let view = cx.global.view(cx.host);
        cx.status_text(&report::text(document, &view));
    }
}

/// Writes the JSON document at the end. A refusal or failure is written as a failure document
/// instead.
fn answered(
    document: &MigrationDocument,
    target: &S3Target,
    cx: &mut Context<'_>,
) -> Result<u8, CliError> {
    if cx.global.json() {
        target.answer(document, cx)?;
    }
    Ok(exit::DONE)
}

fn refused(refusals: &[MigrationRefusal], to: LockMechanism) -> CliError {
    let reasons = words::count(refusals.len(), "problem", "problems");
    let mut failure = CliError::refused(format!(
        "--to {} is blocked by {reasons}; nothing was changed",
        name_of(to)
    ));
    for refusal in refusals {
        failure.causes.push(refusal.what.clone());
        failure = failure.hint(refusal.hint.clone());
    }
    failure
}

/// The question names a table that will be deleted.
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
        let need = words::count(steps.len(), "step needs", "steps need");
        let failure = CliError::refused(format!(
            "{need} approval, but this is not a terminal; nothing was changed"
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

/// Words that name the backend on a command line, without the previous `--lock`.
fn words(target: &S3Target) -> String {
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

/// Prints the commands to run wherever the states are used.
fn after(
    files: &BackendEdits,
    to: LockMechanism,
    drop_table: bool,
    target: &S3Target,
    cx: &mut Context<'_>,
) {
    for command in &files.init {
        let wrap = if cx.global.sandbox {
            "tfbackend sandbox run -- "
        } else {
            ""
        };
        cx.status(&format!(
            "Run this wherever the backend is used: {wrap}{command}"
        ));
    }
    if !files.are_here() {
        cx.status("No file here names this backend: no file was edited.");
    }
    let words = words(target);
    match to {
        LockMechanism::Both => {
            cx.status(&format!(
                "Then, when every state was written with the new files: tfbackend lock migrate \
                 --to s3{words}"
            ));
            cx.status(&format!(
                "States that never change: tfbackend lock migrate --touch{words}"
            ));
        }
        LockMechanism::S3 if target.address.table.is_some() && !drop_table => {
            cx.status(&format!(
                "The lock table stays. To delete it: tfbackend lock migrate --to s3 \
                 --drop-table{words}"
            ));
        }
        LockMechanism::Dynamodb if !files.init.is_empty() => {
            cx.status(
                "Then run the same command again: it removes the permission for lock files from \
                 the runner policy.",
            );
        }
        LockMechanism::S3 | LockMechanism::Dynamodb => {}
    }
}
