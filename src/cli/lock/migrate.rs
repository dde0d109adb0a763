//! `tfbackend lock migrate`: from the table to lock files and back, in stages that keep everybody out of each other's way.
//!
//! There is no state file: how far it is, is what the files say, and since when both are in use is a
//! tag of the table.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        approval,
        context::Context,
        failure::Failure,
        target::{Target, TargetArgs},
    },
    exit,
    render::lock_arguments::Wanted,
    report::{
        json,
        migration::{self as report, MigrationDocument},
        words,
    },
    settings::layer::LockMechanism,
};

mod facts;
mod files;
mod guards;
mod steps;

use files::Files;
use guards::{Facts, Refusal, Said};
use steps::Step;

/// Move from the lock table to lock files, or back: first to both, then to one
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub target: TargetArgs,

    /// The locks to use from now on
    #[arg(long, value_name = "MECHANISM", required_unless_present = "check")]
    pub to: Option<LockMechanism>,

    /// Say how far it is, and what is in the way; nothing is changed
    #[arg(long)]
    pub check: bool,

    /// Edit every backend block and partial configuration below this folder, not only in it
    #[arg(long)]
    pub all_files: bool,

    /// Oldest version of Terraform or OpenTofu in use, as in 1.11.4
    #[arg(long, value_name = "VERSION")]
    pub min_version: Option<String>,

    /// Role that runs Terraform, by its ARN: whether it may delete lock files is asked of IAM
    #[arg(long, value_name = "ARN")]
    pub role_arn: Vec<String>,

    /// With --to s3: delete the lock table as well, if nothing else is in it
    #[arg(long)]
    pub drop_table: bool,

    /// Do it without asking
    #[arg(long, short = 'y')]
    pub auto_approve: bool,
}

pub async fn run(args: MigrateArgs, cx: &mut Context<'_>) -> Result<u8, Failure> {
    let MigrateArgs { target, to, check, all_files, min_version, role_arn, drop_table, auto_approve } = args;
    if drop_table && to != Some(LockMechanism::S3) {
        return Err(Failure::failed("--drop-table goes with --to s3"));
    }
    let named: Vec<PathBuf> = target.backend_config.iter().filter(|file| !file.contains('=')).map(PathBuf::from).collect();
    // A key that was named on the command line is what this is about; all of the bucket otherwise.
    let only = target.key.clone();
    let table_said = target.table.is_some();
    let target = target.open(cx).await?;
    target.announce(cx);
    let now = facts::now(&target, names_table(&target, table_said, &named, cx)?);
    let facts = facts::gather(&target, now, only.as_deref(), &role_arn, cx).await?;
    let asked = to;
    let to = to.unwrap_or_else(|| next(&facts));
    let said = Said { min_version, drop_table };
    let wanted = Wanted {
        bucket: &target.address.bucket,
        // One that is gone goes from the files, too: a run that deleted it may have been cut off there.
        table: target.address.table.as_deref().or(target.missing_table.as_deref()),
        use_table: to.uses_table(),
        use_file: to.uses_lockfile(),
    };
    let files = files::plan(&cx.host.cwd, all_files, &named, &wanted)?;
    let mut refusals = guards::refusals(&facts, to, &said);
    refusals.extend(left_to_a_person(&files, to));
    let steps = steps::of(&facts, &files, to, drop_table);
    let document = document(&facts, &files, &steps, &refusals, to, &target);
    if check {
        return checked(&document, asked, cx);
    }
    show(&document, cx)?;
    if !refusals.is_empty() {
        return Err(refused(&refusals, to));
    }
    if steps.is_empty() {
        cx.say("nothing to do: everything is as it should be");
        return Ok(exit::DONE);
    }
    approve(&steps, auto_approve, &files, cx)?;
    steps::carry_out(&steps, &files, &target, cx).await?;
    after(&files, to, &target, cx);
    Ok(exit::DONE)
}

/// Whether the files name the table: a flag that does is no word of theirs.
fn names_table(target: &Target, said: bool, named: &[PathBuf], cx: &Context<'_>) -> Result<bool, Failure> {
    if !said || target.locks.file.is_none() {
        return Ok(target.locks.table);
    }
    let (bucket, table) = (&*target.address.bucket, target.address.table.as_deref());
    let without = Wanted { bucket, table, use_table: false, use_file: target.locks.file == Some(true) };
    Ok(!files::plan(&cx.host.cwd, false, named, &without)?.edits.is_empty())
}

/// The stage after the one that the files say.
fn next(facts: &Facts) -> LockMechanism {
    match facts.now {
        Some(LockMechanism::Both) => LockMechanism::S3,
        Some(LockMechanism::Dynamodb) | None => LockMechanism::Both,
        Some(LockMechanism::S3) => LockMechanism::S3,
    }
}

