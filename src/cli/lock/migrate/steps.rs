//! The steps of a stage, a list that is shown and then executed in order.

use std::num::NonZeroUsize;

use jiff::Timestamp;

use super::{
    files::BackendEdits,
    guards::MigrationFacts,
    ours::{EnvironmentLockParts, PolicyChanges},
};
use crate::{
    backend::aws::{
        error::AwsError, lock_table::migration, resources::AwsSpec, store::write::ConditionalDelete,
    },
    cli::{context::Context, explain, failure::CliError, save::PendingFile, target::S3Target},
    engine::{
        apply::{ApplyOptions, ApplyOutcome, apply},
        plan::Plan,
        spec::KnownOutputs,
    },
    exit,
    settings::layer::LockMechanism,
};

/// One step.
#[derive(Debug)]
pub(super) enum MigrationStep {
    /// A change of the environment, by the same writers as a bootstrap.
    Apply {
        title: String,
        plan: Plan<AwsSpec>,
    },
    /// A digest that is not that of the state, or of no use any more.
    DeleteDigest {
        path: String,
        digest: String,
    },
    /// The place in the list of edits.
    Edit(usize),
    /// The settings file.
    S3Settings {
        title: String,
        save: PendingFile,
    },
    /// The time from which lock files are in use beside the table.
    Begin {
        table: String,
    },
    End {
        table: String,
    },
    DropTable {
        table: String,
    },
}

/// The parts of an environment that change with its locks.
#[derive(Default)]
pub(super) struct OurSteps {
    pub make_table: Option<Plan<AwsSpec>>,
    pub policy: PolicyChanges,
    /// The name of the runner policy.
    pub policy_name: String,
    pub table_name: String,
    pub settings: Option<PendingFile>,
    /// The change of the trail selectors for the table.
    pub trail: Option<Plan<AwsSpec>>,
}

/// Ordered so that an interruption at any step is safe: the next run does the remaining steps.
///
/// Rights come before the locks that need them, and go after. The note on the table comes and goes
/// last, since it is what says that a stage is over; a table that is deleted goes while the files
/// still name it. After all of it, the trail: a caller who may not change it has moved the locks.
pub(super) fn of(
    facts: &MigrationFacts,
    files: &BackendEdits,
    ours: OurSteps,
    to: LockMechanism,
    drop_table: bool,
) -> Vec<MigrationStep> {
    let MigrationFacts {
        now,
        since,
        used,
        table,
        ..
    } = facts;
    let OurSteps {
        make_table,
        policy: PolicyChanges { grant, revoke },
        policy_name,
        table_name,
        settings,
        trail,
    } = ours;
    let to_make = make_table.is_some();
    let mut steps: Vec<MigrationStep> = vec![];
    let of_plan = |title: String, plan: Option<Plan<AwsSpec>>| {
        plan.map(|plan| MigrationStep::Apply { title, plan })
    };
    steps.extend(of_plan(
        format!("create lock table {table_name}"),
        make_table,
    ));
    let locks = match to {
        LockMechanism::Dynamodb => "lock in the table",
        LockMechanism::Both => "lock in the table and in lock files",
        LockMechanism::S3 => "write and delete lock files",
    };
    steps.extend(of_plan(
        format!("let runs {locks} (runner policy {policy_name})"),
        grant,
    ));

    let states = used
        .states
        .iter()
        .filter(|state| to == LockMechanism::S3 || state.is_stale());
    let digests = states.filter_map(|state| Some((state.path.clone(), state.digest.clone()?)));
    let digests = digests
        .chain(used.orphans.iter().cloned())
        .map(|(path, digest)| MigrationStep::DeleteDigest { path, digest });
    let edits = (0..files.edits.len()).map(MigrationStep::Edit);
    let settings = settings.map(|save| MigrationStep::S3Settings {
        title: format!("set lock in {}", save.shown()),
        save,
    });
    // A run with the old files that could take a lock file and not release it would leave it
    // behind: while files are edited, or both are in use, lock files stay allowed. The same
    // command takes that back once there is nothing else to do.
    let may_revoke = match to {
        LockMechanism::Both => false,
        LockMechanism::S3 => true,
        LockMechanism::Dynamodb => files.edits.is_empty() && since.is_none(),
    };
    let gone = match to {
        LockMechanism::S3 => "in the table",
        LockMechanism::Dynamodb | LockMechanism::Both => "in lock files",
    };
    let revoke = of_plan(
        format!("remove the permission to lock {gone} from runs (runner policy {policy_name})"),
        revoke.filter(|_| may_revoke),
    );
    let records = if to.uses_table() {
        "start recording"
    } else {
        "stop recording"
    };
    let trail = of_plan(
        format!("{records} the items of table {table_name} (trail)"),
        trail,
    );
    let table = table.clone().or_else(|| to_make.then_some(table_name));
    match (to, table) {
        // A digest that is not that of the state keeps Terraform from reading it as soon as the
        // files name the table.
        (LockMechanism::Both, Some(table)) => {
            // The table is not in use beside lock files: the way there was cut off before it could
            // say so.
            let over = since.is_some() && *now == Some(LockMechanism::S3);
            steps.extend(over.then(|| MigrationStep::End {
                table: table.clone(),
            }));
            steps.extend(digests);
            steps.extend(edits);
            steps.extend(settings);
            steps.extend((over || since.is_none()).then_some(MigrationStep::Begin { table }));
        }
        (LockMechanism::Dynamodb, Some(table)) => {
            steps.extend(digests);
            steps.extend(edits);
            steps.extend(settings);
            steps.extend(revoke);
            steps.extend(since.map(|_| MigrationStep::End { table }));
        }
        // The files say which table it is: they go last where it is deleted.
        (LockMechanism::S3, Some(table)) if drop_table => {
            steps.extend(digests);
            steps.push(MigrationStep::DropTable { table });
            steps.extend(edits);
            steps.extend(settings);
            steps.extend(revoke);
        }
        (LockMechanism::S3, Some(table)) => {
            steps.extend(digests);
            steps.extend(edits);
            steps.extend(settings);
            steps.extend(revoke);
            // It stays for as long as something in the table says that it is in use.
            steps.extend(
                (since.is_some() && used.others == 0).then_some(MigrationStep::End { table }),
            );
        }
        (_, None) => {
            steps.extend(edits);
            steps.extend(settings);
            steps.extend(revoke);
        }
    }
    steps.extend(trail);
    steps
}

