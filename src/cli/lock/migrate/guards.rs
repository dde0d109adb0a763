//! The conditions that block a stage, all reported at once with hints. Pure.

use jiff::Timestamp;

use crate::{
    backend::aws::store::migration::{MigrationUsage, RewrittenState},
    settings::layer::LockMechanism,
    state::engine::knows_lock_files,
};

/// The current stage, and the existing locks and states.
#[derive(Debug)]
pub(super) struct MigrationFacts {
    /// The mechanism in the files; `None` without files and without `--lock`.
    pub now: Option<LockMechanism>,
    /// The time since which lock files are in use beside the table.
    pub since: Option<Timestamp>,
    pub used: MigrationUsage,
    pub table: Option<String>,
    /// True if a missing table is created as a step.
    pub makes_table: bool,
    /// The lock files of this bucket, as a policy names them.
    pub lock_files: String,
    pub runners: Vec<RunnerLockRights>,
    /// Descriptions of denials in the bucket policy that affect lock files; or the error of
    /// reading it.
    pub denials: Result<Vec<String>, String>,
    /// Words that name the backend on a command line, each after a space.
    pub words: String,
}

impl MigrationFacts {
    /// Returns whether the migration to lock files is complete: nothing marks the table as in use.
    fn is_over(&self) -> bool {
        let has_digest = self.used.states.iter().any(|state| state.digest.is_some());
        self.now == Some(LockMechanism::S3)
            && (self.table.is_none()
                || (self.since.is_none() && !has_digest && self.used.orphans.is_empty()))
    }
}

/// A principal that runs Terraform, and its missing permissions for lock files.
#[derive(Debug)]
pub(super) struct RunnerLockRights {
    /// As in `role/ci`, or the name of a policy.
    pub who: String,
    pub denied: Vec<String>,
    /// The error of reading its permissions.
    pub unread: Option<String>,
}

/// The options of the command line.
#[derive(Clone, Debug, Default)]
pub(super) struct MigrationConsent {
    /// The oldest version of Terraform or OpenTofu in use.
    pub min_version: Option<String>,
    pub drop_table: bool,
}

/// A reason not to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MigrationRefusal {
    pub what: String,
    pub hint: String,
}

fn refusal(what: impl Into<String>, hint: impl Into<String>) -> MigrationRefusal {
    MigrationRefusal {
        what: what.into(),
        hint: hint.into(),
    }
}

/// Returns all reasons.
pub(super) fn refusals(
    facts: &MigrationFacts,
    to: LockMechanism,
    said: &MigrationConsent,
) -> Vec<MigrationRefusal> {
    let mut all = vec![];
    for error in &facts.used.unseen {
        all.push(refusal(
            format!("not everything can be read: {error}"),
            "grant these credentials read access, then run the command again",
        ));
    }
    let words = &facts.words;
    for lock in &facts.used.locks {
        let ids = lock.ids().join(" and ");
        all.push(refusal(
            format!("{} is locked ({ids})", lock.located.path),
            format!(
                "wait until the run ends, or, if it has ended, release its lock: tfbackend lock \
                 release --id ID{words}"
            ),
        ));
    }
    if to.uses_table() && facts.table.is_none() && !facts.makes_table {
        all.push(refusal(
            "there is no lock table",
            "create one, and name it: --table NAME",
        ));
    }
    match to {
        LockMechanism::Both => all.extend(to_both(facts, said)),
        LockMechanism::S3 => all.extend(to_files(facts, said)),
        LockMechanism::Dynamodb => all.extend(to_table(facts)),
    }
    all
}

/// Away from the table: all runs must support lock files and be allowed to write them.
fn to_both(facts: &MigrationFacts, said: &MigrationConsent) -> Vec<MigrationRefusal> {
    let mut all = versions_said(said);
    if said.min_version.is_none() {
        all.extend(facts.used.states.iter().filter_map(|state| {
            let upgrade = "upgrade all users to Terraform or OpenTofu 1.10 or later; if that is \
                           done, pass --min-version 1.10";
            match version_of(state) {
                Ok(true) => None,
                Ok(false) => {
                    let version = state.version.as_deref().unwrap_or_default();
                    Some(refusal(
                        format!(
                            "version {version} wrote {}, and lock files are supported since 1.10",
                            state.path
                        ),
                        upgrade,
                    ))
                }
                Err(why) => Some(refusal(
                    format!("which version wrote {} is unknown: {why}", state.path),
                    upgrade,
                )),
            }
        }));
    }
    all.extend(may_lock(facts));
    all
}

/// To lock files only: no run may remain that locks only in the table.
fn to_files(facts: &MigrationFacts, said: &MigrationConsent) -> Vec<MigrationRefusal> {
    let mut all = versions_said(said);
    if said.drop_table && facts.used.others > 0 {
        all.push(refusal(
            format!(
                "the table has {} other items, of other buckets or keys",
                facts.used.others
            ),
            "keep the table: omit --drop-table",
        ));
    }
    if facts.is_over() {
        return all;
    }
    let both = format!("first: tfbackend lock migrate --to both{}", facts.words);
    let Some(since) = facts.since else {
        all.push(refusal(
            "lock files are not in use beside the table yet",
            both,
        ));
        return all;
    };
    if facts.now == Some(LockMechanism::Dynamodb) {
        all.push(refusal("the files here use only the lock table", both));
    }
    all.extend(
        facts
            .used
            .states
            .iter()
            .filter_map(|state| not_ready(state, since, &facts.words)),
    );
    all.extend(may_lock(facts));
    all
}