/// With both, nobody gets past anybody: a file may wait. Away from both it may not.
fn left_to_a_person(files: &Files, to: LockMechanism) -> Vec<Refusal> {
    if to == LockMechanism::Both {
        return vec![];
    }
    let by_hand = files.by_hand.iter();
    by_hand
        .map(|(path, why)| Refusal {
            what: format!("{} is not edited: {why}", path.display()),
            hint: "edit it by hand, then run again".to_owned(),
        })
        .collect()
}

fn document(facts: &Facts, files: &Files, steps: &[Step], refusals: &[Refusal], to: LockMechanism, target: &Target) -> MigrationDocument {
    let name = |mechanism: LockMechanism| match mechanism {
        LockMechanism::Dynamodb => "dynamodb",
        LockMechanism::Both => "both",
        LockMechanism::S3 => "s3",
    };
    let ready = |since| facts.used.states.iter().filter(|state| guards::not_ready(state, since).is_none()).count();
    MigrationDocument {
        bucket: target.address.bucket.clone(),
        table: facts.table.clone(),
        now: facts.now.map(|now| name(now).to_owned()),
        since: facts.since.map(|since| since.to_string()),
        to: name(to).to_owned(),
        states: facts.used.states.len(),
        states_ready: facts.since.map(ready),
        ready: refusals.is_empty(),
        refusals: refusals.iter().map(|refusal| refusal.what.clone()).collect(),
        steps: steps.iter().map(|step| step.title(files)).collect(),
        by_hand: files.by_hand.iter().map(|(path, why)| format!("{}: {why}", path.display())).collect(),
    }
}

/// The answer is no if a stage was asked for that something is in the way of.
fn checked(document: &MigrationDocument, asked: Option<LockMechanism>, cx: &mut Context<'_>) -> Result<u8, Failure> {
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document).map_err(|error| Failure::failed("cannot write the answer").because(&error))?;
    } else {
        let view = cx.global.out_view(cx.host);
        cx.answer(&report::text(document, &view))?;
    }
    Ok(if asked.is_some() && !document.ready { exit::CHANGES } else { exit::DONE })
}

fn show(document: &MigrationDocument, cx: &mut Context<'_>) -> Result<(), Failure> {
    if cx.global.json() {
        return json::write_document(&mut *cx.host.out, document)
            .map_err(|error| Failure::failed("cannot write the answer").because(&error));
    }
    let view = cx.global.view(cx.host);
    cx.show(&report::text(document, &view));
    Ok(())
}

fn refused(refusals: &[Refusal], to: LockMechanism) -> Failure {
    let reasons = words::count(refusals.len(), "thing is", "things are");
    let mut failure = Failure::refused(format!("{reasons} in the way of --to {}; nothing was changed", stage(to)));
    for refusal in refusals {
        failure.causes.push(refusal.what.clone());
        failure = failure.hint(refusal.hint.clone());
    }
    failure
}

fn stage(to: LockMechanism) -> &'static str {
    match to {
        LockMechanism::Dynamodb => "dynamodb",
        LockMechanism::Both => "both",
        LockMechanism::S3 => "s3",
    }
}

/// A table that goes is named in the question.
fn approve(steps: &[Step], approved: bool, files: &Files, cx: &mut Context<'_>) -> Result<(), Failure> {
    if approved {
        return Ok(());
    }
    let count = words::count(steps.len(), "step", "steps");
    if !cx.global.attended(cx.host) {
        let titles = steps.iter().map(|step| step.title(files));
        let failure = Failure::refused(format!("{count} to take, and nobody to ask; nothing was changed"));
        return Err(titles.fold(failure, Failure::hint).hint("pass --auto-approve (-y) to take them"));
    }
    let text = match steps.iter().find_map(Step::destroys) {
        Some(table) => format!("Take {count}, and delete table {table} for good"),
        None => format!("Take {count}"),
    };
    approval::ask(&text, "--auto-approve", cx)
}

/// What to do wherever the states are used.
fn after(files: &Files, to: LockMechanism, target: &Target, cx: &mut Context<'_>) {
    for command in &files.init {
        cx.say(&format!("Run wherever it is used: {command}"));
    }
    if files.edits.is_empty() {
        cx.say("No file here names this backend: nothing was edited.");
    }
    if target.policy.is_some() {
        cx.say(&format!("Say lock = \"{}\" in tfbackend.toml, or the next bootstrap brings the old files back.", stage(to)));
    }
    match to {
        LockMechanism::Both => {
            cx.say(&format!("Then, when every state was written with the new files: tfbackend lock migrate --to s3{}", target.words));
        }
        LockMechanism::S3 | LockMechanism::Dynamodb => {}
    }
}