impl MigrationStep {
    pub(super) fn title(&self, files: &BackendEdits) -> String {
        match self {
            Self::Apply { title, .. } | Self::S3Settings { title, .. } => title.clone(),
            Self::DeleteDigest { path, .. } => {
                format!("delete the digest of {path} from the table")
            }
            Self::Edit(at) => files.edits.get(*at).map_or_else(String::new, |(read, _)| {
                format!("edit {}", read.path.display())
            }),
            Self::Begin { table } => {
                format!(
                    "note on table {table} that lock files are in use from now on (tag {})",
                    migration::BOTH_SINCE
                )
            }
            Self::End { table } => format!(
                "remove the note from table {table} (tag {})",
                migration::BOTH_SINCE
            ),
            Self::DropTable { table } => {
                format!("delete table {table}, with its deletion protection")
            }
        }
    }

    /// Returns whether the step is irreversible.
    pub(super) fn destroys(&self) -> Option<&str> {
        match self {
            Self::DropTable { table } => Some(table),
            Self::Apply { .. }
            | Self::DeleteDigest { .. }
            | Self::Edit(_)
            | Self::S3Settings { .. }
            | Self::Begin { .. }
            | Self::End { .. } => None,
        }
    }
}

/// The context of the steps.
pub(super) struct MigrationContext<'a> {
    pub files: &'a BackendEdits,
    pub target: &'a S3Target,
    pub ours: Option<&'a EnvironmentLockParts>,
}

/// Executes the steps in order, and stops at the first failure.
pub(super) async fn carry_out(
    steps: Vec<MigrationStep>,
    on: &MigrationContext<'_>,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    for (done, step) in steps.into_iter().enumerate() {
        let title = step.title(on.files);
        if cx.host.cancel.is_cancelled() {
            return Err(
                CliError::interrupted(format!("interrupted before: {title}"))
                    .hint("the same command continues"),
            );
        }
        one(step, on, cx).await.map_err(|failure| {
            let code = if done == 0 {
                exit::FAILED
            } else {
                exit::PARTLY
            };
            CliError {
                code,
                message: format!("could not {title}"),
                ..failure
            }
            .hint("the same command continues where this one stopped")
        })?;
        cx.status(&format!("done: {title}"));
    }
    Ok(())
}