/// Back to the table.
fn to_table(facts: &MigrationFacts) -> Vec<MigrationRefusal> {
    match facts.now {
        Some(LockMechanism::S3) => vec![refusal(
            "the files here use only lock files, which runs that use only the table do not see",
            format!("first: tfbackend lock migrate --to both{}", facts.words),
        )],
        Some(LockMechanism::Both | LockMechanism::Dynamodb) | None => vec![],
    }
}

fn versions_said(said: &MigrationConsent) -> Vec<MigrationRefusal> {
    let Some(version) = &said.min_version else {
        return vec![];
    };
    match knows_lock_files(version) {
        Some(true) => vec![],
        Some(false) => {
            let hint = "upgrade it first; until then keep the lock table as the only lock";
            vec![refusal(
                format!("version {version} is in use, and lock files are supported since 1.10"),
                hint,
            )]
        }
        None => vec![refusal(
            format!("{version} is not a version"),
            "as in --min-version 1.11.4",
        )],
    }
}

fn may_lock(facts: &MigrationFacts) -> Vec<MigrationRefusal> {
    let denied = match &facts.denials {
        Ok(denials) => {
            let hint =
                "a lock file that cannot be released blocks every run: change the statement first";
            denials
                .iter()
                .map(|denial| refusal(format!("the bucket policy: {denial}"), hint))
                .collect()
        }
        Err(error) => vec![refusal(
            format!("whether the bucket policy allows lock files is unknown: {error}"),
            "grant these credentials permission to read it, then run the command again",
        )],
    };
    let missing = facts
        .runners
        .iter()
        .filter(|runner| !runner.denied.is_empty() || runner.unread.is_some());
    let missing = missing.map(|runner| {
        if let Some(error) = &runner.unread {
            let hint = "grant these credentials permission to read and change it, then run the \
                        command again";
            return refusal(
                format!(
                    "whether {} allows lock files is unknown: {error}",
                    runner.who
                ),
                hint,
            );
        }
        let actions = runner
            .denied
            .iter()
            .map(|action| format!("\"{action}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let statement = format!(
            r#"{{"Effect": "Allow", "Action": [{actions}], "Resource": "{}"}}"#,
            facts.lock_files
        );
        refusal(
            format!(
                "{} does not allow {} on lock files",
                runner.who,
                runner.denied.join(", ")
            ),
            format!(
                "tfbackend does not manage it: add this statement to it, or to another policy of \
                 the same principals: {statement}"
            ),
        )
    });
    denied.into_iter().chain(missing).collect()
}

/// Returns whether the version that last wrote a state supports lock files.
fn version_of(state: &RewrittenState) -> Result<bool, String> {
    match (&state.unreadable, &state.version) {
        (Some(why), _) => Err(why.clone()),
        (None, None) => Err("the state does not name it".to_owned()),
        (None, Some(version)) => {
            knows_lock_files(version).ok_or_else(|| format!("{version} is not a version"))
        }
    }
}

/// Returns the reason why a run that locks only in the table may still use a state.
pub(super) fn not_ready(
    state: &RewrittenState,
    since: Timestamp,
    words: &str,
) -> Option<MigrationRefusal> {
    let path = &state.path;
    let touch = format!("tfbackend lock migrate --touch{words}");
    let write = format!(
        "write it with the new files: run `terraform apply`, or `{touch}` for a state that never \
         changes"
    );
    match (state.modified, version_of(state), state.under_lock_file) {
        (None, ..) => Some(refusal(
            format!("when {path} was written is unknown"),
            write,
        )),
        (Some(modified), ..) if modified < since => Some(refusal(
            format!(
                "{path} was last written at {modified:.0}, before lock files were in use \
                 ({since:.0})"
            ),
            write,
        )),
        (Some(modified), _, Some(false)) => Some(refusal(
            format!("{path} was last written at {modified:.0}, and not under a lock file"),
            "it is in use with the old files: have its users run `terraform init -reconfigure`, \
             then write it again",
        )),
        (Some(_), Ok(true), Some(true) | None) => None,
        (Some(_), Ok(false), _) => {
            let version = state.version.as_deref().unwrap_or_default();
            Some(refusal(
                format!("version {version} wrote {path}, and lock files are supported since 1.10"),
                write,
            ))
        }
        // A client that acquires a lock file supports them.
        (Some(_), Err(_), Some(true)) if state.unreadable.is_none() => None,
        (Some(_), Err(why), _) => Some(refusal(
            format!("which version wrote {path} is unknown: {why}"),
            write,
        )),
    }
}

/// Returns the reason why writing a blocking state once more does not help; `None` if it does.
pub(super) fn untouchable(
    state: &RewrittenState,
    since: Timestamp,
    words: &str,
) -> Option<MigrationRefusal> {
    if let Some(why) = &state.unreadable {
        let hint = format!("`tfbackend state check{words}` names the version that can be restored");
        return Some(refusal(
            format!("{} cannot be read: {why}", state.path),
            hint,
        ));
    }
    // A run with the old files, found out: the state is in use by a run that locks only in the
    // table.
    if state.modified.is_some_and(|modified| modified >= since) {
        return not_ready(state, since, words);
    }
    let has_versions = state.has_versions;
    not_ready(
        &RewrittenState {
            modified: Some(since),
            under_lock_file: has_versions.then_some(true),
            ..state.clone()
        },
        since,
        words,
    )
}

#[cfg(test)]
mod tests;
