//! `tfbackend state backup`: one archive with every state of a backend.

use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{
        context::Context,
        copies, explain,
        failure::CliError,
        target::{BackendTarget, TargetArgs},
    },
    exit,
    report::{json, safe::safe, states::AboutDocument},
    store::backup::{
        manifest::{BackupExtent, ManifestHeader},
        states::{self, StatesBackupError},
    },
    text::{shell::shell_word, words},
};

/// Back up every state to one archive, which is read back and compared
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// Include all versions of each state
    #[arg(long)]
    pub all_versions: bool,

    /// Folder for the archive [default: `.tfbackend` beside the files]
    #[arg(long, value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,

    #[command(flatten)]
    pub target: TargetArgs,
}

/// `state backup --output json`.
#[derive(Serialize, JsonSchema)]
pub(in crate::cli) struct StateBackupDocument {
    #[serde(flatten)]
    about: AboutDocument,
    /// The archive.
    file: String,
    states: usize,
    /// One for each state, or more with --all-versions.
    versions: usize,
    /// The size of all versions, unpacked.
    bytes: u64,
    /// The hash of the archive, in lower-case hex.
    sha256: String,
    /// Paths of states that were locked at the beginning: a run may have written them since.
    locked: Vec<String>,
}

pub(crate) async fn run(args: BackupArgs, cx: &mut Context<'_>) -> Result<u8, CliError> {
    let env = args.target.environment(cx)?.and_then(|args| args.env);
    let target = args.target.open(cx).await?;
    target.announce(cx);
    let extent = match args.all_versions {
        true => BackupExtent::AllVersions,
        false => BackupExtent::Current,
    };
    let states = target.states();
    if args.all_versions && !states.capabilities().versions {
        return Err(CliError::failed(format!(
            "a backend of kind {} does not keep versions",
            states.kind()
        ))
        .hint("leave out --all-versions"));
    }
    let mut header = ManifestHeader::new(extent, cx.now());
    header.backend = Some(target.about().backend);
    header.env = env.map(|env| env.to_string()).unwrap_or_default();
    if let BackendTarget::S3(target) = &target {
        header.account.clone_from(&target.address.owner);
        header.region.clone_from(&target.aws.region);
        header.bucket.clone_from(&target.address.bucket);
        header.table.clone_from(&target.address.table);
    }
    let dir = copies::folder(args.backup_dir.as_deref(), target.dir(), &cx.host.cwd)?;
    let made = cx
        .busy_with("copying states", states::write(&*states, &dir, header))
        .await?
        .map_err(|error| failure(&error, target.words()))?;
    let document = StateBackupDocument {
        about: target.about(),
        file: made.file.path.display().to_string(),
        states: made.states,
        versions: made.versions,
        bytes: made.bytes,
        sha256: made.file.sha256,
        locked: made.locked.into_iter().collect(),
    };
    if cx.global.json() {
        json::write_document(&mut *cx.host.out, document)
            .map_err(|error| CliError::failed("cannot write the output").because(&error))?;
        return Ok(exit::DONE);
    }
    for path in &document.locked {
        cx.status(&format!(
            "warning: {path} was locked: the backup has what was there before the run wrote it, or \
             after"
        ));
    }
    let states = words::count(document.states, "state", "states");
    let versions = match args.all_versions {
        true => format!(
            ", {}",
            words::count(document.versions, "version", "versions")
        ),
        false => String::new(),
    };
    cx.output(&format!(
        "backup: {} ({states}{versions}, {}, read back)\n",
        safe(&document.file),
        words::bytes(document.bytes),
    ))?;
    cx.status(&format!("note: {}", copies::RISK));
    if document.states > 0 {
        cx.status(&format!(
            "hint: `tfbackend state restore PATH --from-backup {}{}` restores the state PATH",
            shell_word(&document.file),
            target.words()
        ));
    }
    Ok(exit::DONE)
}

fn failure(error: &StatesBackupError, words: &str) -> CliError {
    let failure = CliError::failed("the states cannot be backed up; no archive was made");
    match error {
        StatesBackupError::Store(error) => explain::store(failure, error),
        StatesBackupError::Deleted { .. } => {
            failure.because(error).hint("run the same command again")
        }
        StatesBackupError::BeingWritten { .. } => failure.because(error).hint(format!(
            "wait until the run ends: `tfbackend lock list{words}` shows who holds the lock"
        )),
        StatesBackupError::NotWritten(_) => failure
            .because(error)
            .hint("choose another folder with --backup-dir"),
    }
}