async fn one(
    step: MigrationStep,
    on: &MigrationContext<'_>,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let MigrationContext {
        files,
        target,
        ours,
    } = on;
    let now: Timestamp = cx.now();
    let aws = &target.aws;
    let failed = |error: AwsError| explain::aws(CliError::failed("").because(&error), &error, None);
    match step {
        MigrationStep::Apply { plan, .. } => match ours {
            Some(ours) => applied(plan, ours, cx).await,
            None => Ok(()),
        },
        MigrationStep::Edit(at) => match files.edits.get(at) {
            Some((read, text)) => read
                .replace(text)
                .map_err(|error| CliError::failed("").because(&error)),
            None => Ok(()),
        },
        MigrationStep::S3Settings { save, .. } => save.write(),
        MigrationStep::DeleteDigest { path, digest } => match target
            .store()
            .delete_digest(&path, &digest)
            .await
            .map_err(failed)?
        {
            ConditionalDelete::Done | ConditionalDelete::AlreadyGone => Ok(()),
            ConditionalDelete::Changed => Err(CliError::failed("").hint(format!(
                "{path} was written meanwhile: its digest has changed"
            ))),
        },
        MigrationStep::Begin { table } => migration::set_both_since(aws, &table, now)
            .await
            .map_err(failed),
        MigrationStep::End { table } => migration::clear_both_since(aws, &table)
            .await
            .map_err(failed),
        MigrationStep::DropTable { table } => target
            .store()
            .drop_empty_table(&table)
            .await
            .map_err(failed),
    }
}

/// By the same writers as a bootstrap, one after the other.
async fn applied(
    plan: Plan<AwsSpec>,
    ours: &EnvironmentLockParts,
    cx: &mut Context<'_>,
) -> Result<(), CliError> {
    let cancel = cx.host.cancel.clone();
    let run = ApplyOptions {
        parallelism: NonZeroUsize::MIN,
        cancel: &cancel,
        on_event: &mut |_| {},
    };
    let ApplyOutcome { failed, left, .. } = apply(plan, KnownOutputs::new(), ours.aws(), run).await;
    match failed.first() {
        Some((_, error)) => Err(explain::aws(
            CliError::failed("").because(error),
            error,
            None,
        )),
        None if !left.is_empty() => Err(CliError::interrupted("")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::aws::{
            access::RunnerPolicy,
            blueprint::RUNNER_POLICY,
            ownership::Tags,
            policy::PolicyDocument,
            store::migration::{MigrationUsage, RewrittenState},
        },
        engine::plan::{PlanStep, PlannedChange},
    };

    fn policy() -> Plan<AwsSpec> {
        let policy = RunnerPolicy {
            name: "p".to_owned(),
            description: String::new(),
            document: PolicyDocument::new(vec![]),
            tags: Tags::new(),
        };
        let change = PlannedChange::Update {
            from: AwsSpec::Policy(policy.clone()),
            to: AwsSpec::Policy(policy),
        };
        Plan {
            steps: vec![PlanStep {
                address: RUNNER_POLICY,
                needs: vec![],
                change,
                consequence: None,
            }],
        }
    }

    fn ours() -> OurSteps {
        OurSteps {
            policy: PolicyChanges {
                grant: Some(policy()),
                revoke: Some(policy()),
            },
            ..OurSteps::default()
        }
    }

    fn facts(now: LockMechanism, since: Option<&str>) -> MigrationFacts {
        let used = MigrationUsage {
            orphans: vec![("gone.tfstate".to_owned(), "0".to_owned())],
            ..MigrationUsage::default()
        };
        let since = since.map(|since| since.parse().expect("a time"));
        let table = Some("locks".to_owned());
        MigrationFacts {
            now: Some(now),
            since,
            used,
            table,
            makes_table: false,
            lock_files: String::new(),
            runners: vec![],
            denials: Ok(vec![]),
            words: String::new(),
        }
    }

    fn titles(
        facts: &MigrationFacts,
        ours: OurSteps,
        to: LockMechanism,
        drop_table: bool,
    ) -> Vec<String> {
        let files = BackendEdits::default();
        of(facts, &files, ours, to, drop_table)
            .iter()
            .map(|step| {
                step.title(&files)
                    .split(' ')
                    .take(2)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }

    const THEN: Option<&str> = Some("2026-11-21T07:00:52Z");
    use LockMechanism::{Both, Dynamodb, S3};

    /// After an interruption at any step, the next run still knows the table, or does not need it.
    #[test]
    fn the_table_is_named_for_as_long_as_something_is_to_be_done_to_it() {
        let of_nobody = |now, since, to, drop_table| {
            titles(&facts(now, since), OurSteps::default(), to, drop_table)
        };
        assert_eq!(
            of_nobody(Both, THEN, S3, true),
            ["delete the", "delete table"]
        );
        assert_eq!(
            of_nobody(Both, THEN, S3, false),
            ["delete the", "remove the"]
        );
        assert_eq!(
            of_nobody(Dynamodb, None, Both, false),
            ["delete the", "note on"]
        );
        assert_eq!(of_nobody(Both, THEN, Both, false), ["delete the"]);
        // The note of an interrupted migration is not that of the next one.
        assert_eq!(
            of_nobody(S3, THEN, Both, false),
            ["remove the", "delete the", "note on"]
        );
    }

    #[test]
    fn rights_are_given_first_and_taken_last_and_the_note_says_when_it_is_over() {
        let of_ours =
            |now, since, to, drop_table| titles(&facts(now, since), ours(), to, drop_table);
        assert_eq!(
            of_ours(Dynamodb, None, Both, false),
            ["let runs", "delete the", "note on"]
        );
        assert_eq!(
            of_ours(Both, THEN, S3, false),
            ["let runs", "delete the", "remove the", "remove the"]
        );
        assert_eq!(
            of_ours(Both, THEN, S3, true),
            ["let runs", "delete the", "delete table", "remove the"]
        );
        let last = |to, drop_table| {
            of(
                &facts(Both, THEN),
                &BackendEdits::default(),
                ours(),
                to,
                drop_table,
            )
            .pop()
        };
        assert!(matches!(last(S3, false), Some(MigrationStep::End { .. })));
        assert!(matches!(last(S3, true), Some(MigrationStep::Apply { .. })));
        // Runs with the old files still acquire lock files, and must be able to release them.
        assert_eq!(
            of_ours(Both, THEN, Dynamodb, false),
            ["let runs", "delete the", "remove the"]
        );
        assert_eq!(
            of_ours(Dynamodb, None, Dynamodb, false),
            ["let runs", "delete the", "remove the"]
        );
        assert!(matches!(
            last(Dynamodb, false),
            Some(MigrationStep::End { .. })
        ));
        // A missing table is created before anything else, and noted like an existing one.
        let make = OurSteps {
            make_table: Some(policy()),
            table_name: "locks".to_owned(),
            ..ours()
        };
        let none = MigrationFacts {
            table: None,
            makes_table: true,
            ..facts(S3, None)
        };
        assert_eq!(
            titles(&none, make, Both, false),
            ["create lock", "let runs", "delete the", "note on"]
        );
    }

    /// The last stage deletes every digest: it would become stale.
    #[test]
    fn digests_that_fit_stay_until_the_table_is_given_up() {
        let state = RewrittenState {
            path: "a.tfstate".to_owned(),
            modified: None,
            version: None,
            unreadable: None,
            md5: Some("900150983cd24fb0d6963f7d28e17f72".to_owned()),
            digest: Some("900150983CD24FB0D6963F7D28E17F72".to_owned()),
            under_lock_file: None,
            has_versions: true,
        };
        let with = |now| MigrationFacts {
            used: MigrationUsage {
                states: vec![state.clone()],
                ..MigrationUsage::default()
            },
            ..facts(now, THEN)
        };
        assert_eq!(
            titles(&with(Both), OurSteps::default(), Both, false),
            Vec::<String>::new(),
            "of either case"
        );
        assert_eq!(
            titles(&with(Both), OurSteps::default(), S3, false),
            ["delete the", "remove the"]
        );
    }
}
